/** A described caller → the headers that it sends to a live gateway, with a real credential of its own. */
import { randomBytes } from "node:crypto";
import { credentialOf } from "../../../src/assurance/credential.ts";
import { digestApiKey, makeApiKey } from "../../../src/contract/api-key.ts";
import type { Authenticator } from "../../../src/contract/authenticators.ts";
import type { OwnedKey } from "../../../src/contract/caller.ts";
import type { Policy } from "../../../src/contract/policy.ts";
import type { CallerSketch, RequestSketch } from "../../../src/contract/policy-tests.ts";
import { createSealing, sealingKey } from "../../../src/contract/sealing.ts";
import type { SqliteKeys } from "../../../src/stores/sqlite-keys.ts";
import { sign } from "../../authenticate/fixtures/sigv4-signer.ts";
import { NOW } from "../../decision/policy.ts";
import { SEALING, secretOf } from "../generated/files.ts";
import type { GeneratedPolicy } from "../generated/policies.ts";
import type { World } from "./outside.ts";

export type Sent = readonly (readonly [name: string, value: string])[];

/** What a caller adds to a request. */
export type Bearing = (request: RequestSketch) => Sent;

export interface Mint {
  /** As written, for the secrets. */
  readonly generated: GeneratedPolicy;
  readonly policy: Policy;
  readonly store: SqliteKeys;
  readonly sign: World["sign"];
}

/** Makes the credential: signs the token, or puts account and key into the store. */
export function bearingOf(mint: Mint, caller: CallerSketch): Bearing {
  const { proof } = credentialOf(mint.policy, caller, NOW);
  const authenticator = mint.policy.services
    .find(({ name }) => name === caller.service)!
    .authenticators.find(({ name }) => name === caller.by)!;
  if (proof.kind === "jwt") return always("authorization", `Bearer ${mint.sign(proof.claims)}`);
  if (proof.kind === "secret") return always("authorization", `Bearer ${secretOf(ownerOf(mint, caller), proof.id)}`);
  if (proof.kind !== "key") throw new Error(`no credential of ${caller.by}`);
  const { account } = proof.key;
  mint.store.createAccount(account);
  return authenticator.kind === "sigv4" ? signing(mint, authenticator, proof.key) : withKey(mint, authenticator, proof.key);
}

function always(name: string, value: string): Bearing {
  return () => [[name, value]];
}

function ownerOf({ generated }: Mint, { service, by }: CallerSketch): string {
  return generated.services.find(({ name }) => name === service)!.shared.includes(by) ? by : service;
}

function withKey(
  { store }: Mint,
  authenticator: Authenticator,
  { service, account, scopes, createdAt, expiresAt, revokedAt }: OwnedKey,
): Bearing {
  if (authenticator.kind !== "apiKey") throw new Error(`${authenticator.name} takes no keys`);
  const { id, key } = makeApiKey(authenticator.prefix, randomBytes);
  store.createKey({
    service,
    id,
    account: account.id,
    scopes,
    digest: digestApiKey(key),
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
  });
  if (revokedAt !== undefined) store.revokeKey(service, id, revokedAt);
  return always(authenticator.header, key);
}

const SECRET = "secret-with-which-requests-are-signed-here";

function signing({ store }: Mint, authenticator: Authenticator, key: OwnedKey): Bearing {
  if (authenticator.kind !== "sigv4") throw new Error(`${authenticator.name} takes no signatures`);
  const { service, account, scopes, createdAt, expiresAt, revokedAt } = key;
  const id = `AKIA${randomBytes(8).toString("hex").toUpperCase()}`;
  const sealedSecret = createSealing([sealingKey(SEALING)]).seal(SECRET, { service, id }, randomBytes);
  store.createAccessKey({
    service,
    id,
    account: account.id,
    scopes,
    sealedSecret,
    createdAt,
    ...(expiresAt !== undefined && { expiresAt }),
  });
  if (revokedAt !== undefined) store.revokeKey(service, id, revokedAt);
  const credentials = { id, secret: SECRET, region: authenticator.region, service: authenticator.service };
  return ({ method, target, headers }) => {
    const all = [...headers].flatMap(([name, values]) => values.map((value) => [name, value] as const));
    const draft = {
      method,
      target: asClientsWrite(target.replace(/^http:\/\/[^/]*/, "")),
      headers: all,
      at: NOW,
    };
    return sign(draft, credentials).headers.slice(all.length);
  };
}

/** What is sent may be written in odd ways; what is signed is the path as AWS's own clients would write it. */
function asClientsWrite(target: string): string {
  const [path = "", ...query] = target.split("?");
  return [path.replaceAll(/%[0-9A-Fa-f]{2}/g, withoutNeed), ...query].join("?");
}

/** RFC 3986 section 2.3: unreserved characters need no encoding. */
function withoutNeed(triplet: string): string {
  const character = String.fromCharCode(Number.parseInt(triplet.slice(1), 16));
  return /[A-Za-z0-9._~-]/.test(character) ? character : triplet.toUpperCase();
}
