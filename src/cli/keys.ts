/** `keys …`: API keys and their lives. */
import { isAccessKeyId } from "../contract/access-key.ts";
import type { Account, OwnedKey } from "../contract/caller.ts";
import { readDuration } from "../policy/quantities.ts";
import { oneOf } from "./choice.ts";
import { flag, required, text, UsageError, type Call, type Command } from "./command.ts";
import { CONFIG_HELP, JSON_OPTION, SERVICE_OPTION } from "./key-options.ts";
import { atKeyDesk, findKey, keyService, Refused, type Desk, type KeyAuthenticator } from "./key-desk.ts";
import { instant, issue, showOnce } from "./key-issue.ts";
import { paragraph } from "./paragraph.ts";
import { table } from "./table.ts";

const AUTHENTICATOR_OPTION = { authenticator: { type: "string" } } as const;
const KEY_HELP = `  KEY           the key's id, alone or after its prefix: 8Zt4kQ2p or
                sfk_prod_8Zt4kQ2p; never the whole key; or an access key's id:
                SPQ4X7…
  --service S   the service; may be left out where only one has a key KEY\n`;
const AUTHENTICATOR_HELP = `  --authenticator A
                which of the service's authenticators for such keys, where it
                has several\n`;

export const keyCommands: readonly Command[] = [
  {
    name: "keys create",
    summary: "makes a key for an account, and shows it once",
    usage: "--service S --account ID --scopes A,B [--sigv4] [--expires 90d] [--authenticator A] [--config FILE] [--json]",
    help: `An API key, or an access key to sign requests with.

  --service S   the service that the key is for
  --account ID  who owns it: the key can never do more than its owner's role
  --scopes A,B  scopes of the authenticator; left out where it has none, and
                the owner's role says all
  --sigv4       an access key (id and secret) for AWS Signature Version 4; the
                secret is sealed with \`stores.sealing\`
  --expires D   how long it lives (12h, 90d); for ever where it is not said
${AUTHENTICATOR_HELP}  --json        for machines: { "id", "secret", "service", "account", "scopes",
                "createdAt", "expiresAt" }
${CONFIG_HELP}
  sallyport keys create --service stackflow --account ci-bot \\
    --scopes read-only --expires 90d
  sallyport keys create --service model-registry --account publisher --sigv4`,
    options: {
      ...JSON_OPTION,
      ...SERVICE_OPTION,
      ...AUTHENTICATOR_OPTION,
      account: { type: "string" },
      scopes: { type: "string" },
      sigv4: { type: "boolean" },
      expires: { type: "string" },
    },
    positionals: [0, 0],
    run: (call) => atKeyDesk(call, { create: false }, create),
  },
  {
    name: "keys list",
    summary: "lists API keys and access keys, without their secrets",
    usage: "[--service S] [--account ID] [--config FILE] [--json]",
    help: `  --service S   those of one service
  --account ID  those of one account
  --json        for machines: a list of { "id", "service", "account", "scopes",
                "state", "createdAt", "expiresAt", "revokedAt", "lastUsedAt" }
${CONFIG_HELP}
  sallyport keys list --service stackflow`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION, account: { type: "string" } },
    positionals: [0, 0],
    run: (call) => atKeyDesk(call, { create: false }, list),
  },
  {
    name: "keys rotate",
    summary: "makes a key's successor, and ends the key now or after an overlap",
    usage: "KEY [--overlap 24h] [--service S] [--authenticator A] [--config FILE] [--json]",
    help: `${KEY_HELP}  --overlap D   how long the old key still works; it ends at once where it is
                not said
${AUTHENTICATOR_HELP}  --json        for machines: as for \`keys create\`, and
                "replaces": { "id", "endsAt" }
${CONFIG_HELP}
The new key has the old one's account and scopes, and lives as long from now as
the old one was made for.

  sallyport keys rotate sfk_prod_8Zt4kQ2p --overlap 24h`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION, ...AUTHENTICATOR_OPTION, overlap: { type: "string" } },
    positionals: [1, 1],
    run: (call) => atKeyDesk(call, { create: false }, rotate),
  },
  {
    name: "keys revoke",
    summary: "ends a key for the very next request",
    usage: "KEY [--service S] [--config FILE] [--json]",
    help: `${KEY_HELP}  --json        for machines: { "id", "service", "account", "state" }
${CONFIG_HELP}\nIt cannot be undone.\n\n  sallyport keys revoke sfk_prod_8Zt4kQ2p`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION },
    positionals: [1, 1],
    run: (call) => atKeyDesk(call, { create: false }, revoke),
  },
];

