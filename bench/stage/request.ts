/** Requests as they are written. */
import type { Shot } from "./load.ts";

/** What stands before the body. */
export function headOf({ method = "GET", path, headers, bodyBytes }: Omit<Shot, "status">, port: number): string {
  const framing = bodyBytes !== undefined && { "content-length": String(bodyBytes) };
  const lines = Object.entries({ host: `127.0.0.1:${port}`, ...headers, ...framing }).map(([name, value]) => `${name}: ${value}\r\n`);
  return `${method} ${path} HTTP/1.1\r\n${lines.join("")}\r\n`;
}

/** The same fields in another order: begun so many further on. */
export function turned(headers: Shot["headers"], by: number): Shot["headers"] {
  const fields = Object.entries(headers);
  const at = by % fields.length;
  return Object.fromEntries([...fields.slice(at), ...fields.slice(0, at)]);
}
