/**
 * What the head of a request says of its body, held against the route's rule. Pure, as `decide` is: the forward stage
 * asks it of every allowed request, and so does whoever proves a policy offline.
 */
import type { Allowance, Denial, RequestFacts } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { BodyRule } from "../contract/policy.ts";

/** `lengthBytes` undefined: it ends when it ends. */
export type Framing =
  | { readonly kind: "none" }
  | { readonly kind: "body"; readonly lengthBytes: number | undefined }
  | { readonly kind: "refused"; readonly code: ErrorCode; readonly reason: string };

type Refusal = Extract<Framing, { kind: "refused" }>;
type Head = Pick<RequestFacts, "method" | "header">;

/** The framing by the values of `Transfer-Encoding` and `Content-Length` (RFC 9112 section 6.3). */
export function declaredBody(coding: string | undefined, length: string | undefined): Framing {
  if (coding !== undefined) return { kind: "body", lengthBytes: undefined };
  if (length === undefined) return { kind: "none" };
  const lengthBytes = Number(length);
  if (!Number.isSafeInteger(lengthBytes) || lengthBytes < 0) {
    return { kind: "refused", code: "REQUEST_INVALID", reason: "Content-Length is no number of bytes" };
  }
  return lengthBytes === 0 ? { kind: "none" } : { kind: "body", lengthBytes };
}

/** The framing as it came, or why the rule refuses the body. */
export function bodyUnderRule(framing: Framing, head: Head, rule: BodyRule): Framing {
  if (framing.kind !== "body") return framing;
  return refuseUnexpected(head, rule) ?? refuseLength(framing.lengthBytes, rule) ?? refuseType(head, rule) ?? framing;
}

/** The refusal of a request that the rules have allowed: for its body, say, or since its service cannot be reached. */
export function denialOfAllowed({ route, caller }: Allowance, { code, reason }: Pick<Denial, "code" | "reason">): Denial {
  const denial: Denial = { outcome: "deny", code, reason, service: route.service, route };
  return caller === undefined ? denial : { ...denial, caller };
}

/** RFC 9110 section 9.3.1: a body of a GET or HEAD has no meaning, and servers differ in where they think that it ends. */
function refuseUnexpected({ method }: Head, { explicit }: BodyRule): Refusal | undefined {
  if ((method !== "GET" && method !== "HEAD") || explicit) return undefined;
  return { kind: "refused", code: "REQUEST_INVALID", reason: `${method} with a body, and the route has no body rule` };
}

function refuseLength(lengthBytes: number | undefined, { maxBytes }: BodyRule): Refusal | undefined {
  if (lengthBytes === undefined || maxBytes === undefined || lengthBytes <= maxBytes) return undefined;
  return { kind: "refused", code: "BODY_TOO_LARGE", reason: `${lengthBytes} bytes declared, ${maxBytes} allowed` };
}

function refuseType(head: Head, { types }: BodyRule): Refusal | undefined {
  if (types === undefined) return undefined;
  const type = mediaType(head);
  if (type !== undefined && types.some((allowed) => matchesType(type, allowed))) return undefined;
  return { kind: "refused", code: "BODY_TYPE_NOT_ALLOWED", reason: "the media type is none that the route allows" };
}

/** In lower case and without parameters; undefined where the head names none, or more than one. */
export function mediaType({ header }: Head): string | undefined {
  const sent = header("content-type");
  return sent.length === 1 ? (sent[0]!.split(";", 1)[0] as string).trim().toLowerCase() : undefined;
}

function matchesType(type: string, allowed: string): boolean {
  return allowed.endsWith("/*") ? type.startsWith(allowed.slice(0, -1)) : type === allowed;
}