function create(desk: Desk): void {
  const { call, store } = desk;
  const service = required(call, "service");
  const authenticator = authenticatorOf(desk, service, flag(call, "sigv4") ? "sigv4" : "apiKey");
  const account = required(call, "account");
  const scopes = scopesFor(call, authenticator);
  const lifetimeMs = durationMs(call, "expires");
  const now = Date.now();
  const owner = store.account(service, account);
  if (!owner) throw new Refused(`there is no account ${JSON.stringify(account)} in ${service}; \`accounts create\` makes one`);
  const end = lifetimeMs === undefined ? {} : { expiresAt: now + lifetimeMs };
  showOnce(call, authenticator, issue(desk, authenticator, { service, account, scopes, createdAt: now, ...end }));
  warnOfDisabled(call, owner);
}

/** On the error stream, so that a key that is read from the answer stays what it is. */
function warnOfDisabled({ terminal }: Call, { id, service, enabled }: Account): void {
  if (enabled) return;
  const words = `account ${id} is disabled: the key works after \`sallyport accounts enable ${id} --service ${service}\``;
  terminal.err(`${paragraph(`sallyport: ${words}`, terminal.columns, 0)}\n`);
}

function list({ call, policy, store }: Desk): void {
  const service = text(call, "service");
  const account = text(call, "account");
  const keys = [...store.keys(service), ...store.accessKeys(service)].filter((key) => account === undefined || key.account.id === account);
  // keys outlive their service's place in the policy, and can be listed all the same
  if (service !== undefined && keys.length === 0) keyService(policy, service);
  const { terminal } = call;
  const now = Date.now();
  if (flag(call, "json")) terminal.out(`${JSON.stringify(keys.map((key) => forMachines(key, now)))}\n`);
  else if (keys.length === 0) terminal.out("no keys\n");
  else
    terminal.out(
      table(
        ["KEY", "SERVICE", "ACCOUNT", "SCOPES", "STATE", "LAST USED"],
        keys.map((key) => row(key, now)),
        terminal.columns,
      ),
    );
}

function rotate(desk: Desk): void {
  const { call, store } = desk;
  const old = findKey(desk, call.positionals[0]!, text(call, "service"));
  const authenticator = authenticatorOf(desk, old.service, isAccessKeyId(old.id) ? "sigv4" : "apiKey");
  const overlapMs = durationMs(call, "overlap") ?? 0;
  const now = Date.now();
  if (old.revokedAt !== undefined) throw new Refused(`key ${old.id} is revoked; \`keys create\` makes a new one`);
  if (old.expiresAt !== undefined && old.expiresAt <= now) throw new Refused(`key ${old.id} has expired; \`keys create\` makes a new one`);
  const end = old.expiresAt === undefined ? {} : { expiresAt: now + old.expiresAt - old.createdAt };
  const { service, scopes } = old;
  const made = issue(desk, authenticator, { service, account: old.account.id, scopes, createdAt: now, ...end });
  store.expireKey(service, old.id, now + overlapMs);
  showOnce(call, authenticator, made, { id: old.id, endsAt: Math.min(old.expiresAt ?? Infinity, now + overlapMs) });
  warnOfDisabled(call, old.account);
}

function revoke(desk: Desk): void {
  const { call, store } = desk;
  const { service, id, account } = findKey(desk, call.positionals[0]!, text(call, "service"));
  const revokedAt = Date.now();
  if (!store.revokeKey(service, id, revokedAt)) throw new Refused(`there is no key ${id} in ${service}`);
  const answer = { id, service, account: account.id, state: "revoked" };
  call.terminal.out(
    flag(call, "json")
      ? `${JSON.stringify(answer)}\n`
      : `key ${id} of ${account.id} (${service}) is revoked: it fails from the next request on\n`,
  );
}

