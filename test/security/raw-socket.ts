/** Bytes on a bare TCP connection, and what came back: for what no HTTP client would send. */
import { connect, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { collectAnswer } from "./log-sink.ts";

/** One answer as it stood on the wire; text is Latin-1, a byte a character. */
export interface Answer {
  readonly status: number;
  readonly version: string;
  /** In the order sent, names as sent. */
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Without chunk framing. */
  readonly body: string;
}

export interface Conversation {
  readonly answers: readonly Answer[];
  /** What came behind the last whole answer. */
  readonly rest: string;
  /** All that came. */
  readonly raw: string;
  /** True when the other side closed the connection. */
  readonly closed: boolean;
}

export interface ConverseOptions {
  /** Leave after so many final answers; otherwise wait until the other side closes. */
  readonly answers?: number;
  /** Close our side as soon as everything is sent. */
  readonly leave?: boolean;
  /** Methods of the requests sent, where some are HEAD: their answers have no body. */
  readonly methods?: readonly string[];
  /** Between two parts. */
  readonly pauseMs?: number;
}

const PATIENCE_MS = 10_000;
const DRIP_MS = 100;

/** Sends the parts one after another, each in a packet of its own, and resolves with all that came back. */
export async function converse(port: number, parts: string | readonly string[], options: ConverseOptions = {}): Promise<Conversation> {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true });
  const chunks: Buffer[] = [];
  let closed = false;
  const soFar = (): Conversation => ({ ...readAnswers(Buffer.concat(chunks).toString("latin1"), options.methods ?? []), closed });
  const over = new Promise<void>((resolve, reject) => {
    const impatient = setTimeout(
      () => reject(new Error(`no end after ${PATIENCE_MS} ms; so far: ${JSON.stringify(soFar().raw)}`)),
      PATIENCE_MS,
    );
    const end = (): void => {
      clearTimeout(impatient);
      resolve();
    };
    socket.on("data", (chunk: Buffer) => {
      chunks.push(chunk);
      if (options.answers !== undefined && soFar().answers.length >= options.answers) end();
    });
    for (const event of ["end", "error", "close"]) {
      socket.on(event, () => {
        closed = true;
        end();
      });
    }
  });
  await Promise.all([over, send(socket, parts, options)]);
  socket.destroy();
  const conversation = soFar();
  for (const answer of conversation.answers) collectAnswer(answer.status, valuesOf(answer, "cache-control")[0], answer.body);
  return conversation;
}

async function send(socket: Socket, parts: string | readonly string[], { leave, pauseMs }: ConverseOptions): Promise<void> {
  for (const [index, part] of [parts].flat().entries()) {
    if (index > 0) await pause(pauseMs ?? 20);
    if (socket.writable) socket.write(part, "latin1");
  }
  if (leave === true) socket.end();
}

/**
 * A client that never lets go: it keeps its half of the connection open and goes on sending, a byte at a time.
 * Resolves with all that came back when the other side has let go for good, so that the bytes find nobody.
 */
export async function holdOpen(port: number, bytes: string): Promise<string> {
  const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
  const dripping = setInterval(() => socket.write("x"), DRIP_MS);
  const chunks: Buffer[] = [];
  socket.on("data", (chunk: Buffer) => chunks.push(chunk)).write(bytes, "latin1");
  await new Promise<void>((resolve, reject) => {
    const impatient = setTimeout(() => reject(new Error(`still open after ${PATIENCE_MS} ms`)), PATIENCE_MS);
    socket
      .on("error", () => {})
      .once("close", () => {
        clearTimeout(impatient);
        resolve();
      });
  }).finally(() => {
    clearInterval(dripping);
    socket.destroy();
  });
  return Buffer.concat(chunks).toString("latin1");
}

/** All whole answers at the beginning of what came; interim ones (1xx) are left out. */
function readAnswers(raw: string, methods: readonly string[]): Omit<Conversation, "closed"> {
  const answers: Answer[] = [];
  let rest = raw;
  for (;;) {
    const read = readAnswer(rest, methods[answers.length]);
    if (!read) return { answers, rest, raw };
    rest = read.rest;
    if (read.answer.status >= 200) answers.push(read.answer);
  }
}

function readAnswer(text: string, method: string | undefined): { readonly answer: Answer; readonly rest: string } | undefined {
  const headEnd = text.indexOf("\r\n\r\n");
  if (headEnd === -1) return undefined;
  const [statusLine = "", ...lines] = text.slice(0, headEnd).split("\r\n");
  const [, version, code] = /^HTTP\/(\d\.\d) (\d{3}) ?/.exec(statusLine) ?? [];
  if (version === undefined || code === undefined) return undefined;
  const headers = lines.map((line) => [line.slice(0, line.indexOf(":")), line.slice(line.indexOf(":") + 1).trim()] as const);
  const head = { status: Number(code), version, headers };
  const body = readBody(text.slice(headEnd + 4), head, method);
  return body && { answer: { ...head, body: body.body }, rest: body.rest };
}

type Body = { readonly body: string; readonly rest: string };

function readBody(text: string, head: Omit<Answer, "body">, method: string | undefined): Body | undefined {
  if (head.status < 200 || head.status === 204 || head.status === 304 || method === "HEAD") return { body: "", rest: text };
  if (valuesOf(head, "transfer-encoding").length > 0) return readChunks(text);
  const length = Number(valuesOf(head, "content-length")[0] ?? text.length);
  return text.length < length ? undefined : { body: text.slice(0, length), rest: text.slice(length) };
}

/** Undoes chunk framing without trailers (RFC 9112 section 7.1); undefined while it is not whole. */
export function readChunks(text: string): Body | undefined {
  let body = "";
  let rest = text;
  for (;;) {
    const line = /^([0-9A-Fa-f]+)\r\n/.exec(rest);
    if (!line) return undefined;
    const length = Number.parseInt(line[1]!, 16);
    const start = line[0].length;
    if (rest.length < start + length + 2) return undefined;
    body += rest.slice(start, start + length);
    rest = rest.slice(start + length + 2);
    if (length === 0) return { body, rest };
  }
}

/** Values of a field, in order. */
export function valuesOf(message: Pick<Answer, "headers">, name: string): readonly string[] {
  return message.headers.filter(([sent]) => sent.toLowerCase() === name).map(([, value]) => value);
}
