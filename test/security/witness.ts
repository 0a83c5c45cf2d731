/** An upstream that writes down every byte that reaches it. */
import { createServer, type AddressInfo, type Socket } from "node:net";
import type { Test } from "tap";
import { readChunks } from "./raw-socket.ts";

/** One whole request as it stood on the wire; text is Latin-1, a byte a character. */
export interface Heard {
  readonly line: string;
  readonly method: string;
  readonly target: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  readonly body: string;
}

/** Bytes to answer with, or undefined for no answer; called once for each whole request. */
export type Reply = (heard: Heard, socket: Socket) => string | undefined;

export interface Witness {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
  /** Whole requests since the last call of this. */
  take(): readonly Heard[];
  /** Every byte since the last call of this, of whole requests and of others. */
  takeBytes(): string;
  /** Answers otherwise than `200` with `heard`, until the next call of this. */
  answerWith(reply: Reply | undefined): void;
  /** Answers with this as soon as the first bytes of anything come, until the next call of this. */
  answerEarly(bytes: string | undefined): void;
}

const HEARD = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\nheard";

/** Closed when the test ends. */
export async function startWitness(t: Test): Promise<Witness> {
  let heard: Heard[] = [];
  let bytes = "";
  let reply: Reply | undefined;
  let early: string | undefined;
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on("error", () => {}).on("close", () => sockets.delete(socket));
    let pending = "";
    socket.on("data", (chunk) => {
      const text = chunk.toString("latin1");
      if (early !== undefined && pending === "") socket.write(early, "latin1");
      bytes += text;
      pending += text;
      for (let read = readRequest(pending); read; read = readRequest(pending)) {
        pending = read.rest;
        heard.push(read.heard);
        const answer = early === undefined ? (reply ? reply(read.heard, socket) : HEARD) : undefined;
        if (answer !== undefined && socket.writable) socket.write(answer, "latin1");
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    take: () => heard.splice(0),
    takeBytes() {
      const taken = bytes;
      bytes = "";
      heard = [];
      return taken;
    },
    answerWith(other) {
      reply = other;
    },
    answerEarly(text) {
      early = text;
    },
  };
}

function readRequest(text: string): { readonly heard: Heard; readonly rest: string } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [line = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const [method = "", target = ""] = line.split(" ");
  const headers = lines.map((field) => [field.slice(0, field.indexOf(":")), field.slice(field.indexOf(":") + 1).trim()] as const);
  const framing = (name: string): string | undefined => headers.find(([sent]) => sent.toLowerCase() === name)?.[1];
  const after = text.slice(headEnd + 4);
  const body = framing("transfer-encoding") === undefined ? sized(after, Number(framing("content-length") ?? 0)) : readChunks(after);
  return body && { heard: { line, method, target, headers, body: body.body }, rest: body.rest };
}

function sized(text: string, length: number): { readonly body: string; readonly rest: string } | undefined {
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) };
}
