/** The route table of the attack catalogue, in front of an upstream that writes down every byte. */
import { randomBytes } from "node:crypto";
import type { Test } from "tap";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { startIssuer } from "../../src/demo/issuer/issuer.ts";
import type { Pool } from "../../src/demo/issuer/pool.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { startSallyport, type Sallyport } from "../journey/harness.ts";
import { converse, type Answer, type Conversation, type ConverseOptions } from "./raw-socket.ts";
import { startWitness, type Heard, type Witness } from "./witness.ts";

const POOL = "us-east-2_Attacks01";
const AUDIENCE = "web";

const gatewayFile = (trustProxy: readonly string[]): string => `version: 1
listen: { host: 127.0.0.1, port: 8080 }
trustProxy: ${JSON.stringify(trustProxy)}
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/*.yaml]
`;

const PEOPLE = `
  people:
    jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", use: id, caller: person, audience: [${AUDIENCE}] }
    groups: { admins: [admin], writers: [jobs.write] }
    tenant: { claim: "custom:tenant" }`;

const SERVICES = {
  catalogue: `
upstream: { url: "\${UPSTREAM}" }
authenticators:${PEOPLE}
tenant: { path: tenant }
routes:
  GET /public/{rest...}: public
  GET /quick/{rest...}: { access: public, timeouts: { headers: 1s, idle: 1s } }
  POST /inbox/{rest...}: public
  GET /admin/{rest...}: { access: admin, tenant: unchecked }
  GET /jobs/{rest...}: { access: jobs.read, tenant: unchecked }
  POST /jobs/{rest...}: { access: jobs.write, tenant: unchecked }
  GET /t/{tenant}/{rest...}: authenticated
  PUT /t/{tenant}/notes: authenticated
`,
  stripped: `
prefix: /api
stripPrefix: true
upstream: { url: "\${UPSTREAM}" }
routes:
  GET /{rest...}: public
`,
  keyed: `
prefix: /keyed
upstream: { url: "\${UPSTREAM}" }
roles: { reader: [things.read] }
authenticators:${PEOPLE}
  keys: { apiKey: { header: x-api-key, prefix: sfk_test } }
routes:
  GET /{rest...}: authenticated
`,
  pages: `
prefix: /pages
upstream: { url: "\${UPSTREAM}" }
cors: { origins: ["https://app.example"] }
routes:
  GET /{rest...}: public
`,
  hosted: `
hosts: [hosted.example]
upstream: { url: "\${UPSTREAM}/hosted-upstream" }
routes:
  GET /hosted/{rest...}: public
`,
  named: `
prefix: /named
upstream: { url: "\${UPSTREAM}", identity: { subject: x-user-id, tenant: x-tenant-id } }
authenticators:${PEOPLE}
routes:
  GET /{rest...}: authenticated
`,
};

export interface Fixture {
  readonly port: number;
  readonly sallyport: Sallyport;
  readonly pool: Pool;
  readonly witness: Witness;
  /** ID token of a person in no tenant, with permission `admin`. */
  readonly adminToken: string;
  /** ID token of a person whose `custom:tenant` is this, whatever its type; undefined: no such claim. */
  readonly tokenOf: (tenant: unknown) => string;
  /** A good API key for `/keyed`. */
  readonly apiKey: string;
  readonly converse: (bytes: string | readonly string[], options?: ConverseOptions) => Promise<Conversation>;
  /** One request, of which only the target and perhaps some header lines are of interest; the connection closes behind it. */
  readonly ask: (target: string, fields?: readonly string[], method?: string) => Promise<Answer>;
  /** Fails unless the upstream has heard nothing since it was last looked at, but one request that is made now. */
  readonly nothingForwarded: (t: Test, what: string) => Promise<void>;
  /** The one request that the upstream has heard since it was last looked at; fails when there was none, or more. */
  readonly theOneHeard: (t: Test, what: string) => Heard;
  /** What the upstream hears of a request; fails unless that is one request, and it is answered 200. */
  readonly heardOf: (t: Test, target: string, fields?: readonly string[]) => Promise<Heard>;
}

