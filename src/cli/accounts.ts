/** `accounts …`: who owns API keys, with which role and for which tenant. */
import type { Account, AccountKind } from "../contract/caller.ts";
import type { Service } from "../contract/policy.ts";
import { oneOf } from "./choice.ts";
import { flag, required, text, UsageError, type Call, type Command } from "./command.ts";
import { CONFIG_HELP, JSON_OPTION, SERVICE_OPTION } from "./key-options.ts";
import { accountService, atKeyDesk, findAccount, Refused, type Desk } from "./key-desk.ts";
import { table } from "./table.ts";

/** It is told to upstreams in a header, and written into logs. */
const ACCOUNT_ID = /^[A-Za-z0-9][A-Za-z0-9._@:/+-]{0,127}$/;
const TENANT = /^[A-Za-z0-9_.-]{1,128}$/;
const KINDS: readonly AccountKind[] = ["service", "person"];

const SERVICE_HELP = `  --service S   the service; may be left out where only one has an account ID\n`;
const ACCOUNT_JSON = `  --json        for machines: { "id", "service", "kind", "role", "tenant",
                "enabled" }\n`;

export const accountCommands: readonly Command[] = [
  {
    name: "accounts create",
    summary: "makes an account of one service, for keys or client certificates",
    usage: "ID --service S --role R [--tenant T] [--kind service|person] [--config FILE] [--json]",
    help: `  --service S   a service of the policy that takes API keys, access keys or
                client certificates
  --role R      one of the service's roles: no key of the account can do more
  --tenant T    whose data its keys are about; needed where the service takes
                the tenant from the account
  --kind K      service (the default) or person
${ACCOUNT_JSON}${CONFIG_HELP}
Makes the key store as well, where there is none yet.

  sallyport accounts create ci-bot --service stackflow --role viewer --tenant t1`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION, role: { type: "string" }, tenant: { type: "string" }, kind: { type: "string" } },
    positionals: [1, 1],
    run: (call) => atKeyDesk(call, { create: true }, create),
  },
  {
    name: "accounts set",
    summary: "changes an account's role or tenant",
    usage: "ID [--service S] [--role R] [--tenant T] [--config FILE] [--json]",
    help: `${SERVICE_HELP}  --role R      the new role
  --tenant T    the new tenant
${ACCOUNT_JSON}${CONFIG_HELP}
It holds for the very next request with any of the account's keys.

  sallyport accounts set ci-bot --service stackflow --role itsm_agent`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION, role: { type: "string" }, tenant: { type: "string" } },
    positionals: [1, 1],
    run: (call) => atKeyDesk(call, { create: false }, change),
  },
  switching("disable", false, "shuts out all keys of an account, until it is enabled again"),
  switching("enable", true, "lets a disabled account's keys in again"),
  {
    name: "accounts list",
    summary: "lists the accounts that own keys",
    usage: "[--service S] [--config FILE] [--json]",
    help: `  --service S   those of one service
  --json        for machines: a list of { "id", "service", "kind", "role",
                "tenant", "enabled" }
${CONFIG_HELP}
  sallyport accounts list --service stackflow`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION },
    positionals: [0, 0],
    run: (call) => atKeyDesk(call, { create: false }, list),
  },
];

function switching(word: string, enabled: boolean, summary: string): Command {
  return {
    name: `accounts ${word}`,
    summary,
    usage: "ID [--service S] [--config FILE] [--json]",
    help: `${SERVICE_HELP}${ACCOUNT_JSON}${CONFIG_HELP}\nIt holds for the very next request.\n\n  sallyport accounts ${word} ci-bot --service stackflow`,
    options: { ...JSON_OPTION, ...SERVICE_OPTION },
    positionals: [1, 1],
    run: (call) =>
      atKeyDesk(call, { create: false }, (desk) => {
        const { service, id } = findAccount(desk, call.positionals[0]!, text(call, "service"));
        report(call, changed(desk, service, id, { enabled }));
      }),
  };
}

