/** A service that reads signatures, behind a whole Sallyport, in front of an upstream that writes down every byte. */
import { randomBytes } from "node:crypto";
import type { Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { createSealing, sealingKey } from "../../src/contract/sealing.ts";
import { openSqliteKeys, type SqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { sign, type Credentials, type Draft } from "../authenticate/fixtures/sigv4-signer.ts";
import { VECTOR_KEY, VECTOR_NOW, VECTOR_SCOPE, type SignedMessage } from "../authenticate/fixtures/sigv4-vectors.ts";
import { startSallyport, type Sallyport } from "../journey/harness.ts";
import { converse, type Answer } from "./raw-socket.ts";
import { startWitness, type Heard, type Witness } from "./witness.ts";

const SERVICE = "things";
export const SIGNER: Credentials = { ...VECTOR_KEY, ...VECTOR_SCOPE };
export const HOST = ["Host", "example.amazonaws.com"] as const;

const GATEWAY = `version: 1
listen: { host: 127.0.0.1, port: 8080 }
stores: { keys: "sqlite:data/keys.db", counters: memory, sealing: "\${SEALING}" }
log: { level: debug, decisions: all }
services: [services/*.yaml]
`;

const SERVICE_FILE = `version: 1
service: ${SERVICE}
upstream: { url: "\${UPSTREAM}" }
roles: { reader: [things.read], writer: [things.read, things.write] }
authenticators:
  iam: { sigv4: { region: us-east-1, service: service, HOLD }, tenant: account }
  token: { bearer: [{ id: one, value: "\${TOKEN}", access: [things.read] }] }
  key: { apiKey: { header: x-api-key, prefix: thk }, scopes: { read: [things.read] } }
routes:
  GET /: things.read
  POST /: { access: things.write, body: { max: 1MB } }
  GET /{rest...}: { access: things.read, encodedSlash: keep }
  POST /{rest...}: { access: things.write, body: { max: 1MB } }
  GET /open/{rest...}: public
  GET /narrow/{rest...}: { access: things.read, query: { allow: [page] } }
  POST /few/{rest...}: { access: things.write, body: { max: 100B }, timeouts: { idle: 500ms } }
  POST /counted/{rest...}: { access: things.write, limits: { three: { by: caller, rate: 3/minute } } }
  POST /large/{rest...}: { access: things.write, body: { max: 16MB } }
TENANT
`;

export interface Asked extends Answer {
  /** Code of the refusal as the decision log has it; `allow` where there is none. */
  readonly verdict: string;
  /** The one whole request that reached the upstream. */
  readonly heard: Heard | undefined;
  /** Every byte that reached the upstream. */
  readonly bytes: string;
}

export interface SigV4Fixture {
  readonly sallyport: Sallyport;
  readonly witness: Witness;
  readonly store: SqliteKeys;
  readonly sealing: string;
  readonly token: string;
  readonly apiKey: string;
  /** The gateway's clock, which stands still: epoch milliseconds. */
  readonly clock: { now: number };
  /** Sends the message over a socket of its own. Fails the test when a refused request reached the upstream whole. */
  readonly send: (message: SignedMessage) => Promise<Asked>;
  /** Signs with the good key, and sends. */
  readonly ask: (draft: Partial<Draft>) => Promise<Asked>;
  /** The verdict alone. */
  readonly verdict: (message: SignedMessage) => Promise<string>;
}

export interface SigV4Shape {
  /** The authenticator's `holdBody`. */
  readonly hold?: string;
  /** Whether a new sealing secret stands before the one that sealed. */
  readonly rotated?: boolean;
  /** The header in which a request may name its tenant. */
  readonly tenantHeader?: string;
}

/** Stopped when the test ends. The key's account is of tenant `acme`. */
export async function startSigV4(t: Test, { hold, rotated, tenantHeader }: SigV4Shape = {}): Promise<SigV4Fixture> {
  const witness = await startWitness(t);
  const clock = { now: VECTOR_NOW };
  const sealing = randomBytes(24).toString("base64");
  const token = randomBytes(24).toString("hex");
  const service = SERVICE_FILE.replace(", HOLD", hold === undefined ? "" : `, holdBody: ${hold}`).replace(
    "TENANT",
    tenantHeader === undefined ? "" : `tenant: { header: ${tenantHeader} }`,
  );
  const gateway = rotated === true ? GATEWAY.replace('"${SEALING}"', '["${NEXT_SEALING}", "${SEALING}"]') : GATEWAY;
  const sallyport = await startSallyport(t, {
    files: { "sallyport.yaml": gateway, "services/things.yaml": service },
    environment: { UPSTREAM: witness.url, SEALING: sealing, NEXT_SEALING: randomBytes(24).toString("base64"), TOKEN: token },
    now: () => clock.now,
    monotonicNow: () => clock.now,
  });
  const store = openSqliteKeys(sallyport.keyStore, { side: "command", create: true });
  t.teardown(() => store.close());
  const apiKey = fill(store, sealing);
  const send = (message: SignedMessage): Promise<Asked> => exchange(sallyport, witness, message);
  const ask: SigV4Fixture["ask"] = (draft) => send(sign({ headers: [HOST], at: clock.now, ...draft }, SIGNER));
  return { sallyport, witness, store, sealing, token, apiKey, clock, send, ask, verdict: async (message) => (await send(message)).verdict };
}

function fill(store: SqliteKeys, sealing: string): string {
  const owner = { service: SERVICE, id: VECTOR_KEY.id };
  const sealedSecret = createSealing([sealingKey(sealing)]).seal(VECTOR_KEY.secret, owner, randomBytes);
  store.createAccount({ service: SERVICE, id: "signer", kind: "service", role: "writer", tenant: "acme", enabled: true });
  store.createAccessKey({ ...owner, account: "signer", scopes: [], sealedSecret, createdAt: 0 });
  const { id, key } = makeApiKey("thk", randomBytes);
  store.createKey({ service: SERVICE, id, account: "signer", scopes: ["read"], digest: digestApiKey(key), createdAt: 0 });
  return key;
}

async function exchange(sallyport: Sallyport, witness: Witness, message: SignedMessage): Promise<Asked> {
  witness.takeBytes();
  const { answers } = await converse(sallyport.running.ports.gateway, bytesOf(message), { methods: [message.method] });
  const [answer] = answers;
  if (answer === undefined || answers.length > 1) throw new Error(`${answers.length} answers to ${message.method} ${message.target}`);
  const heard = witness.take();
  const verdict = verdictOf(answer, sallyport);
  if (heard.length !== (verdict === "allow" ? 1 : 0)) throw new Error(`${verdict}, and ${heard.length} requests reached the upstream`);
  return { ...answer, verdict, heard: heard[0], bytes: witness.takeBytes() };
}

/** The message on the wire; the connection closes behind it, and a body gets its length unless the message frames it itself. */
export function bytesOf({ method, target, headers, body }: SignedMessage): string {
  const lines = headers.map(([name, value]) => `${name}: ${value}`);
  const framed = headers.some(([name]) => /^(?:content-length|transfer-encoding)$/i.test(name));
  if (body !== "" && !framed) lines.push(`Content-Length: ${body.length}`);
  return `${[`${method} ${target} HTTP/1.1`, ...lines, "Connection: close"].join("\r\n")}\r\n\r\n${body}`;
}

/** What the parser refuses has no line of its own with the answer's id where the connection had no request yet. */
function verdictOf(answer: Answer, sallyport: Sallyport): string {
  const id = answer.headers.find(([name]) => name.toLowerCase() === "x-decision-id")?.[1] ?? "";
  const record = sallyport.decision(id);
  return record?.["outcome"] === "deny" ? String(record["code"]) : "allow";
}
