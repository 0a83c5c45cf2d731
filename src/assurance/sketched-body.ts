/** The body of a request that is only described. */
import type { RequestFacts } from "../contract/decision.ts";
import { declaredBody, type Framing } from "../decision/body.ts";

/**
 * A description has a head and no bytes. A media type alone is taken for a body of unknown length: whoever names the type of
 * a POST means one. Clients send it with a GET too, and then mean nothing.
 */
export function sketchedBody({ method, header }: RequestFacts): Framing {
  const length = joined(header("content-length"));
  const declared = declaredBody(joined(header("transfer-encoding")), length);
  const isTypeAlone = length === undefined && declared.kind === "none" && header("content-type").length > 0;
  return isTypeAlone && method !== "GET" && method !== "HEAD" ? { kind: "body", lengthBytes: undefined } : declared;
}

/** Two lengths are no length: the gateway takes neither. */
function joined(values: readonly string[]): string | undefined {
  return values.length === 0 ? undefined : values.join(", ");
}
