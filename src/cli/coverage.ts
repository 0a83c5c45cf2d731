/** `sallyport coverage`: an OpenAPI document against the routes of a service. */
import { type ApiCoverage, apiCoverage } from "../assurance/openapi/coverage/coverage.ts";
import { coverageJson, ofKind } from "../assurance/openapi/coverage/coverage-json.ts";
import type { ApiDocument } from "../assurance/openapi/model.ts";
import type { Policy, Service } from "../contract/policy.ts";
import { loadPolicy } from "../policy/load.ts";
import { type Call, type Command, configPath, flag, required, text, UsageError } from "./command.ts";
import { coverageText } from "./coverage-text.ts";
import { refuseInvalid } from "./mistakes.ts";
import { openapiDocument } from "./openapi-file.ts";

export const coverageCommand: Command = {
  name: "coverage",
  summary: "compares an OpenAPI document with the routes of a service",
  usage: "--openapi FILE --service NAME [--base PATH] [--fail-under N] [--all | --json]",
  help: `Puts every operation of an OpenAPI 3.0 or 3.1 document to the gateway's own
matcher and says which ones no route reaches, which are reached only through a
wildcard or denied, which routes are no operation's, and where the document's
scopes and the route's permissions let different callers in. Needs no secret
and no network.

  --openapi FILE  the document, YAML or JSON
  --service NAME  the service whose routes are meant
  --base PATH     what stands before the document's paths (default: the
                  service's prefix)
  --fail-under N  the answer is no where less than N percent are reached
  --all           every row; without it a list ends after 20
  --config FILE   the gateway file (default config/sallyport.yaml)
  --json          for machines: { "percent", "uncovered", "wildcard", … }
                  or { "diagnostics" }

Exit code 0: every operation is reached or denied by a line. 1: one is not, or
less than N percent are, or a file is not valid. 2: wrong use.

  sallyport coverage --openapi pie.yaml --service pie
  sallyport coverage --openapi pie.yaml --service pie --fail-under 95 --json`,
  options: {
    openapi: { type: "string" },
    service: { type: "string" },
    base: { type: "string" },
    "fail-under": { type: "string" },
    all: { type: "boolean" },
    json: { type: "boolean" },
  },
  positionals: [0, 0],
  run: (call) => {
    const least = percentOption(call);
    const name = required(call, "service");
    const base = baseOption(call);
    const document = openapiDocument(call);
    const policy = document && policyOf(call);
    if (!document || !policy) return 1;
    const coverage = apiCoverage(policy, serviceNamed(policy, name), document, base);
    if (flag(call, "json")) call.terminal.out(`${JSON.stringify(coverageJson(coverage, document), undefined, 2)}\n`);
    else call.terminal.out(coverageText(coverage, document, { base, columns: call.terminal.columns, all: flag(call, "all") }));
    if (least !== undefined && coverage.percent < least)
      call.terminal.err(`sallyport coverage: ${coverage.percent} % is decided, less than ${least} %\n`);
    return isEnough(coverage, document, least) ? 0 : 1;
  },
};

/** Without `--fail-under` nothing may be left uncovered or unread. */
function isEnough({ percent, operations }: ApiCoverage, { unread }: ApiDocument, least: number | undefined): boolean {
  return least === undefined ? unread.length === 0 && ofKind(operations, "uncovered").length === 0 : percent >= least;
}

function percentOption(call: Call): number | undefined {
  const written = text(call, "fail-under");
  if (written === undefined) return undefined;
  if (/^\d+(?:\.\d+)?$/.test(written) && Number(written) <= 100) return Number(written);
  throw new UsageError("--fail-under takes a number from 0 to 100");
}

function baseOption(call: Call): string | undefined {
  const base = text(call, "base");
  if (base === undefined || (base.startsWith("/") && base.isWellFormed())) return base;
  throw new UsageError("--base takes a path that begins with `/`");
}

function policyOf(call: Call): Policy | undefined {
  const loaded = loadPolicy({ configPath: configPath(call), environment: call.terminal.environment, offline: true });
  if (loaded.kind === "policy") return loaded.policy;
  return void refuseInvalid(call, loaded.diagnostics);
}

function serviceNamed({ services }: Policy, name: string): Service {
  const found = services.find((service) => service.name === name);
  if (found) return found;
  throw new UsageError(`there is no service "${name}"; there are ${services.map((service) => service.name).join(", ")}`);
}
