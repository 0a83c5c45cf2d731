/** OpenAPI documents for tests, and the two commands as they are called. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import type { Policy } from "../../src/contract/policy.ts";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { type Answer, answerOf } from "../cli/run-command.ts";

export function run(...argv: readonly string[]): Promise<Answer> {
  return answerOf(argv);
}

/** A folder with a gateway file, an OpenAPI document and, once imported, its service. */
export interface Workshop {
  readonly api: string;
  readonly config: string;
  readonly serviceFile: string;
  /** Writes the document, as JSON unless it is a text. */
  readonly write: (document: unknown) => void;
  readonly importIt: () => Promise<Answer>;
  /** The policy that the gateway would serve; throws with the diagnostics where it does not load. */
  readonly policy: () => Policy;
  readonly serviceText: () => string;
  readonly coverage: (...more: readonly string[]) => Promise<Answer>;
}

const GATEWAY = `version: 1
listen: { port: 8080 }
services: [services/*.yaml]
`;

export function workshop(t: Test): Workshop {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-openapi-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [api, config, serviceFile] = [join(folder, "api.json"), join(folder, "sallyport.yaml"), join(folder, "services/api.yaml")];
  mkdirSync(join(folder, "services"));
  writeFileSync(config, GATEWAY);
  return {
    api,
    config,
    serviceFile,
    write: (document) => writeFileSync(api, typeof document === "string" ? document : JSON.stringify(document)),
    importIt: () => {
      rmSync(serviceFile, { force: true });
      return run("import", "--openapi", api, "--service", "api", "--out", serviceFile);
    },
    policy: () => policyAt(config),
    serviceText: () => readFileSync(serviceFile, "utf8"),
    coverage: (...more) => run("coverage", "--openapi", api, "--service", "api", "--config", config, ...more),
  };
}

function policyAt(configPath: string): Policy {
  const loaded = loadPolicy({ configPath, environment: {}, offline: true });
  if (loaded.kind === "policy") return loaded.policy;
  throw new Error(loaded.diagnostics.map((one) => formatDiagnostic(one, { colour: false })).join("\n"));
}

/** A document of these paths, in which a bearer token is asked for unless an operation says otherwise. */
export function documentOf(paths: object, more: object = {}): object {
  return {
    openapi: "3.1.0",
    info: { title: "Some API", version: "1" },
    security: [{ token: [] }],
    components: { securitySchemes: { token: { type: "http", scheme: "bearer", bearerFormat: "JWT" } } },
    paths,
    ...more,
  };
}

/** An operation with this `security`. */
export function asking(security: unknown): object {
  return { security, responses: {} };
}
