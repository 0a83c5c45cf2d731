/** Who calls StackFlow in these tests, and what its refusals look like. */
import { randomBytes } from "node:crypto";
import type { Test } from "tap";
import type { Account } from "../../src/contract/caller.ts";
import type { PersonTokensRequest } from "../../src/demo/issuer/pool.ts";
import { openKeyOffice, type KeyOffice } from "./key-office.ts";
import { APP_CLIENT, MACHINE_CLIENT, type Carried, type Outcome, type Systems } from "./systems.ts";

export const ROLES = ["viewer", "itsm_agent", "itsm_manager", "cloud_admin", "super_admin", "service_account"];
export const READ = "stackflow/api.read";
export const WRITE = "stackflow/api.write";

export interface StackflowCallers {
  /** With an ID token; of tenant t1 where nothing else is said. */
  readonly person: (role: string, tenant?: string, more?: Partial<PersonTokensRequest>) => Carried;
  /** A person of her own, so that her budget is nobody else's. */
  readonly newcomer: (role: string) => Carried;
  /** The listed machine, of tenant t1. */
  readonly machine: (...scopes: string[]) => Carried;
}

export function stackflowCallers({ flowPool }: Systems): StackflowCallers {
  const person: StackflowCallers["person"] = (role, tenant = "t1", more = {}) => ({
    token: flowPool.personTokens({ username: "ivy", clientId: APP_CLIENT, custom: { role, tenant_id: tenant }, ...more }).idToken,
  });
  return {
    person,
    newcomer: (role) => person(role, "t1", { claims: { sub: randomBytes(8).toString("hex") } }),
    machine: (...scopes) => ({ token: flowPool.machineToken({ clientId: MACHINE_CLIENT, scopes }) }),
  };
}

export interface StackflowKeys {
  readonly office: KeyOffice;
  /** A new account, of tenant t1 where nothing else is said. */
  readonly accountWith: (role: string, more?: Partial<Account>) => Account;
  readonly keyOf: (account: Account, ...scopes: string[]) => Carried;
}

export function stackflowKeys(t: Test, systems: Systems): StackflowKeys {
  const office = openKeyOffice(t, systems);
  let count = 0;
  return {
    office,
    accountWith: (role, more) => {
      count += 1;
      return office.account({ service: "stackflow", id: `account-${count}`, role, tenant: "t1", ...more });
    },
    keyOf: (account, ...scopes) => ({ key: office.key({ account, scopes, prefix: "sfk_prod" }).key }),
  };
}

/** Status and body of a refusal; `rest` holds what the coded format does not have. */
export function coded({ status, body, headers }: Outcome): object {
  const { error, code, requestId, ...rest } = JSON.parse(body) as Record<string, string>;
  return { status, error, code, sameId: requestId === headers["x-decision-id"], rest };
}
