/** Keys that come into being: made, put into the store, and shown once. */
import { randomBytes } from "node:crypto";
import { makeAccessKey } from "../contract/access-key.ts";
import { digestApiKey, makeApiKey } from "../contract/api-key.ts";
import type { ApiKeyAuthenticator, SigV4Authenticator } from "../contract/authenticators.ts";
import { flag, type Call } from "./command.ts";
import type { Desk, KeyAuthenticator } from "./key-desk.ts";

export interface KeyToMake {
  readonly service: string;
  readonly account: string;
  readonly scopes: readonly string[];
  /** Epoch milliseconds. */
  readonly createdAt: number;
  readonly expiresAt?: number;
}

export interface MadeKey extends KeyToMake {
  readonly id: string;
  readonly secret: string;
}

/** A new key of the kind that the authenticator takes. */
export function issue(desk: Desk, authenticator: KeyAuthenticator, details: KeyToMake): MadeKey {
  return authenticator.kind === "apiKey" ? issueApiKey(desk, authenticator, details) : issueAccessKey(desk, details);
}

function issueApiKey({ store }: Desk, { prefix }: ApiKeyAuthenticator, details: KeyToMake): MadeKey {
  const { id, key } = makeApiKey(prefix, randomBytes);
  store.createKey({ ...details, id, digest: digestApiKey(key) });
  return { ...details, id, secret: key };
}

function issueAccessKey({ store, sealing }: Desk, details: KeyToMake): MadeKey {
  const { id, secret } = makeAccessKey(randomBytes);
  store.createAccessKey({ ...details, id, sealedSecret: sealing().seal(secret, { service: details.service, id }, randomBytes) });
  return { ...details, id, secret };
}

/** Prints the key whole, for the only time; `replaced` is the one that it takes the place of. */
export function showOnce(
  call: Call,
  authenticator: KeyAuthenticator,
  key: MadeKey,
  replaced?: { readonly id: string; readonly endsAt: number },
): void {
  const { terminal } = call;
  if (flag(call, "json")) {
    const { id, secret, service, account, scopes } = key;
    const instants = { createdAt: instant(key.createdAt), ...(key.expiresAt !== undefined && { expiresAt: instant(key.expiresAt) }) };
    const old = replaced && { replaces: { id: replaced.id, endsAt: instant(replaced.endsAt) } };
    terminal.out(`${JSON.stringify({ id, secret, service, account, scopes, ...instants, ...old })}\n`);
    return;
  }
  terminal.out(authenticator.kind === "apiKey" ? apiKeyText(key, authenticator) : accessKeyText(key, authenticator));
  if (replaced) terminal.out(`The old key ${replaced.id} ends ${instant(replaced.endsAt)}.\n`);
}

function apiKeyText(key: MadeKey, { header }: ApiKeyAuthenticator): string {
  return `key ${wordsOf(key)}\n\n  ${key.secret}\n\nThis is shown once and kept nowhere: store it now. Send it as ${header}.\n`;
}

function accessKeyText(key: MadeKey, { region, service }: SigV4Authenticator): string {
  const lines = [`access key ${wordsOf(key)}`, "", `  id      ${key.id}`, `  secret  ${key.secret}`, ""];
  return `${lines.join("\n")}\nThe secret is shown once: store it now. Sign requests with it for region ${region} and service ${service}.\n`;
}

function wordsOf({ id, account, service, scopes, expiresAt }: MadeKey): string {
  const end = expiresAt === undefined ? "never expires" : `expires ${instant(expiresAt)}`;
  return `${id} of ${account} (${service})${scopes.length === 0 ? "" : `, scopes ${scopes.join(", ")}`}, ${end}`;
}

/** Epoch milliseconds as people and machines write them. */
export function instant(at: number): string {
  return new Date(at).toISOString();
}
