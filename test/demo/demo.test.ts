import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { demoCalls } from "../../src/demo/calls.ts";
import { startDemo, type Demo } from "../../src/demo/demo.ts";
import { printDemo, type PrintedGateway } from "../../src/demo/print-demo.ts";

async function start(t: Test): Promise<Demo> {
  const demo = await startDemo({ now: Date.now, randomBytes });
  t.teardown(() => demo.close());
  return demo;
}

function gatewayOf(demo: Demo, gatewayUrl = "http://127.0.0.1:8080"): PrintedGateway {
  return {
    gatewayUrl,
    adminUrl: "http://127.0.0.1:9090",
    keys: new Map(demo.seeds.map(({ id }) => [id, `key-of-${id.replace("/", "-")}`])),
    moved: [],
    configPath: "/tmp/sallyport-demo-AbCdEf/sallyport.yaml",
    refusalBody: (service, code) => JSON.stringify({ error: `refused by ${service}`, code, requestId: "…" }),
  };
}

t.test("the environment names everything, with services and key sets that answer and secrets made for this run", async (t) => {
  const [demo, other] = [await start(t), await start(t)];
  const { environment } = demo;
  t.same(Object.keys(environment).sort(), [
    "ACCESS_KEY_SEALING_SECRET",
    "ADMIN_TOKEN",
    "PIE_ISSUER",
    "PIE_JWKS",
    "PIE_URL",
    "REGISTRY_AUTH_TOKEN",
    "REGISTRY_URL",
    "STACKFLOW_APP_CLIENT",
    "STACKFLOW_ISSUER",
    "STACKFLOW_JWKS",
    "STACKFLOW_MACHINE_CLIENT",
    "STACKFLOW_MACHINE_TENANT",
    "STACKFLOW_URL",
  ]);
  for (const name of ["PIE_JWKS", "STACKFLOW_JWKS"])
    t.match(await (await fetch(environment[name] ?? "")).json(), { keys: [{ kty: "RSA" }] }, name);
  t.equal((await fetch(`${environment["PIE_URL"]}/v2/health`)).status, 200);
  t.equal((await fetch(`${environment["REGISTRY_URL"]}/api/health`)).status, 200);
  t.equal((await fetch(`${environment["STACKFLOW_URL"]}/prod/api/health`)).status, 200);
  for (const secret of ["ADMIN_TOKEN", "REGISTRY_AUTH_TOKEN", "ACCESS_KEY_SEALING_SECRET"])
    t.not(environment[secret], other.environment[secret], secret);
});

t.test("each system has one allowed and one refused call, and the allowed ones suit the stand-ins", async (t) => {
  const demo = await start(t);
  const calls = demoCalls(demo, gatewayOf(demo, ""));
  t.same(
    calls.map(({ system, expectedStatus, expectedCode }) => [system, expectedStatus, expectedCode]),
    [
      ["PIE", 200, undefined],
      ["PIE", 403, "TENANT_MISMATCH"],
      ["Model registry", 200, undefined],
      ["Model registry", 403, "INSUFFICIENT_ROLE"],
      ["StackFlow", 200, undefined],
      ["StackFlow", 403, "INSUFFICIENT_ROLE"],
    ],
  );
  const upstreams = new Map([
    ["PIE", demo.standIns.pie.url],
    ["Model registry", demo.standIns.registry.url],
    ["StackFlow", demo.standIns.stackflow.url],
  ]);
  for (const call of calls) {
    const { method, headers, body } = call;
    const response = await fetch(`${upstreams.get(call.system)}${call.url}`, { method, headers, ...(body === undefined ? {} : { body }) });
    t.ok(response.ok, `${call.title}: the service itself would refuse nothing`);
  }
});

t.test("a call whose key was not made is an error at once", async (t) => {
  const demo = await start(t);
  t.throws(() => demoCalls(demo, { ...gatewayOf(demo), keys: new Map() }), /model-registry\/reports/);
});

interface Received {
  readonly method: string | undefined;
  readonly url: string | undefined;
  readonly credential: string | string[] | undefined;
  readonly body: string;
}

