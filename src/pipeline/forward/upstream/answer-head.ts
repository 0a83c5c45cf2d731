/**
 * The head of an upstream's answer (RFC 9112 sections 4 to 6), read strictly: what two readers could take for two
 * answers is none.
 */

/** How the end of the body is found (RFC 9112 section 6.3). */
export type BodyFraming =
  | { readonly kind: "none" }
  | { readonly kind: "length"; readonly bytes: number }
  | { readonly kind: "chunked" }
  /** Up to the end of the connection. */
  | { readonly kind: "close" };

export interface AnswerHead {
  readonly status: number;
  readonly reason: string;
  /** Names and values in turn, as sent. */
  readonly headers: readonly string[];
  /** Value of `Connection`; several joined by a comma. */
  readonly connection: string | undefined;
  readonly framing: BodyFraming;
  /** The connection may carry another request once the body has ended. */
  readonly reusable: boolean;
  /** How long the upstream says that it keeps an idle connection (`Keep-Alive: timeout`), in milliseconds. */
  readonly keepAliveMs: number | undefined;
}

export type HeadReading = { readonly kind: "head"; readonly head: AnswerHead } | { readonly kind: "bad"; readonly what: string };

/** More than any head that a client's own reader would take. */
export const LONGEST_HEAD = 16 * 1024;

