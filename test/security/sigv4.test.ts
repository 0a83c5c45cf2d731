/** SECURITY.md section 2.6b: AWS Signature Version 4, over raw sockets through a whole gateway. */
import { createHash, randomBytes } from "node:crypto";
import { rmSync } from "node:fs";
import { connect } from "node:net";
import fc from "fast-check";
import t from "tap";
import { makeAccessKey } from "../../src/contract/access-key.ts";
import { presign, sign, timestampOf, type Draft } from "../authenticate/fixtures/sigv4-signer.ts";
import { inHeaders, inQuery, VECTOR_NOW, VECTORS, type SignedMessage } from "../authenticate/fixtures/sigv4-vectors.ts";
import { converse } from "./raw-socket.ts";
import { bytesOf, HOST, SIGNER, startSigV4, type Asked, type SigV4Fixture } from "./sigv4-fixture.ts";
import type { Heard } from "./witness.ts";

const MINUTE_MS = 60_000;
const sha256 = (text: string): string => createHash("sha256").update(text, "latin1").digest("hex");
const draftAt = (at: number, draft: Partial<Draft> = {}): Draft => ({ headers: [HOST], at, ...draft });

/** The message with one header's value changed. */
function withHeader(message: SignedMessage, name: string, change: (value: string) => string): SignedMessage {
  const headers = message.headers.map(([sent, value]) => [sent, sent.toLowerCase() === name ? change(value) : value] as const);
  return { ...message, headers };
}

function withMore(message: SignedMessage, ...headers: [name: string, value: string][]): SignedMessage {
  return { ...message, headers: [...message.headers, ...headers] };
}

/** A refusal without what differs from one to the next. */
function asRead({ status, headers, body }: Asked): unknown {
  const id = headers.find(([name]) => name === "x-decision-id")?.[1] ?? "";
  return { status, headers: headers.filter(([name]) => name !== "x-decision-id" && name !== "Date"), body: body.replaceAll(id, "ID") };
}

t.test("S1 every valid request of AWS's test suite is let through, in either form, and without its credential", async (t) => {
  const fixture = await startSigV4(t, { hold: "1KB" });
  for (const vector of VECTORS) {
    for (const message of [inHeaders(vector), inQuery(vector)]) {
      const { verdict, heard } = await fixture.send(message);
      t.equal(verdict, "allow", vector.name);
      t.equal(heard?.body, vector.body, vector.name);
      t.equal(heard?.target, vector.target, vector.name);
      t.notOk(heard?.headers.some(([name]) => name.toLowerCase() === "authorization"));
    }
  }
});

t.test("S1 the upstream is told whose key it was, and the answer of a refusal names the scheme", async (t) => {
  const { ask, send } = await startSigV4(t);
  const { heard } = await ask({ target: "/a" });
  const told = Object.fromEntries(heard?.headers ?? []);
  t.match(told, { "x-auth-subject": "signer", "x-auth-kind": "key", "x-auth-permissions": "things.read,things.write" });
  const refused = await send({ method: "GET", target: "/a", headers: [HOST], body: "" });
  t.equal(refused.verdict, "TOKEN_MISSING");
  t.match(refused.headers.find(([name]) => name === "www-authenticate")?.[1], /AWS4-HMAC-SHA256/);
});

const SIGNED_TARGET = "/a/b%20c?x=1&y=%C3%A9";
const SIGNED_HEADERS = [HOST, ["Content-Type", "text/plain"], ["X-Thing", "a b"]] as const;
const SIGNED_POST: Partial<Draft> = { method: "POST", target: SIGNED_TARGET, headers: SIGNED_HEADERS, body: "hello body" };

for (const [form, message] of [
  ["header", sign(draftAt(VECTOR_NOW, SIGNED_POST), SIGNER)],
  ["query", presign(draftAt(VECTOR_NOW, SIGNED_POST), SIGNER)],
] as const) {
  t.test(`S2 no request with one byte changed is forwarded, unless what is forwarded means the same (${form} form)`, async (t) => {
    const fixture = await startSigV4(t, { hold: "1KB" });
    const bytes = bytesOf(message);
    const signedEnd = bytes.indexOf("\r\nContent-Length");
    t.same((await deliver(fixture, bytes)).map(isTheOneSigned), [true], "as it was signed");
    const places = fc.oneof(
      fc.integer({ min: 0, max: signedEnd }),
      fc.integer({ min: bytes.length - message.body.length, max: bytes.length - 1 }),
    );
    await fc.assert(
      fc.asyncProperty(places, fc.integer({ min: 0, max: 7 }), async (place, bit) => {
        const changed = bytes.slice(0, place) + String.fromCharCode(bytes.charCodeAt(place) ^ (1 << bit)) + bytes.slice(place + 1);
        return (await deliver(fixture, changed)).every(isTheOneSigned);
      }),
      { seed: 4, numRuns: 400 },
    );
  });
}

