/** Callers made by chance, and what each is under a generated policy. */
import fc from "fast-check";
import type { CallerSketch } from "../../../src/contract/policy-tests.ts";
import { NOW } from "../../decision/policy.ts";
import { maybe, present, type SmallAuthenticator } from "../fixtures/small-policies.ts";
import type { GeneratedPolicy } from "./policies.ts";

/** Numbers choose among what the policy has. */
export interface CallerDraft {
  readonly service: number;
  readonly authenticator: number;
  /** Where the authenticator takes both. */
  readonly machine: boolean;
  readonly client: string;
  readonly scopes: readonly string[];
  readonly groups: readonly string[];
  readonly role: string | undefined;
  /** Claim or account field that may hold the tenant. */
  readonly tenant: string | undefined;
  readonly state: "good" | "expired" | "revoked" | "disabled";
  /** One claim that is not as it should be; `null` takes it away. */
  readonly odd: readonly [string, unknown] | undefined;
}

const LATER = NOW / 1000 + 3600;
const ODD_CLAIMS: readonly (readonly [string, unknown])[] = [
  ["token_use", "id"],
  ["token_use", null],
  ["aud", "other"],
  ["iss", "https://nobody.example"],
  ["sub", null],
  ["username", "somebody"],
  ["client_id", "c3"],
  ["scope", 5],
  ["cognito:groups", "g1"],
  ["role", 7],
  ["iat", LATER],
  ["nbf", LATER],
  ["exp", 1.5],
];

export const callerDraft: fc.Arbitrary<CallerDraft> = fc.record({
  service: fc.nat(2),
  authenticator: fc.nat(7),
  machine: fc.boolean(),
  client: fc.constantFrom("c1", "c2", "t1"),
  scopes: fc.subarray(["s1", "s2", "s3", "sx"]),
  groups: fc.subarray(["g1", "g2", "gx", "client:t1", "client:v1", "client:t2", "staff:t1", "member:t1"]),
  role: maybe(fc.constantFrom("r1", "r2", "stranger")),
  tenant: maybe(fc.constantFrom("t1", "t2", "v1", "not a tenant")),
  state: fc.oneof({ weight: 8, arbitrary: fc.constant("good" as const) }, fc.constantFrom("expired", "revoked", "disabled")),
  odd: fc.oneof({ weight: 7, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: fc.constantFrom(...ODD_CLAIMS) }),
});

/** The caller of that name whom the draft makes under the policy. */
export function callerOf({ services }: GeneratedPolicy, name: string, draft: CallerDraft): CallerSketch {
  const service = services[draft.service % services.length]!;
  const names = Object.keys(service.authenticators);
  const by = names[draft.authenticator % names.length]!;
  return { name, service: service.name, by, ...credentialOf(service.authenticators[by]!, draft) };
}

type Described = Omit<CallerSketch, "name" | "service" | "by">;

function credentialOf(authenticator: SmallAuthenticator, draft: CallerDraft): Described {
  if (authenticator.bearer) return { secret: authenticator.bearer[draft.client === "c1" ? 0 : authenticator.bearer.length - 1]!.id };
  if (authenticator.jwt) return { claims: claimsOf(authenticator.jwt, draft), expired: draft.state === "expired" };
  const { role, tenant, scopes, state } = draft;
  const account = present({ role, tenant, enabled: state !== "disabled" });
  return { account, scopes, expired: state === "expired", revoked: state === "revoked" };
}

function claimsOf(jwt: NonNullable<SmallAuthenticator["jwt"]>, draft: CallerDraft): Readonly<Record<string, unknown>> {
  const { client, scopes, groups, role, tenant, odd } = draft;
  const isMachine = jwt.caller === undefined ? draft.machine : jwt.caller === "machine";
  const own = isMachine ? { client_id: client, scope: scopes.join(" ") } : { "cognito:groups": groups };
  return present({ ...own, role, tid: tenant, ...(odd && { [odd[0]]: odd[1] }) });
}
