import https from "node:https";
import { type AddressInfo, isIP, type LookupFunction } from "node:net";
import { gzipSync } from "node:zlib";
import t from "tap";
import { guardedLookup, jwksFetch } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { forbiddenHost } from "../../src/policy/addresses.ts";
import { certificate, hasOpenssl } from "../forward/certificates.ts";
import { answerJson, issuerServer } from "./fixtures/issuer-server.ts";

const never = new AbortController().signal;
const fetchJwks = jwksFetch(guardedLookup(forbiddenHost));
const limits = { timeoutMs: 5000, maxBytes: 1000 };

t.test("the document is fetched as it is, whatever its media type", async (t) => {
  const server = await issuerServer(t, (request, response) => {
    t.equal(request.url, "/jwks.json");
    t.equal(request.headers["accept-encoding"], "identity");
    response.setHeader("content-type", "text/html").end('{"keys":[]}');
  });
  t.equal(Buffer.from(await fetchJwks(server.jwks, never, limits)).toString(), '{"keys":[]}');
});

t.test("any status but 200 is a failure", async (t) => {
  for (const status of [201, 204, 206, 304, 404, 500, 503]) {
    const server = await issuerServer(t, (_request, response) => response.writeHead(status).end());
    await t.rejects(fetchJwks(server.jwks, never, limits), { message: `status ${status}` });
  }
});

t.test("a redirect is not followed", async (t) => {
  const target = await issuerServer(t, answerJson('{"keys":[]}'));
  for (const status of [301, 302, 303, 307, 308]) {
    const server = await issuerServer(t, (_request, response) => response.writeHead(status, { location: target.jwks }).end());
    await t.rejects(fetchJwks(server.jwks, never, limits), { message: `status ${status}` });
  }
  t.equal(target.requests(), 0);
});

t.test("an answer with a content coding is refused undecoded", async (t) => {
  const server = await issuerServer(t, (_request, response) => {
    response.setHeader("content-encoding", "gzip").end(gzipSync(Buffer.alloc(1_000_000)));
  });
  await t.rejects(fetchJwks(server.jwks, never, limits), { message: /content coding/ });
});

t.test("a body is read up to the limit and not beyond, with or without a length", async (t) => {
  const full = await issuerServer(t, answerJson("x".repeat(1000)));
  t.equal((await fetchJwks(full.jwks, never, limits)).length, 1000);
  const tooLong = await issuerServer(t, answerJson("x".repeat(1001)));
  await t.rejects(fetchJwks(tooLong.jwks, never, limits), { message: /larger than 1000 bytes/ });
  const endless = await issuerServer(t, (_request, response) => {
    const pour = () => {
      while (!response.destroyed && response.write("x".repeat(10_000)));
    };
    response.on("drain", pour);
    pour();
  });
  await t.rejects(fetchJwks(endless.jwks, never, limits), { message: /larger than 1000 bytes/ });
  await endless.idle();
});

t.test("silence, a body that drips and a head that drips end with the time, which is one for all", async (t) => {
  const short = { timeoutMs: 150, maxBytes: 1000 };
  const silent = await issuerServer(t, () => undefined);
  await t.rejects(fetchJwks(silent.jwks, never, short), { message: /within 150 ms/ });
  const dripping = await issuerServer(t, (_request, response) => {
    const timer = setInterval(() => response.write("x"), 20);
    response.on("close", () => clearInterval(timer));
  });
  await t.rejects(fetchJwks(dripping.jwks, never, short), { message: /within 150 ms/ });
  const slowHead = await issuerServer(t, (request) => {
    const timer = setInterval(() => request.socket.write("H"), 20);
    request.socket.on("close", () => clearInterval(timer));
  });
  await t.rejects(fetchJwks(slowHead.jwks, never, short));
});

t.test("a fetch that is called off ends at once, and its connection with it", async (t) => {
  const controller = new AbortController();
  const server = await issuerServer(t, () => controller.abort());
  await t.rejects(fetchJwks(server.jwks, controller.signal, limits), { name: "AbortError" });
  await server.idle();
});

t.test("an issuer that is gone, cuts the body short or answers nonsense is a failure", async (t) => {
  await t.rejects(fetchJwks("http://127.0.0.1:1/jwks.json", never, limits), { code: "ECONNREFUSED" });
  const cut = await issuerServer(t, (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write('{"keys":[]}', () => response.destroy());
  });
  await t.rejects(fetchJwks(cut.jwks, never, limits));
  const nonsense = await issuerServer(t, (request) => request.socket.end("nonsense\r\n\r\n"));
  await t.rejects(fetchJwks(nonsense.jwks, never, limits));
});

