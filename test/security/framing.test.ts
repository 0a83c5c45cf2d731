/**
 * Class 2.4: framing. Behind each attack stands a request for `/admin/smug` that an administrator could make:
 * where the attack is refused, it must not be taken for a request, whoever's credential it carries.
 *
 * What Node's parser tolerates and does not tell (blanks in a request line, blanks round a value, zeros before a
 * chunk's length) cannot be refused behind it; the tests show that the upstream gets the one plain form.
 */
import t, { type Test } from "tap";
import { bearer, requestBytes, SMUGGLED, startFixture } from "./fixture.ts";
import { holdOpen, valuesOf, type Conversation } from "./raw-socket.ts";

const door = await startFixture(t);
const { converse, witness } = door;
/** Whoever smuggles hopes that it is read as somebody else's. */
const SMUGGLED_AS_ADMIN = requestBytes("GET", "/admin/smug", ["Host: gw", "Connection: close", bearer(door.adminToken)]);
const CHUNKED = "5\r\nhello\r\n0\r\n\r\n";

function post(fields: readonly string[], body: string): string {
  return requestBytes("POST", "/inbox/a", ["Host: gw", ...fields]) + body;
}

function get(line: string, ...fields: readonly string[]): string {
  return `${[line, "Host: gw", ...fields].join("\r\n")}\r\n\r\n`;
}

function statuses({ answers }: Conversation): readonly number[] {
  return answers.map(({ status }) => status);
}

/** Each is answered once, with one of these, and the connection closes; nothing of it or behind it is forwarded. */
async function refuses(t: Test, attacks: Readonly<Record<string, string>>, allowed: readonly number[] = [400]): Promise<void> {
  for (const [what, bytes] of Object.entries(attacks)) {
    const conversation = await converse(bytes + SMUGGLED_AS_ADMIN);
    t.equal(conversation.answers.length, 1, `${what}: one answer`);
    t.ok(allowed.includes(conversation.answers[0]?.status ?? 0), `${what}: ${String(statuses(conversation))}`);
    t.ok(conversation.closed && conversation.rest === "", `${what}: the connection closes`);
    t.equal(witness.takeBytes(), "", `${what}: not forwarded`);
  }
  await door.nothingForwarded(t, "all of them");
}

/** The request is taken, reaches the upstream in the one plain form, and what stands behind it is a request of its own. */
async function takes(t: Test, bytes: string, plain: { readonly line: string; readonly body: string }): Promise<void> {
  const what = JSON.stringify(bytes.slice(0, 70));
  t.same(statuses(await converse(bytes + SMUGGLED)), [200, 401], what);
  const heard = door.theOneHeard(t, what);
  t.same({ line: heard.line, body: heard.body }, plain, what);
}

const named = (values: readonly string[], bytesOf: (value: string) => string): Record<string, string> =>
  Object.fromEntries(values.map((value) => [JSON.stringify(value.slice(0, 40)), bytesOf(value)]));

const INBOX = { line: "POST /inbox/a HTTP/1.1", body: "hello" };
const PUBLIC = { line: "GET /public/a HTTP/1.1", body: "" };

t.test("D1 a length beside a transfer coding is refused", async (t) => {
  await refuses(t, {
    "CL.TE": post(["Content-Length: 5", "Transfer-Encoding: chunked"], CHUNKED),
    "TE.CL": post(["Transfer-Encoding: chunked", "Content-Length: 5"], CHUNKED),
    "CL.TE with a body inside": post(["Content-Length: 6", "Transfer-Encoding: chunked"], "0\r\n\r\nG"),
    "TE.CL with a request inside": post(["Content-Length: 4", "Transfer-Encoding: chunked"], `5c\r\n${SMUGGLED}\r\n0\r\n\r\n`),
  });
});

t.test("D2 a transfer coding in disguise is refused", async (t) => {
  const values = [
    "xchunked",
    "chunked, identity",
    "\x0bchunked",
    "chunked;q=1",
    '"chunked"',
    "chunked,",
    "\xa0chunked",
    "chunked\xa0",
    "chunked, chunked",
  ];
  await refuses(t, named([...values, "chunked\r\nTransfer-Encoding: chunked", "chunked\r\nTransfer-Encoding: identity"], coded));
  await refuses(t, {
    "a space before the colon": post(["Transfer-Encoding : chunked"], CHUNKED),
    "a folded line": post(["Transfer-Encoding:", " chunked"], CHUNKED),
    "a folded line of another field": post(["X-A: b", " Transfer-Encoding: chunked"], CHUNKED),
  });
});

