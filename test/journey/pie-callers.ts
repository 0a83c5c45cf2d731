/** Who calls PIE in these tests, and how its tables are read. */
import type { MachineTokenRequest, PersonTokensRequest } from "../../src/demo/issuer/pool.ts";
import type { Carried, Systems } from "./systems.ts";

export const SCOPES = [
  "streamline/read_models",
  "streamline/write_models",
  "streamline/train_model",
  "streamline/run_inference",
  "streamline/client_read",
  "streamline/service_init",
  "streamline/manage_domains",
  "streamline/complete_job",
  "streamline/admin",
];
export const CLIENT_READ = "streamline/client_read";
export const ADMIN = "streamline/admin";

/** Marks of the tables. */
export const LEGEND = { x: "allow", ".": "INSUFFICIENT_SCOPE", t: "TENANT_MISMATCH" };

/** What stands for the placeholders of the tables. */
export const VALUES = {
  client_id: "sealink",
  domain_id: "south_australia",
  service_id: "eta",
  key: "default",
  model_id: "m-1",
  version: "3",
  job_id: "j-1",
};

export interface PieCallers {
  /** With an access token as client credentials give it. */
  readonly machine: (clientId: string, scopes: readonly string[], more?: Partial<MachineTokenRequest>) => Carried;
  /** With an access token as a sign-in gives it. */
  readonly person: (groups: readonly string[], more?: Partial<PersonTokensRequest>) => Carried;
}

export function pieCallers({ piePool }: Systems): PieCallers {
  return {
    machine: (clientId, scopes, more) => ({ token: piePool.machineToken({ clientId, scopes, ...more }) }),
    person: (groups, more) => ({ token: piePool.personTokens({ username: "sam", clientId: "pie-web", groups, ...more }).accessToken }),
  };
}