t.test("an issuer whose certificate nobody vouches for is not asked", { skip: !hasOpenssl() && "no openssl" }, async (t) => {
  let requests = 0;
  const server = https.createServer(certificate(t, "localhost", "DNS:localhost,IP:127.0.0.1"), (_request, response) => {
    requests += 1;
    response.end('{"keys":[]}');
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  await t.rejects(fetchJwks(`https://127.0.0.1:${port}/jwks.json`, never, limits), { code: "DEPTH_ZERO_SELF_SIGNED_CERT" });
  t.equal(requests, 0);
});

t.test("a fetch that is called off in the middle of the answer is called off, and no failure of the issuer's", async (t) => {
  const controller = new AbortController();
  const server = await issuerServer(t, (_request, response) => {
    response.writeHead(200, { "content-length": "100" }).write('{"keys":', () => setImmediate(() => controller.abort()));
  });
  await t.rejects(fetchJwks(server.jwks, controller.signal, limits), { name: "AbortError" });
  await server.idle();
});

t.test("no connection is left behind", async (t) => {
  const server = await issuerServer(t, answerJson('{"keys":[]}'));
  await fetchJwks(server.jwks, never, limits);
  await server.idle();
});

/** A name server's answers. */
function names(answers: Readonly<Record<string, readonly string[]>>): { readonly lookup: LookupFunction; readonly asked: string[] } {
  const asked: string[] = [];
  const lookup: LookupFunction = (hostname, _options, done) => {
    asked.push(hostname);
    const addresses = answers[hostname];
    if (addresses === undefined) done(Object.assign(new Error("no such name"), { code: "ENOTFOUND" }), []);
    else
      done(
        null,
        addresses.map((address) => ({ address, family: isIP(address) })),
      );
  };
  return { lookup, asked };
}

t.test("F1 F2: a name that has the address of a cloud's metadata service, or a link-local one, is not connected to", async (t) => {
  const server = await issuerServer(t, answerJson('{"keys":[]}'));
  const { port } = new URL(server.jwks);
  const forbidden = [
    "169.254.169.254",
    "169.254.0.1",
    "100.100.100.200",
    "fe80::1",
    "fe80::1%lo",
    "fd00:ec2::254",
    "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe",
    "0.0.0.0",
    "::",
    "224.0.0.1",
  ];
  const answers = Object.fromEntries(forbidden.map((address, index) => [`issuer-${index}.example`, [address]]));
  const { lookup, asked } = names({ ...answers, "both.example": ["127.0.0.1", "169.254.169.254"], "good.example": ["127.0.0.1"] });
  const fetch = jwksFetch(guardedLookup(forbiddenHost, lookup));
  for (const host of [...Object.keys(answers), "both.example"])
    await t.rejects(
      fetch(`http://${host}:${port}/jwks.json`, never, limits),
      { message: /an address where no request may go/ },
      String(answers[host]),
    );
  t.equal(server.requests(), 0);
  t.equal((await fetch(`http://good.example:${port}/jwks.json`, never, limits)).length, 11);
  await t.rejects(fetch(`http://gone.example:${port}/jwks.json`, never, limits), { code: "ENOTFOUND" });
  t.equal(asked.length, forbidden.length + 3);
});

t.test("F2: a name is looked up, and judged, for each fetch anew", async (t) => {
  const server = await issuerServer(t, answerJson('{"keys":[]}'));
  const answers: Record<string, string[]> = { "issuer.example": ["127.0.0.1"] };
  const fetch = jwksFetch(guardedLookup(forbiddenHost, names(answers).lookup));
  const address = `http://issuer.example:${new URL(server.jwks).port}/jwks.json`;
  t.equal((await fetch(address, never, limits)).length, 11);
  answers["issuer.example"] = ["169.254.169.254"];
  await t.rejects(fetch(address, never, limits), { message: /an address where no request may go/ });
  t.equal(server.requests(), 1);
});

t.test("a lookup for one address gives the first, as Node asks for it", async (t) => {
  const lookup = guardedLookup(forbiddenHost, names({ "issuer.example": ["127.0.0.2", "127.0.0.1"] }).lookup);
  const found = await new Promise((resolve) => lookup("issuer.example", {}, (...answer) => resolve(answer)));
  t.same(found, [null, "127.0.0.2", 4]);
});