/** Stands where the gateway would, and writes down what arrives. */
async function startWitness(t: Test): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer(async (request, response) => {
    const body = (await request.setEncoding("utf8").toArray()).join("");
    const { method, url, headers } = request;
    received.push({ method, url, credential: headers.authorization ?? headers["x-api-key"], body });
    response.end();
  });
  await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
  t.teardown(() => server.close());
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, received };
}

t.test("what is printed can be pasted into a shell whole, and does what the calls say", async (t) => {
  const demo = await start(t);
  const witness = await startWitness(t);
  const gateway = gatewayOf(demo, witness.url);
  const calls = demoCalls(demo, gateway);
  const expected = calls.map(({ method, url, headers, body = "" }) => {
    return { method, url: url.slice(witness.url.length), credential: headers["authorization"] ?? headers["x-api-key"], body };
  });
  const shell = promisify(execFile);

  for (const { curl } of calls) await shell("sh", ["-ec", curl]);
  t.same(witness.received, expected, "the single lines");

  witness.received.length = 0;
  await shell("sh", ["-ec", printDemo(demo, gateway)]);
  const bare = ({ method, url, body }: Received): object => ({ method, url, body });
  t.same(witness.received.map(bare), expected.map(bare), "the whole text");
  const kinds = witness.received.map(({ credential }) => String(credential).replace(/[\w-]+\.[\w-]+\.[\w-]+$/, "JWT"));
  t.same(kinds, [
    "Bearer JWT",
    "Bearer JWT",
    `Bearer ${demo.environment["REGISTRY_AUTH_TOKEN"]}`,
    "key-of-model-registry-reports",
    "Bearer JWT",
    "Bearer JWT",
  ]);
});

t.test("the text fits 80 columns but for the tokens, and has every person's password, client's secret and the doors", async (t) => {
  const demo = await start(t);
  const text = printDemo(demo, gatewayOf(demo));
  const wide = text.split("\n").filter((line) => line.length > 80 && !/^[A-Z]+=/.test(line));
  t.same(wide, []);
  for (const pool of demo.issuer.pools) {
    t.match(text, `${pool.address}/try`);
    for (const { username, password } of pool.people) t.match(text, password, username);
    for (const { id, secret } of pool.clients) if (secret !== undefined) t.match(text, secret, id);
  }
  t.match(text, "http://127.0.0.1:9090/");
  t.match(text, demo.environment["ADMIN_TOKEN"]);
});

t.test("a door that moved is said, with the port that was taken and the one that is used", async (t) => {
  const demo = await start(t);
  const moved = [{ door: "the gateway", wanted: 8080, port: 43_210 }];
  const text = printDemo(demo, { ...gatewayOf(demo, "http://127.0.0.1:43210"), moved });
  t.match(text, /^# Port 8080 is taken by another program: the gateway is on port 43210 instead\.$/m);
  t.equal(text.match(/127\.0\.0\.1:8080/g), null, "no call goes to the other program");
  t.notMatch(printDemo(demo, gatewayOf(demo)), "taken");
});

t.test("a refused call shows the body that comes, and says where the code is when it is not in it", async (t) => {
  const demo = await start(t);
  const withCode = printDemo(demo, gatewayOf(demo));
  t.match(withCode, '#   {"error":"refused by pie","code":"TENANT_MISMATCH","requestId":"…"}\n');
  t.notMatch(withCode, "in the log");
  const without = printDemo(demo, { ...gatewayOf(demo), refusalBody: () => '{"success":false}' });
  t.match(without, '#   {"success":false}\n#   and TENANT_MISMATCH in the log\n');
});

t.test("the seeds name accounts and scopes of the services' tables, each once", async (t) => {
  const { seeds } = await start(t);
  t.equal(new Set(seeds.map(({ id }) => id)).size, seeds.length);
  for (const { id, service, account } of seeds) t.equal(id, `${service}/${account.id}`);
  t.match(
    seeds.find(({ id }) => id === "stackflow/bot"),
    { account: { role: "viewer", tenant: "t1" }, scopes: ["admin"] },
  );
});