/** Sends bytes that may be no request at all; what reached the upstream whole. */
async function deliver({ sallyport, witness }: SigV4Fixture, bytes: string): Promise<readonly Heard[]> {
  witness.takeBytes();
  await converseRaw(sallyport.running.ports.gateway, bytes);
  return witness.take();
}

/** All that comes back until the other side closes. */
function converseRaw(port: number, bytes: string): Promise<string> {
  return new Promise((resolve) => {
    let got = "";
    const socket = connect(port, "127.0.0.1", () => socket.end(Buffer.from(bytes, "latin1")));
    socket
      .on("data", (chunk) => (got += chunk.toString("latin1")))
      .on("error", () => {})
      .on("close", () => resolve(got));
  });
}

/** But for the case of names and of the digits of an escape, which no reader tells apart. */
function isTheOneSigned({ method, target, headers, body }: Heard): boolean {
  const told = new Map(headers.map(([name, value]) => [name.toLowerCase(), value]));
  return (
    method === "POST" &&
    decodeURIComponent(target) === decodeURIComponent(SIGNED_TARGET) &&
    told.get("content-type") === "text/plain" &&
    told.get("x-thing") === "a b" &&
    body === "hello body"
  );
}

t.test("S3 a time of signing counts within 15 minutes either way, once, and on the scope's own day", async (t) => {
  const { verdict, send, clock } = await startSigV4(t);
  const at = (offsetMs: number): SignedMessage => sign(draftAt(VECTOR_NOW + offsetMs), SIGNER);
  for (const offset of [-15, 0, 15]) t.equal(await verdict(at(offset * MINUTE_MS)), "allow", `${offset} minutes`);
  for (const offset of [-16, 16, -1440, 1440]) t.equal(await verdict(at(offset * MINUTE_MS)), "SIGNATURE_INVALID", `${offset} minutes`);
  const good = at(0);
  const without: SignedMessage = { ...good, headers: good.headers.filter(([name]) => name !== "X-Amz-Date") };
  t.equal(await verdict(without), "SIGNATURE_INVALID", "missing");
  t.equal(await verdict(withMore(without, ["Date", new Date(VECTOR_NOW).toUTCString()])), "SIGNATURE_INVALID", "only Date");
  for (const value of ["20150830T123600", "2015-08-30T12:36:00Z", "20150830T126000Z", "20150230T123600Z", "20150830", "", "now"]) {
    t.equal(await verdict(withHeader(good, "x-amz-date", () => value)), "SIGNATURE_INVALID", `malformed ${value}`);
  }
  t.equal(await verdict(withMore(good, ["X-Amz-Date", timestampOf(VECTOR_NOW)])), "SIGNATURE_INVALID", "two dates");
  t.equal(await verdict(sign(draftAt(VECTOR_NOW, { scopeDate: "20150829" }), SIGNER)), "SIGNATURE_INVALID", "scope of another day");
  clock.now += 16 * MINUTE_MS;
  t.equal((await send(good)).verdict, "SIGNATURE_INVALID", "a good one, later");
});

t.test(
  "S4 host and x-amz-date are signed, and every x-amz- header; the list is sorted, in lower case, once each, and all there",
  async (t) => {
    const { verdict } = await startSigV4(t);
    const signed = (names: readonly string[], headers: Draft["headers"] = [HOST]): SignedMessage =>
      sign(draftAt(VECTOR_NOW, { headers, signed: names }), SIGNER);
    t.equal(await verdict(signed(["host", "x-amz-date"])), "allow");
    for (const names of [
      ["x-amz-date"],
      ["host"],
      ["host", "x-absent", "x-amz-date"],
      ["host", "host", "x-amz-date"],
      ["x-amz-date", "host"],
      ["Host", "x-amz-date"],
      [""],
    ]) {
      t.equal(await verdict(signed(names)), "SIGNATURE_INVALID", names.join(";"));
    }
    const target = [HOST, ["X-Amz-Target", "Delete"]] as const;
    t.equal(await verdict(signed(["host", "x-amz-date"], target)), "SIGNATURE_INVALID", "x-amz-target is there, unsigned");
    t.equal(await verdict(signed(["host", "x-amz-date", "x-amz-target"], target)), "allow");
    for (const name of ["X_Amz_Target", "x-amz_target", "X.Amz.Target"]) {
      t.equal(
        await verdict(withMore(signed(["host", "x-amz-date"]), [name, "Delete"])),
        "SIGNATURE_INVALID",
        `${name}, which some servers take for the same`,
      );
    }
  },
);

