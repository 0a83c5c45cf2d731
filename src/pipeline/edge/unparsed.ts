/** Requests that the HTTP parser refused: there is no request yet, only a socket to answer on. */
import { STATUS_CODES } from "../../contract/node-http.ts";
import type { Socket } from "node:net";
import type { ErrorCode } from "../../contract/errors.ts";
import { hangUp } from "../unread-body.ts";

/** Which refusal a parser error is (names from llhttp and node:http). */
export function codeOfParserError(code: string | undefined): ErrorCode {
  switch (code) {
    case "HPE_HEADER_OVERFLOW":
      return "HEADERS_TOO_LARGE";
    case "ERR_HTTP_REQUEST_TIMEOUT":
      return "REQUEST_TIMEOUT";
    case "HPE_CHUNK_EXTENSIONS_OVERFLOW":
      return "BODY_TOO_LARGE";
    default:
      return "REQUEST_INVALID";
  }
}

export interface RawAnswer {
  readonly status: number;
  readonly contentType: string;
  readonly body: string;
  readonly decisionId: string;
  /** When it is worth another try. */
  readonly retryAfterMs?: number;
}

/** Writes a whole answer on the bare socket and closes it: what follows on it cannot be trusted. */
export function answerOnSocket(socket: Socket, answer: RawAnswer): void {
  if (!socket.writable) {
    socket.destroy();
    return;
  }
  const head = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ""}`,
    `content-type: ${answer.contentType}`,
    `content-length: ${Buffer.byteLength(answer.body)}`,
    `x-decision-id: ${answer.decisionId}`,
    ...(answer.retryAfterMs === undefined ? [] : [`retry-after: ${Math.max(1, Math.ceil(answer.retryAfterMs / 1000))}`]),
    "cache-control: no-store",
    "connection: close",
  ];
  socket.write(`${head.join("\r\n")}\r\n\r\n${answer.body}`);
  hangUp(socket);
}