/** Version, status (RFC 9110 section 15: 100 to 599) and reason; then fields of a token, a colon and a value without control characters. No folding, no bare CR or LF. */
const HEAD = /^HTTP\/1\.[01] [1-5]\d\d(?: [\t\x20-\x7e\x80-\xff]*)?\r\n(?:[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const FIELD_LINES = /^(?:[!#$%&'*+.^_`|~\w-]+:[\t\x20-\x7e\x80-\xff]*\r\n)*$/;
const VERSION = "HTTP/1.";
const LENGTH = /^\d{1,15}$/;
const KEEP_ALIVE_TIMEOUT = /(?:^|[\s,;])timeout=(\d{1,6})(?:$|[\s,;])/i;
const SPACE = 0x20;
const TAB = 0x09;
const CR = 0x0d;

const NO_BODY: BodyFraming = { kind: "none" };
const CHUNKED: BodyFraming = { kind: "chunked" };
const UNTIL_CLOSE: BodyFraming = { kind: "close" };

/** What of the fields says where the body ends and what becomes of the connection. */
interface Framing {
  length: string | undefined;
  coding: string | undefined;
  connection: string | undefined;
  keepAlive: string | undefined;
  repeated: boolean;
  /** A tab stands beside a length or a coding: white space by RFC 9110 section 5.6.3, and for some readers part of the value. */
  tab: boolean;
}

function noFraming(): Framing {
  return { length: undefined, coding: undefined, connection: undefined, keepAlive: undefined, repeated: false, tab: false };
}

/** Reads a head, from its status line to the end of its last field. `toHead`: the request was a HEAD. */
export function readHead(text: string, toHead: boolean): HeadReading {
  if (!HEAD.test(text)) return bad("malformed head");
  const status = Number(text.slice(9, 12));
  const statusEnd = text.indexOf("\r\n");
  const framing = noFraming();
  const headers = fieldsOf(text, statusEnd + 2, framing);
  if (framing.repeated) return bad("a repeated framing field");
  if (framing.tab) return bad("a tab beside a framing field's value");
  if (status === 101) return bad("an upgrade that was not asked for");
  const isOld = text.charCodeAt(7) === 0x30;
  if (isOld && status < 200) return bad("an interim answer of a version that has none");
  const body = bodyFraming(status, toHead, isOld, framing);
  if (typeof body === "string") return bad(body);
  const head: AnswerHead = {
    status,
    reason: text.slice(13, statusEnd),
    headers,
    connection: framing.connection,
    framing: body,
    reusable: isReusable(status, toHead, isOld, framing, body),
    keepAliveMs: keepAliveOf(framing.keepAlive),
  };
  return { kind: "head", head };
}

/**
 * False where what has come so far begins no answer, whatever follows: another protocol, or a line that ends in a bare LF. Up to
 * `seen` it was looked at before.
 */
export function mayBeginHead(text: string, seen: number): boolean {
  const begun = text.slice(0, VERSION.length);
  if (!VERSION.startsWith(begun)) return false;
  for (let at = text.indexOf("\n", seen); at !== -1; at = text.indexOf("\n", at + 1)) {
    if (text.charCodeAt(at - 1) !== CR) return false;
  }
  return true;
}

/** Names and values of trailers in turn, in order; undefined where a line is malformed, or says how long the body is (RFC 9110 section 6.5.1). */
export function readTrailers(text: string): readonly string[] | undefined {
  if (!FIELD_LINES.test(text)) return undefined;
  const framing = noFraming();
  const trailers = fieldsOf(text, 0, framing);
  return framing.length === undefined && framing.coding === undefined ? trailers : undefined;
}

function fieldsOf(text: string, start: number, framing: Framing): string[] {
  const headers: string[] = [];
  for (let at = start; at < text.length;) {
    const colon = text.indexOf(":", at);
    const end = text.indexOf("\r\n", colon);
    const name = text.slice(at, colon);
    const value = trimmed(text, colon + 1, end);
    headers.push(name, value);
    if (noteFraming(framing, name, value)) framing.tab ||= text.slice(colon, end).includes("\t");
    at = end + 2;
  }
  return headers;
}

/** Without optional white space on either side (RFC 9110 section 5.5). */
function trimmed(text: string, start: number, end: number): string {
  let [first, last] = [start, end];
  while (first < last && isSpace(text.charCodeAt(first))) first++;
  while (last > first && isSpace(text.charCodeAt(last - 1))) last--;
  return text.slice(first, last);
}

function isSpace(code: number): boolean {
  return code === SPACE || code === TAB;
}

/** True for a field that says where the body ends. */
function noteFraming(framing: Framing, name: string, value: string): boolean {
  switch (name.length) {
    case 10:
      noteConnection(framing, name.toLowerCase(), value);
      return false;
    case 14:
      if (name.toLowerCase() !== "content-length") return false;
      framing.repeated ||= framing.length !== undefined;
      framing.length = value;
      return true;
    case 17:
      if (name.toLowerCase() !== "transfer-encoding") return false;
      framing.repeated ||= framing.coding !== undefined;
      framing.coding = value;
      return true;
    default:
      return false;
  }
}

function noteConnection(framing: Framing, name: string, value: string): void {
  if (name === "connection") framing.connection = framing.connection === undefined ? value : `${framing.connection},${value}`;
  else if (name === "keep-alive") framing.keepAlive = value;
}

/** Or what is wrong with it. */
function bodyFraming(status: number, toHead: boolean, isOld: boolean, { length, coding }: Framing): BodyFraming | string {
  if (coding !== undefined && (isOld || coding.toLowerCase() !== "chunked")) return "a transfer coding other than chunked";
  if (coding !== undefined && length !== undefined) return "both Content-Length and Transfer-Encoding";
  if (length !== undefined && !LENGTH.test(length)) return "Content-Length is no number of bytes";
  if (toHead || status < 200 || status === 204 || status === 304) return NO_BODY;
  if (coding !== undefined) return CHUNKED;
  return length === undefined ? UNTIL_CLOSE : { kind: "length", bytes: Number(length) };
}

/**
 * Some upstreams send a body where there can be none (HEAD, 204, 304 with a length or chunks): what comes late would be
 * taken for the next answer.
 */
function isReusable(status: number, toHead: boolean, isOld: boolean, { connection, length, coding }: Framing, body: BodyFraming): boolean {
  if (status < 200) return true;
  if (toHead || body.kind === "close") return false;
  if (body.kind === "none" && ((length !== undefined && length !== "0") || coding !== undefined)) return false;
  if (connection === undefined) return !isOld;
  const options = connection.toLowerCase();
  return isOld
    ? options.trim() === "keep-alive"
    : options === "keep-alive" || !options.split(",").some((option) => option.trim() === "close");
}

function keepAliveOf(field: string | undefined): number | undefined {
  const seconds = field === undefined ? undefined : KEEP_ALIVE_TIMEOUT.exec(field)?.[1];
  return seconds === undefined ? undefined : Number(seconds) * 1000;
}

function bad(what: string): HeadReading {
  return { kind: "bad", what };
}