t.test("S4 a header that names the tenant is signed, or the request is refused, in either form", async (t) => {
  const { send, verdict } = await startSigV4(t, { tenantHeader: "x-tenant" });
  const named = [HOST, ["X-Tenant", "acme"]] as const;
  const forms: [string, (draft: Draft) => SignedMessage][] = [
    ["header", (draft) => sign({ ...draft, signed: [...(draft.signed ?? []), "x-amz-date"].sort() }, SIGNER)],
    ["query", (draft) => presign(draft, SIGNER)],
  ];
  for (const [form, made] of forms) {
    const signed = await send(made(draftAt(VECTOR_NOW, { headers: named, signed: ["host", "x-tenant"] })));
    t.equal(signed.verdict, "allow", form);
    t.equal(new Map(signed.heard?.headers).get("x-auth-tenant"), "acme", form);
    const unnamed = made(draftAt(VECTOR_NOW, { signed: ["host"] }));
    t.equal(await verdict(unnamed), "allow", `${form}: it may name none`);
    for (const [name, value] of [["X-Tenant", "acme"] as const, ["x-tenant", "other"] as const])
      t.equal(await verdict(withMore(unnamed, [name, value])), "SIGNATURE_INVALID", `${form}: ${name}: ${value}, unsigned`);
  }
});

t.test("S4 x-amz-content-sha256 may go unsigned where it is the hash that was signed", async (t) => {
  const { verdict } = await startSigV4(t);
  const names = ["host", "x-amz-date"];
  const post = (body: string, sent: string): SignedMessage =>
    sign(draftAt(VECTOR_NOW, { method: "POST", headers: [HOST, ["X-Amz-Content-Sha256", sent]], signed: names, body }), SIGNER);
  t.equal(await verdict(post("hello", sha256("hello"))), "allow");
  t.equal(await verdict(post("hello", sha256("hellO"))), "SIGNATURE_INVALID");
});

t.test("S5 region, service, terminator and form of the credential are held against the policy", async (t) => {
  const { verdict } = await startSigV4(t);
  const draft = draftAt(VECTOR_NOW);
  t.equal(await verdict(sign(draft, { ...SIGNER, region: "us-east-2" })), "SIGNATURE_INVALID");
  t.equal(await verdict(sign(draft, { ...SIGNER, region: "US-EAST-1" })), "SIGNATURE_INVALID");
  t.equal(await verdict(sign(draft, { ...SIGNER, service: "execute-api" })), "SIGNATURE_INVALID");
  t.equal(await verdict(sign({ ...draft, terminator: "aws5_request" }, SIGNER)), "SIGNATURE_INVALID");
  for (const change of ["AKIDEXAMPLE//", "/AKIDEXAMPLE/", "AKIDEXAMPLE/x/", "", "AKIDEXAMPLE%2F"]) {
    const message = withHeader(sign(draft, SIGNER), "authorization", (value) => value.replace("AKIDEXAMPLE/", change));
    t.equal(await verdict(message), "SIGNATURE_INVALID", change);
  }
  for (const change of ["AWS4-HMAC-SHA1", "AWS4-ECDSA-P256-SHA256", "aws4-hmac-sha256", "AWS4-HMAC-SHA256,"]) {
    const message = withHeader(sign(draft, SIGNER), "authorization", (value) => value.replace("AWS4-HMAC-SHA256", change));
    t.equal(await verdict(message), "SIGNATURE_INVALID", change);
  }
  const upper = withHeader(sign(draft, SIGNER), "authorization", (value) =>
    value.replace(/Signature=(.*)/, (_, hex: string) => `Signature=${hex.toUpperCase()}`),
  );
  t.equal(await verdict(upper), "SIGNATURE_INVALID", "a signature in upper case");
});

/** A body signed as what it is not. */
function lying(body: string, claimed: string, more: Draft["headers"] = []): SignedMessage {
  const headers = [HOST, ["X-Amz-Content-Sha256", sha256(claimed)], ...more] as Draft["headers"];
  return { ...sign(draftAt(VECTOR_NOW, { method: "POST", headers, body: claimed, payload: sha256(claimed) }), SIGNER), body };
}

function chunked(...chunks: readonly string[]): string {
  return `${chunks.map((chunk) => `${chunk.length.toString(16)}\r\n${chunk}\r\n`).join("")}0\r\n\r\n`;
}

