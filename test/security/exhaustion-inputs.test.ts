/** Class 2.9 of the attack catalogue, continued: what strangers and files send is bounded, read once, and brings nothing down. */
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import t from "tap";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { ask, listen } from "../forward/harness.ts";
import { thingsFiles } from "../journey/things.ts";
import { dial, goneOf, nothingLeft, startLiveGate } from "./live-gate.ts";
import { converse } from "./raw-socket.ts";

t.jobs = 4;

t.test("X2 a body over the limit is 413 before the upstream has it all, whatever its framing says", async (t) => {
  const whole: string[] = [];
  const recording = createServer((request) =>
    request
      .on("error", () => {})
      .on("end", () => whole.push(request.url ?? ""))
      .resume(),
  );
  const upstream = `http://127.0.0.1:${await listen(t, recording)}`;
  const { port } = await startLiveGate(t, { rest: "routes: { POST /in: { access: public, body: { max: 1KB } } }\n", upstream });
  const post = "POST /in HTTP/1.1\r\nHost: gw\r\n";
  const chunks = `400\r\n${"x".repeat(1024)}\r\n1\r\nx\r\n0\r\n\r\n`;
  const cases: Record<string, string> = {
    "a length over the limit": `${post}Content-Length: 1025\r\n\r\n${"x".repeat(1025)}`,
    "a length far over it, of which nothing comes": `${post}Content-Length: 9000000000\r\n\r\n`,
    "an expectation": `${post}Content-Length: 1025\r\nExpect: 100-continue\r\n\r\n`,
    chunks: `${post}Transfer-Encoding: chunked\r\n\r\n${chunks}`,
    "chunks after an expectation": `${post}Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n${chunks}`,
  };
  for (const [what, bytes] of Object.entries(cases)) {
    const { answers, raw } = await converse(port, bytes, { answers: 1 });
    t.same(
      answers.map(({ status }) => status),
      [413],
      what,
    );
    if (what === "an expectation") t.notMatch(raw, "100 Continue", what);
  }
  t.same(whole, []);
});

t.test("X2 a length that lies leads to no request that is whole", async (t) => {
  const whole: string[] = [];
  const recording = createServer((request, response) =>
    request
      .on("error", () => {})
      .on("end", () => {
        whole.push(request.url ?? "");
        response.end();
      })
      .resume(),
  );
  const upstream = `http://127.0.0.1:${await listen(t, recording)}`;
  const gate = await startLiveGate(t, { rest: "routes: { POST /in: { access: public, timeouts: { idle: 500ms } } }\n", upstream });
  const short = await converse(gate.port, "POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nx");
  t.same([short.answers.map(({ status }) => status), short.closed], [[408], true]);
  await converse(gate.port, "POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nx", { leave: true });
  t.same(whole, []);
});

t.test("X3 floods of headers and of parameters are refused, or pass in no time that anybody notices", async (t) => {
  const gate = await startLiveGate(t, { rest: "routes:\n  GET /{rest...}: { access: public, query: { deny: [admin] } }\n" });
  const numbered = (count: number, line: (index: number) => string): string =>
    Array.from({ length: count }, (_, index) => line(index)).join("");
  const get = (target: string, fields: string): string => `GET ${target} HTTP/1.1\r\nHost: gw\r\nConnection: close\r\n${fields}\r\n`;
  const cases: [what: string, bytes: string, status: number][] = [
    [
      "2,000 fields",
      get(
        "/a",
        numbered(2_000, (index) => `x${index}: 1\r\n`),
      ),
      431,
    ],
    [
      "150 fields",
      get(
        "/a",
        numbered(150, (index) => `x${index}: 1\r\n`),
      ),
      431,
    ],
    ["one field of 20 KB", get("/a", `x: ${"a".repeat(20_000)}\r\n`), 431],
    ["10,000 parameters", get(`/a?${numbered(10_000, (index) => `a${index}&`)}`, ""), 431],
    ["1,300 parameters", get(`/a?${numbered(1_300, (index) => `a${index}&`)}`, ""), 200],
    ["deep brackets", get(`/a?a${"[b]".repeat(2_500)}=1`, ""), 200],
    ["names that collide in weak hashes", get(`/a?${numbered(1_300, (index) => (index % 2 === 0 ? "Aa" : "BB").concat("&"))}`, ""), 200],
    ["a path of 4,000 segments", get("/a".repeat(4_000), ""), 200],
  ];
  for (const [what, bytes, status] of cases) {
    const startedAt = performance.now();
    const { answers } = await converse(gate.port, bytes);
    t.comment(`${what}: ${Math.round(performance.now() - startedAt)} ms`);
    t.equal(answers[0]?.status, status, what);
  }
});

