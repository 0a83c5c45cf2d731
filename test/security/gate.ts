/**
 * A whole Sallyport in front of an upstream that remembers what reached it, for the classes of attack that need
 * no bytes of their own. Every call proves what it shows: refused means that nothing was forwarded, and when the
 * test ends the log holds none of the credentials that were sent.
 */
import type { RequestListener } from "node:http";
import type { Test } from "tap";
import { answerJson, issuerServer, keySetOf, type IssuerServer } from "../authenticate/fixtures/issuer-server.ts";
import { rsaKey, type IssuerKey } from "../authenticate/fixtures/keys.ts";
import { createClient, type Answer, type Send, type SentHeaders } from "../journey/client.ts";
import { Clocks } from "../journey/clocks.ts";
import { startSallyport, type Sallyport } from "../journey/harness.ts";
import { startUpstream, type RecordingUpstream, type Seen } from "../journey/recording-upstream.ts";

/** The issuer's `iss`; its keys are fetched from loopback. */
export const ISS = "https://cognito-idp.us-east-2.amazonaws.com/us-east-2_Gate00001";
export const CLIENT = "c1";

export interface GateShape {
  /** Service files by name: YAML after `service:` and `upstream:`. */
  readonly services: Readonly<Record<string, string>>;
  /** More lines of the gateway file. */
  readonly gateway?: string;
  /** Beside UPSTREAM, ISSUER and JWKS. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What the upstream answers; 200 where nothing is given. */
  readonly answer?: RequestListener;
}

export interface Asked extends Answer {
  /** `allow`, `preflight`, or the code of the refusal, as the decision log has it. */
  readonly verdict: string;
  /** The one request that reached the upstream; undefined unless it was allowed. */
  readonly reached: Seen | undefined;
}

export interface Gate {
  readonly sallyport: Sallyport;
  /** Serves the keys k1 and k2. */
  readonly issuer: IssuerServer;
  readonly k1: IssuerKey;
  readonly k2: IssuerKey;
  readonly upstream: RecordingUpstream;
  readonly clocks: Clocks;
  readonly port: number;
  /** `GET /path`, and what is sent with it. Throws when the upstream saw a refused request, or an allowed one not exactly once. */
  readonly ask: (line: string, headers?: SentHeaders) => Promise<Asked>;
  /** The verdict alone. */
  readonly verdict: (line: string, headers?: SentHeaders) => Promise<string>;
  /** The same without a look at upstream and log, for floods. */
  readonly send: Send;
  /** Log lines as written. */
  readonly logText: () => string;
}

/** Made once for each file of tests. */
const KEYS = [rsaKey("k1"), rsaKey("k2")] as const;

export async function startGate(t: Test, shape: GateShape): Promise<Gate> {
  const clocks = new Clocks();
  const [k1, k2] = KEYS;
  const issuer = await issuerServer(t, answerJson(keySetOf(k1, k2)));
  const upstream = await startUpstream(t, shape.answer);
  const sallyport = await startSallyport(t, {
    files: gateFiles(shape),
    environment: { UPSTREAM: upstream.url, ISSUER: ISS, JWKS: issuer.jwks, ...shape.environment },
    now: clocks.now,
    monotonicNow: clocks.monotonicNow,
  });
  const sent = new Set<string>();
  t.teardown(() => throwOnLeak(logTextOf(sallyport), sent));
  const send = createClient(t, sallyport.url);
  const ask: Gate["ask"] = async (line, headers = {}) => {
    for (const secret of secretsIn(headers)) sent.add(secret);
    const space = line.indexOf(" ");
    const answer = await send(line.slice(0, space), line.slice(space + 1), headers);
    return askedOf(line, answer, upstream.take(), sallyport);
  };
  return {
    sallyport,
    issuer,
    k1,
    k2,
    upstream,
    clocks,
    port: sallyport.running.ports.gateway,
    ask,
    send,
    verdict: async (line, headers) => (await ask(line, headers)).verdict,
    logText: () => logTextOf(sallyport),
  };
}

/** The policy files of a gate, by path. */
export function gateFiles({ services, gateway = "" }: Pick<GateShape, "services" | "gateway">): Record<string, string> {
  const files = Object.entries(services).map(([name, yaml]) => [
    `services/${name}.yaml`,
    `version: 1\nservice: ${name}\n${withUpstream(yaml)}`,
  ]);
  return { "sallyport.yaml": `${GATEWAY}${gateway}\n`, ...Object.fromEntries(files) };
}

const GATEWAY = `version: 1
listen: { host: 127.0.0.1, port: 8080 }
admin: { port: 9090, tokens: [{ id: ops, value: "\${ADMIN_TOKEN}" }] }
stores: { keys: "sqlite:data/keys.db", counters: memory }
log: { level: debug, decisions: all }
services: [services/*.yaml]
`;

function withUpstream(yaml: string): string {
  return yaml.includes("upstream:") ? yaml : `upstream: { url: "\${UPSTREAM}" }\n${yaml}`;
}

function askedOf(line: string, answer: Answer, seen: readonly Seen[], sallyport: Sallyport): Asked {
  const verdict = verdictOf(answer, sallyport);
  const expected = verdict === "allow" ? 1 : 0;
  if (seen.length !== expected)
    throw new Error(`${line} got ${answer.status} ${verdict}, and ${seen.length} requests reached the upstream`);
  return { ...answer, verdict, reached: seen[0] };
}

/** An allowed request is logged when its answer has gone out, which the client may see first; a refusal at once. */
function verdictOf(answer: Answer, sallyport: Sallyport): string {
  const record = sallyport.decision(String(answer.headers["x-decision-id"]));
  if (record?.["outcome"] === "deny") return String(record["code"]);
  return record?.["outcome"] === "preflight" ? "preflight" : "allow";
}

export function bearer(token: string): { readonly authorization: string } {
  return { authorization: `Bearer ${token}` };
}

/** A refusal as the client reads it, without what differs from one request to the next. */
export function refusalOf({ status, headers, body }: Answer): unknown {
  const { date: _date, "content-length": _length, "x-decision-id": id, ...others } = headers;
  return { status, headers: { ...others }, body: body.replaceAll(String(id), "ID") };
}

/** Random enough that it stands nowhere by chance. */
const SHORTEST_SECRET = 12;
const SECRET_HEADERS = new Set(["authorization", "cookie", "x-api-key", "proxy-authorization"]);

/** Whole values and each part of a token: its signature alone must not be logged either. */
export function secretsIn(headers: SentHeaders): readonly string[] {
  const values = Object.entries(headers).flatMap(([name, value]) => (SECRET_HEADERS.has(name.toLowerCase()) ? [value].flat() : []));
  return values.flatMap((value) => value.split(/[\s.,;="']+/)).filter((part) => part.length >= SHORTEST_SECRET);
}

function logTextOf(sallyport: Sallyport): string {
  return sallyport
    .log()
    .map((line) => JSON.stringify(line))
    .join("\n");
}

function throwOnLeak(log: string, secrets: ReadonlySet<string>): void {
  for (const secret of secrets)
    if (log.includes(secret)) throw new Error(`the log holds ${secret.slice(0, 8)}…, which was sent as a credential`);
}
