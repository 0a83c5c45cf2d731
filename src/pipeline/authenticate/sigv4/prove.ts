/** Proves requests that are signed as AWS Signature Version 4 says, over what is routed and forwarded. */
import { createHash, timingSafeEqual } from "node:crypto";
import { makeAccessKey } from "../../../contract/access-key.ts";
import type { RandomBytes } from "../../../contract/api-key.ts";
import type { AccessKeyRecord, Proof } from "../../../contract/caller.ts";
import type { SigV4Authenticator } from "../../../contract/authenticators.ts";
import type { Sealing } from "../../../contract/sealing.ts";
import { type KeyReader, StoreUnavailable } from "../../../contract/stores.ts";
import type { Exchange, SignedPayload } from "../../exchange.ts";
import { canonicalHeaders, canonicalQuery, canonicalUris, headerValues } from "./canonical.ts";
import { ALGORITHM, type Reading, readHeaderForm, readQueryForm, type SignatureClaim } from "./claim.ts";
import type { HeldBodies } from "./held-bodies.ts";
import { type Held, holdBody, payloadOf } from "./payload.ts";
import { claimFault } from "./rules.ts";
import { createSigningKeys, hmac, type SealedKey, type SigningKeys } from "./signing-keys.ts";

/** Where the signature stands: the value of `Authorization`, or the query. */
export type SignaturePlace = { readonly form: "header"; readonly text: string } | { readonly form: "query" };

/** Proves the signature of a request for one service; sets the exchange's `payload` where it has a body. `now`: epoch milliseconds. */
export type SignatureProver = (place: SignaturePlace, exchange: Exchange, now: number) => Proof | Promise<Proof>;

export interface SignatureProverOptions {
  readonly service: string;
  /** Of the service; at least one. */
  readonly authenticators: readonly SigV4Authenticator[];
  readonly keys: KeyReader;
  readonly sealing: Sealing;
  readonly heldBodies: HeldBodies;
  readonly randomBytes: RandomBytes;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** A claim whose form, scope, times and headers are in order. */
interface Checked {
  readonly claim: SignatureClaim;
  readonly authenticator: SigV4Authenticator;
  readonly headers: ReadonlyMap<string, readonly string[]>;
  /** Canonical form of the query. */
  readonly query: string;
}

interface Body {
  readonly sha256: string;
  readonly hasBody: boolean;
  readonly held?: Buffer;
}

export function createSignatureProver(options: SignatureProverOptions): SignatureProver {
  const prover = new Prover(options);
  return (place, exchange, now) => prover.prove(place, exchange, now);
}

class Prover {
  readonly #options: SignatureProverOptions;
  readonly #signingKeys: SigningKeys;
  /** Stands in for a key that does not exist, so that its refusal takes the same steps. */
  readonly #nobody: SealedKey;

  constructor(options: SignatureProverOptions) {
    const { service, sealing, randomBytes } = options;
    this.#options = options;
    this.#signingKeys = createSigningKeys(sealing);
    const { id, secret } = makeAccessKey(randomBytes);
    this.#nobody = { service, id, sealedSecret: sealing.seal(secret, { service, id }, randomBytes) };
  }

  prove(place: SignaturePlace, exchange: Exchange, now: number): Proof | Promise<Proof> {
    const checked = this.#check(place, exchange, now);
    if ("trouble" in checked) return invalid(checked.trouble);
    const payload = payloadOf(checked.headers.get("x-amz-content-sha256") ?? [], exchange.request);
    if (payload.kind === "refused") return invalid(payload.reason);
    if (payload.kind === "signed") return this.#find(checked, exchange, payload, now);
    const { maxHeldBodyBytes } = checked.authenticator;
    if (maxHeldBodyBytes === 0) return invalid("a body without `x-amz-content-sha256`, and the authenticator has no `holdBody`");
    return this.#hold(checked, exchange, maxHeldBodyBytes);
  }

  #check(place: SignaturePlace, exchange: Exchange, now: number): Reading<Checked> {
    const { request, facts } = exchange;
    const headers = headerValues(request.rawHeaders);
    const timestamps = headers.get("x-amz-date") ?? [];
    const claim = place.form === "header" ? readHeaderForm(place.text, timestamps) : readQueryForm(facts.query, timestamps);
    if ("trouble" in claim) return claim;
    const { region, service } = claim.scope;
    const authenticator = this.#options.authenticators.find((one) => one.region === region && one.service === service);
    if (authenticator === undefined) return { trouble: "the credential is for another region or service" };
    const fault = claimFault(claim, headers, authenticator, tenantHeaderOf(exchange), now);
    if (fault !== undefined) return { trouble: fault };
    const query = canonicalQuery(facts.query);
    return "trouble" in query ? query : { claim, authenticator, headers, query: query.text };
  }

