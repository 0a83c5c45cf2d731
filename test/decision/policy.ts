/** Policies and requests for tests of the decision: small YAML in, facts in, decision out. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Proof } from "../../src/contract/caller.ts";
import type { Decision, RequestFacts } from "../../src/contract/decision.ts";
import type { Policy } from "../../src/contract/policy.ts";
import { canonicalPath } from "../../src/decision/path.ts";
import { decide } from "../../src/decision/decide.ts";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { loadPolicy } from "../../src/policy/load.ts";

const GATEWAY = `version: 1
listen: { host: 127.0.0.1, port: 8080 }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/*.yaml]
`;

/** Compiles services given as YAML, each without its first two lines (`version`, `service`). Throws the diagnostics. */
export function policyOf(services: Readonly<Record<string, string>>, gateway: string = GATEWAY): Policy {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-decision-"));
  try {
    mkdirSync(join(folder, "services"));
    writeFileSync(join(folder, "sallyport.yaml"), gateway);
    for (const [name, yaml] of Object.entries(services))
      writeFileSync(join(folder, `services/${name}.yaml`), `version: 1\nservice: ${name}\n${yaml}`);
    const loaded = loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment: {} });
    if (loaded.kind === "policy") return loaded.policy;
    throw new Error(loaded.diagnostics.map((one) => formatDiagnostic(one, { colour: false })).join("\n"));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

export interface RequestSketch {
  readonly method?: string;
  /** With its query. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string | readonly string[]>>;
  readonly host?: string;
  readonly address?: string;
  readonly websocket?: boolean;
}

/** Facts of a request; throws where the path has no canonical form. */
export function requestOf(sketch: RequestSketch): RequestFacts {
  const [rawPath = "", query = ""] = sketch.target.split(/\?(.*)/s);
  const canonical = canonicalPath(rawPath);
  if (canonical.kind === "invalid") throw new Error(`${sketch.target}: ${canonical.reason}`);
  const headers = new Map(Object.entries(sketch.headers ?? {}).map(([name, value]) => [name, [value].flat()]));
  const origin = headers.get("origin")?.[0];
  const preflightMethod = headers.get("access-control-request-method")?.[0];
  return {
    method: sketch.method ?? "GET",
    path: canonical.path,
    query,
    host: sketch.host ?? "gateway.example",
    address: sketch.address ?? "192.0.2.1",
    ...(origin !== undefined && { origin }),
    ...(preflightMethod !== undefined && { preflightMethod }),
    websocket: sketch.websocket ?? false,
    header: (name) => headers.get(name) ?? [],
  };
}

export const NOW = Date.parse("2026-11-21T12:00:00Z");

/** What the policy says; without `proof` nobody is asking. */
export function decisionOf(policy: Policy, sketch: RequestSketch, proof: Proof = { kind: "none" }, now = NOW): Decision {
  return decide(policy, { request: requestOf(sketch), proof, now });
}

/** The outcome in a word: the code of a refusal, or the name of the route that is allowed or preflighted. */
export function wordOf(decision: Decision): string {
  return decision.outcome === "deny" ? decision.code : `${decision.outcome} ${decision.route.name}`;
}

/** A proved token's claims, an hour long from now on. */
export function tokenOf(iss: string, claims: Readonly<Record<string, unknown>>): Proof {
  const iat = NOW / 1000 - 60;
  return { kind: "jwt", iss, claims: { iss, iat, exp: iat + 3600, ...claims } };
}