t.test("S6 a body is what was signed, or the upstream never has its end", async (t) => {
  const fixture = await startSigV4(t);
  for (const size of [1, 10, 1000, 100_000, 900_000]) {
    const body = "x".repeat(size);
    const good = await fixture.send(lying(body, body));
    t.equal(good.verdict, "allow", `${size} bytes`);
    t.equal(good.heard?.body, body);
    const changed = `${body.slice(0, -1)}y`;
    const bad = await fixture.send(lying(changed, body));
    t.equal(bad.verdict, "SIGNATURE_INVALID", `${size} bytes, the last one changed`);
    t.equal(bad.status, 401);
    const [, delivered = ""] = bad.bytes.split("\r\n\r\n");
    t.match(delivered, /^x*$/);
    t.ok(delivered.length < size, "the last bytes stay here");
  }
});

t.test("S6 a chunked body is held against its hash as well, and is never brought to an end", async (t) => {
  const { send } = await startSigV4(t);
  const framing = [["Transfer-Encoding", "chunked"]] as const;
  const good = { ...lying("", "hello world", framing), body: chunked("hello", " world") };
  const passed = await send(good);
  t.equal(passed.verdict, "allow");
  t.equal(passed.heard?.body, "hello world");
  const bad = await send({ ...good, body: chunked("hello", " World") });
  t.equal(bad.verdict, "SIGNATURE_INVALID");
  t.notOk(bad.bytes.endsWith("0\r\n\r\n"));
  const empty = await send({ ...good, body: chunked() });
  t.equal(empty.verdict, "SIGNATURE_INVALID");
});

t.test("S6 a body without its hash, and words in place of a hash, are refused before anything is forwarded", async (t) => {
  const { verdict, ask } = await startSigV4(t);
  const post = (headers: Draft["headers"], payload?: string): SignedMessage =>
    sign(draftAt(VECTOR_NOW, { method: "POST", headers, body: "hello", ...(payload !== undefined && { payload }) }), SIGNER);
  const refused = await ask({ method: "POST", body: "hello" });
  t.equal(refused.verdict, "SIGNATURE_INVALID", "absent with a body");
  t.equal(refused.bytes, "");
  for (const word of [
    "UNSIGNED-PAYLOAD",
    "STREAMING-AWS4-HMAC-SHA256-PAYLOAD",
    "STREAMING-UNSIGNED-PAYLOAD-TRAILER",
    "",
    sha256("hello").toUpperCase(),
    "x".repeat(64),
  ]) {
    t.equal(await verdict(post([HOST, ["X-Amz-Content-Sha256", word]], word)), "SIGNATURE_INVALID", word);
  }
  const twice = [HOST, ["X-Amz-Content-Sha256", sha256("hello")], ["X-Amz-Content-Sha256", sha256("hello")]] as const;
  t.equal(await verdict(post(twice)), "SIGNATURE_INVALID", "twice");
  t.equal(await verdict(lying("", "hello")), "SIGNATURE_INVALID", "a hash of a body, and no body");
  t.equal((await ask({ method: "POST", headers: [HOST, ["X-Amz-Content-Sha256", sha256("")]] })).verdict, "allow", "the hash of no body");
});

t.test("S6 with holdBody a body without its hash is held, up to the size, and then forwarded as it came", async (t) => {
  const { ask, send } = await startSigV4(t, { hold: "1KB" });
  const post = (body: string): Partial<Draft> => ({ method: "POST", body });
  t.equal((await ask(post("hello"))).heard?.body, "hello");
  t.equal((await ask(post("x".repeat(1024)))).heard?.body.length, 1024);
  for (const size of [1025, 100_000]) t.equal((await ask(post("x".repeat(size)))).verdict, "SIGNATURE_INVALID", `${size} bytes`);
  const changed = { ...sign(draftAt(VECTOR_NOW, { method: "POST", body: "hello" }), SIGNER), body: "hellO" };
  const refused = await send(changed);
  t.equal(refused.verdict, "SIGNATURE_INVALID");
  t.equal(refused.bytes, "");
  const framed = sign(
    draftAt(VECTOR_NOW, { method: "POST", headers: [HOST, ["Transfer-Encoding", "chunked"]], body: "hello world" }),
    SIGNER,
  );
  t.equal((await send({ ...framed, body: chunked("hello", " world") })).heard?.body, "hello world");
  t.equal(
    (await send({ ...framed, body: chunked("x".repeat(600), "x".repeat(600)) })).verdict,
    "SIGNATURE_INVALID",
    "chunks that grow too long",
  );
});

