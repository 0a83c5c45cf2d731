import t, { type Test } from "tap";
import { startHealthDoor } from "../../src/admin/health.ts";
import type { GatewayStatus, Phase } from "../../src/admin/sources.ts";
import { call, sendRaw, SERVING } from "./fixtures/door.ts";

const HERE = { host: "127.0.0.1", port: 0 };

async function open(t: Test, status: () => GatewayStatus): Promise<number> {
  const door = await startHealthDoor(HERE, { phase: () => status().phase });
  t.teardown(() => door.close());
  return door.port;
}

t.test("ready follows the phase, live does not", async (t) => {
  let phase: Phase = "starting";
  const port = await open(t, () => ({ ...SERVING, phase }));
  const ready = async () => {
    const { status, body } = await call(port, "/ready");
    return `${status} ${body}`;
  };
  t.equal(await ready(), '503 {"status":"starting"}');
  phase = "serving";
  t.equal(await ready(), '200 {"status":"ready"}');
  phase = "draining";
  t.equal(await ready(), '503 {"status":"draining"}');
  t.match(await call(port, "/live"), { status: 200, body: '{"status":"live"}' });
});

t.test("an issuer or the key store out of reach leaves the gateway ready", async (t) => {
  const issuer = {
    iss: "https://issuer.example",
    jwks: "",
    usable: false,
    ageMs: undefined,
    keyCount: 0,
    fetchCount: 4,
    lastError: "refused",
  };
  const port = await open(t, () => ({ ...SERVING, issuers: [issuer], keyStoreTrouble: "database is locked" }));
  t.match(await call(port, "/ready"), { status: 200, body: '{"status":"ready"}' });
});

t.test("HEAD answers as GET, without the body", async (t) => {
  const port = await open(t, () => SERVING);
  for (const path of ["/live", "/ready"]) t.match(await call(port, path, { method: "HEAD" }), { status: 200, body: "" });
});

t.test("nothing else is answered: 404 without a body", async (t) => {
  const port = await open(t, () => SERVING);
  const paths = [
    "/",
    "/metrics",
    "/api/status",
    "/health/ready",
    "/ready/",
    "/READY",
    "//ready",
    "/ready/x",
    "/%zz",
    `/${"x".repeat(2000)}`,
  ];
  for (const path of paths) t.match(await call(port, path), { status: 404, body: "" }, path.slice(0, 40));
  for (const method of ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE", "PROPFIND"]) {
    const headers = { "content-type": "application/json" };
    t.match(await call(port, "/ready", { method, headers }), { status: 404, body: "" }, method);
  }
});

t.test("a target with an authority of its own is 404", async (t) => {
  const port = await open(t, () => SERVING);
  for (const target of [`http://127.0.0.1:${port}/ready`, "*"]) {
    t.match(await sendRaw(port, `GET ${target} HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n`), /^HTTP\/1\.1 404 /, target);
  }
});

t.test("what is no HTTP gets 400 without a word and loses its connection", async (t) => {
  const port = await open(t, () => SERVING);
  const answer = await sendRaw(port, "GET /ready HTTP/9.9\r\n\r\n");
  t.match(answer, /^HTTP\/1\.1 400 Bad Request\r\n/);
  t.ok(answer.endsWith("\r\n\r\n"), "no body");
});

t.test("a port that is taken rejects", async (t) => {
  const port = await open(t, () => SERVING);
  await t.rejects(startHealthDoor({ ...HERE, port }, { phase: () => "serving" }), { code: "EADDRINUSE" });
});

t.test("closing ends idle connections", async (t) => {
  const door = await startHealthDoor(HERE, { phase: () => "serving" });
  const ended = sendRaw(door.port, "GET /live HTTP/1.1\r\nhost: a\r\n\r\n");
  await call(door.port, "/live");
  await door.close();
  t.match(await ended, "200 OK");
});
