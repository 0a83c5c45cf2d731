/** `sallyport matrix`: who can call what, and backwards who can call one route. */
import { matrixCsv, matrixJson, whoJson } from "../assurance/matrix/matrix-data.ts";
import { matrixHtml } from "../assurance/matrix/matrix-html.ts";
import { matrixText } from "../assurance/matrix/matrix-text.ts";
import { matrixOf } from "../assurance/matrix/matrix.ts";
import { whoText } from "../assurance/matrix/who-text.ts";
import { routesNamed, whoCan } from "../assurance/matrix/who.ts";
import type { Policy } from "../contract/policy.ts";
import { loadPolicy } from "../policy/load.ts";
import { checkService, formatOf } from "./choice.ts";
import { type Call, type Command, configPath, text, UsageError } from "./command.ts";
import { refuseInvalid } from "./mistakes.ts";

const FORMATS = ["table", "csv", "json", "html"] as const;

type Format = (typeof FORMATS)[number];

export const matrixCommand: Command = {
  name: "matrix",
  summary: "shows who can call what",
  usage: "[--service NAME] [--format table|csv|json|html | --json] [--route 'METHOD /path'] [--config FILE]",
  help: `Sets every route against every class of caller: nobody, each role, group, scope,
key scope and secret, alone and in the smallest combinations that open a route.
Every cell is the gateway's own decision. Needs no secret and no network.
Classes that no route of a service tells apart share a column.

  --service NAME          this service only
  --format FORMAT         table (default), csv, json, or html: one page to keep
                          and to read without a network
  --json                  the same as --format json
  --route 'METHOD /path'  backwards: who can call this route, by which smallest
                          sets of grants. A pattern of the table with or without
                          prefix, or a path that leads there; table or json only
  --config FILE           the gateway file (default config/sallyport.yaml)

Exit code 0: done. 1: the policy is not valid. 2: wrong use, or no such service
or route.

  sallyport matrix --service pie
  sallyport matrix --format html > matrix.html
  sallyport matrix --route 'DELETE /prod/api/incidents/{id}'`,
  options: { service: { type: "string" }, format: { type: "string" }, json: { type: "boolean" }, route: { type: "string" } },
  positionals: [0, 0],
  run: (call) => {
    const format = formatOf(call, FORMATS);
    const loaded = loadPolicy({ configPath: configPath(call), environment: call.terminal.environment, offline: true });
    if (loaded.kind === "invalid") return refuseInvalid(call, loaded.diagnostics, { json: format === "json" });
    const route = text(call, "route");
    call.terminal.out(route === undefined ? wholeMatrix(loaded.policy, call, format) : backwards(loaded.policy, call, format, route));
    return 0;
  },
};

function wholeMatrix(policy: Policy, call: Call, format: Format): string {
  const name = text(call, "service");
  if (name !== undefined) checkService(policy, name);
  const services = matrixOf(policy, Date.now()).filter(({ service }) => name === undefined || service.name === name);
  switch (format) {
    case "json":
      return `${JSON.stringify({ revision: policy.revision, ...matrixJson(services) }, undefined, 2)}\n`;
    case "csv":
      return matrixCsv(services);
    case "html":
      return matrixHtml(services, policy.revision);
    case "table":
      return matrixText(services, call.terminal.columns);
  }
}

function backwards(policy: Policy, call: Call, format: Format, route: string): string {
  if (format !== "table" && format !== "json") throw new UsageError("--route is shown as table or json");
  const service = text(call, "service");
  if (service !== undefined) checkService(policy, service);
  const found = routesNamed(policy, route, service).map((one) => whoCan(policy, one, Date.now()));
  if (found.length === 0) throw new UsageError(`there is no route "${route}"`);
  if (format === "json") return `${JSON.stringify({ revision: policy.revision, routes: found.map(whoJson) }, undefined, 2)}\n`;
  return found.map((who) => whoText(who, call.terminal.columns)).join("\n");
}
