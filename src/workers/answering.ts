/** A worker's end of the talk with the primary. */
import type { Answer, Fault, Given, Order, OrderName, Said } from "./messages.ts";

export type Handlers = { readonly [Name in OrderName]: (given: Given<Name>) => Answer<Name> | Promise<Answer<Name>> };

/** Carries out an order, and says what came of it. Never rejects. */
export async function answer(handlers: Handlers, order: Order, say: (said: Said) => void): Promise<void> {
  const { number, name, given } = order;
  try {
    const handle = handlers[name] as (given: Given<OrderName>) => Answer<OrderName> | Promise<Answer<OrderName>>;
    say({ kind: "answer", number, answer: await handle(given) });
  } catch (error) {
    say({ kind: "fault", number, fault: faultOf(error) });
  }
}

function faultOf(error: unknown): Fault {
  if (!(error instanceof Error)) return { message: String(error) };
  const { message, code, port, address } = error as Error & Partial<Fault>;
  return {
    message,
    ...(code !== undefined && { code }),
    ...(port !== undefined && { port }),
    ...(address !== undefined && { address }),
  };
}