t.test("X5 an expression in a table is no expression: it is refused at load, or means its characters", async (t) => {
  const files = (route: string, more = ""): string => {
    const rest = `${more}routes:\n  "GET /${route}": public\n`;
    const { "sallyport.yaml": gateway = "", "services/things.yaml": service = "" } = thingsFiles({
      upstream: "http://127.0.0.1:9",
      rest,
      authenticators: "",
    });
    return join(t.testdir({ "sallyport.yaml": gateway, services: { "things.yaml": service } }), "sallyport.yaml");
  };
  const load = (configPath: string) => loadPolicy({ configPath, environment: { ADMIN_TOKEN: "0123456789abcdef0123456789abcdef" } });
  for (const origin of ["/.*/", "https://*.example", "*"]) {
    t.equal(load(files("a", `cors: { origins: ["${origin}"] }\n`)).kind, "invalid", origin);
  }
  const evil = "(a+)+$";
  const path = files(evil);
  if (load(path).kind === "invalid") return;
  const gate = await startLiveGate(t, { rest: `routes:\n  "GET /${evil}": public\n` });
  t.equal((await ask(gate.port, `/${"a".repeat(8_000)}!`)).status, 404);
  t.equal((await ask(gate.port, `/${encodeURIComponent(evil)}`)).status, 200);
});

const bombs = (levels: number): string =>
  Array.from(
    { length: levels },
    (_, index) => `a${index}: &a${index} [${index === 0 ? "x" : `*a${index - 1}, *a${index - 1}, *a${index - 1}, *a${index - 1}`}]`,
  ).join("\n");

const HOSTILE: Readonly<Record<string, (good: string) => string | Buffer>> = {
  "an alias bomb": (good) => `${bombs(12)}\n${good}`,
  "a key twice": (good) => `${good}routes: { GET /b: public }\n`,
  "a key of a prototype": (good) => `${good}__proto__: { a: 1 }\n`,
  "a constructor among the routes": (good) => good.replace("routes: {", "routes: { constructor: public,"),
  "a merge key": (good) => good.replace("GET /a: public", "GET /a: { <<: { access: public } }"),
  "a word that YAML 1.1 reads otherwise": (good) => good.replace("GET /a: public", "GET /a: { access: public, websocket: yes }"),
  "an unknown tag": (good) => good.replace("GET /a: public", "GET /a: !js/function public"),
  "a second document": (good) => `${good}---\n${good}`,
  nothing: () => "",
  "tabs for spaces": (good) => `${good}cors:\n\torigins: [https://a.example]\n`,
  "a NUL": (good) => `${good}# \0\n`,
  "no text": () => Buffer.from([0xff, 0xfe, 0x00, 0x01, 0x80]),
  "50 MB": (good) => Buffer.concat([Buffer.from(good), Buffer.alloc(50 * 1024 ** 2, "# x\n")]),
};

t.test("X6 a hostile policy file is refused with its place, and the policy in force stays", async (t) => {
  const gate = await startLiveGate(t, { rest: "routes: { GET /a: public }\n" });
  const file = join(gate.sallyport.folder, "services/things.yaml");
  const good = readFileSync(file, "utf8");
  for (const [what, spoil] of Object.entries(HOSTILE)) {
    writeFileSync(file, spoil(good));
    const reloaded = await gate.sallyport.running.reload();
    t.equal(reloaded.kind, "rejected", what);
    t.match(reloaded.diagnostics[0], "things.yaml", what);
  }
  t.same([(await ask(gate.port, "/a")).status, (await ask(gate.port, "/b")).status], [200, 404]);
  t.equal(({} as Record<string, unknown>)["a"], undefined);
});

t.test("X7 names of prototypes, in any place that a client fills, are names like others", async (t) => {
  const gate = await startLiveGate(t, {
    rest: `tenant: { query: tenant }\nroutes:\n  GET /of/{name}: { access: public, query: { deny: [admin] } }\n  GET /mine: authenticated\n`,
  });
  const names = ["__proto__", "constructor", "prototype", "hasOwnProperty", "toString"];
  for (const name of names) {
    t.equal(
      (await ask(gate.port, `/of/${name}?${name}[admin]=1&${name}.admin=1&${name}=x`, { headers: { [name]: "1" } })).status,
      200,
      name,
    );
    t.equal((await ask(gate.port, `/${name}`)).status, 404, name);
    const { status } = await ask(gate.port, `/mine?tenant=${name}`, { headers: { authorization: `Bearer ${gate.issuer.token(name)}` } });
    t.equal(status, 200, `a tenant of that name: ${name}`);
    t.equal((await ask(gate.port, `/mine?tenant=${name}`, { headers: gate.bearer })).status, 403, `and nobody else's: ${name}`);
  }
  t.same(
    [({} as Record<string, unknown>)["admin"], ({} as Record<string, unknown>)["1"], Object.keys(Object.prototype)],
    [undefined, undefined, []],
  );
});

