/** What one service made of a credential → what another would make of it, as far as that can be known without the credential. */
import { type Authenticator, belongsToAccounts } from "../../contract/authenticators.ts";
import type { Proof } from "../../contract/caller.ts";
import type { Service } from "../../contract/policy.ts";
import { type Evidence, kindsAt, placeOf, placesOf } from "./evidence.ts";

export type Carried = { readonly kind: "proof"; readonly proof: Proof } | { readonly kind: "unknown"; readonly why: string };

/** A promise about `proof` alone: claims that are not known are for the caller to mind. */
export function carriedProof(service: Service, evidence: Evidence): Carried {
  const { proof } = evidence;
  if (proof?.kind === "unavailable") return unknown("the credential could not be looked at: keys or key store were out of reach");
  const trusts = evidence.trustsOf(service);
  if (proof && evidence.home === service.name && isSame(trusts, evidence.trusts)) return { kind: "proof", proof };
  const read = placesOf(evidence.trusts);
  for (const place of placesOf(trusts)) {
    if (read.has(place)) continue;
    const carries = evidence.carries(place);
    if (carries === undefined) return unknown(`whether a credential stood in ${placeWords(place)} is not known`);
    if (carries) return unknown(`a credential may stand in ${placeWords(place)}, where none was looked for`);
  }
  return proof ? carriedBy(proof, new Crossing(service, evidence, trusts)) : NOTHING;
}

const NOTHING: Carried = { kind: "proof", proof: { kind: "none" } };

function carriedBy(proof: Proof, crossing: Crossing): Carried {
  switch (proof.kind) {
    case "none":
      return NOTHING;
    case "unavailable":
      return unknown(proof.reason);
    case "ambiguous":
      return crossing.ambiguous(proof);
    case "invalid":
      return crossing.invalid(proof);
    case "jwt":
      return crossing.token(proof);
    case "secret":
      return crossing.secret(proof);
    case "key":
      return crossing.key(proof);
  }
}

/** From one service to another; every place that the other reads is one where it is known what stands. */
class Crossing {
  readonly #service: Service;
  readonly #evidence: Evidence;
  readonly #trusts: ReadonlySet<string>;
  readonly #places: ReadonlySet<string>;

  constructor(service: Service, evidence: Evidence, trusts: ReadonlySet<string>) {
    this.#service = service;
    this.#evidence = evidence;
    this.#trusts = trusts;
    this.#places = placesOf(trusts);
  }

  ambiguous(proof: Proof): Carried {
    const before = placesOf(this.#evidence.trusts);
    if (this.#places.isSupersetOf(before)) return { kind: "proof", proof };
    return this.#places.isDisjointFrom(before) ? NOTHING : unknown("of several credentials only some would count");
  }

  /** It stays invalid where nothing more is trusted, and each place is read by the same kinds. */
  invalid(proof: Proof): Carried {
    const { trusts: before, home } = this.#evidence;
    const places = placesOf(before);
    if (this.#places.isDisjointFrom(places)) return NOTHING;
    const sameKinds = [...places.union(this.#places)].every((place) => isSame(kindsAt(before, place), kindsAt(this.#trusts, place)));
    const sameStore = home === this.#service.name || this.#service.authenticators.every((one) => !belongsToAccounts(one));
    if (sameKinds && sameStore && this.#trusts.isSubsetOf(before)) return { kind: "proof", proof };
    return unknown("the credential was not good, and would be held against something else");
  }

  token(proof: Extract<Proof, { kind: "jwt" }>): Carried {
    if (!this.#places.has("authorization")) return NOTHING;
    const prefix = `authorization jwt ${proof.iss} `;
    const trusting = [...this.#trusts].filter((trust) => trust.startsWith(prefix));
    if (trusting.length === 0) return this.#notTaken("authorization", false);
    return trusting.every((trust) => this.#evidence.trusts.has(trust))
      ? { kind: "proof", proof }
      : unknown("the token would be proved by other keys or algorithms");
  }

  secret(proof: Extract<Proof, { kind: "secret" }>): Carried {
    if (!this.#places.has("authorization")) return NOTHING;
    const prefix = `authorization secret ${proof.authenticator} ${proof.id}`;
    const own = [...this.#trusts].find((trust) => trust === prefix || trust.startsWith(`${prefix} `));
    const isNew = (trust: string) => trust.startsWith("authorization secret ") && !this.#evidence.trusts.has(trust);
    if (own !== undefined && !isNew(own)) return { kind: "proof", proof };
    return [...this.#trusts].some(isNew)
      ? unknown("whether the secret is one of those that would count is not known")
      : this.#notTaken("authorization", false);
  }

  key(proof: Extract<Proof, { kind: "key" }>): Carried {
    const { trust = "" } = this.#evidence;
    const place = placeOf(trust);
    const isSignature = trust.includes(" sigv4 ");
    const places = isSignature ? ["authorization", "query"] : [place];
    if (!places.some((one) => this.#places.has(one))) return NOTHING;
    const taking = proof.key.service === this.#service.name ? this.#authenticatorOf(trust) : undefined;
    if (taking) return { kind: "proof", proof: { ...proof, authenticator: taking.name } };
    const readers = kindsAt(this.#trusts, place);
    if (readers.has("mtls") || (readers.has("sigv4") && proof.key.service === this.#service.name))
      return unknown("the credential would be proved in another way");
    return this.#notTaken(place, isSignature);
  }

  #authenticatorOf(trust: string): Authenticator | undefined {
    return this.#service.authenticators.find((one) => this.#evidence.trustsOf({ ...this.#service, authenticators: [one] }).has(trust));
  }

  /** A credential that is good elsewhere and stands where this service reads: refused with the code of whoever reads there. */
  #notTaken(place: string, isSignature: boolean): Carried {
    const kinds = kindsAt(this.#trusts, place);
    const takesTokens = kinds.has("jwt") || kinds.has("bearer");
    const ofSignature = kinds.has("sigv4") && (isSignature || !takesTokens);
    const code = kinds.has("apiKey") ? "KEY_INVALID" : ofSignature ? "SIGNATURE_INVALID" : "TOKEN_INVALID";
    return { kind: "proof", proof: { kind: "invalid", code, reason: `nothing that ${this.#service.name} trusts proves the credential` } };
  }
}

function isSame(left: ReadonlySet<string>, right: ReadonlySet<string>): boolean {
  return left.size === right.size && left.isSubsetOf(right);
}

function placeWords(place: string): string {
  if (place === "query" || place === "certificate") return `the ${place}`;
  return `the header ${place}`;
}

function unknown(why: string): Carried {
  return { kind: "unknown", why };
}
