/** What is used of prom-client, for those who load it late: an `import()` of the package itself has other names once it is built. */
export { AggregatorRegistry, collectDefaultMetrics, Registry } from "prom-client";