const coded = (value: string): string => post([`Transfer-Encoding: ${value}`], CHUNKED);

t.test("D3 codings that Node tolerates are refused, all but `chunked` in HTTP/1.1", async (t) => {
  await refuses(t, named(["identity, chunked", "gzip, chunked", "CHUNKED", "Chunked", "", "identity"], coded));
  await refuses(t, { "HTTP/1.0": `POST /inbox/a HTTP/1.0\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED}` });
  await takes(t, coded("\tchunked"), INBOX);
});

t.test("D4 a length that is no number of bytes, or stands twice, is refused", async (t) => {
  const values = ["5, 5", "+5", "-5", "0x5", "5 5", "5.0", "99999999999999999999", "", "5\x0b", "٥", "5e0", "Infinity"];
  await refuses(
    t,
    named(values, (value) => post([`Content-Length: ${value}`], "hello")),
  );
  await refuses(t, {
    "two equal": post(["Content-Length: 5", "Content-Length: 5"], "hello"),
    "two different": post(["Content-Length: 5", "Content-Length: 6"], "hello"),
    "a space before the colon": post(["Content-Length : 5"], "hello"),
  });
});

t.test("D5 a length is written anew for the upstream", async (t) => {
  for (const value of ["05", "5 ", "\t5", "00000000000000000005"]) {
    t.same(statuses(await converse(post([`Content-Length: ${value}`], "hello") + SMUGGLED)), [200, 401], value);
    const heard = door.theOneHeard(t, value);
    t.same([heard.body, valuesOf(heard, "content-length"), valuesOf(heard, "transfer-encoding")], ["hello", ["5"], []]);
  }
});

t.test("D6 the body of a GET or HEAD is never taken for a request", async (t) => {
  for (const method of ["GET", "HEAD"]) {
    const bytes = requestBytes(method, "/public/a", ["Host: gw", `Content-Length: ${SMUGGLED_AS_ADMIN.length}`]) + SMUGGLED_AS_ADMIN;
    const conversation = await converse(bytes, { methods: [method] });
    t.same(statuses(conversation), [400], method);
    t.ok(conversation.closed);
    const late = await converse([bytes.slice(0, -SMUGGLED_AS_ADMIN.length), SMUGGLED_AS_ADMIN], { methods: [method] });
    t.same(statuses(late), [400], `${method}, and its body in a packet of its own`);
  }
  await door.nothingForwarded(t, "bodies of safe methods");
});

t.test("D7 what is refused before its body has come takes the connection with it", async (t) => {
  const guarded = (...fields: readonly string[]): string => requestBytes("POST", "/jobs/a", ["Host: gw", ...fields]);
  const whole = `Content-Length: ${SMUGGLED_AS_ADMIN.length}`;
  for (const head of [guarded(whole), guarded(whole, "Expect: 100-continue"), guarded("Transfer-Encoding: chunked")]) {
    for (const parts of [head + SMUGGLED_AS_ADMIN, [head, SMUGGLED_AS_ADMIN]]) {
      const conversation = await converse(parts);
      t.same(statuses(conversation), [401]);
      t.ok(conversation.closed);
      t.notMatch(conversation.raw, /100 Continue/);
    }
  }
  await door.nothingForwarded(t, "early refusals");
  const expecting = (value: string): string => post([`Expect: ${value}`, "Content-Length: 5"], "hello");
  await refuses(t, named(["y 100-continue", "100-continue, 100-continue", "\x0b100-continue", ""], expecting), [400, 417]);
  await refuses(t, { "a folded expectation": post(["Expect:", " 100-continue", "Content-Length: 5"], "hello") });
  await refuses(t, { "a line feed in it": post(["Expect:\n 100-continue", "Content-Length: 5"], "hello") });
});

const chunk = (sizeLine: string): string => post(["Transfer-Encoding: chunked"], `${sizeLine}\r\nhello\r\n0\r\n\r\n`);