function create({ call, policy, store }: Desk): void {
  const found = accountService(policy, required(call, "service"));
  const tenant = tenantFor(call, found);
  const account: Account = {
    service: found.service.name,
    id: accountId(call.positionals[0]!),
    kind: accountKind(text(call, "kind") ?? "service"),
    role: knownRole(found.service, text(call, "role")),
    ...(tenant !== undefined && { tenant }),
    enabled: true,
  };
  if (!store.createAccount(account))
    throw new Refused(`account ${account.id} of ${account.service} exists already; \`accounts set\` changes it`);
  report(call, account);
}

function change(desk: Desk): void {
  const { call, policy } = desk;
  const role = text(call, "role");
  const tenant = text(call, "tenant");
  if (role === undefined && tenant === undefined) throw new UsageError("say what to change: --role, --tenant or both");
  const { service, id } = findAccount(desk, call.positionals[0]!, text(call, "service"));
  const found = accountService(policy, service);
  const to = {
    ...(role !== undefined && { role: knownRole(found.service, role) }),
    ...(tenant !== undefined && { tenant: knownTenant(tenant) }),
  };
  report(call, changed(desk, service, id, to));
}

function list({ call, policy, store }: Desk): void {
  const service = text(call, "service");
  const accounts = store.accounts(service);
  // accounts outlive their service's place in the policy, and can be listed all the same
  if (service !== undefined && accounts.length === 0) accountService(policy, service);
  const { terminal } = call;
  if (flag(call, "json")) terminal.out(`${JSON.stringify(accounts)}\n`);
  else if (accounts.length === 0) terminal.out("no accounts\n");
  else terminal.out(table(["ACCOUNT", "SERVICE", "KIND", "ROLE", "TENANT", "STATE"], accounts.map(row), terminal.columns));
}

function row({ id, service, kind, role, tenant, enabled }: Account): string[] {
  return [id, service, kind, role, tenant ?? "-", enabled ? "enabled" : "disabled"];
}

/** The account was there a moment ago: it can only be gone by another hand. */
function changed({ store }: Desk, service: string, id: string, to: { role?: string; tenant?: string; enabled?: boolean }): Account {
  const account = store.changeAccount(service, id, to);
  if (!account) throw new Refused(`there is no account ${id} in ${service}`);
  return account;
}

function report(call: Call, account: Account): void {
  const { service, id, kind, role, tenant, enabled } = account;
  const words = [`${kind} account ${id} of ${service}`, `role ${role}`, ...(tenant === undefined ? [] : [`tenant ${tenant}`])];
  call.terminal.out(flag(call, "json") ? `${JSON.stringify(account)}\n` : `${words.join(", ")}: ${enabled ? "enabled" : "disabled"}\n`);
}

function accountId(id: string): string {
  if (ACCOUNT_ID.test(id)) return id;
  throw new UsageError(
    "an account's ID starts with a letter or digit, goes on with those or . _ @ : / + -, and has at most 128 characters",
  );
}

function accountKind(word: string): AccountKind {
  const kind = KINDS.find((one) => one === word);
  if (kind === undefined) throw new UsageError(`--kind ${JSON.stringify(word)} is not known; ${oneOf(KINDS)}`);
  return kind;
}

function knownRole(service: Service, role: string | undefined): string {
  if (role !== undefined && service.roles.has(role)) return role;
  const wrong = role === undefined ? "is missing" : `${JSON.stringify(role)} is not a role of ${service.name}`;
  throw new UsageError(`--role ${wrong}; ${oneOf(service.roles.keys())}`);
}

function tenantFor(call: Call, { service, authenticators }: ReturnType<typeof accountService>): string | undefined {
  const tenant = text(call, "tenant");
  if (tenant !== undefined) return knownTenant(tenant);
  const needed = authenticators.some((authenticator) => authenticator.tenant?.kind === "account");
  if (needed) throw new UsageError(`--tenant is missing: ${service.name} takes the tenant of its callers from their accounts`);
  return undefined;
}

function knownTenant(tenant: string): string {
  if (TENANT.test(tenant) && tenant !== "." && tenant !== "..") return tenant;
  throw new UsageError("a tenant is 1 to 128 letters, digits, _ . or -, and neither . nor ..");
}