/* ── a key that exists ────────────────────────────────────────────────── */

type KeyState = "active" | "revoked" | "expired" | "disabled";

function stateOf(key: OwnedKey, now: number): KeyState {
  if (key.revokedAt !== undefined) return "revoked";
  if (key.expiresAt !== undefined && key.expiresAt <= now) return "expired";
  return key.account.enabled ? "active" : "disabled";
}

function row(key: OwnedKey, now: number): string[] {
  return [
    key.id,
    key.service,
    key.account.id,
    key.scopes.join(",") || "-",
    stateInWords(key, now),
    key.lastUsedAt === undefined ? "never" : day(key.lastUsedAt),
  ];
}

function stateInWords(key: OwnedKey, now: number): string {
  const state = stateOf(key, now);
  if (state === "revoked") return `revoked ${day(key.revokedAt!)}`;
  if (state === "expired") return `expired ${day(key.expiresAt!)}`;
  if (state === "disabled") return "owner disabled";
  return key.expiresAt === undefined ? "active" : `ends ${day(key.expiresAt)}`;
}

function forMachines(key: OwnedKey, now: number): Readonly<Record<string, unknown>> {
  const { id, service, account, scopes, createdAt, expiresAt, revokedAt, lastUsedAt } = key;
  return {
    id,
    service,
    account: account.id,
    scopes,
    state: stateOf(key, now),
    createdAt: instant(createdAt),
    ...(expiresAt !== undefined && { expiresAt: instant(expiresAt) }),
    ...(revokedAt !== undefined && { revokedAt: instant(revokedAt) }),
    ...(lastUsedAt !== undefined && { lastUsedAt: instant(lastUsedAt) }),
  };
}

function day(at: number): string {
  return instant(at).slice(0, 10);
}

/* ── what an operator names ───────────────────────────────────────────── */

function authenticatorOf({ call, policy }: Desk, service: string, kind: KeyAuthenticator["kind"]): KeyAuthenticator {
  const authenticators = keyService(policy, service).authenticators.filter((one) => one.kind === kind);
  if (authenticators.length === 0)
    throw new UsageError(`${service} takes no ${kind === "sigv4" ? "access keys" : "API keys; did you mean --sigv4?"}`);
  const name = text(call, "authenticator");
  const found = name === undefined ? authenticators : authenticators.filter((one) => one.name === name);
  if (found.length === 1) return found[0]!;
  const wrong = name === undefined ? "is missing" : `${JSON.stringify(name)} is not known`;
  throw new UsageError(`--authenticator ${wrong}; ${oneOf(authenticators.map((one) => one.name))}`);
}

/** None where the authenticator has none: the owner's role then says all. */
function scopesFor(call: Call, authenticator: KeyAuthenticator): readonly string[] {
  const needed = authenticator.kind === "apiKey" || authenticator.hasGrants;
  return needed || text(call, "scopes") !== undefined ? knownScopes(authenticator, required(call, "scopes")) : [];
}

function knownScopes(authenticator: KeyAuthenticator, words: string): readonly string[] {
  const scopes = [...new Set(words.split(",").map((scope) => scope.trim()))];
  const unknown = scopes.find((scope) => !authenticator.scopes.has(scope));
  if (unknown === undefined) return scopes;
  throw new UsageError(
    `--scopes: ${JSON.stringify(unknown)} is not a scope of ${authenticator.name}; ${oneOf(authenticator.scopes.keys())}`,
  );
}

/** Undefined where the option was not given. */
function durationMs(call: Call, option: string): number | undefined {
  const words = text(call, option);
  if (words === undefined) return undefined;
  const reading = readDuration(words);
  if (reading.kind === "value") return reading.value;
  throw new UsageError(`--${option}: ${reading.message}${reading.repair === undefined ? "" : `; ${reading.repair}`}`);
}
