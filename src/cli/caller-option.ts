/** Who asks, as `explain` is told: a file, a token on standard input, a key's id, or nobody. */
import { timingSafeEqual, hash } from "node:crypto";
import { isAccessKeyId } from "../contract/access-key.ts";
import { digestApiKey, parseApiKey } from "../contract/api-key.ts";
import type { Proof } from "../contract/caller.ts";
import type { Policy, Service } from "../contract/policy.ts";
import { type KeyReader, StoreUnavailable } from "../contract/stores.ts";
import { type Credential, credentialOf, NOBODY } from "../assurance/credential.ts";
import { parseJsonObject } from "../pipeline/authenticate/json.ts";
import { isJwtShaped } from "../pipeline/authenticate/jwt.ts";
import { readCaller } from "../policy/tests/caller-file.ts";
import { openSqliteKeys } from "../stores/sqlite-keys.ts";
import { refuseInvalid } from "./mistakes.ts";
import { type Call, text, UsageError } from "./command.ts";
import { faultText, findKey, Refused } from "./key-desk.ts";

/** `note` says what could not be proved here. */
export interface Asking {
  readonly words: string;
  readonly credential: Credential;
  readonly note?: string;
}

/** Undefined, with everything said, where the caller cannot be read. `service` is the one that the request is for. */
export async function askingOf(call: Call, policy: Policy, service: Service | undefined, now: number): Promise<Asking | undefined> {
  const given = ["as", "token", "key-id"].filter((option) => text(call, option) !== undefined);
  if (given.length > 1) throw new UsageError(`--${given.join(" and --")} name two callers`);
  const file = text(call, "as");
  if (file !== undefined) return describedCaller(call, file, policy, service, now);
  const token = text(call, "token");
  if (token !== undefined && token !== "-")
    throw new UsageError("a token does not belong on a command line: write --token - and give it on standard input");
  const id = text(call, "key-id");
  if (token === undefined && id === undefined) return { words: "nobody", credential: NOBODY };
  if (id !== undefined) return withStore(call, policy, (store) => keyById(call, policy, store, id));
  const credential = (await call.terminal.readInput()).trim();
  return withStore(call, policy, (store) => tokenCaller(credential, policy, service, store));
}

function describedCaller(call: Call, file: string, policy: Policy, service: Service | undefined, now: number): Asking | undefined {
  const read = readCaller(file, policy, service);
  if (read.kind === "invalid") return void refuseInvalid(call, read.diagnostics);
  if (read.kind === "sketch") return { words: `the caller of ${file}`, credential: credentialOf(policy, read.sketch, now) };
  const iss = typeof read.claims["iss"] === "string" ? read.claims["iss"] : "";
  return {
    words: `a token with the claims of ${file}`,
    credential: { service: service?.name ?? "", proof: { kind: "jwt", iss, claims: read.claims } },
  };
}

/* ── tokens ───────────────────────────────────────────────────────────── */

const UNVERIFIED = "The token's signature was not verified: no key is fetched here. The gateway refuses a forged one as TOKEN_INVALID.";

function tokenCaller(token: string, policy: Policy, service: Service | undefined, store: KeyReader): Asking {
  if (isJwtShaped(token))
    return { words: "a token", credential: { service: service?.name ?? "", proof: claimsProof(token) }, note: UNVERIFIED };
  for (const one of policy.services) {
    const key = apiKeyProof(token, one, store);
    if (key) return { words: "an API key", credential: { service: one.name, proof: key } };
  }
  const home = service?.name ?? "";
  if (service && isMeantAsKey(token, service)) return { words: "an API key", credential: { service: home, proof: MALFORMED } };
  const secret = service && secretProof(token, service);
  const hasSecrets = service?.authenticators.some(({ kind }) => kind === "bearer");
  return {
    words: "a secret",
    credential: { service: home, proof: secret ?? UNKNOWN },
    ...(!secret && hasSecrets && { note: "Secrets whose variables are not set here cannot be compared." }),
  };
}

const MALFORMED: Proof = { kind: "invalid", code: "KEY_INVALID", reason: "malformed API key: prefix, form or checksum" };
const UNKNOWN: Proof = {
  kind: "invalid",
  code: "TOKEN_INVALID",
  reason: "no JWT, no API key of a prefix that the policy has, and equal to no secret of the service",
};

/** It begins as the service's keys do, or the service takes nothing but keys. */
function isMeantAsKey(token: string, { authenticators }: Service): boolean {
  const keys = authenticators.filter((one) => one.kind === "apiKey");
  const onlyKeys = keys.length > 0 && keys.length === authenticators.length;
  return onlyKeys || keys.some(({ prefix }) => token.startsWith(`${prefix}_`));
}

function claimsProof(token: string): Proof {
  const claims = parseJsonObject(Buffer.from(token.split(".")[1]!, "base64url"));
  if (!claims) return { kind: "invalid", code: "TOKEN_INVALID", reason: "token: the payload is no unambiguous JSON object" };
  return { kind: "jwt", iss: typeof claims["iss"] === "string" ? claims["iss"] : "", claims };
}

function apiKeyProof(written: string, service: Service, store: KeyReader): Proof | undefined {
  const authenticator = service.authenticators.find((one) => one.kind === "apiKey" && parseApiKey(written, one.prefix) !== undefined);
  if (authenticator?.kind !== "apiKey") return undefined;
  const found = store.find(service.name, parseApiKey(written, authenticator.prefix)!.id);
  if (found instanceof Promise) throw new Error("the key store answers late");
  if (found && timingSafeEqual(found.digest, digestApiKey(written))) return { kind: "key", authenticator: authenticator.name, key: found };
  return { kind: "invalid", code: "KEY_INVALID", reason: "no such key in the store" };
}

function secretProof(token: string, { authenticators }: Service): Proof | undefined {
  const digest = hash("sha256", token, "buffer");
  for (const one of authenticators) {
    if (one.kind !== "bearer") continue;
    const found = one.secrets.find((secret) => timingSafeEqual(secret.digest, digest));
    if (found) return { kind: "secret", authenticator: one.name, id: found.id };
  }
  return undefined;
}

/* ── keys ─────────────────────────────────────────────────────────────── */

type Store = ReturnType<typeof openSqliteKeys>;

function withStore(call: Call, policy: Policy, work: (store: Store) => Asking): Asking | undefined {
  const { path } = policy.gateway.stores.keys;
  const store = openSqliteKeys(path, { side: "command", create: false });
  try {
    return work(store);
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StoreUnavailable)) throw error;
    return void call.terminal.err(faultText(error, path));
  } finally {
    store.close();
  }
}

function keyById(call: Call, policy: Policy, store: Store, id: string): Asking {
  const key = findKey({ call, policy, store, sealing: noSealing }, id, undefined);
  const kind = isAccessKeyId(id) ? "sigv4" : "apiKey";
  const service = policy.services.find((one) => one.name === key.service);
  const authenticator = service?.authenticators.find(
    (one) => one.kind === kind && (one.kind !== "apiKey" || !id.includes("_") || id.startsWith(one.prefix)),
  );
  if (!authenticator) throw new Refused(`the policy has no authenticator for keys of ${key.service}`);
  return {
    words: `the key ${key.id}`,
    credential: { service: key.service, proof: { kind: "key", authenticator: authenticator.name, key } },
  };
}

function noSealing(): never {
  throw new Refused("no secret is opened to explain a decision");
}
