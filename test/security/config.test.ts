/** Class 2.10, F3 to F6: what a policy means, and what a client cannot make of it. */
import t from "tap";
import { startUpstream } from "../journey/recording-upstream.ts";
import { bearer, gateFiles, ISS, startGate } from "./gate.ts";
import { ENVIRONMENT, issuer, loadFiles, loadsFine, messagesOf, mistakes, OPEN, refusals, upstream } from "./loading.ts";
import { rsa, tokenOf } from "./token-gate.ts";

t.test("F3 an issuer that a token names is called by nobody", async (t) => {
  const stranger = await startUpstream(t);
  const gate = await startGate(t, {
    services: {
      shop: `authenticators: { a: { jwt: { issuer: "\${ISSUER}", jwks: "\${JWKS}", clients: any } } }\nroutes:\n  GET /x: authenticated\n`,
    },
  });
  const fetched = gate.issuer.requests();
  for (const iss of [stranger.url, `${stranger.url}/`, `${ISS}@${new URL(stranger.url).host}`, `${stranger.url}/?${ISS}`, `${ISS}/../x`]) {
    const token = tokenOf({ kid: "k1", alg: "RS256" }, { iss, sub: "x", client_id: "x" }, rsa(gate.k1.privateKey));
    t.equal((await gate.ask("GET /x", bearer(token))).verdict, "TOKEN_INVALID", iss);
  }
  t.same([stranger.take(), gate.issuer.requests() - fetched], [[], 0]);
});

t.test("F4 no header and no target of a client's picks the upstream", async (t) => {
  const evil = await startUpstream(t);
  const gate = await startGate(t, { services: { shop: OPEN } });
  const { host } = new URL(evil.url);
  const names = [
    "host",
    "x-forwarded-host",
    "x-original-host",
    "x-host",
    "x-forwarded-server",
    "x-original-url",
    "x-rewrite-url",
    "forwarded",
    "x-upstream",
    "x-envoy-original-dst-host",
  ];
  for (const name of names)
    t.equal((await gate.ask("GET /x", { [name]: name === "forwarded" ? `host=${host}` : host })).verdict, "allow", name);
  t.equal((await gate.ask(`GET http://${host}/x`, { host })).verdict, "allow", "absolute-form");
  t.equal((await gate.ask(`GET http://${host}/x`, { host: "gw" })).verdict, "REQUEST_INVALID", "absolute-form beside another Host");
  t.equal((await gate.ask(`GET //${host}/x`)).verdict, "REQUEST_INVALID");
  t.equal((await gate.ask(`GET /@${host}/x`)).verdict, "ROUTE_NOT_FOUND");
  t.same(evil.take(), []);
});

t.test("F5 a variable that is unset or empty is no secret, audience, issuer or address", async (t) => {
  const secret = (value: string): string =>
    `authenticators: { s: { bearer: [{ id: one, value: ${value}, access: [r] }] } }\nroutes:\n  GET /x: authenticated\n`;
  const audience = (value: string): string =>
    `authenticators: { a: { jwt: { issuer: "https://i.example", audience: ${value} } } }\nroutes:\n  GET /x: authenticated\n`;
  refusals(t, {
    "secret unset": [secret('"${MISSING}"'), /MISSING/],
    "secret empty": [secret('"${EMPTY}"'), /EMPTY/],
    "secret with an empty default": [secret('"${MISSING:-}"'), /empty/],
    "secret left out": [secret('"${MISSING?}"'), /empty/],
    "secret literally empty": [secret('""'), /empty/],
    "secret null": [secret("null"), /./],
    "secret short": [secret('"short"'), /shorter than 16/],
    "secret with a space": [secret('"sixteen letters and a space"'), /character/],
    "issuer unset": [issuer("${MISSING}"), /MISSING/],
    "issuer empty": [issuer("${EMPTY}"), /EMPTY/],
    "issuer empty by default": [issuer("${MISSING:-}"), /./],
    "upstream unset": [upstream("${MISSING}"), /MISSING/],
    "upstream empty": [upstream("${EMPTY}"), /EMPTY/],
    "audience unset": [audience('["${MISSING}"]'), /MISSING/],
    "audience empty": [audience('["${EMPTY}"]'), /EMPTY/],
    "audience of nobody": [audience('["${MISSING?}"]'), /./],
    "audience an empty list": [audience("[]"), /./],
    "audience an empty word": [audience('[""]'), /empty/],
    "no audience at all": [audience("null"), /./],
  });
  loadsFine(t, secret('"${SECRET}"'), "and a real one loads");
  const admin = loadFiles(gateFiles({ services: { shop: OPEN } }), { ...ENVIRONMENT, ADMIN_TOKEN: "" });
  t.match(messagesOf(admin), [/ADMIN_TOKEN/], "nor an admin token");
});