/** A small generator (mulberry32), so that a failure can be run again. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

const PIECES = [
  "GET /a HTTP/1.1\r\n",
  "POST /in HTTP/1.1\r\n",
  "Host: gw\r\n",
  "Content-Length: 5\r\n",
  "Transfer-Encoding: chunked\r\n",
  "\r\n",
  "hello",
  "5\r\nhello\r\n",
  "0\r\n\r\n",
  "Connection: close\r\n",
  "Connection: Upgrade\r\nUpgrade: websocket\r\n",
  "Expect: 100-continue\r\n",
  "\0",
  "\x80\xff",
  "GET",
  " /%zz ",
  "x: y\r\n",
  "Authorization: Bearer a.b.c\r\n",
  "HEAD /a HTTP/1.0\r\n\r\n",
  "OPTIONS * HTTP/1.1\r\n",
  "CONNECT a:1 HTTP/1.1\r\n\r\n",
  "Sec-WebSocket-Version: 13\r\n",
  "\r",
  "\n",
];

t.test("X8 ten thousand random pieces of requests bring nothing down and leave nothing open", async (t) => {
  const gate = await startLiveGate(t, { rest: "routes:\n  GET /a: { access: public, websocket: true }\n  POST /in: public\n" });
  const seed = Math.floor(Math.random() * 2 ** 31);
  t.comment(`seed ${seed}`);
  const random = seeded(seed);
  const piece = (): string => PIECES[Math.floor(random() * PIECES.length)]!;
  const one = async (): Promise<void> => {
    const socket = dial(t, gate.port);
    const gone = goneOf(socket);
    socket.write(Array.from({ length: 20 }, piece).join(""), "latin1");
    setTimeout(() => (random() < 0.5 ? socket.end() : socket.resetAndDestroy()), random() * 30);
    setTimeout(() => socket.destroy(), 500).unref();
    await gone;
  };
  for (let round = 0; round < 10; round++) await Promise.all(Array.from({ length: 50 }, one));
  t.equal((await ask(gate.port, "/a")).status, 200);
  t.same(
    gate.sallyport.log().filter(({ msg }) => msg === "internal error"),
    [],
  );
  await nothingLeft(gate);
});

t.test("X10 while policies change, each request is decided by one of them, whole", async (t) => {
  const before = "errors: { format: coded }\nroutes: { GET /old: public }\n";
  const after = "errors: { format: detail }\nroutes: { GET /new: public }\n";
  const gate = await startLiveGate(t, { rest: before });
  const file = join(gate.sallyport.folder, "services/things.yaml");
  const text = readFileSync(file, "utf8");
  const seen = new Set<string>();
  const over = new AbortController();
  const asking = async (path: string): Promise<void> => {
    while (!over.signal.aborted) {
      const { status, body } = await ask(gate.port, path);
      const format = status === 200 ? "" : Object.keys(JSON.parse(String(body)) as object)[0];
      seen.add(`${path} ${status} ${format}`);
    }
  };
  const askers = ["/old", "/new", "/old", "/new"].map(asking);
  for (let round = 0; round < 20; round++) {
    writeFileSync(file, round % 2 === 0 ? text.replace(before, after) : text);
    t.equal((await gate.sallyport.running.reload()).kind, "loaded");
    await new Promise((resolve) => setTimeout(resolve, 30));
  }
  over.abort();
  await Promise.all(askers);
  t.same([...seen].toSorted(), ["/new 200 ", "/new 404 error", "/old 200 ", "/old 404 detail"]);
});

t.test("the diagnostics of a hostile file can be printed", (t) => {
  const configPath = join(t.testdir({ "sallyport.yaml": `${bombs(12)}\n` }), "sallyport.yaml");
  const loaded = loadPolicy({ configPath, environment: {} });
  t.equal(loaded.kind, "invalid");
  if (loaded.kind === "invalid") t.ok(loaded.diagnostics.every((one) => formatDiagnostic(one, { colour: false }).length < 2_000));
  t.end();
});
