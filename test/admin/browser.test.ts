import { hash, randomBytes } from "node:crypto";
import t, { type Test } from "tap";
import { startAdminDoor } from "../../src/admin/door.ts";
import { basic, bearer, call, sendRaw, sourcesWith } from "./fixtures/door.ts";

const TOKEN = randomBytes(24).toString("base64url");

interface Opened {
  readonly port: number;
  readonly reloads: () => number;
}

async function open(t: Test, host = "127.0.0.1"): Promise<Opened> {
  let reloads = 0;
  const reload = () => {
    reloads += 1;
    return Promise.resolve({ kind: "loaded", diagnostics: [] } as const);
  };
  const door = await startAdminDoor({ host, port: 0 }, sourcesWith({ token: TOKEN, reload }));
  t.teardown(() => door.close());
  return { port: door.port, reloads: () => reloads };
}

t.test("a foreign Host is refused even with the token, and on open paths: DNS rebinding", async (t) => {
  const { port } = await open(t);
  const foreign = [
    "evil.example",
    "localhost.evil.example",
    "127.0.0.1.evil.example",
    "127.1",
    "0x7f000001",
    "localhost.",
    "a@127.0.0.1",
    "[::1",
    "127.0.0.1:80:80",
  ];
  for (const host of foreign) {
    for (const path of ["/", "/metrics", "/health/ready"]) {
      const answer = await call(port, path, { headers: { host, ...bearer(TOKEN) } });
      t.match(answer, { status: 421 }, `${JSON.stringify(host)} ${path}`);
      t.match(JSON.parse(answer.body), { code: "HOST_NOT_ALLOWED" });
    }
  }
});

t.test("IP addresses and localhost are taken, whatever the port", async (t) => {
  const { port } = await open(t);
  for (const host of ["127.0.0.1", "localhost:9090", "LOCALHOST", "10.1.2.3:80", "[::1]:9090", "[fd00::1]"]) {
    t.match(await call(port, "/metrics", { headers: { host } }), { status: 200 }, host);
  }
});

t.test("the configured host name is taken", async (t) => {
  const { port } = await open(t, "localhost");
  t.match(await call(port, "/metrics", { headers: { host: "localhost" } }), { status: 200 });
});

t.test("no Host, an empty one, or two of them, is refused", async (t) => {
  const { port } = await open(t);
  t.match(await sendRaw(port, "GET /metrics HTTP/1.0\r\n\r\n"), /^HTTP\/1\.1 421 /);
  t.match(await sendRaw(port, "GET /metrics HTTP/1.1\r\nhost:\r\nconnection: close\r\n\r\n"), /^HTTP\/1\.1 421 /);
  t.match(await sendRaw(port, "GET /metrics HTTP/1.1\r\nconnection: close\r\n\r\n"), /^HTTP\/1\.1 400 /);
  const two = "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nhost: evil.example\r\nconnection: close\r\n\r\n";
  t.match(await sendRaw(port, two), /^HTTP\/1\.1 4(00|21) /);
});

t.test("what a browser sends by itself changes nothing: cross-site request forgery", async (t) => {
  const { port, reloads } = await open(t);
  const mark = { "x-sallyport-admin": "1" };
  const own = `http://127.0.0.1:${port}`;
  const refused: readonly Readonly<Record<string, string>>[] = [
    basic(TOKEN),
    { ...basic(TOKEN), origin: own },
    { ...basic(TOKEN), "x-sallyport-admin": "0" },
    { ...basic(TOKEN), ...mark, origin: "https://evil.example" },
    { ...basic(TOKEN), ...mark, origin: "null" },
    { ...basic(TOKEN), ...mark, origin: "http://127.0.0.1:1" },
    { ...basic(TOKEN), ...mark, "sec-fetch-site": "cross-site" },
    { ...basic(TOKEN), ...mark, "sec-fetch-site": "same-site" },
    { ...bearer(TOKEN), origin: "https://evil.example" },
  ];
  for (const headers of refused) {
    const answer = await call(port, "/api/reload", { method: "POST", headers });
    t.match(answer, { status: 403 }, Object.keys(headers).join());
    t.match(JSON.parse(answer.body), { code: "CROSS_SITE" });
  }
  t.equal(reloads(), 0);
});