t.test("F6 the most specific route wins, in whichever order the file has them", async (t) => {
  const lines = [
    "GET /a/{rest...}: public",
    "GET /a/admin/{rest...}: admin",
    "GET /a/{name}: public",
    "GET /a/fixed: admin",
    "POST /a/fixed: public",
    "GET /a/{name}/end: admin",
    "GET /a/shut: denied",
  ];
  const rows: Readonly<Record<string, string>> = {
    "GET /a/x/y": "allow",
    "GET /a/admin/x": "TOKEN_MISSING",
    "GET /a/admin/x/y/z": "TOKEN_MISSING",
    "GET /a/%61dmin/x": "TOKEN_MISSING",
    "GET /a/x": "allow",
    "GET /a/fixed": "TOKEN_MISSING",
    "POST /a/fixed": "allow",
    "GET /a/x/end": "TOKEN_MISSING",
    "GET /a/shut": "ROUTE_NOT_FOUND",
    "GET /a/admin": "allow",
    "GET /a/": "ROUTE_NOT_FOUND",
    "GET /a": "ROUTE_NOT_FOUND",
  };
  for (const order of [lines, lines.toReversed()]) {
    const service = `authenticators: { s: { bearer: [{ id: one, value: "${ENVIRONMENT.SECRET}", access: [admin] }] } }\nroutes:\n${order.map((line) => `  ${line}\n`).join("")}`;
    const gate = await startGate(t, { services: { shop: service } });
    for (const [line, verdict] of Object.entries(rows)) t.equal((await gate.ask(line)).verdict, verdict, line);
  }
});

t.test("F6 two lines for one route do not load, however the second is disguised", async (t) => {
  const twice = (first: string, second: string): string => `routes:\n  ${first}: public\n  ${second}: denied\n`;
  refusals(t, {
    "the same line": [twice("GET /a", "GET /a"), /twice|already|duplicate|repeat/i],
    "another name": [twice("GET /a/{x}", "GET /a/{y}"), /same route/],
    "another name of the rest": [twice("GET /a/{x...}", "GET /a/{y...}"), /same route/],
    "an escape that needs none": [twice("GET /a", "GET /%61"), /same route|./],
    "other letters": [twice("GET /a", "GET /A"), /careless reader/],
    "with parameters": [twice("GET /a", "GET /a;x"), /./],
    "two slashes": [`routes:\n  GET //a: public\n`, /./],
    "a dot segment": [`routes:\n  GET /a/../b: public\n`, /./],
    "an escaped slash": [`routes:\n  GET /a%2fb: public\n`, /./],
    "a star": [`routes:\n  GET /a/*: public\n`, /./],
    "a rest before the end": [`routes:\n  GET /a/{x...}/b: public\n`, /./],
    "a query": [`routes:\n  GET /a?x=1: public\n`, /./],
    "no method": [`routes:\n  /a: public\n`, /./],
    "a method in small letters": [`routes:\n  get /a: public\n`, /./],
    "any method": [`routes:\n  "* /a": public\n`, /./],
    HEAD: [`routes:\n  HEAD /a: public\n`, /./],
  });
  loadsFine(t, "routes:\n  GET /a: public\n  GET /a/: public\n  POST /a: denied\n", "a trailing slash and another method are other routes");
  const service = (prefix: string): string => `prefix: ${prefix}\n${OPEN}`;
  t.equal(mistakes({ services: { one: service("/p"), two: service("/p") } }).length, 1, "two services in one place");
  t.equal(mistakes({ services: { one: service("/p"), two: service("/P") } }).length, 1, "two that differ in case");
});