t.test("S6 X1 a body that is held and drips is given up after the route's idle time, however regular the drops", async (t) => {
  const { sallyport, witness } = await startSigV4(t, { hold: "1KB" });
  const draft = draftAt(VECTOR_NOW, {
    method: "POST",
    target: "/few/a",
    headers: [HOST, ["Content-Length", "100"]],
    body: "x".repeat(100),
  });
  const head = bytesOf({ ...sign(draft, SIGNER), body: "" });
  const answer = await new Promise<string>((resolve, reject) => {
    let got = "";
    const socket = connect(sallyport.running.ports.gateway, "127.0.0.1", () => socket.write(head));
    const dripping = setInterval(() => socket.writable && socket.write("x"), 100);
    socket.on("data", (chunk) => (got += chunk.toString("latin1")));
    socket.on("error", reject).on("close", () => {
      clearInterval(dripping);
      resolve(got);
    });
  });
  t.match(answer, /^HTTP\/1\.1 401 /, "not after the ten seconds in which it would have been whole");
  t.match(sallyport.log().at(-1), { code: "SIGNATURE_INVALID", reason: "the body did not arrive in time" });
  t.equal(witness.takeBytes(), "");
});

t.test("S6 X2 a body that is held is bound by its route's `body.max` as well, and never read beyond it", async (t) => {
  const { ask, send, sallyport } = await startSigV4(t, { hold: "1KB" });
  const post = (body: string): Partial<Draft> => ({ method: "POST", target: "/few/a", body });
  t.equal((await ask(post("x".repeat(100)))).heard?.body.length, 100);
  const declared = await ask(post("x".repeat(101)));
  t.equal(declared.verdict, "SIGNATURE_INVALID", "declared");
  const framed = [HOST, ["Transfer-Encoding", "chunked"]] as const;
  const body = "x".repeat(101);
  const grown = await send({ ...sign(draftAt(VECTOR_NOW, { ...post(body), headers: framed }), SIGNER), body: chunked(body.slice(1), "x") });
  t.equal(grown.verdict, "SIGNATURE_INVALID", "in chunks");
  for (const { headers, bytes } of [declared, grown]) {
    const id = headers.find(([name]) => name === "x-decision-id")?.[1] ?? "";
    t.match(sallyport.decision(id), { reason: "the body is larger than `holdBody` or the route's `body.max`" });
    t.equal(bytes, "");
  }
});

t.test("S6 D8 a body that is held and breaks HTTP's syntax is answered once, and the answer is whole", async (t) => {
  const { sallyport, witness } = await startSigV4(t, { hold: "1KB" });
  const headers = [HOST, ["Transfer-Encoding", "chunked"]] as const;
  const draft = draftAt(VECTOR_NOW, { method: "POST", target: "/few/a", headers, body: "hello" });
  const head = bytesOf({ ...sign(draft, SIGNER), body: "" });
  const { answers, rest, closed } = await converse(sallyport.running.ports.gateway, [`${head}2\r\nhe\r\n`, "no size\r\n"]);
  t.same([answers.map(({ status }) => status), rest, closed], [[400], "", true]);
  t.match(answers[0]?.body, /"code":"REQUEST_INVALID"/);
  t.equal(sallyport.log().filter(({ decision }) => decision !== undefined).length, 1, "and it is logged once");
  t.equal(witness.takeBytes(), "");
});

t.test("S6 a client that waits for 100 Continue before a body that is held is told to go on, once", async (t) => {
  const { sallyport, witness } = await startSigV4(t, { hold: "1KB" });
  const message = sign(draftAt(VECTOR_NOW, { method: "POST", headers: [HOST], body: "hello" }), SIGNER);
  const head = bytesOf(withMore(message, ["Expect", "100-continue"])).slice(0, -"hello".length);
  const answer = await new Promise<string>((resolve, reject) => {
    let got = "";
    const socket = connect(sallyport.running.ports.gateway, "127.0.0.1", () => socket.write(head));
    socket.on("data", (chunk) => {
      const before = got;
      got += chunk.toString("latin1");
      if (before === "") socket.write("hello");
    });
    socket.on("close", () => resolve(got)).on("error", reject);
  });
  t.match(answer, /^HTTP\/1\.1 100 Continue\r\n\r\nHTTP\/1\.1 200 OK/);
  t.equal(witness.take()[0]?.body, "hello");
});

t.test(
  "S7 the same request again is let through within its window, which docs/credentials/sigv4.md says; for another host it is refused",
  async (t) => {
    const { send, verdict } = await startSigV4(t);
    const message = sign(draftAt(VECTOR_NOW), SIGNER);
    t.equal(await verdict(message), "allow");
    t.equal(await verdict(message), "allow");
    for (const host of ["example.amazonaws.com:80", "EXAMPLE.amazonaws.com", "other.example"]) {
      t.equal((await send(withHeader(message, "host", () => host))).verdict, "SIGNATURE_INVALID", host);
    }
  },
);

