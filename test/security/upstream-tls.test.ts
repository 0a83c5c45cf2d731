/** Class 2.10, F8 and F2: the machines at the other end are who the policy says, or nothing is sent to them. */
import https from "node:https";
import type { AddressInfo } from "node:net";
import tls from "node:tls";
import t, { type Test } from "tap";
import { rsaKey } from "../authenticate/fixtures/keys.ts";
import { makeCertificate, type Certificate } from "./certificate.ts";
import { bearer, ISS, startGate, type Gate } from "./gate.ts";
import { rsa, tokenOf } from "./token-gate.ts";

const long = new Date(Date.UTC(2000, 0, 1));
const right = makeCertificate({ name: { ip: "127.0.0.1" } });
const certificates: Readonly<Record<string, Certificate>> = {
  right,
  "wrong-name": makeCertificate({ name: { dns: "other.example" } }),
  "wrong-address": makeCertificate({ name: { ip: "127.0.0.2" } }),
  expired: makeCertificate({ name: { ip: "127.0.0.1" }, from: long, until: new Date(Date.now() - 1000) }),
  early: makeCertificate({ name: { ip: "127.0.0.1" }, from: new Date(Date.now() + 86_400_000), until: new Date(Date.now() + 172_800_000) }),
};
const unknown = makeCertificate({ name: { ip: "127.0.0.1" } });

/** From here on the gateway's machine trusts all of these but `unknown`. */
const before = tls.getCACertificates("default");
tls.setDefaultCACertificates([...before, ...Object.values(certificates).map(({ cert }) => cert)]);
t.teardown(() => tls.setDefaultCACertificates(before));

interface Secure {
  readonly url: string;
  readonly reached: () => number;
}

async function startSecure(t: Test, options: https.ServerOptions, answer = "hello"): Promise<Secure> {
  let reached = 0;
  const server = https.createServer(options, (_request, response) => {
    reached += 1;
    response.end(answer);
  });
  server.on("tlsClientError", () => undefined).listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `https://127.0.0.1:${(server.address() as AddressInfo).port}`, reached: () => reached };
}

const OLD = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "DEFAULT@SECLEVEL=0" } as const;
const OLDER = { minVersion: "TLSv1", maxVersion: "TLSv1", ciphers: "DEFAULT@SECLEVEL=0" } as const;

t.test("F8 an upstream whose TLS proves nothing gets nothing: 502, and the operator reads why", async (t) => {
  const secures: Record<string, Secure> = {};
  for (const [name, certificate] of Object.entries(certificates)) secures[name] = await startSecure(t, { ...certificate });
  Object.assign(secures, {
    unknown: await startSecure(t, { ...unknown }),
    "tls-1-1": await startSecure(t, { ...right, ...OLD }),
    "tls-1-0": await startSecure(t, { ...right, ...OLDER }),
  });
  const gate = await startGate(t, {
    services: Object.fromEntries(
      Object.entries(secures).map(([name, { url }]) => [
        name,
        `prefix: /${name}\nupstream: { url: "${url}" }\nroutes:\n  GET /x: public\n  GET /ws: { access: public, websocket: true }\n`,
      ]),
    ),
  });
  t.match(await gate.send("GET", "/right/x", {}), { status: 200, body: "hello" });
  for (const [name, { reached }] of Object.entries(secures)) {
    if (name === "right") continue;
    const answer = await gate.send("GET", `/${name}/x`, {});
    t.match(answer, { status: 502, body: /UPSTREAM_UNREACHABLE/ }, name);
    t.notMatch(answer.body, /certificate|TLS|SSL|127\.0\.0|altname/i, `${name}: the client is not told what is wrong inside`);
    t.match(
      gate.sallyport.decision(String(answer.headers["x-decision-id"])),
      { reason: /^upstream: (?:ERR_|DEPTH_|CERT_|EPROTO|ECONNRESET)/ },
      `${name}: the operator is`,
    );
    t.equal(reached(), 0, `${name}: nothing was sent`);
  }
});

t.test("F8 only the words `verify: off` take any certificate", async (t) => {
  const { url } = await startSecure(t, { ...unknown });
  const service = (prefix: string, verify: string): string =>
    `prefix: /${prefix}\nupstream: { url: "${url}"${verify} }\nroutes:\n  GET /x: public\n`;
  const gate = await startGate(t, { services: { off: service("off", ", verify: off"), on: service("on", ", verify: on") } });
  const statuses = async (): Promise<number[]> => [
    (await gate.send("GET", "/off/x", {})).status,
    (await gate.send("GET", "/on/x", {})).status,
  ];
  t.same(await statuses(), [200, 502]);
  t.same(await statuses(), [200, 502], "and no connection of the one serves the other");
});

t.test("F8 F2 keys come from a machine that proves its name, or not at all", async (t) => {
  const key = rsaKey("k1");
  const rows: Readonly<Record<string, readonly [certificate: Certificate, status: number]>> = {
    right: [right, 200],
    unknown: [unknown, 503],
    "wrong name": [certificates["wrong-name"]!, 503],
    expired: [certificates["expired"]!, 503],
  };
  for (const [name, [certificate, status]] of Object.entries(rows)) {
    const { url, reached } = await startSecure(t, { ...certificate }, JSON.stringify({ keys: [key.jwk] }));
    const services = {
      shop: 'authenticators: { a: { jwt: { issuer: "${ISSUER}", jwks: "${KEYS}/jwks.json", clients: any } } }\nroutes:\n  GET /x: authenticated\n',
    };
    const gate = await startGate(t, { services, environment: { KEYS: url } });
    t.equal((await gate.send("GET", "/x", bearer(tokenBy(gate, key)))).status, status, name);
    t.equal(reached(), status === 200 ? 1 : 0, `${name}: asked or not`);
  }
});

function tokenBy(gate: Gate, key: ReturnType<typeof rsaKey>): string {
  const iat = Math.floor(gate.clocks.epochMs / 1000);
  return tokenOf({ kid: "k1", alg: "RS256" }, { iss: ISS, iat, exp: iat + 60, sub: "m", client_id: "m" }, rsa(key.privateKey));
}
