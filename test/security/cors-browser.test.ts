/** Class 2.7 as a real browser sees it: what pages of an allowed and of a foreign origin can read across origins. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import t, { type Test } from "tap";
import { CHROMIUM, startChromium, type Page } from "./chromium.ts";
import { closedPort } from "./closed-port.ts";
import { bearer, ISS, startGate } from "./gate.ts";
import { HEADER, rsa, tokenOf } from "./token-gate.ts";

const skip = CHROMIUM === undefined && "there is no chromium on this machine: NOTHING of CORS was tested in a browser";

const browser = CHROMIUM === undefined ? undefined : await startChromium(t, CHROMIUM);

/** What a page makes of one call. */
interface Read {
  readonly status?: number;
  readonly body?: string;
  readonly exposed?: string | null;
  readonly limit?: string | null;
  readonly error?: string;
}

t.test("C1 C2 C10 C13 in a browser: the allowed page reads every answer, the foreign one none", { skip }, async (t) => {
  const [allowed, foreign] = [await startSite(t, "localhost"), await startSite(t, "127.0.0.1")];
  const gone = await closedPort();
  const gate = await startGate(t, {
    environment: { PAGES: allowed, GONE: `http://127.0.0.1:${gone}` },
    answer: (_request, response) => response.writeHead(200, { "x-total": "7", "access-control-allow-origin": "*" }).end("the data"),
    services: { shop: service(""), gone: service("gone", "${GONE}") },
  });
  const iat = Math.floor(gate.clocks.epochMs / 1000);
  const token = tokenOf(HEADER, { iss: ISS, iat, exp: iat + 600, sub: "m", client_id: "m", scope: "all" }, rsa(gate.k1.privateKey));
  const authorized = { headers: bearer(token), credentials: "include" };
  const calls: readonly (readonly [status: number, path: string, options?: object])[] = [
    [200, "/open"],
    [200, "/read", authorized],
    [200, "/read", { ...authorized, method: "POST", body: "{}", headers: { ...bearer(token), "content-type": "application/json" } }],
    [401, "/read"],
    [401, "/read", { headers: bearer("nonsense") }],
    [403, "/admin", authorized],
    [404, "/nowhere"],
    [405, "/open", { method: "POST" }],
    [429, "/few"],
    [502, "/gone/open"],
  ];
  const [friend, stranger] = [await open(allowed), await open(foreign)];
  await ask(friend, `${gate.sallyport.url}/few`);
  for (const [status, path, options] of calls) {
    const read = await ask(friend, gate.sallyport.url + path, options);
    t.equal(read.status, status, `the allowed page reads ${status} of ${path}`);
    t.match(read.body, status === 200 ? "the data" : `"status":${status}`, "and its body");
    if (status === 200) t.equal(read.exposed, "7", "and the header that is exposed");
  }
  gate.upstream.take();
  for (const [status, path, options] of calls) {
    t.match(
      await ask(stranger, gate.sallyport.url + path, options),
      { error: "TypeError: Failed to fetch" },
      `the foreign page reads nothing of ${path} (${status})`,
    );
  }
  const reached = gate.upstream.take();
  t.notOk(
    reached.some(({ headers }) => headers["x-auth-subject"] !== undefined),
    "and its preflights kept every call with a credential away from the upstream",
  );
});

t.test("C2 C5 in a browser: a method or a header that the table does not list is never sent", { skip }, async (t) => {
  const allowed = await startSite(t, "localhost");
  const gate = await startGate(t, { environment: { PAGES: allowed }, services: { shop: service("") } });
  const page = await open(allowed);
  const blocked: readonly (readonly [path: string, options: object])[] = [
    ["/open", { method: "DELETE" }],
    ["/open", { method: "PUT" }],
    ["/open", { headers: { "x-unlisted": "1" } }],
    ["/elsewhere", { headers: { authorization: "Bearer x" } }],
  ];
  for (const [path, options] of blocked)
    t.match(await ask(page, gate.sallyport.url + path, options), { error: "TypeError: Failed to fetch" }, JSON.stringify(options));
  t.same(gate.upstream.take(), []);
});

t.test("C13 in a browser: a page of a foreign origin opens no WebSocket", { skip }, async (t) => {
  const [allowed, foreign] = [await startSite(t, "localhost"), await startSite(t, "127.0.0.1")];
  const gate = await startGate(t, { environment: { PAGES: allowed }, services: { shop: service("") } });
  const connect = `new Promise((done) => { const socket = new WebSocket("ws://127.0.0.1:${gate.port}/socket"); socket.onopen = () => done("open"); socket.onerror = () => done("error"); })`;
  const verdicts = (): unknown[] =>
    gate.sallyport
      .log()
      .filter(({ route }) => route === "GET /socket")
      .map(({ code }) => code);
  t.equal(await (await open(foreign)).evaluate(connect), "error");
  t.same(verdicts(), ["ORIGIN_NOT_ALLOWED"]);
});

async function open(url: string): Promise<Page> {
  if (browser === undefined) throw new Error("there is no browser");
  return browser.open(url);
}

function service(prefix: string, upstream = "${UPSTREAM}"): string {
  return `${prefix && `prefix: /${prefix}\n`}upstream: { url: "${upstream}" }
authenticators: { machines: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any }, scopes: { all: [read] } } }
cors: { origins: ["\${PAGES}"], credentials: true, headers: [authorization, content-type], expose: [x-total] }
routes:
  GET /open: public
  GET /read: read
  POST /read: read
  GET /admin: admin
  GET /few: { access: public, limits: { few: { by: address, rate: 1/minute } } }
  GET /socket: { access: public, websocket: true }
`;
}

/** An origin with one empty page. */
async function startSite(t: Test, name: string): Promise<string> {
  const server = createServer((_request, response) =>
    response.setHeader("content-type", "text/html").end("<!doctype html><title>page</title>"),
  );
  server.listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return `http://${name}:${(server.address() as AddressInfo).port}`;
}

async function ask(page: Page, url: string, options: object = {}): Promise<Read> {
  const call = `fetch(${JSON.stringify(url)}, ${JSON.stringify(options)})`;
  const read = `async (answer) => ({ status: answer.status, body: await answer.text(), exposed: answer.headers.get("x-total"), limit: answer.headers.get("retry-after") })`;
  return (await page.evaluate(`${call}.then(${read}).catch((error) => ({ error: String(error) }))`)) as Read;
}