t.test("S8 a presigned request lives for 1 second to a week, and each of its fields stands once", async (t) => {
  const { verdict, clock, send } = await startSigV4(t);
  const signed = (expires?: string, fields?: Record<string, string>): SignedMessage =>
    presign(draftAt(VECTOR_NOW, { target: "/a?page=2" }), SIGNER, { ...(expires !== undefined && { expires }), ...(fields && { fields }) });
  for (const expires of ["1", "300", "604800"]) t.equal(await verdict(signed(expires)), "allow", expires);
  for (const expires of ["0", "604801", "-1", "1.5", "", "1e3", "0300", " 1", "NaN", "9999999"])
    t.equal(await verdict(signed(expires)), "SIGNATURE_INVALID", expires);
  const good = signed();
  for (const name of ["X-Amz-Algorithm", "X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-SignedHeaders", "X-Amz-Signature"]) {
    const field = new RegExp(`&${name}=[^&]*`).exec(good.target)![0];
    t.equal(await verdict({ ...good, target: good.target + field }), "SIGNATURE_INVALID", `${name} twice`);
    t.equal(await verdict({ ...good, target: good.target + field.toLowerCase() }), "SIGNATURE_INVALID", `${name} also in lower case`);
    t.equal(await verdict({ ...good, target: good.target.replace(field, "") }), "SIGNATURE_INVALID", `${name} missing`);
  }
  t.equal(await verdict(signed("300", { "X-Amz-Algorithm": "AWS4-HMAC-SHA512" })), "SIGNATURE_INVALID");
  const unsigned = presign(draftAt(VECTOR_NOW, { signed: ["host"] }), SIGNER);
  t.equal(await verdict(withMore(unsigned, ["X-Amz-Target", "x"])), "SIGNATURE_INVALID", "an unsigned x-amz- header");
  t.equal(await verdict(withMore(unsigned, ["X-Amz-Date", timestampOf(VECTOR_NOW)])), "SIGNATURE_INVALID", "two dates");
  const dated = draftAt(VECTOR_NOW, { headers: [HOST, ["X-Amz-Date", timestampOf(VECTOR_NOW)]] });
  t.equal(await verdict(presign(dated, SIGNER)), "SIGNATURE_INVALID", "two dates, both signed");
  clock.now = VECTOR_NOW + 299_999;
  t.equal((await send(good)).verdict, "allow", "a moment before its end");
  clock.now = VECTOR_NOW + 300_000;
  t.equal((await send(good)).verdict, "SIGNATURE_INVALID", "at its end");
  clock.now = VECTOR_NOW - 16 * MINUTE_MS;
  t.equal((await send(good)).verdict, "SIGNATURE_INVALID", "before its time");
});

t.test("S8 a signature beside another credential is ambiguous, in whatever place", async (t) => {
  const { send, token, apiKey } = await startSigV4(t);
  const header = sign(draftAt(VECTOR_NOW, { target: "/a?page=2" }), SIGNER);
  const query = presign(draftAt(VECTOR_NOW, { target: "/a?page=2" }), SIGNER);
  const both = { ...query, headers: header.headers };
  const cases: Record<string, SignedMessage> = {
    "header and query": both,
    "header and API key": withMore(header, ["x-api-key", apiKey]),
    "query and API key": withMore(query, ["x-api-key", apiKey]),
    "query and bearer token": withMore(query, ["Authorization", `Bearer ${token}`]),
    "header and bearer token": withMore(header, ["Authorization", `Bearer ${token}`]),
    "one signature twice": withMore(header, ["Authorization", header.headers.at(-1)![1]]),
    "bearer token and one field of a signature": {
      method: "GET",
      target: "/a?x-amz-signature=0",
      headers: [HOST, ["Authorization", `Bearer ${token}`]],
      body: "",
    },
  };
  for (const [name, message] of Object.entries(cases)) {
    const { verdict, status } = await send(message);
    t.equal(verdict, "CREDENTIALS_AMBIGUOUS", name);
    t.equal(status, 400, name);
  }
  const alone: SignedMessage = { method: "GET", target: "/a", headers: [HOST, ["Authorization", `Bearer ${token}`]], body: "" };
  t.equal((await send(alone)).verdict, "allow", "the token alone is good");
});

t.test("S8 of a presigned query the upstream gets all but the credential, byte for byte; a public route drops it too", async (t) => {
  const { send } = await startSigV4(t);
  const target = "/a?b=%7e+%2F&c&d=e;g&=x&X-Amz-Other=1";
  const { heard } = await send(presign(draftAt(VECTOR_NOW, { target }), SIGNER));
  t.equal(heard?.target, target);
  const open = await send({ method: "GET", target: "/open/a?X-Amz-Signature=abc&b=%7e&x%2Damz%2dcredential=q", headers: [HOST], body: "" });
  t.equal(open.verdict, "allow");
  t.equal(open.heard?.target, "/open/a?b=%7e");
  const narrow = await send(presign(draftAt(VECTOR_NOW, { target: "/narrow/a?page=2" }), SIGNER));
  t.equal(narrow.heard?.target, "/narrow/a?page=2", "a list of allowed names is about the upstream's fields");
});

