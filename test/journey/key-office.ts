/** Accounts and API keys of a gateway under test: put into its store at once, or by the operator's own commands. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { Test } from "tap";
import { digestApiKey, makeApiKey, type RandomBytes } from "../../src/contract/api-key.ts";
import type { Account } from "../../src/contract/caller.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { PROGRAM } from "./child.ts";
import type { Systems } from "./systems.ts";

export interface KeyWish {
  readonly account: Account;
  readonly scopes: readonly string[];
  readonly prefix: string;
  /** Epoch milliseconds. */
  readonly expiresAt?: number;
  readonly randomBytes?: RandomBytes;
}

export interface KeyOffice {
  /** Makes an account; enabled, and a service's own, unless said otherwise. */
  readonly account: (account: Pick<Account, "service" | "id" | "role"> & Partial<Account>) => Account;
  /** Makes a key of an account; the answer is the key whole, and its id. */
  readonly key: (wish: KeyWish) => { readonly id: string; readonly key: string };
}

/** Writes as the commands write, while the gateway reads. Closed when the test ends. */
export function openKeyOffice(t: Test, { sallyport, clocks }: Systems): KeyOffice {
  const store = openSqliteKeys(sallyport.keyStore, { side: "command", create: true });
  t.teardown(() => store.close());
  return {
    account: (wish) => {
      const account: Account = { kind: "service", enabled: true, ...wish };
      if (!store.createAccount(account)) throw new Error(`account ${account.id} was there before`);
      return account;
    },
    key: ({ account, scopes, prefix, expiresAt, randomBytes: random = randomBytes }) => {
      const { id, key } = makeApiKey(prefix, random);
      const end = expiresAt === undefined ? {} : { expiresAt };
      const { service } = account;
      store.createKey({ service, id, account: account.id, scopes, digest: digestApiKey(key), createdAt: clocks.now(), ...end });
      return { id, key };
    },
  };
}

/**
 * Runs `sallyport LINE --json` as a process of its own, as an operator does beside the running gateway, with no secret
 * in its environment. The answer is what it prints. Rejects when it fails.
 */
export async function runCommand({ sallyport }: Systems, line: string): Promise<Record<string, string>> {
  const args = [PROGRAM, ...line.split(" "), "--json", "--config", "sallyport.yaml"];
  const { stdout } = await promisify(execFile)(process.execPath, args, { cwd: sallyport.folder, env: {} });
  return JSON.parse(stdout) as Record<string, string>;
}
