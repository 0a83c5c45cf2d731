/** Class 2.3, the upstream's side: what of its answer reaches the client. */
import t from "tap";
import { requestBytes, startFixture } from "./fixture.ts";
import { valuesOf } from "./raw-socket.ts";

const { converse, witness } = await startFixture(t);

t.test("H16 an upstream's answer loses what is not for the client", async (t) => {
  const answer = async (head: readonly string[], body = "hello", target = "/quick/a") => {
    witness.answerWith(() => `${head.join("\r\n")}\r\n\r\n${body}`);
    const { answers, rest } = await converse(requestBytes("GET", target, ["Host: gw", "Origin: https://app.example", "Connection: close"]));
    witness.answerWith(undefined);
    witness.takeBytes();
    t.equal(answers.length, 1);
    t.equal(rest, "");
    return answers[0]!;
  };
  const ok = "HTTP/1.1 200 OK";
  const length = "Content-Length: 5";
  const stripped = [
    "Connection: set-cookie, x-dropped",
    "Keep-Alive: timeout=9",
    "Set-Cookie: a=b",
    "X-Dropped: 1",
    "Server: inner/1.0",
    "X-Powered-By: inner",
  ];
  const foreign = ["Access-Control-Allow-Origin: *", "Access-Control-Allow-Credentials: true"];
  const plain = await answer([ok, length, ...stripped, ...foreign, "X-Kept: 1", "Proxy-Authenticate: Basic"]);
  for (const field of [...stripped.slice(1), ...foreign, "Proxy-Authenticate:"])
    t.same(valuesOf(plain, field.slice(0, field.indexOf(":")).toLowerCase()), [], field);
  t.same([valuesOf(plain, "x-kept"), plain.body], [["1"], "hello"]);
  const cors = await answer([ok, length, ...foreign], "hello", "/pages/a");
  t.same(valuesOf(cors, "access-control-allow-origin"), ["https://app.example"], "its CORS headers are replaced by the table's");
  t.same(valuesOf(cors, "access-control-allow-credentials"), []);
  const chunked = await answer([ok, "Transfer-Encoding: chunked"], "5\r\nhello\r\n0\r\n\r\n");
  t.equal(chunked.body, "hello", "its framing is made anew");
  const interim = await answer(["HTTP/1.1 103 Early Hints", "Link: </a>", "", ok, length]);
  t.same([interim.status, interim.body], [200, "hello"], "interim answers end here");
  const unasked = await answer(["HTTP/1.1 100 Continue", "", ok, length]);
  t.same([unasked.status, unasked.body], [200, "hello"], "a 100 that nobody asked for ends here too (RFC 9110 section 15.2)");
  const moved = await answer(["HTTP/1.1 302 Found", "Location: //evil.example/a", "Content-Length: 0"], "");
  t.same([moved.status, valuesOf(moved, "location")], [302, ["//evil.example/a"]], "a foreign address is passed on, and never followed");
  const invalid = {
    "no status": ["HTTP/1.1 abc OK", length],
    "a status of two digits": ["HTTP/1.1 99 OK", length],
    "a line break in a value": [ok, length, "X-A: a\rX-B: b"],
    "NUL in a value": [ok, length, "X-A: a\0"],
    "a large head": [ok, length, `X-A: ${"a".repeat(100_000)}`],
    "no HTTP": ["hello"],
    "two lengths": [ok, length, "Content-Length: 6"],
    "length and chunks": [ok, length, "Transfer-Encoding: chunked"],
    "another protocol": ["HTTP/1.1 101 Switching Protocols", "Upgrade: h2c", "Connection: Upgrade"],
  };
  for (const [what, head] of Object.entries(invalid)) t.equal((await answer(head)).status, 502, what);
});