/** The request that is pipelined behind each framing attack: an upstream that hears of it, or a 200, is a hit. */
export const SMUGGLED = "GET /admin/smug HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n\r\n";

/** Issuer, upstream and gateway; stopped when the test ends. */
export async function startFixture(t: Test, trustProxy: readonly string[] = []): Promise<Fixture> {
  const issuer = await startIssuer({ now: Date.now, randomBytes, pools: [{ id: POOL, people: [{ username: "pat" }] }] });
  t.teardown(() => issuer.close());
  const pool = issuer.pool(POOL);
  const witness = await startWitness(t);
  const files = Object.entries(SERVICES).map(([name, yaml]) => [`services/${name}.yaml`, `version: 1\nservice: ${name}${yaml}`]);
  const sallyport = await startSallyport(t, {
    files: { "sallyport.yaml": gatewayFile(trustProxy), ...Object.fromEntries(files) },
    environment: { UPSTREAM: witness.url, ISSUER: pool.iss, JWKS: pool.jwks },
  });
  return fixtureOf(sallyport, pool, witness);
}

function fixtureOf(sallyport: Sallyport, pool: Pool, witness: Witness): Fixture {
  const port = Number(new URL(sallyport.url).port);
  const token = (groups: readonly string[], claims: Record<string, unknown>): string =>
    pool.personTokens({ username: "pat", clientId: AUDIENCE, groups, claims }).idToken;
  const ask: Fixture["ask"] = async (target, fields = [], method = "GET") => {
    const bytes = requestBytes(method, target, ["Host: gw", "Connection: close", ...fields]);
    const { answers } = await converse(port, bytes, { methods: [method] });
    if (answers.length !== 1) throw new Error(`${answers.length} answers to ${method} ${target}`);
    return answers[0]!;
  };
  const theOneHeard: Fixture["theOneHeard"] = (t, what) => {
    const heard = witness.take();
    witness.takeBytes();
    t.equal(heard.length, 1, `${what}: one request reached the upstream`);
    return heard[0]!;
  };
  return {
    port,
    sallyport,
    pool,
    witness,
    adminToken: token(["admins"], {}),
    tokenOf: (tenant) => token([], { "custom:tenant": tenant }),
    apiKey: makeKey(sallyport),
    converse: (bytes, options) => converse(port, bytes, options),
    ask,
    async nothingForwarded(t, what) {
      await ask("/public/sentinel");
      const bytes = witness.takeBytes();
      t.match(bytes, /^GET \/public\/sentinel HTTP\/1\.1\r\n(?:[^\r\n]+\r\n)+\r\n$/, `${what}: nothing reached the upstream`);
    },
    theOneHeard,
    async heardOf(t, target, fields = []) {
      t.equal((await ask(target, fields)).status, 200, target);
      return theOneHeard(t, target);
    },
  };
}

/** A head without body. */
export function requestBytes(method: string, target: string, fields: readonly string[]): string {
  return `${[`${method} ${target} HTTP/1.1`, ...fields].join("\r\n")}\r\n\r\n`;
}

/** The header line of a bearer token. */
export function bearer(token: string): string {
  return `Authorization: Bearer ${token}`;
}

function makeKey({ keyStore }: Sallyport): string {
  const store = openSqliteKeys(keyStore, { side: "command", create: true });
  try {
    const { id, key } = makeApiKey("sfk_test", randomBytes);
    store.createAccount({ service: "keyed", id: "robot", kind: "service", role: "reader", enabled: true });
    store.createKey({ service: "keyed", id, account: "robot", scopes: [], digest: digestApiKey(key), createdAt: Date.now() });
    return key;
  } finally {
    store.close();
  }
}
