/** What the commands about accounts and keys share: the policy, the key store, and finding in both what an operator names. */
import { existsSync } from "node:fs";
import { isAccessKeyId } from "../contract/access-key.ts";
import { parseApiKey } from "../contract/api-key.ts";
import type { Account, OwnedKey } from "../contract/caller.ts";
import type { ApiKeyAuthenticator, Authenticator, SigV4Authenticator } from "../contract/authenticators.ts";
import type { Policy, Service } from "../contract/policy.ts";
import { createSealing, type Sealing } from "../contract/sealing.ts";
import { type KeyWriter, StoreUnavailable } from "../contract/stores.ts";
import { loadExpanded, type Expanded } from "../policy/load.ts";
import { openSqliteKeys } from "../stores/sqlite-keys.ts";
import { checkService, oneOf } from "./choice.ts";
import { configPath, UsageError, type Call } from "./command.ts";
import { refuseInvalid } from "./mistakes.ts";

/** A call at the desk, with what it needs to be answered. */
export interface Desk {
  readonly call: Call;
  readonly policy: Policy;
  readonly store: KeyWriter;
  /** Seals secrets of access keys as the gateway opens them. Throws Refused where it is not known what with. */
  readonly sealing: () => Sealing;
}

/** An authenticator whose keys the store holds. */
export type KeyAuthenticator = ApiKeyAuthenticator | SigV4Authenticator;

/** A service that takes API keys or access keys. */
export interface KeyService {
  readonly service: Service;
  readonly authenticators: readonly KeyAuthenticator[];
}

/** Understood, but the answer is no: exit code 1, with the message. */
export class Refused extends Error {
  override readonly name = "Refused";
}

/** Runs `work` with the store that the gateway file names; `create` makes an empty one where there is none. */
export function atKeyDesk(call: Call, options: { readonly create: boolean }, work: (desk: Desk) => void): number {
  const { terminal } = call;
  const loaded = loadExpanded({ configPath: configPath(call), environment: terminal.environment, offline: true });
  if (loaded.kind === "invalid") return refuseInvalid(call, loaded.diagnostics);
  const { path } = loaded.policy.gateway.stores.keys;
  const store = openSqliteKeys(path, { side: "command", create: options.create });
  try {
    work({ call, policy: loaded.policy, store, sealing: () => sealingOf(loaded) });
    return 0;
  } catch (error) {
    if (!(error instanceof Refused || error instanceof StoreUnavailable)) throw error;
    terminal.err(faultText(error, path));
    return 1;
  } finally {
    store.close();
  }
}

/** Why the answer is no, and how a store comes to be that is not there yet. */
export function faultText(error: Refused | StoreUnavailable, path: string): string {
  const repair = error instanceof StoreUnavailable && !existsSync(path) ? "; `sallyport accounts create` makes it" : "";
  return `sallyport: ${error.message}${repair}\n`;
}

/** A key sealed with a stand-in would be one that no gateway opens. */
function sealingOf({ policy, standsIn }: Extract<Expanded, { kind: "policy" }>): Sealing {
  if (standsIn(["stores", "sealing"]))
    throw new Refused("`stores.sealing` names a variable or file that is not set here; access keys are sealed with it");
  const { sealing } = policy.gateway.stores;
  if (!sealing) throw new Refused("`stores.sealing` of the gateway file is not set here; access keys are sealed with it");
  return createSealing(sealing);
}

/** The service with this name, which must take API keys or access keys. */
export function keyService(policy: Policy, name: string): KeyService {
  const all = keyServices(policy);
  const found = all.find(({ service }) => service.name === name);
  if (found) return found;
  checkService(policy, name);
  throw new UsageError(`--service: ${name} takes no keys; ${oneOf(all.map(({ service }) => service.name))}`);
}

/** The service with this name, whose callers must be accounts of the store for some of its authenticators. */
export function accountService(
  policy: Policy,
  name: string,
): { readonly service: Service; readonly authenticators: readonly Authenticator[] } {
  const all = policy.services
    .map((service) => ({ service, authenticators: service.authenticators.filter(({ role }) => role?.kind === "account") }))
    .filter(({ authenticators }) => authenticators.length > 0);
  const found = all.find(({ service }) => service.name === name);
  if (found) return found;
  checkService(policy, name);
  throw new UsageError(`--service: ${name} takes no keys or certificates; ${oneOf(all.map(({ service }) => service.name))}`);
}

export function keyServices(policy: Policy): readonly KeyService[] {
  return policy.services
    .map((service) => ({ service, authenticators: service.authenticators.filter((one) => one.kind === "apiKey" || one.kind === "sigv4") }))
    .filter(({ authenticators }) => authenticators.length > 0);
}

/** The account with this id, in the service where one is named; otherwise the only one of that id. */
export function findAccount({ store }: Desk, id: string, service: string | undefined): Account {
  const found = store.accounts(service).filter((account) => account.id === id);
  return only(found, `account ${JSON.stringify(id)}`, service);
}

/** The key that `KEY` names: an access key's id, or an API key's, alone or after its prefix. */
export function findKey({ policy, store }: Desk, text: string, service: string | undefined): OwnedKey {
  if (isAccessKeyId(text)) {
    const keys = store.accessKeysById(text).filter((key) => service === undefined || key.service === service);
    return only(keys, `access key ${text}`, service);
  }
  refuseWholeKey(policy, text);
  const name = /^(?:(?<prefix>.+)_)?(?<id>[0-9A-Za-z]{8})$/.exec(text)?.groups;
  if (!name) throw new UsageError("KEY is an id of 8 letters and digits, or the prefix, `_` and the id, or an access key's id");
  const found = store
    .keysById(name["id"]!)
    .filter((key) => service === undefined || key.service === service)
    .filter((key) => name["prefix"] === undefined || hasPrefix(policy, key.service, name["prefix"]));
  return only(found, `key ${JSON.stringify(text)}`, service);
}

function only<T extends { readonly service: string }>(found: readonly T[], what: string, service: string | undefined): T {
  if (found.length > 1) throw new UsageError(`${what} is in several services; say --service, ${oneOf(found.map((one) => one.service))}`);
  if (found.length === 0) throw new Refused(`there is no ${what}${service === undefined ? "" : ` in ${service}`}`);
  return found[0]!;
}

/** Arguments are seen by other users of the machine and stay in histories. The message does not repeat it. */
function refuseWholeKey(policy: Policy, text: string): void {
  const prefixes = keyServices(policy).flatMap(({ authenticators }) => authenticators.flatMap(prefixOf));
  const whole = prefixes.some((prefix) => parseApiKey(text, prefix) !== undefined);
  if (whole)
    throw new UsageError(
      "that is a whole key, which does not belong on a command line: give its id alone, and revoke it if others may have seen it",
    );
}

function hasPrefix(policy: Policy, service: string, prefix: string): boolean {
  const found = keyServices(policy).find((one) => one.service.name === service);
  return found !== undefined && found.authenticators.flatMap(prefixOf).includes(prefix);
}

function prefixOf(authenticator: KeyAuthenticator): readonly string[] {
  return authenticator.kind === "apiKey" ? [authenticator.prefix] : [];
}
