/**
 * `node:http`, asked for in the old way: an `import` of it reads all that it exports, its WebSocket client too, which loads
 * a whole HTTP client first. That would be a tenth of the start, and of the memory of a gateway that stands still.
 */
import { createRequire } from "node:module";
import type * as Http from "node:http";

const http = createRequire(import.meta.url)("node:http") as typeof Http;

export const { createServer, IncomingMessage, METHODS, request, STATUS_CODES } = http;
