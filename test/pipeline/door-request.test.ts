/** What the front door's requests say of their header fields is what Node says of them. */
import { once } from "node:events";
import { createServer, IncomingMessage, type IncomingHttpHeaders } from "node:http";
import type { AddressInfo, Socket } from "node:net";
import fc from "fast-check";
import t, { type Test } from "tap";
import { DoorRequest } from "../../src/pipeline/door-request.ts";
import { converse } from "../security/raw-socket.ts";

const ASKED = [
  "host",
  "connection",
  "origin",
  "access-control-request-method",
  "content-length",
  "transfer-encoding",
  "te",
  "expect",
  "upgrade",
] as const;

type Read = Readonly<Record<string, unknown>>;

const headersOfNode = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, "headers")!.get!;

/** Values, and whether the name is there at all: Node asks for that to know of a body. */
function readingOf(headers: Readonly<Partial<Record<string, unknown>>>): Read {
  return Object.fromEntries(
    ASKED.map((name) => [name, [headers[name], name.includes("-length") || name.includes("-enc") ? name in headers : ""]]),
  );
}

interface Seen {
  readonly door: Read;
  readonly node: Read;
  readonly raw: readonly string[];
}

async function door(t: Test): Promise<{ readonly port: number; readonly seen: Seen[] }> {
  const seen: Seen[] = [];
  const server = createServer({ IncomingMessage: DoorRequest, requireHostHeader: false, shouldUpgradeCallback: () => false });
  for (const event of ["request", "checkContinue", "checkExpectation"]) {
    server.on(event, (request: DoorRequest, response) => {
      const node = readingOf(headersOfNode.call(request) as IncomingHttpHeaders);
      seen.push({ door: readingOf(request.headers), node, raw: request.rawHeaders });
      response.writeHead(204, { connection: "close" }).end();
    });
  }
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.teardown(() => server.close());
  return { port: (server.address() as AddressInfo).port, seen };
}

const ordinary = fc.constantFrom("user-agent", "authorization", "x-request-id", "accept", "cookie", "hosts", "te-", "origin2", "expec");
const value = fc.constantFrom(
  "",
  "a",
  "A, b",
  "keep-alive",
  "close",
  "https://a.example",
  "127.0.0.1",
  "GET",
  "trailers",
  "100-continue",
  "h2c",
);
const anyCase = (name: string): fc.Arbitrary<string> =>
  fc.mixedCase(fc.constant(name), { toggleCase: (character) => character.toUpperCase() });
/** The two that frame the body only as the parser lets them through. */
const framing = fc.constantFrom(
  [],
  [["content-length", "0"]],
  [["Content-Length", "00"]],
  [["transfer-encoding", "chunked"]],
) as fc.Arbitrary<[string, string][]>;
const free = fc.oneof(
  fc.tuple(fc.constantFrom(...ASKED.filter((name) => !name.includes("-length") && !name.includes("-enc"))).chain(anyCase), value),
  fc.tuple(ordinary.chain(anyCase), value),
);
const fields = fc
  .tuple(fc.array(free, { maxLength: 14 }), framing, fc.nat(14))
  .map(([all, body, at]) => [...all.slice(0, at), ...body, ...all.slice(at)]);

t.test("each field that is asked for has the value that Node gives it, also where it comes twice", async (t) => {
  const { port, seen } = await door(t);
  await fc.assert(
    fc.asyncProperty(fields, async (lines) => {
      seen.length = 0;
      const body = lines.some(([name]) => name === "transfer-encoding") ? "0\r\n\r\n" : "";
      await converse(port, `GET / HTTP/1.1\r\n${lines.map(([name, is]) => `${name}: ${is}\r\n`).join("")}\r\n${body}`);
      if (seen.length !== 1) throw new Error("the parser refused it");
      const [{ door, node }] = seen as [Seen];
      if (JSON.stringify(door) !== JSON.stringify(node)) throw new Error(`${JSON.stringify(door)} and Node ${JSON.stringify(node)}`);
    }),
    { numRuns: 1_500 },
  );
  t.pass("no field differs");
});

t.test("an ordinary request has these fields alone, and an upgrade all of them, for the library that answers it", async (t) => {
  const server = createServer({ IncomingMessage: DoorRequest }, (_request, response) => void response.writeHead(204).end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const ordinary = once(server, "request") as Promise<[DoorRequest]>;
  await converse(port, "GET / HTTP/1.1\r\nhost: a\r\ncookie: c\r\nconnection: close\r\n\r\n");
  const [{ headers }] = await ordinary;
  t.same(headers, { host: "a", connection: "close", origin: undefined, "access-control-request-method": undefined });
  const upgrade = once(server, "upgrade") as Promise<[DoorRequest, Socket]>;
  const asked = converse(port, "GET / HTTP/1.1\r\nhost: a\r\nconnection: upgrade\r\nupgrade: websocket\r\nsec-websocket-key: k\r\n\r\n");
  const [request, socket] = await upgrade;
  socket.destroy();
  await asked;
  t.same(request.headers, { host: "a", connection: "upgrade", upgrade: "websocket", "sec-websocket-key": "k" });
});
