/** The head of the upstream's request, as it goes out on the wire (RFC 9112 section 3). */
import type { Allowance } from "../../contract/decision.ts";
import type { Framing } from "../../decision/body.ts";
import type { Exchange } from "../exchange.ts";
import type { RequestHeaders } from "./request-headers.ts";
import { upstreamTarget } from "./upstream-path.ts";

/** Request line and fields, with the empty line behind them. Throws on what would not be one request: a fault of our own. */
export type RequestHead = (exchange: Exchange, allowance: Allowance, body: Exclude<Framing, { kind: "refused" }>) => string;

/** Nothing that was put together may look like another line, let alone another request. */
const ONE_REQUEST = /^[A-Z-]+ \/[\x21-\x7e]* HTTP\/1\.1(?:\r\n[!#$%&'*+.^_`|~\w-]+: [\t\x20-\x7e\x80-\xff]*)+\r\n\r\n$/;
/** Of which servers expect a length, be it 0 (RFC 9110 section 8.6). */
const WITH_CONTENT: ReadonlySet<string> = new Set(["POST", "PUT", "PATCH", "QUERY"]);

export function compileRequestHead(authority: string, headersOf: RequestHeaders): RequestHead {
  // Some upstreams send a body behind the head that answers a HEAD.
  const keptOpen = ` HTTP/1.1\r\nhost: ${authority}\r\nconnection: keep-alive`;
  const closed = ` HTTP/1.1\r\nhost: ${authority}\r\nconnection: close`;
  return (exchange, allowance, body) => {
    const { method } = exchange.facts;
    const version = method === "HEAD" ? closed : keptOpen;
    const head = `${method} ${upstreamTarget(exchange)}${version}${headersOf(exchange, allowance)}${framingOf(method, body)}`;
    if (!ONE_REQUEST.test(head)) throw new Error("the request for the upstream has a character that must not stand in it");
    return head;
  };
}

/** To the end of the head. */
function framingOf(method: string, body: Parameters<RequestHead>[2]): string {
  if (body.kind === "none") return WITH_CONTENT.has(method) ? "\r\ncontent-length: 0\r\n\r\n" : "\r\n\r\n";
  return body.lengthBytes === undefined ? "\r\ntransfer-encoding: chunked\r\n\r\n" : `\r\ncontent-length: ${body.lengthBytes}\r\n\r\n`;
}
