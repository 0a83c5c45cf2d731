/** `100 Continue` (RFC 9110 section 10.1.1). */
import type { Exchange } from "./exchange.ts";

/** Asks the client for its body, if it waits for that: when its turn comes behind other answers of the connection, and not once it is answered. */
export function askForBody(exchange: Exchange): void {
  const { response, expectsContinue } = exchange;
  if (!expectsContinue) return;
  if (response.socket === null) response.once("socket", () => write(exchange));
  else write(exchange);
}

function write(exchange: Exchange): void {
  if (exchange.response.headersSent) return;
  exchange.response.writeContinue();
  exchange.expectsContinue = false;
}
