/** Who is in the demo: the pools with their clients and people, and the accounts that own API keys. */
import type { AccountKind } from "../contract/caller.ts";
import type { PersonOptions, PoolOptions } from "./issuer/pool-options.ts";

export const PIE_POOL = "us-east-2_DemoPie01";
export const STACKFLOW_POOL = "us-east-2_DemoFlow1";

export const STACKFLOW_APP_CLIENT = "stackflow-web";
export const STACKFLOW_MACHINE_CLIENT = "stackflow-integration";
export const STACKFLOW_MACHINE_TENANT = "t1";

/** An account that is to be made in the gateway's key store, and a key of it. */
export interface KeySeed {
  /** `SERVICE/ACCOUNT`: under this name `calls()` looks for the key. */
  readonly id: string;
  readonly service: string;
  readonly account: { readonly id: string; readonly kind: AccountKind; readonly role: string; readonly tenant?: string };
  readonly scopes: readonly string[];
}

const PERSON_SCOPES = ["openid", "email", "profile"];

/** Long enough for an afternoon of trying out; Cognito allows a day at most. */
const LIFETIMES = { access: 8 * 3600, id: 8 * 3600 };

const WEB_CLIENT = { kind: "web", public: true, scopes: PERSON_SCOPES, redirectUris: ["/try/callback"] } as const;

export const PIE: PoolOptions = {
  id: PIE_POOL,
  lifetimes: LIFETIMES,
  clients: [
    { id: "sealink", kind: "machine", scopes: ["streamline/read_models", "streamline/client_read", "streamline/run_inference"] },
    { id: "acme", kind: "machine", scopes: ["streamline/read_models", "streamline/client_read", "streamline/manage_domains"] },
    { id: "pie-operations", kind: "machine", scopes: ["streamline/admin"] },
    { id: "pie-web", ...WEB_CLIENT },
  ],
  people: [
    { username: "sam", groups: ["client:sealink"] },
    { username: "asha", groups: ["client:acme"] },
    { username: "ada", groups: ["admin"] },
  ],
};

export const STACKFLOW: PoolOptions = {
  id: STACKFLOW_POOL,
  lifetimes: LIFETIMES,
  clients: [
    { id: STACKFLOW_APP_CLIENT, ...WEB_CLIENT },
    { id: STACKFLOW_MACHINE_CLIENT, kind: "machine", scopes: ["stackflow/api.read", "stackflow/api.write"] },
  ],
  people: [
    agent("ivy", "itsm_agent", "t1"),
    agent("vera", "viewer", "t1"),
    agent("max", "itsm_manager", "t1"),
    agent("carl", "cloud_admin", "t1"),
    agent("sue", "super_admin", "t1"),
    agent("olga", "itsm_agent", "t2"),
  ],
};

function agent(username: string, role: string, tenantId: string): PersonOptions {
  return { username, custom: { role, tenant_id: tenantId } };
}

export const KEY_SEEDS: readonly KeySeed[] = [
  seed("model-registry", { id: "publisher", kind: "service", role: "writer" }, ["read-write"]),
  seed("model-registry", { id: "reports", kind: "service", role: "reader" }, ["read-write"]),
  seed("stackflow", { id: "pager", kind: "service", role: "itsm_agent", tenant: "t1" }, ["itsm-write"]),
  seed("stackflow", { id: "bot", kind: "service", role: "viewer", tenant: "t1" }, ["admin"]),
];

function seed(service: string, account: KeySeed["account"], scopes: readonly string[]): KeySeed {
  return { id: `${service}/${account.id}`, service, account, scopes };
}