t.test("D8 malformed chunks are refused", async (t) => {
  await refuses(t, named(["0x5", "5 ", " 5", "+5", "-5", "10000000000000005", "0_5", "", "g", "5,5", "\t5"], chunk));
  const framed = (body: string): string => post(["Transfer-Encoding: chunked"], body);
  await refuses(t, {
    "line feeds only": framed("5\nhello\n0\n\n"),
    "a line feed behind the data": framed("5\r\nhello\n0\r\n\r\n"),
    "a line feed behind the last size": framed("5\r\nhello\r\n0\n\r\n"),
    "a line feed at the end": framed("5\r\nhello\r\n0\r\n\n"),
    "no line break behind the data": framed("5\r\nhello0\r\n\r\n"),
    "bytes behind the data": framed("5\r\nhelloX\r\n0\r\n\r\n"),
    "a bare CR behind the size": framed("5\rhello\r\n0\r\n\r\n"),
    "two bytes where the line break should be": framed("5\r\nhelloXX0\r\n\r\n"),
  });
  await takes(t, chunk("00000000000000005"), INBOX);
});

t.test("D8 a malformed chunk that comes late ends the upstream's request before its end", async (t) => {
  const conversation = await converse([post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n"), `X${SMUGGLED_AS_ADMIN}`], { pauseMs: 100 });
  t.same(statuses(conversation), [400]);
  t.ok(conversation.closed);
  t.same(witness.take(), [], "no whole request reached the upstream");
  t.notMatch(witness.takeBytes(), /smug|0\r\n\r\n$/);
  await door.nothingForwarded(t, "what came behind it");
});

t.test("D9 plain chunk extensions are dropped, others refused", async (t) => {
  await takes(t, chunk("5;a=b"), INBOX);
  await takes(t, chunk('5;a="x"'), INBOX);
  await takes(t, chunk(`5;${"a".repeat(10_000)}`), INBOX);
  await refuses(t, named(["5;a=b\n", '5;a="x\r\ny"', "5;", "5; a", "5;a=b\rX", "5;\0"], chunk));
  await refuses(t, { "64 KB": chunk(`5;${"a".repeat(65_536)}`) }, [400, 413]);
});

t.test("D10 trailers never become headers; those that frame are refused", async (t) => {
  const withTrailer = (field: string): string => post(["Transfer-Encoding: chunked"], `5\r\nhello\r\n0\r\n${field}\r\n\r\n`);
  for (const field of ["X-User-Id: forged", "X-Auth-Subject: forged", "Host: forged", "Authorization: Bearer forged", "X-Plain: forged"]) {
    t.same(statuses(await converse(withTrailer(field) + SMUGGLED)), [200, 401], field);
    const heard = door.theOneHeard(t, field);
    t.equal(heard.body, "hello");
    t.notMatch(JSON.stringify(heard.headers), /forged/);
  }
  await refuses(t, named(["Content-Length: 5", "Transfer-Encoding: chunked", "X-A : b", "X-A:\n b", "X-A: b\nX-B: c"], withTrailer));
});

t.test("D11 bare line feeds and carriage returns are refused", async (t) => {
  await refuses(t, {
    "line feeds everywhere": "GET /public/a HTTP/1.1\nHost: gw\n\n",
    "a line feed behind the request line": "GET /public/a HTTP/1.1\nHost: gw\r\n\r\n",
    "a line feed behind a field": "GET /public/a HTTP/1.1\r\nHost: gw\nX-A: b\r\n\r\n",
    "a line feed at the end of the head": "GET /public/a HTTP/1.1\r\nHost: gw\r\n\n",
    "carriage returns everywhere": "GET /public/a HTTP/1.1\rHost: gw\r\r",
    "a carriage return in a field": "GET /public/a HTTP/1.1\r\nHost: gw\rX-A: b\r\n\r\n",
    "a carriage return before the body": "GET /public/a HTTP/1.1\r\nHost: gw\r\n\rX",
    "a carriage return at the end of the head": "GET /public/a HTTP/1.1\r\nHost: gw\r\n\r\r\n",
    "a carriage return before a field": "GET /public/a HTTP/1.1\r\n\rHost: gw\r\n\r\n",
  });
  // RFC 9112 section 2.2: empty lines before a request line are to be ignored; of line feeds alone the parser tells nothing.
  await takes(t, `\r\n\r\n${get("GET /public/a HTTP/1.1")}`, PUBLIC);
  await takes(t, `\n\n${get("GET /public/a HTTP/1.1")}`, PUBLIC);
});

t.test("D12 a request line is method, target and HTTP/1.1 or HTTP/1.0, or refused", async (t) => {
  const tabs = [
    "GET\t/public/a HTTP/1.1",
    "GET /public/a\tHTTP/1.1",
    " GET /public/a HTTP/1.1",
    "\tGET /public/a HTTP/1.1",
    "GET /public/a HTTP/1.1 ",
  ];
  const versions = ["HTTP/1.2", "HTTP/01.1", "http/1.1", "HTTP/3.0", "HTTP/1", "HTTP/1.1x", "HTTP/11", "HTTP/1.10", "ICE/1.0", "ICY/1.0"];
  await refuses(t, named([...tabs, ...versions.map((version) => `GET /public/a ${version}`), "GET /public/a "], get));
  await refuses(t, named(["GET /public/a HTTP/0.9", "GET /public/a HTTP/2.0", "GET /public/a"], get), [400, 505]);
  await refuses(t, { "HTTP/0.9 without a version": "GET /public/a\r\n" }, [400, 505]);
  // The parser takes RTSP/1.0 for HTTP/1.0 and does not tell; so does the gateway, and the upstream is spoken to in HTTP/1.1.
  t.same(statuses(await converse(get("GET /public/a RTSP/1.0") + SMUGGLED_AS_ADMIN)), [200]);
  t.equal(door.theOneHeard(t, "RTSP/1.0").line, PUBLIC.line);
  // How many blanks stood there the parser does not tell; the upstream gets one.
  for (const line of ["GET  /public/a HTTP/1.1", "GET /public/a  HTTP/1.1", "GET   /public/a   HTTP/1.1"])
    await takes(t, get(line), PUBLIC);
});

t.test("D13 no upgrade makes a tunnel, and what follows it is no request", async (t) => {
  const upgrade = (protocol: string, ...fields: readonly string[]): string =>
    get("GET /public/a HTTP/1.1", "Connection: Upgrade, HTTP2-Settings", `Upgrade: ${protocol}`, ...fields);
  for (const [what, bytes] of Object.entries({
    h2c: upgrade("h2c", "HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA"),
    "an unknown protocol": upgrade("foo"),
    "h2c with a body": post(["Connection: Upgrade", "Upgrade: h2c", "Content-Length: 5"], "hello"),
    "websocket by POST": post(["Connection: Upgrade", "Upgrade: websocket", "Content-Length: 5"], "hello"),
  })) {
    const conversation = await converse(bytes + SMUGGLED_AS_ADMIN);
    t.same(statuses(conversation), [200], `${what}: an ordinary request`);
    t.ok(conversation.closed, `${what}: the connection closes`);
    const heard = door.theOneHeard(t, what);
    t.same([valuesOf(heard, "upgrade"), valuesOf(heard, "http2-settings")], [[], []]);
    t.notMatch(heard.target, /smug/);
  }
  const handshake = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";
  await refuses(
    t,
    {
      "a WebSocket version that there is not": upgrade("websocket", handshake, "Sec-WebSocket-Version: 99"),
      "a WebSocket where the table has none": upgrade("websocket", handshake, "Sec-WebSocket-Version: 13"),
      "a WebSocket handshake with a malformed path": upgrade("websocket", handshake, "Sec-WebSocket-Version: 13").replace(
        "/public/a",
        "/public/%zz",
      ),
      "a WebSocket handshake with a body": `${upgrade("websocket", handshake, "Content-Length: 5")}hello`,
    },
    [400, 404, 426],
  );
});

t.test("D14 pipelined requests are decided one by one, and answered in their order", async (t) => {
  const targets = Array.from({ length: 100 }, (_, index) => (index % 2 === 0 ? `/public/${index}` : `/admin/${index}`));
  const conversation = await converse(targets.map((target) => get(`GET ${target} HTTP/1.1`)).join(""), { answers: 100 });
  t.same(
    statuses(conversation),
    targets.map((target) => (target.startsWith("/public") ? 200 : 401)),
  );
  t.same(new Set(witness.take().map(({ target }) => target)), new Set(targets.filter((target) => target.startsWith("/public"))));
  witness.takeBytes();
});

t.test("D14 what is malformed behind good requests does not take their answers away", async (t) => {
  const good = get("GET /public/a HTTP/1.1");
  t.same(statuses(await converse(`${good}nonsense\r\n\r\n${SMUGGLED_AS_ADMIN}`)), [200, 400]);
  t.equal(door.theOneHeard(t, "before nonsense").target, "/public/a");
  t.same(statuses(await converse(`${good}${get("GET /public/%zz HTTP/1.1")}${SMUGGLED_AS_ADMIN}`)), [200, 400]);
  t.equal(door.theOneHeard(t, "before a bad path").target, "/public/a");
  t.same(statuses(await converse(`${get("GET /public/b HTTP/1.1", "Connection: close")}${SMUGGLED_AS_ADMIN}`)).slice(0, 1), [200]);
  t.equal(door.theOneHeard(t, "the last request of its connection").target, "/public/b");
});

/** More than are taken up in one turn of the event loop. */
const MANY = Array.from({ length: 40 }, (_, index) => `/public/${index}`);

t.test("D14 what ends a connection behind many requests comes in its turn: all before it are answered, nothing behind it is", async (t) => {
  const many = MANY.map((target) => get(`GET ${target} HTTP/1.1`)).join("");
  const ends = {
    nonsense: "nonsense\r\n\r\n",
    "a bad path": get("GET /public/%zz HTTP/1.1"),
    "a broken body": post(["Transfer-Encoding: chunked"], "5\r\nhello\r\nno size\r\n"),
    "another expectation and a body": post(["Expect: cake", "Content-Length: 5"], "hello"),
  };
  for (const [what, end] of Object.entries(ends)) {
    const { answers, closed } = await converse(many + end + get("GET /public/behind HTTP/1.1") + SMUGGLED_AS_ADMIN);
    t.same(
      answers.map(({ status }) => (status === 200 ? 200 : status >= 400 && status < 500)),
      [...MANY.map(() => 200), true],
      what,
    );
    t.ok(closed, what);
    t.same(
      witness
        .take()
        .filter(({ method }) => method === "GET")
        .map(({ target }) => target),
      MANY,
      `${what}: in their order`,
    );
    witness.takeBytes();
  }
});

t.test("D14 a client that leaves with requests unread is not asked for in its absence", async (t) => {
  const many = MANY.map((target) => get(`GET ${target} HTTP/1.1`)).join("");
  for (let round = 0; round < 5; round++) await converse(many, { leave: true });
  t.same(statuses(await converse(get("GET /public/after HTTP/1.1", "Connection: close"))), [200], "the gateway goes on");
  witness.take();
  witness.takeBytes();
});

t.test("D14 a handshake behind a request that is not answered yet is refused, and ends nothing but its connection", async (t) => {
  const handshake = get(
    "GET /public/live HTTP/1.1",
    "Connection: Upgrade",
    "Upgrade: websocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
  );
  for (const first of ["/public/a", "/admin/a", "/nowhere"]) {
    const conversation = await converse(`${get(`GET ${first} HTTP/1.1`)}${handshake}${SMUGGLED_AS_ADMIN}`);
    t.equal(statuses(conversation).length, 2, first);
    t.equal(statuses(conversation)[1], 400, first);
  }
  t.same(new Set(witness.take().map(({ target }) => target)), new Set(["/public/a"]));
  witness.takeBytes();
  t.same(statuses(await converse(get("GET /public/b HTTP/1.1", "Connection: close"))), [200], "the gateway goes on");
  door.theOneHeard(t, "afterwards");
});

t.test("D14 a CONNECT behind a request that is not answered yet is never taken for its answer", async (t) => {
  const conversation = await converse(`${get("GET /public/a HTTP/1.1")}${get("CONNECT gw:80 HTTP/1.1")}`);
  t.notOk(statuses(conversation).includes(404));
  witness.take();
  witness.takeBytes();
});

t.test("D14 a refused connection is let go of for good, though the client keeps its half open", async (t) => {
  const attacks = {
    nonsense: "nonsense\r\n\r\n",
    "a bad path": get("GET /public/%zz HTTP/1.1"),
    "a tunnel": get("CONNECT gw:80 HTTP/1.1"),
    "an upgrade": get("GET /public/a HTTP/1.1", "Connection: Upgrade", "Upgrade: h2c"),
    "a body that nobody reads": requestBytes("POST", "/jobs/a", ["Host: gw", "Content-Length: 9000000"]),
  };
  await Promise.all(Object.entries(attacks).map(async ([what, bytes]) => t.match(await holdOpen(door.port, bytes), /^HTTP\/1\.1 /, what)));
  witness.takeBytes();
});

t.test("D15 a body that breaks off never makes a whole request", async (t) => {
  const broken = {
    "chunks without end": post(["Transfer-Encoding: chunked"], "5\r\nhello\r\n"),
    "a short body": post(["Content-Length: 50"], "hello"),
  };
  for (const [what, bytes] of Object.entries(broken)) {
    await converse(bytes, { leave: true });
    await converse([bytes, ""], { leave: true, pauseMs: 50 });
    t.same(witness.take(), [], what);
  }
  witness.takeBytes();
});

t.test("D16 HTTP/2 is off: its preface is refused", async (t) => {
  await refuses(t, { "the preface": "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "the preface as HTTP/1.1": get("PRI * HTTP/1.1") });
});
