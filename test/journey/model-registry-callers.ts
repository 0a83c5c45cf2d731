/** Who calls the model registry in these tests, and what its answers look like. */
import type { Test } from "tap";
import type { Account } from "../../src/contract/caller.ts";
import { openKeyOffice, type KeyOffice } from "./key-office.ts";
import type { Carried, Outcome, Systems } from "./systems.ts";

/** The origin that the registry's pages are served from. */
export const PAGE = "http://sot4-model-registry-dev.s3-website.us-east-2.amazonaws.com";

export interface RegistryCallers {
  /** Holders of the two shared secrets. */
  readonly current: Carried;
  readonly previous: Carried;
  readonly reader: Account;
  readonly writer: Account;
  readonly admin: Account;
  readonly office: KeyOffice;
  readonly keyOf: (account: Account, scope: string) => Carried & { readonly key: string };
}

export function registryCallers(t: Test, systems: Systems): RegistryCallers {
  const office = openKeyOffice(t, systems);
  const service = "model-registry";
  return {
    current: { token: systems.registryToken },
    previous: { token: systems.previousRegistryToken },
    reader: office.account({ service, id: "reports", role: "reader" }),
    writer: office.account({ service, id: "publisher", role: "writer" }),
    admin: office.account({ service, id: "operations", role: "admin" }),
    office,
    keyOf: (account, scope) => ({ key: office.key({ account, scopes: [scope], prefix: "tmr" }).key }),
  };
}

export function shown({ status, body }: Outcome): { status: number; body: string } {
  return { status, body };
}

/** All CORS headers of an answer. */
export function corsOf({ headers }: Outcome): Record<string, unknown> {
  return Object.fromEntries(Object.entries(headers).filter(([name]) => name.startsWith("access-control-") || name === "vary"));
}