t.test("S9 the path that is signed is the path that is routed and forwarded", async (t) => {
  const { ask, send, verdict } = await startSigV4(t);
  const forwarded = async (target: string): Promise<string | undefined> => (await ask({ target })).heard?.target;
  for (const target of ["/a%20b", "/a+b", "/a:b@c", "/a%3Ab", "/%C3%A9", "/a%2Fb", "/a/", "/a~b_c.d-e", "/a!b'(c)*d", "/%25"]) {
    t.equal(decodeURIComponent((await forwarded(target)) ?? ""), decodeURIComponent(target), target);
  }
  for (const target of ["//a", "/./a", "/a/../b", "/a//b", "/%2e%2e/a", "/a%252fb"])
    t.equal((await ask({ target })).verdict, "REQUEST_INVALID", target);
  const signedFor = (target: string, sent: string): SignedMessage => ({ ...sign(draftAt(VECTOR_NOW, { target }), SIGNER), target: sent });
  for (const [signed, sent] of [
    ["/a%20b", "/a+b"],
    ["/a/b", "/a%2Fb"],
    ["/a", "/a/"],
    ["/a", "/A"],
    ["/%C3%A9", "/e%CC%81"],
    ["/a%3Ab", "/a%20b"],
  ] as const) {
    t.equal(await verdict(signedFor(signed, sent)), "SIGNATURE_INVALID", `signed ${signed}, sent ${sent}`);
  }
  t.equal((await send(signedFor("/%61", "/a"))).verdict, "SIGNATURE_INVALID", "a client signs the path that it sends");
});

t.test("S10 a session token is refused, signed or not: there are no temporary credentials", async (t) => {
  const { verdict } = await startSigV4(t);
  const header = ["X-Amz-Security-Token", "FwoGZXIvYXdzEXAMPLE"] as [string, string];
  t.equal(await verdict(sign(draftAt(VECTOR_NOW, { headers: [HOST, header] }), SIGNER)), "SIGNATURE_INVALID", "signed");
  t.equal(await verdict(withMore(sign(draftAt(VECTOR_NOW), SIGNER), header)), "SIGNATURE_INVALID", "unsigned");
  t.equal(
    await verdict(presign(draftAt(VECTOR_NOW), SIGNER, { fields: { "X-Amz-Security-Token": "x" } })),
    "SIGNATURE_INVALID",
    "presigned",
  );
  const presigned = presign(draftAt(VECTOR_NOW), SIGNER);
  t.equal(
    await verdict({ ...presigned, target: `${presigned.target}&X-Amz-Security-Token=x` }),
    "SIGNATURE_INVALID",
    "presigned, unsigned",
  );
  t.equal(await verdict(sign(draftAt(VECTOR_NOW), { ...SIGNER, id: "ASIAEXAMPLE" })), "SIGNATURE_INVALID", "a temporary key without token");
});

t.test("S11 an unknown, revoked, expired or disabled key and a wrong signature are refused alike", async (t) => {
  const { send, ask, store, clock } = await startSigV4(t);
  const wrong = await send(sign(draftAt(VECTOR_NOW), { ...SIGNER, secret: "another secret" }));
  t.equal(wrong.verdict, "SIGNATURE_INVALID");
  t.equal(wrong.status, 401);
  const unknown = makeAccessKey(randomBytes);
  const alike = async (what: string, answer: Promise<Asked>): Promise<void> => void t.same(asRead(await answer), asRead(wrong), what);
  await alike("unknown", send(sign(draftAt(VECTOR_NOW), { ...SIGNER, ...unknown })));
  await alike("malformed", send(sign(draftAt(VECTOR_NOW), { ...SIGNER, id: "x".repeat(200) })));
  store.changeAccount("things", "signer", { enabled: false });
  await alike("owner disabled", ask({}));
  store.changeAccount("things", "signer", { enabled: true });
  t.equal((await ask({})).verdict, "allow");
  store.expireKey("things", SIGNER.id, VECTOR_NOW + 1000);
  t.equal((await ask({})).verdict, "allow", "not yet expired");
  clock.now += 1000;
  await alike("expired", ask({}));
  clock.now -= 1000;
  store.revokeKey("things", SIGNER.id, VECTOR_NOW);
  await alike("revoked", ask({}));
});