  /** For a key that there is, so that nobody else takes up the memory; when all is there, time has passed. */
  async #hold(checked: Checked, exchange: Exchange, maxBytes: number): Promise<Proof> {
    const { keys, service, heldBodies, now } = this.#options;
    const { claim, headers, authenticator } = checked;
    try {
      if ((await keys.findAccessKey(service, claim.accessKeyId)) === undefined) return invalid("no such access key");
    } catch (error) {
      return unavailable(error);
    }
    const held = await holdBody(exchange, maxBytes, heldBodies);
    const later = now();
    const fault = claimFault(claim, headers, authenticator, tenantHeaderOf(exchange), later);
    return fault === undefined ? this.#judgeHeld(checked, exchange, held, later) : invalid(fault);
  }

  #judgeHeld(checked: Checked, exchange: Exchange, held: Held, now: number): Proof | Promise<Proof> {
    if (held.kind === "refused") return invalid(held.reason);
    if (held.kind === "noRoom") return { kind: "unavailable", reason: "no more memory for bodies that are held (`holdBody`)" };
    const sha256 = createHash("sha256").update(held.body).digest("hex");
    return this.#find(checked, exchange, { sha256, hasBody: true, held: held.body }, now);
  }

  #find(checked: Checked, exchange: Exchange, body: Body, now: number): Proof | Promise<Proof> {
    const judge = (record: AccessKeyRecord | undefined): Proof => this.#judge(checked, exchange, body, record, now);
    try {
      const found = this.#options.keys.findAccessKey(this.#options.service, checked.claim.accessKeyId);
      return found instanceof Promise ? found.then(judge).catch(unavailable) : judge(found);
    } catch (error) {
      return unavailable(error);
    }
  }

  #judge(checked: Checked, exchange: Exchange, body: Body, key: AccessKeyRecord | undefined, now: number): Proof {
    const signingKey = this.#signingKeys(key ?? this.#nobody, checked.claim.scope);
    if (signingKey === undefined) return { kind: "unavailable", reason: `the secret of ${key?.id} does not open with \`stores.sealing\`` };
    const good = isSignedBy(signingKey, checked, exchange, body.sha256);
    if (key === undefined || !good) return invalid("no such access key, or another signature");
    this.#options.keys.used(key.service, key.id, now);
    if (body.hasBody) exchange.payload = payloadFor(body);
    return { kind: "key", authenticator: checked.authenticator.name, key };
  }
}

function tenantHeaderOf({ match }: Exchange): string | undefined {
  return match.kind === "route" ? match.route.service.tenant?.header : undefined;
}

/** Every form of the path is tried to the end, each compared in constant time. */
function isSignedBy(signingKey: Buffer, { claim, headers, query }: Checked, { facts }: Exchange, payloadSha256: string): boolean {
  const { scope, signedHeaders, signature } = claim;
  const rest = `${query}\n${canonicalHeaders(signedHeaders, headers)}\n${signedHeaders.join(";")}\n${payloadSha256}`;
  const about = `${ALGORITHM}\n${claim.timestamp}\n${scope.date}/${scope.region}/${scope.service}/aws4_request\n`;
  let good = false;
  for (const uri of canonicalUris(facts.path, scope.service === "s3")) {
    // header values are bytes, which Node reads as Latin-1
    const digest = createHash("sha256").update(`${facts.method}\n${uri}\n${rest}`, "latin1").digest("hex");
    const equal = timingSafeEqual(hmac(signingKey, about + digest), signature);
    good ||= equal;
  }
  return good;
}

function payloadFor({ sha256, held }: Body): SignedPayload {
  return { sha256: Buffer.from(sha256, "hex"), ...(held !== undefined && { held }) };
}

function invalid(reason: string): Proof {
  return { kind: "invalid", code: "SIGNATURE_INVALID", reason };
}

function unavailable(error: unknown): Proof {
  if (error instanceof StoreUnavailable) return { kind: "unavailable", reason: `key store: ${error.message}` };
  throw error;
}
