/** Class 2.8, R1 to R5: floods, and clients that would look like many. */
import t from "tap";
import { createMemoryCounters } from "../../src/stores/memory-counters.ts";
import { startAssembled } from "./assembled-gate.ts";
import { bearer, ISS, startGate } from "./gate.ts";
import { AUTHENTICATORS, limited, MINUTE_MS, statuses, times, tokenOfMachine, TRUSTING } from "./limited-gate.ts";
import { converse, valuesOf } from "./raw-socket.ts";
import { rsa, tokenOf } from "./token-gate.ts";

t.test("R1 no header of an untrusted peer makes it another client", async (t) => {
  const gate = await startGate(t, limited("address"));
  const names = [
    "x-forwarded-for",
    "forwarded",
    "x-real-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-originating-ip",
    "via",
  ];
  const calls = names.map(
    (name, index) => () => gate.ask("GET /open", { [name]: name === "forwarded" ? `for=1.1.1.${index}` : `1.1.1.${index}` }),
  );
  t.same(await statuses(calls), [200, 200, 200, ...times(names.length - 3, () => 429)]);
});

t.test("R1 behind a trusted peer the right-most address that is not trusted counts, whatever stands left of it", async (t) => {
  const gate = await startGate(t, { ...limited("address"), gateway: TRUSTING });
  const of = (value: string | readonly string[]) => () => gate.ask("GET /open", { "x-forwarded-for": value });
  const spoofs = [times(50, (index) => `9.9.9.${index}`).join(), "garbage", "", "unknown", "1.1.1.1, 2.2.2.2", "::1"];
  t.same(await statuses(spoofs.map((spoof) => of(`${spoof}, 5.5.5.5`))), [200, 200, 200, 429, 429, 429]);
  t.equal((await of(["8.8.8.8", "5.5.5.5"])()).status, 429, "in a second field");
  t.equal((await of("5.5.5.5, 10.1.2.3")()).status, 429, "behind another trusted proxy");
  t.equal((await of("5.5.5.5:4711")()).status, 429, "with a port");
  t.equal((await of("5.5.5.6")()).status, 200, "and another client is another one");
  t.same(await statuses(times(4, (index) => of(`garbage${index}`))), [200, 200, 200, 429], "what is no address leaves the proxy's own");
});

t.test("R2 an IPv6 client counts by its /64, in every spelling; an IPv4 address in IPv6 clothes by its own", async (t) => {
  const gate = await startGate(t, { ...limited("address"), gateway: TRUSTING });
  const of = (address: string) => () => gate.ask("GET /open", { "x-forwarded-for": address });
  const within = [
    "2001:db8:1:2::1",
    "2001:db8:1:2:ffff:ffff:ffff:ffff",
    "2001:DB8:1:2::a",
    "2001:0db8:0001:0002:0:0:0:7",
    "2001:db8:1:2::1%eth0",
    "[2001:db8:1:2::9]:443",
    "2001:db8:1:2:0:ffff:1.2.3.4",
  ];
  t.same(await statuses(within.map(of)), [200, 200, 200, 429, 429, 429, 429]);
  t.equal((await of("2001:db8:1:3::1")()).status, 200, "the next /64 is another client");
  const mapped = ["7.7.7.7", "::ffff:7.7.7.7", "::FFFF:7.7.7.7", "::ffff:707:707", "0:0:0:0:0:ffff:7.7.7.7", "[::ffff:7.7.7.7]:80"];
  t.same(await statuses(mapped.map(of)), [200, 200, 200, 429, 429, 429]);
  t.same(await statuses(times(4, (index) => of(`fe80::${index}%eth${index}`))), [200, 200, 200, 429], "whatever the zone");
});

t.test("R3 one route has one bucket, however it is called", async (t) => {
  const gate = await startGate(t, limited("address"));
  const same = ["GET /open", "HEAD /open", "GET /%6fpen", "GET /open?x=1", "HEAD /op%65n?y", "GET /open?"];
  t.same(await statuses(same.map((line) => () => gate.ask(line))), [200, 200, 200, 429, 429, 429]);
});

t.test("R3 a limit for reading counts HEAD as the GET that it stands for", async (t) => {
  const services = { shop: "routes:\n  GET /open: { access: public, limits: { few: { by: address, rate: 2/minute, methods: [GET] } } }\n" };
  const gate = await startGate(t, { services });
  t.same(await statuses(["HEAD /open", "GET /open", "HEAD /open", "GET /open"].map((line) => () => gate.ask(line))), [200, 200, 429, 429]);
});