t.test("S11 a key is good for its own service and does no more than its owner's role", async (t) => {
  const { ask, store } = await startSigV4(t);
  t.equal((await ask({ method: "POST" })).verdict, "allow");
  store.changeAccount("things", "signer", { role: "reader" });
  t.equal((await ask({ method: "POST" })).verdict, "INSUFFICIENT_ROLE");
  t.equal((await ask({})).verdict, "allow");
});

t.test("S11 a store that is out of reach, and a sealing secret that does not open, are our fault and not the client's", async (t) => {
  const { ask, send, store, sallyport } = await startSigV4(t);
  const { id, secret } = makeAccessKey(randomBytes);
  store.createAccessKey({ service: "things", id, account: "signer", scopes: [], sealedSecret: new Uint8Array(69).fill(1), createdAt: 0 });
  const unopened = await send(sign(draftAt(VECTOR_NOW), { ...SIGNER, id, secret }));
  t.equal(unopened.verdict, "AUTH_UNAVAILABLE");
  t.equal(unopened.status, 503);
  t.equal((await ask({})).verdict, "allow", "other keys go on");
  rmSync(sallyport.keyStore);
  t.equal((await ask({})).verdict, "AUTH_UNAVAILABLE");
});

t.test("S11 a rotated sealing secret opens what the old one sealed, for as long as it is listed", async (t) => {
  const { ask } = await startSigV4(t, { rotated: true });
  t.equal((await ask({})).verdict, "allow");
});

t.test("S12 a header sent twice is signed with both values in their order, and runs of spaces count as one", async (t) => {
  const { send, verdict, ask } = await startSigV4(t);
  const twice = [HOST, ["X-Thing", "one"], ["X-Thing", "two"]] as const;
  t.equal((await ask({ headers: twice })).verdict, "allow");
  const message = sign(draftAt(VECTOR_NOW, { headers: twice }), SIGNER);
  const [host, one, two, ...rest] = message.headers;
  t.equal(await verdict({ ...message, headers: [host!, two!, one!, ...rest] }), "SIGNATURE_INVALID", "in another order");
  t.equal(await verdict({ ...message, headers: [host!, one!, ...rest] }), "SIGNATURE_INVALID", "once");
  const spaced = sign(draftAt(VECTOR_NOW, { headers: [HOST, ["X-Thing", "a   b"]] }), SIGNER);
  t.equal((await send(spaced)).verdict, "allow");
  t.equal(await verdict(withHeader(spaced, "x-thing", () => "a b")), "allow", "as AWS has it");
  t.equal(await verdict(withHeader(spaced, "x-thing", () => "ab")), "SIGNATURE_INVALID");
});

t.test("S12 a folded header (get-header-value-multiline) is refused by the parser: not applicable to signatures", async (t) => {
  const { sallyport, witness } = await startSigV4(t);
  const message = sign(draftAt(VECTOR_NOW, { headers: [HOST, ["X-Thing", "a"]] }), SIGNER);
  const answer = await converseRaw(sallyport.running.ports.gateway, bytesOf(withHeader(message, "x-thing", () => "a\r\n b")));
  t.match(answer, /^HTTP\/1\.1 400 /);
  t.equal(witness.takeBytes(), "");
});

t.test("S6 a handshake with a body is refused, and none is waited for", async (t) => {
  const { sallyport, witness } = await startSigV4(t, { hold: "1KB" });
  const upgrade = [HOST, ["Upgrade", "websocket"], ["Content-Length", "5"]] as const;
  const message = sign(draftAt(VECTOR_NOW, { headers: upgrade, body: "hello", signed: ["host", "x-amz-date"] }), SIGNER);
  const bytes = bytesOf({ ...message, target: "/socket" }).replace("Connection: close", "Connection: Upgrade");
  t.match(await converseRaw(sallyport.running.ports.gateway, bytes), /^HTTP\/1\.1 4\d\d /);
  t.equal(witness.takeBytes(), "");
});

t.test("S11 no signature, secret or presigned query is in the log, whatever became of the request", async (t) => {
  const { send, sallyport, sealing } = await startSigV4(t);
  const messages = [draftAt(VECTOR_NOW, { target: "/a?b=c" }), draftAt(0)].flatMap((draft) => [
    sign(draft, SIGNER),
    presign(draft, SIGNER),
  ]);
  for (const message of messages) await send(message);
  const log = JSON.stringify(sallyport.log());
  t.match(log, /SIGNATURE_INVALID/);
  for (const { target, headers } of messages) {
    const signature = /Signature=([0-9a-f]{64})/.exec(target + JSON.stringify(headers))?.[1] ?? "none";
    t.notMatch(log, signature);
  }
  for (const secret of [SIGNER.secret, sealing, "X-Amz-"]) t.notOk(log.includes(secret));
});
