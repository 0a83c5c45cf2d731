/** Connections and what stands on them: pipelined requests, and bytes that are no HTTP. */
import t from "tap";
import { sendRaw } from "../forward/harness.ts";
import { stand } from "./stand.ts";

t.test("requests pipelined on one connection are answered in order, refused ones among them", async (t) => {
  const { port, bearer, upstream } = await stand(t, (request, response) => {
    setTimeout(() => response.end(`<${request.url}>`), request.url?.endsWith("slow") ? 100 : 0);
  });
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\n${more}\r\n`;
  const requests = [
    get("/any/slow"),
    get("/any/2"),
    get("/nothing"),
    get("/of/other/x"),
    get("/any/5"),
    get("/any/6", "Connection: close\r\n"),
  ];
  const raw = await sendRaw(port, requests.join(""));
  const expected = "200 /any/slow, 200 /any/2, 404, 403, 200 /any/5, 200 /any/6";
  const found = [...raw.matchAll(/HTTP\/1\.1 (\d+) |<([^>]*)>/g)].map(([, status, path]) =>
    status === undefined ? ` ${path}` : `, ${status}`,
  );
  t.equal(found.join("").slice(2), expected);
  t.equal(upstream.seen.length, 4);
});

const GARBAGE: Readonly<Record<string, { readonly sent: string; readonly status: number; readonly code: string }>> = {
  "no HTTP": { sent: "hello\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "TLS on a plain port": { sent: "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", status: 400, code: "REQUEST_INVALID" },
  "a space before the colon": { sent: "GET /open HTTP/1.1\r\nHost : gw\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "a control character in a header": { sent: "GET /open HTTP/1.1\r\nHost: gw\r\nX: a\x00b\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "a bare line feed": { sent: "GET /open HTTP/1.1\nHost: gw\n\n", status: 400, code: "REQUEST_INVALID" },
  "two lengths": {
    sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
    status: 400,
    code: "REQUEST_INVALID",
  },
  "length and chunks": {
    sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    status: 400,
    code: "REQUEST_INVALID",
  },
  "a length that is no number": {
    sent: "POST /open HTTP/1.1\r\nHost: gw\r\nContent-Length: +1\r\n\r\na",
    status: 400,
    code: "REQUEST_INVALID",
  },
  "a head without end": {
    sent: `GET /open HTTP/1.1\r\nHost: gw\r\n${"X: 1234567890\r\n".repeat(2000)}`,
    status: 431,
    code: "HEADERS_TOO_LARGE",
  },
  "no host": { sent: "GET /open HTTP/1.1\r\nConnection: close\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "two hosts": { sent: "GET /open HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", status: 400, code: "REQUEST_INVALID" },
  "another version": { sent: "GET /open HTTP/2.0\r\nHost: gw\r\nConnection: close\r\n\r\n", status: 505, code: "PROTOCOL_UNSUPPORTED" },
};

t.test("what is no HTTP is answered in problem JSON, logged, and its connection closed", async (t) => {
  const { port, upstream, sallyport } = await stand(t);
  for (const [name, { sent, status, code }] of Object.entries(GARBAGE)) {
    const raw = await sendRaw(port, sent);
    const [head = "", body = ""] = raw.split("\r\n\r\n");
    t.match(head, new RegExp(`^HTTP/1\\.1 ${status} `), name);
    t.match(head, /content-type: application\/problem\+json/i, name);
    t.match(JSON.parse(body), { status, code, decisionId: String }, name);
    const { decisionId } = JSON.parse(body) as { decisionId: string };
    t.match(head, `x-decision-id: ${decisionId}`, name);
    t.ok(
      sallyport.log().some((line) => line["decision"] === decisionId && line["code"] === code),
      `${name}: it is in the log`,
    );
  }
  t.same(upstream.seen, []);
});

t.test("garbage behind a good request: the good one is answered as if nothing were, then 400, then the end", async (t) => {
  const { port, upstream } = await stand(t);
  const raw = await sendRaw(port, "GET /open HTTP/1.1\r\nHost: gw\r\n\r\nGARBAGE\r\n\r\n");
  t.same(raw.match(/HTTP\/1\.1 \d+/g), ["HTTP/1.1 200", "HTTP/1.1 400"]);
  t.equal(upstream.seen.length, 1);
});

t.test("a chunked body that breaks off in nonsense is 400, and the upstream never gets its end", async (t) => {
  const { port, bearer, upstream } = await stand(t);
  const head = `POST /any/x HTTP/1.1\r\nHost: gw\r\nAuthorization: ${bearer.authorization}\r\nTransfer-Encoding: chunked\r\n\r\n`;
  const raw = await sendRaw(port, `${head}3\r\nabc\r\nZZZ\r\nGET /open HTTP/1.1\r\nHost: gw\r\n\r\n`);
  t.match(raw, /^HTTP\/1\.1 400 /);
  t.equal(raw.split("HTTP/1.1 ").length - 1, 1);
  t.same(upstream.seen, []);
});
