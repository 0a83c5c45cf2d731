/** What is known of a request and its credential by whoever decides it once more, and what is not known. */
import type { Proof } from "../../contract/caller.ts";
import type { RequestFacts } from "../../contract/decision.ts";
import type { Service } from "../../contract/policy.ts";

export interface Evidence {
  readonly request: RequestFacts;
  /** Epoch milliseconds. */
  readonly now: number;
  /** The service that looked for a credential, or would have. */
  readonly home: string | undefined;
  /** Undefined: no credential was looked for. */
  readonly proof: Proof | undefined;
  /** What that service trusts, as `trustsOf` says it; empty where no credential was looked for. */
  readonly trusts: ReadonlySet<string>;
  /** Which of the trusts proved a key. */
  readonly trust: string | undefined;
  /** What another service trusts, in the same words. */
  readonly trustsOf: (service: Service) => ReadonlySet<string>;
  /** Whether a credential may stand in a place; undefined: not known. */
  readonly carries: (place: string) => boolean | undefined;
  /** Whether the token may have a claim that is not in `proof`. */
  readonly hidesClaim: (name: string) => boolean;
  /** Whether the request may have had values of a header that `request` lacks. */
  readonly hidesHeader: (name: string) => boolean;
  /** The same for a field of the query, by its loose name. */
  readonly hidesField: (name: string) => boolean;
}

/** Where credentials stand that these trusts are about. */
export function placesOf(trusts: Iterable<string>): ReadonlySet<string> {
  return new Set([...trusts].map(placeOf));
}

/** Kinds of authenticators that read a place. */
export function kindsAt(trusts: Iterable<string>, place: string): ReadonlySet<string> {
  return new Set([...trusts].filter((trust) => placeOf(trust) === place).map(kindOf));
}

export function placeOf(trust: string): string {
  return trust.slice(0, trust.indexOf(" "));
}

function kindOf(trust: string): string {
  const [, kind = ""] = trust.split(" ", 2);
  return kind === "secret" ? "bearer" : kind;
}