t.test("the page and programs may change", async (t) => {
  const { port, reloads } = await open(t);
  const fromPage = { ...basic(TOKEN), "x-sallyport-admin": "1", origin: `http://127.0.0.1:${port}`, "sec-fetch-site": "same-origin" };
  for (const headers of [bearer(TOKEN), fromPage]) t.match(await call(port, "/api/reload", { method: "POST", headers }), { status: 200 });
  t.equal(reloads(), 2);
  t.match(await call(port, "/api/reload", { headers: bearer(TOKEN) }), { status: 404 }, "GET changes nothing");
  t.equal(reloads(), 2);
});

t.test("a preflight is not answered", async (t) => {
  const { port } = await open(t);
  const headers = {
    origin: "https://evil.example",
    "access-control-request-method": "POST",
    "access-control-request-headers": "authorization",
  };
  const answer = await call(port, "/api/reload", { method: "OPTIONS", headers });
  t.equal(answer.status, 401);
  t.same(
    Object.keys(answer.headers).filter((name) => name.startsWith("access-control-")),
    [],
  );
});

t.test("every answer forbids caching, sniffing, framing and referrers", async (t) => {
  const { port } = await open(t);
  const answers = [
    call(port, "/metrics"),
    call(port, "/"),
    call(port, "/", { headers: bearer(TOKEN) }),
    call(port, "/x", { headers: bearer(TOKEN) }),
    call(port, "/%zz"),
  ];
  for (const { headers } of await Promise.all(answers)) {
    t.match(headers, {
      "cache-control": "no-store",
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "x-frame-options": "DENY",
    });
    t.match(headers["content-security-policy"], /default-src 'none'.*frame-ancestors 'none'/);
  }
});

t.test("the page runs its own script and style and nothing else", async (t) => {
  const { port } = await open(t);
  const { status, headers, body } = await call(port, "/", { headers: basic(TOKEN) });
  t.equal(status, 200);
  t.equal(headers["content-type"], "text/html; charset=utf-8");
  const policy = String(headers["content-security-policy"]);
  for (const tag of ["script", "style"]) {
    const parts = [...body.matchAll(new RegExp(`<${tag}>([^]*?)</${tag}>`, "g"))];
    t.equal(parts.length, 1, `one ${tag}`);
    t.ok(policy.includes(`${tag}-src 'sha256-${hash("sha256", parts[0]![1]!, "base64")}'`), `hash of the ${tag}`);
  }
  t.notMatch(policy, /unsafe|\*|https?:/);
  t.match(policy, /require-trusted-types-for 'script'/);
});

t.test("the page never makes markup of data and loads nothing from elsewhere", async (t) => {
  const { port } = await open(t);
  const { body } = await call(port, "/", { headers: basic(TOKEN) });
  t.notMatch(body, /innerHTML|outerHTML|insertAdjacentHTML|document\.write|eval\(|new Function|DOMParser/);
  t.notMatch(body, /https?:\/\//);
  t.notMatch(body, /\son[a-z]+=|style="/, "neither inline handlers nor inline styles");
});

t.test("a target with an authority of its own is not read as a path", async (t) => {
  const { port } = await open(t);
  for (const target of [`http://evil.example/api/status`, `http://127.0.0.1:${port}/metrics`, "*", "metrics"]) {
    const request = `GET ${target} HTTP/1.1\r\nhost: 127.0.0.1\r\nauthorization: Bearer ${TOKEN}\r\nconnection: close\r\n\r\n`;
    t.match(await sendRaw(port, request), /^HTTP\/1\.1 40[04] /, target);
  }
});

t.test("an upgrade and CONNECT open no tunnel", async (t) => {
  const { port } = await open(t);
  const upgrade = "GET /metrics HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: upgrade\r\nupgrade: websocket\r\n\r\n";
  const connect = "CONNECT evil.example:80 HTTP/1.1\r\nhost: evil.example:80\r\n\r\n";
  t.notMatch(await sendRaw(port, connect), /^HTTP\/1\.1 (101|2)/);
  t.notMatch(await sendRaw(port, upgrade.replace("upgrade\r\n", "upgrade, close\r\n")), /^HTTP\/1\.1 101/);
});
