import type { RandomBytes } from "../../contract/api-key.ts";
import type { Proof } from "../../contract/caller.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import { createSealing } from "../../contract/sealing.ts";
import type { KeyReader } from "../../contract/stores.ts";
import type { Exchange } from "../exchange.ts";
import { secretFinder } from "./bearer.ts";
import { certificateAuthenticator, clientCertificate, proveCertificate } from "./client-certificate.ts";
import { credentialReader, isToken68, type Presented } from "./credentials.ts";
import type { Issuers } from "./jwks.ts";
import { proveJwt, type ProvedToken, type UnprovedToken } from "./jwt.ts";
import { proveApiKey } from "./key.ts";
import type { KeySet } from "./key-set.ts";
import type { HeldBodies } from "./sigv4/held-bodies.ts";
import { createSignatureProver, type SignatureProver } from "./sigv4/prove.ts";
import { createTokenCache, type TokenCache } from "./token-cache.ts";

/** Finds and proves the credential of a request. */
export interface Prover {
  /**
   * A promise only where an issuer's keys have to be fetched, the key store answers late or a signed body must be held.
   * Sets the exchange's `payload`. `now` is the wall clock in epoch milliseconds. Throws only for faults of our own.
   */
  prove(service: Service, exchange: Exchange, now: number): Proof | Promise<Proof>;
}

export interface ProverOptions {
  readonly policy: Policy;
  /** All issuers of the policy are in use there already. */
  readonly issuers: Issuers;
  readonly keys: KeyReader;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** Monotonic milliseconds. */
  readonly monotonicNow: () => number;
  /** One for all policies. */
  readonly heldBodies: HeldBodies;
  readonly randomBytes: RandomBytes;
}

type ServiceProver = (exchange: Exchange, now: number) => Proof | Promise<Proof>;
type TokenProver = (token: string, now: number, connection: object) => Proof | Promise<Proof>;

const MAX_TOKEN_LENGTH = 16_384;
const NONE: Proof = { kind: "none" };

/** Makes the prover of one policy revision; proved tokens are kept for as long as it is. */
export function createProver(options: ProverOptions): Prover {
  const { policy, monotonicNow } = options;
  const cache = createTokenCache({ monotonicNow, maxBytes: policy.gateway.stores.tokenCacheBytes });
  const provers = new Map(policy.services.map((service) => [service, serviceProver(service, options, cache)]));
  return {
    prove(service, exchange, now) {
      const prove = provers.get(service);
      if (prove === undefined) throw new Error(`service \`${service.name}\` is not of this policy`);
      return prove(exchange, now);
    },
  };
}

/** The issuers that a policy's authenticators name; what `Issuers.use` wants. */
export function issuersOf(policy: Policy): ReadonlySet<KeySet["issuer"]> {
  const authenticators = policy.services.flatMap((service) => service.authenticators);
  return new Set(authenticators.filter((authenticator) => authenticator.kind === "jwt").map((authenticator) => authenticator.issuer));
}

function serviceProver(service: Service, options: ProverOptions, cache: TokenCache): ServiceProver {
  const { issuers, keys } = options;
  const readCredential = credentialReader(service.authenticators);
  const proveToken = tokenProver(service, issuers, cache);
  const proveSignature = signatureProver(service, options);
  const takesCertificates = certificateAuthenticator(service.authenticators);
  return function proveCredential(exchange, now) {
    const presented = readCredential(exchange.request.rawHeaders, exchange.facts.query);
    const certificate = takesCertificates && clientCertificate(exchange.request.socket);
    if (certificate)
      return presented.kind === "none"
        ? proveCertificate(keys, service.name, takesCertificates, certificate)
        : besideCertificate(presented);
    switch (presented.kind) {
      case "none":
        return NONE;
      case "ambiguous":
        return presented;
      case "malformed":
        return { kind: "invalid", code: presented.code, reason: presented.reason };
      case "signature":
        return proveSignature(presented.place, exchange, now);
      case "bearer":
        return proveToken(presented.token, now, exchange.request.socket);
      case "apiKey":
        return proveApiKey(keys, {
          service: service.name,
          authenticators: presented.authenticators,
          text: presented.text,
          now,
          connection: exchange.request.socket,
        });
    }
  };
}

function besideCertificate(presented: Presented): Proof {
  return presented.kind === "ambiguous"
    ? presented
    : { kind: "ambiguous", reason: "a client certificate, and another credential beside it" };
}

/** Signatures are read only where there is an authenticator for them, and then the policy has a key that opens secrets. */
function signatureProver(
  { name, authenticators }: Service,
  { policy, keys, heldBodies, randomBytes, now }: ProverOptions,
): SignatureProver {
  const ours = authenticators.filter((authenticator) => authenticator.kind === "sigv4");
  const { sealing = [] } = policy.gateway.stores;
  if (ours.length === 0 || sealing.length === 0) return () => ({ kind: "unavailable", reason: "the policy has no `stores.sealing`" });
  return createSignatureProver({
    service: name,
    authenticators: ours,
    keys,
    sealing: createSealing(sealing),
    heldBodies,
    randomBytes,
    now,
  });
}

/** A token shaped as a JWT is proved as one and as nothing else; any other only as a secret. */
function tokenProver(service: Service, issuers: Issuers, cache: TokenCache): TokenProver {
  const keySets = keySetsOf(service, issuers);
  const findSecret = secretFinder(service.authenticators);

  function settle(token: string, now: number, connection: object, outcome: ProvedToken | UnprovedToken): Proof {
    if (outcome.kind === "proved") return cache.put(token, outcome, now, connection);
    return outcome.kind === "invalid" ? invalidToken(outcome.reason) : { kind: "unavailable", reason: outcome.reason };
  }

  function proveSecret(token: string): Proof {
    if (!isToken68(token)) return invalidToken("`Authorization` holds no well-formed bearer token");
    return findSecret(token) ?? invalidToken("no JWT, and equal to no secret of the service");
  }

  return function proveToken(token, now, connection) {
    if (token.length > MAX_TOKEN_LENGTH) return invalidToken(`longer than ${MAX_TOKEN_LENGTH} characters`);
    const cached = keySets.size === 0 ? undefined : cache.get(token, keySets, now, connection);
    if (cached !== undefined) return cached;
    const outcome = proveJwt(token, keySets);
    if (outcome === undefined) return proveSecret(token);
    return outcome instanceof Promise
      ? outcome.then((late) => settle(token, now, connection, late))
      : settle(token, now, connection, outcome);
  };
}

function keySetsOf(service: Service, issuers: Issuers): ReadonlyMap<unknown, KeySet> {
  const jwts = service.authenticators.filter((authenticator) => authenticator.kind === "jwt");
  return new Map(jwts.map(({ issuer }) => [issuer.iss, issuers.holder(issuer)]));
}

function invalidToken(reason: string): Proof {
  return { kind: "invalid", code: "TOKEN_INVALID", reason };
}
