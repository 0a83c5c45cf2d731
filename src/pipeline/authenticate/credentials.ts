import type { ApiKeyAuthenticator, Authenticator } from "../../contract/authenticators.ts";
import { hasSignatureFields } from "../../contract/signed-query.ts";
import { isSignature } from "./sigv4/claim.ts";
import type { SignaturePlace } from "./sigv4/prove.ts";

/** The one credential that a request presents to a service, unproved. */
export type Presented =
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous"; readonly reason: string }
  /** Something stands in `Authorization` that is of another scheme than the service reads, or of none. */
  | { readonly kind: "malformed"; readonly code: "TOKEN_INVALID" | "SIGNATURE_INVALID"; readonly reason: string }
  /** What follows the scheme; its form is not looked at yet. */
  | { readonly kind: "bearer"; readonly token: string }
  /** `authenticators` are those that read the header, at least one. */
  | { readonly kind: "apiKey"; readonly text: string; readonly authenticators: readonly ApiKeyAuthenticator[] }
  | { readonly kind: "signature"; readonly place: SignaturePlace };

/** A header that some authenticator of the service reads. */
interface Place {
  readonly header: string;
  readonly present: (value: string) => Presented;
}

const NONE: Presented = { kind: "none" };

/** Finds the credential of a request. `rawHeaders` are names and values in turn, `query` is what stands after the `?`. */
export type CredentialReader = (rawHeaders: readonly string[], query?: string) => Presented;

/**
 * Makes the reader of one service's credentials, which sees a repeated header as such. Headers that no authenticator
 * of the service reads do not count, nor does the query where none reads it.
 */
export function credentialReader(authenticators: readonly Authenticator[]): CredentialReader {
  const places = placesOf(authenticators);
  // Most headers are of another length than any of these.
  const lengths: boolean[] = [];
  for (const header of places.keys()) lengths[header.length] = true;
  const readsQuery = authenticators.some((authenticator) => authenticator.kind === "sigv4");
  return function readCredential(rawHeaders, query = "") {
    let place: Place | undefined;
    let value = "";
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const name = rawHeaders[at]!;
      const found = lengths[name.length] === true ? places.get(name.toLowerCase()) : undefined;
      if (found === undefined) continue;
      if (place !== undefined) return ambiguous(place, found);
      place = found;
      value = rawHeaders[at + 1]!;
    }
    if (readsQuery && hasSignatureFields(query)) {
      return place === undefined ? { kind: "signature", place: { form: "query" } } : alsoInQuery(place);
    }
    return place === undefined ? NONE : place.present(value);
  };
}

function placesOf(authenticators: readonly Authenticator[]): ReadonlyMap<string, Place> {
  const places = new Map<string, Place>();
  const keys = authenticators.filter((authenticator) => authenticator.kind === "apiKey");
  for (const [header, readers] of Map.groupBy(keys, (key) => key.header.toLowerCase())) {
    places.set(header, { header, present: (text) => ({ kind: "apiKey", text, authenticators: readers }) });
  }
  if (authenticators.some(({ kind }) => kind !== "apiKey" && kind !== "mtls"))
    places.set("authorization", { header: "authorization", present: authorizationReader(authenticators) });
  return places;
}

/** Tokens and signatures share a header, and are told apart by its scheme. */
function authorizationReader(authenticators: readonly Authenticator[]): Place["present"] {
  const kinds = new Set(authenticators.map(({ kind }) => kind));
  const takesTokens = kinds.has("jwt") || kinds.has("bearer");
  if (!kinds.has("sigv4")) return bearerToken;
  return (value) => {
    if (isSignature(value)) return { kind: "signature", place: { form: "header", text: value } };
    return takesTokens
      ? bearerToken(value)
      : { kind: "malformed", code: "SIGNATURE_INVALID", reason: "`Authorization` holds no signature" };
  };
}

function ambiguous(first: Place, second: Place): Presented {
  const reason =
    first === second ? `header \`${first.header}\` is repeated` : `both \`${first.header}\` and \`${second.header}\` carry a credential`;
  return { kind: "ambiguous", reason };
}

function alsoInQuery({ header }: Place): Presented {
  return { kind: "ambiguous", reason: `both \`${header}\` and the query carry a credential` };
}

const SCHEME = "bearer ";

/** The scheme in any case (RFC 9110 §11.1) and one space (RFC 6750 §2.1). */
function bearerToken(value: string): Presented {
  const isBearer = value.slice(0, SCHEME.length).toLowerCase() === SCHEME;
  return isBearer
    ? { kind: "bearer", token: value.slice(SCHEME.length) }
    : { kind: "malformed", code: "TOKEN_INVALID", reason: "`Authorization` holds no bearer token" };
}

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Whether a bearer token has the one form that RFC 6750 §2.1 gives it. Asked of secrets alone: a JWT's own form is narrower.
 */
export function isToken68(token: string): boolean {
  return TOKEN68.test(token);
}