t.test("R3 R4 what matches nothing, in path or method, counts like anything else", async (t) => {
  const limits = "limits: { all: { by: address, rate: 4/minute } }\n";
  const lines = [
    "GET /open/",
    "GET /OPEN",
    "DELETE /open",
    "OPTIONS /open",
    "GET /open",
    "GET /nowhere",
    "HEAD /x",
    "TRACE /open",
    "GET /a",
  ];
  const inService = await startGate(t, {
    services: { shop: `${AUTHENTICATORS}${limits}routes:\n  GET /open: public\n  GET /a: authenticated\n` },
  });
  t.same(await statuses(lines.map((line) => () => inService.ask(line))), [404, 404, 405, 405, 429, 429, 429, 429, 429]);
  const inDefaults = await startGate(t, {
    gateway: `defaults: { ${limits.trim()} }\n`,
    services: { shop: `prefix: /shop\n${AUTHENTICATORS}routes:\n  GET /open: public\n` },
  });
  t.same(
    await statuses(["/x", "/shop/x", "/", "/y", "/shop/open", "/z"].map((path) => () => inDefaults.ask(`GET ${path}`))),
    [404, 404, 404, 404, 429, 429],
    "one bucket for all of the gateway",
  );
});

t.test("R3 `//open` and `/open;x` are refused or unknown before they could be another way in", async (t) => {
  const gate = await startGate(t, limited("address"));
  t.same(
    await statuses(["//open", "/open;x", "/open%00", "/./open", "/a/../open"].map((path) => () => gate.ask(`GET ${path}`))),
    [400, 404, 400, 400, 400],
  );
});

t.test("R4 a flood of bad credentials is braked by address before it costs a key set or a store, and hurts no good one", async (t) => {
  const brakes = "limits: { all: { by: address, rate: 40/minute }, failures: { by: address, rate: 5/minute, of: failures } }\n";
  const gate = await startGate(t, { services: { shop: `${AUTHENTICATORS}${brakes}routes:\n  GET /a: authenticated\n` } });
  const bad = (index: number) => () =>
    gate.ask("GET /a", bearer(tokenOf({ kid: `k${index}`, alg: "RS256" }, { iss: ISS }, rsa(gate.k2.privateKey))));
  const fetched = gate.issuer.requests();
  t.same(await statuses(times(8, bad)), [401, 401, 401, 401, 401, 429, 429, 429]);
  t.ok(gate.issuer.requests() - fetched <= 1, "unknown kids cause at most one fetch");
  t.equal((await gate.ask("GET /a", bearer(tokenOfMachine(gate, "m1")))).status, 200, "a good credential passes all the same");
  t.same(
    await statuses([() => gate.ask("GET /a"), () => gate.ask("GET /a", { "x-api-key": "x" })]),
    [429, 429],
    "missing and malformed ones count as failures",
  );
  t.same((await statuses(times(40, bad))).slice(-5), [429, 429, 429, 429, 429]);
  t.equal(
    (await gate.ask("GET /a", bearer(tokenOfMachine(gate, "m1")))).status,
    429,
    "past the limit for all requests nobody is looked at",
  );
  t.equal((await gate.ask("GET /a")).headers["retry-after"], "60");
});

t.test("R5 a flood of addresses frees nobody who is blocked, and does not grow the store", async (t) => {
  const counters = createMemoryCounters({ maxBuckets: 100 });
  const { send } = await startAssembled(
    t,
    { ...limited("address"), gateway: TRUSTING, environment: { JWKS: "http://127.0.0.1:9/jwks.json" } },
    { counters },
  );
  const from = async (address: string): Promise<number> => (await send("GET", "/open", { "x-forwarded-for": address })).status;
  t.same([await from("6.6.6.6"), await from("6.6.6.6"), await from("6.6.6.6"), await from("6.6.6.6")], [200, 200, 200, 429]);
  for (let index = 0; index < 1000; index++) {
    await from(`11.${index >> 8}.${index & 255}.1`);
    if (index % 100 === 0) t.equal(await from("6.6.6.6"), 429, `still blocked after ${index} others`);
  }
  t.ok(counters.size <= 100, `${counters.size} buckets`);
  t.equal(await from("6.6.6.6"), 429);
});

