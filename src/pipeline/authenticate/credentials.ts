import type { ApiKeyAuthenticator, Authenticator } from "../../contract/policy.ts";

/** The one credential that a request presents to a service, unproved. */
export type Presented =
  | { readonly kind: "none" }
  | { readonly kind: "ambiguous"; readonly reason: string }
  /** Something stands where a bearer token belongs that is of another scheme or of none. */
  | { readonly kind: "malformed"; readonly reason: string }
  /** What follows the scheme; its form is not looked at yet. */
  | { readonly kind: "bearer"; readonly token: string }
  /** `authenticators` are those that read the header, at least one. */
  | { readonly kind: "apiKey"; readonly text: string; readonly authenticators: readonly ApiKeyAuthenticator[] };

/** A header that some authenticator of the service reads. */
interface Place {
  readonly header: string;
  readonly present: (value: string) => Presented;
}

const NONE: Presented = { kind: "none" };

/**
 * Makes the reader of one service's credentials: names and values in turn, as in `IncomingMessage.rawHeaders`,
 * so that a repeated header is seen as such. Headers that no authenticator of the service reads do not count.
 */
export function credentialReader(authenticators: readonly Authenticator[]): (rawHeaders: readonly string[]) => Presented {
  const places = placesOf(authenticators);
  return function readCredential(rawHeaders) {
    let place: Place | undefined;
    let value = "";
    for (let at = 0; at < rawHeaders.length; at += 2) {
      const found = places.get(rawHeaders[at]!.toLowerCase());
      if (found === undefined) continue;
      if (place !== undefined) return ambiguous(place, found);
      place = found;
      value = rawHeaders[at + 1]!;
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
  if (keys.length < authenticators.length) places.set("authorization", { header: "authorization", present: bearerToken });
  return places;
}

function ambiguous(first: Place, second: Place): Presented {
  const reason =
    first === second ? `header \`${first.header}\` is repeated` : `both \`${first.header}\` and \`${second.header}\` carry a credential`;
  return { kind: "ambiguous", reason };
}

const SCHEME = "bearer ";

/** The scheme in any case (RFC 9110 §11.1) and one space (RFC 6750 §2.1). */
function bearerToken(value: string): Presented {
  const isBearer = value.slice(0, SCHEME.length).toLowerCase() === SCHEME;
  return isBearer
    ? { kind: "bearer", token: value.slice(SCHEME.length) }
    : { kind: "malformed", reason: "`Authorization` holds no bearer token" };
}

const TOKEN68 = /^[A-Za-z0-9\-._~+/]+=*$/;

/**
 * Whether a bearer token has the one form that RFC 6750 §2.1 gives it. Asked apart from finding the token, since it costs
 * as much as looking up one that was proved before.
 */
export function isToken68(token: string): boolean {
  return TOKEN68.test(token);
}
