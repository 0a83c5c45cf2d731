/** Files without a mistake → the one immutable policy. */
import type { Policy, Service } from "../../contract/policy.ts";
import { headerKey } from "../../contract/header-key.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { ServiceFile } from "../schema/service.ts";
import type { Source } from "../source.ts";
import { hostTable, methodTrees } from "../table.ts";
import type { Issuers } from "./authenticator.ts";
import { compileGateway } from "./gateway.ts";
import { addLimits, addressLimits } from "./limits.ts";
import { patternOf } from "./route.ts";
import { compileService, IDENTITY } from "./service.ts";

export interface ServiceSource {
  readonly file: ServiceFile;
  readonly source: Source;
}

/** All files, checked before; `path` is the gateway file's. */
export function compilePolicy(gateway: GatewayFile, path: string, files: readonly ServiceSource[], revision: string): Policy {
  const issuers: Issuers = new Map();
  const mountable = files.map(({ file, source }) => {
    const service = compileService(file, source, gateway, issuers);
    const routes = service.routes.map((route) => ({ route, segments: patternOf(route.name).segments }));
    return { service, hosts: file.hosts ?? [], methods: methodTrees(routes) };
  });
  const services = mountable.map(({ service }) => service);
  return {
    revision,
    gateway: compileGateway(gateway, path),
    services,
    hosts: hostTable(mountable),
    strippedHeaders: strippedHeaders(services),
    addressLimits: addressLimits(addLimits(new Map(), gateway.defaults?.limits, "gateway")),
  };
}

function strippedHeaders(services: readonly Service[]): ReadonlySet<string> {
  const names = services.flatMap((service) => [
    ...Object.values(service.upstream.identity),
    ...service.authenticators.flatMap((one) => (one.kind === "apiKey" ? [one.header] : [])),
    ...(service.tenant?.header === undefined ? [] : [service.tenant.header]),
  ]);
  return new Set([...Object.values(IDENTITY), ...names].map((name) => headerKey(String(name))));
}