t.test("R5 a store full of blocked clients refuses newcomers rather than forget", async (t) => {
  const counters = createMemoryCounters({ maxBuckets: 5 });
  const one = {
    services: { shop: "routes:\n  GET /open: { access: public, limits: { one: { by: address, rate: 1/minute } } }\n" },
    gateway: TRUSTING,
  };
  const { send, pass } = await startAssembled(t, one, { counters });
  const from = async (address: string): Promise<number> => (await send("GET", "/open", { "x-forwarded-for": address })).status;
  t.same(await Promise.all(times(5, (index) => from(`12.0.0.${index}`))), [200, 200, 200, 200, 200]);
  t.equal(await from("12.0.0.9"), 429);
  await pass(MINUTE_MS);
  t.equal(await from("12.0.0.9"), 200, "until their time is over");
});

t.test("R4 what the parser or the edge refuses costs no look-up, and is not forwarded", async (t) => {
  const gate = await startGate(t, limited("address"));
  const bad = times(50, () => "GET /op%zzen HTTP/1.1\r\nHost: gw\r\n\r\n").join("");
  const { answers } = await converse(gate.port, bad, { answers: 50 });
  t.ok(answers.length > 0 && answers.every(({ status }) => status === 400));
  t.same(gate.upstream.take(), []);
  t.equal((await gate.ask("GET /open")).status, 200, "nor does it spend the budget of a route that it does not name");
});

/** One of each kind: by the edge, by the parser, of no route at all. */
const STRAYS: readonly (readonly [what: string, bytes: string, status: number])[] = [
  ["a broken path", "GET /op%zzen HTTP/1.1\r\nHost: gw\r\n\r\n", 400],
  ["an expectation", "GET /open HTTP/1.1\r\nHost: gw\r\nExpect: x\r\n\r\n", 417],
  ["what is no HTTP", "hello\r\n\r\n", 400],
  ["a head too long", `GET /open HTTP/1.1\r\nHost: gw\r\nx: ${"a".repeat(20_000)}\r\n\r\n`, 431],
  ["CONNECT", "CONNECT gw:80 HTTP/1.1\r\nHost: gw\r\n\r\n", 404],
];

t.test("R4 what the parser or the edge refuses counts with all that matches no service, and is 429 past the limit", async (t) => {
  const gateway = `defaults: { limits: { all: { by: address, rate: ${STRAYS.length}/minute } } }\n`;
  const gate = await startGate(t, { ...limited("address"), gateway });
  const answerTo = async (bytes: string) => (await converse(gate.port, bytes)).answers[0];
  for (const [what, bytes, status] of STRAYS) t.equal((await answerTo(bytes))?.status, status, what);
  for (const [what, bytes] of STRAYS) {
    const answer = await answerTo(bytes);
    t.equal(answer?.status, 429, `${what}, past the limit`);
    t.same(valuesOf(answer!, "retry-after"), ["60"], what);
    const [id = ""] = valuesOf(answer!, "x-decision-id");
    t.match(gate.sallyport.decision(id), { code: "RATE_LIMITED", reason: /^limit all of gateway/, address: "127.0.0.1" }, what);
  }
  t.equal((await gate.ask("GET /open")).status, 429, "and so is what would have been allowed");
  t.same(gate.upstream.take(), []);
});

t.test(
  "R4 behind a trusted proxy what cannot be read counts against nobody, and what is refused by the edge against its client",
  async (t) => {
    const gateway = `${TRUSTING}defaults: { limits: { all: { by: address, rate: 1/minute } } }\n`;
    const gate = await startGate(t, { ...limited("address"), gateway });
    const statusOf = async (bytes: string) => (await converse(gate.port, bytes)).answers[0]?.status;
    for (let count = 0; count < 3; count++) t.equal(await statusOf("hello\r\n\r\n"), 400);
    const broken = (client: string): string => `GET /op%zzen HTTP/1.1\r\nHost: gw\r\nX-Forwarded-For: ${client}\r\n\r\n`;
    t.same(
      [await statusOf(broken("192.0.2.1")), await statusOf(broken("192.0.2.1")), await statusOf(broken("192.0.2.2"))],
      [400, 429, 400],
    );
  },
);
