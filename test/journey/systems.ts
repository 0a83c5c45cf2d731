/** PIE, the model registry and StackFlow behind one gateway, each with an upstream that remembers what reached it. */
import { randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import type { Test } from "tap";
import { startIssuer } from "../../src/demo/issuer/issuer.ts";
import type { Pool } from "../../src/demo/issuer/pool.ts";
import { createClient, type Answer, type SentHeaders } from "./client.ts";
import { Clocks } from "./clocks.ts";
import { startSallyport, type Sallyport } from "./harness.ts";
import { startUpstream, type Seen } from "./recording-upstream.ts";

export const APP_CLIENT = "stackflow-web";
export const MACHINE_CLIENT = "stackflow-integration";
export const MACHINE_TENANT = "t1";

/** Slow enough that no limit of the shipped policy is reached: twenty calls in a minute. */
const UNHURRIED_MS = 3000;
const SHIPPED = join(import.meta.dirname, "../../config");
const POLICY_FILES = ["sallyport.yaml", "services/pie.yaml", "services/model-registry.yaml", "services/stackflow.yaml"];

/** What a call carries. */
export interface Carried {
  /** Sent as `Authorization: Bearer …`. */
  readonly token?: string;
  /** Sent as `x-api-key`. */
  readonly key?: string;
  readonly headers?: SentHeaders;
}

export interface Outcome extends Answer {
  /** `allow`, `preflight`, or the code of the refusal, as the decision log has it. */
  readonly verdict: string;
  /** The one request that reached an upstream; undefined unless it was allowed. */
  readonly reached: Seen | undefined;
}

export interface Systems {
  readonly sallyport: Sallyport;
  /** What the policy files are filled with, secrets too. */
  readonly environment: Readonly<Record<string, string>>;
  readonly piePool: Pool;
  readonly flowPool: Pool;
  readonly clocks: Clocks;
  /** Secrets of the model registry. */
  readonly registryToken: string;
  readonly previousRegistryToken: string;
  /** One call after another, `GET /v2/health`. Throws when an upstream saw a refused request, or an allowed one not exactly once. */
  readonly ask: (line: string, carried?: Carried) => Promise<Outcome>;
  /** The same at this very instant, for tests of limits. */
  readonly askAtOnce: Systems["ask"];
}

export interface SystemsOptions {
  /** Policy files that are not as shipped, by their path. */
  readonly files?: Readonly<Record<string, string>>;
  /** The same of a shadow policy; none where nothing is given. */
  readonly shadow?: Readonly<Record<string, string>>;
}

export async function startSystems(t: Test, { files, shadow }: SystemsOptions = {}): Promise<Systems> {
  const clocks = new Clocks();
  const pools = [
    { id: "us-east-2_PieTest01", people: [{ username: "sam" }] },
    { id: "us-east-2_FlowTest1", people: [{ username: "ivy" }] },
  ];
  const issuer = await startIssuer({ now: clocks.now, randomBytes, pools });
  t.teardown(() => issuer.close());
  const [piePool, flowPool] = issuer.pools as [Pool, Pool];
  const upstream = await startUpstream(t);
  const registryToken = randomBytes(24).toString("hex");
  const previousRegistryToken = randomBytes(24).toString("hex");
  const environment = {
    PIE_URL: upstream.url,
    PIE_ISSUER: piePool.iss,
    PIE_JWKS: piePool.jwks,
    REGISTRY_URL: upstream.url,
    REGISTRY_AUTH_TOKEN: registryToken,
    REGISTRY_AUTH_TOKEN_PREVIOUS: previousRegistryToken,
    STACKFLOW_URL: upstream.url,
    STACKFLOW_ISSUER: flowPool.iss,
    STACKFLOW_JWKS: flowPool.jwks,
    STACKFLOW_APP_CLIENT: APP_CLIENT,
    STACKFLOW_MACHINE_CLIENT: MACHINE_CLIENT,
    STACKFLOW_MACHINE_TENANT: MACHINE_TENANT,
  };
  const sallyport = await startSallyport(t, {
    files: { ...shippedFiles(), ...files },
    ...(shadow && { shadow: { ...shippedFiles(), ...shadow } }),
    environment,
    now: clocks.now,
    monotonicNow: clocks.monotonicNow,
  });
  const send = createClient(t, sallyport.url);
  const askAtOnce: Systems["ask"] = async (line, carried = {}) => {
    const [method = "", target = ""] = line.split(" ");
    const answer = await send(method, target, headersOf(carried));
    return outcomeOf(line, answer, upstream.take(), sallyport);
  };
  const ask: Systems["ask"] = (line, carried) => {
    clocks.pass(UNHURRIED_MS);
    return askAtOnce(line, carried);
  };
  return { sallyport, environment, piePool, flowPool, clocks, registryToken, previousRegistryToken, ask, askAtOnce };
}

function headersOf({ token, key, headers }: Carried): SentHeaders {
  return { ...(token !== undefined && { authorization: `Bearer ${token}` }), ...(key !== undefined && { "x-api-key": key }), ...headers };
}

function outcomeOf(line: string, answer: Answer, seen: readonly Seen[], sallyport: Sallyport): Outcome {
  const verdict = verdictOf(answer, sallyport);
  const expected = verdict === "allow" ? 1 : 0;
  if (seen.length !== expected)
    throw new Error(`${line} got ${answer.status} ${verdict}, and ${seen.length} requests reached the upstream`);
  return { ...answer, verdict, reached: seen[0] };
}

/** The shipped policy logs what is not forwarded: no line, and an answer of the upstream's, is an allowed request. */
function verdictOf(answer: Answer, sallyport: Sallyport): string {
  const record = sallyport.decision(String(answer.headers["x-decision-id"]));
  if (record?.["outcome"] === "deny") return String(record["code"]);
  return answer.status === 204 ? "preflight" : "allow";
}

/** The shipped policy files by their path, for tests that change one of them. */
export function shippedFiles(): Record<string, string> {
  return Object.fromEntries(POLICY_FILES.map((path) => [path, readFileSync(join(SHIPPED, path), "utf8")]));
}

/** A shipped policy file with one place of it written otherwise. */
export function shippedWith(path: string, place: string, other: string): Record<string, string> {
  const text = readFileSync(join(SHIPPED, path), "utf8");
  if (text.split(place).length !== 2) throw new Error(`${path} does not have ${JSON.stringify(place)} exactly once`);
  return { [path]: text.replace(place, () => other) };
}
