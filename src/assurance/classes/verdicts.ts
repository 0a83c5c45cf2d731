/** What the gateway's own decision says to callers of a class, for each way in which a request can name a tenant. */
import type { Decision } from "../../contract/decision.ts";
import type { Authenticator } from "../../contract/authenticators.ts";
import type { Policy, Route } from "../../contract/policy.ts";
import { decide } from "../../decision/decide.ts";
import type { Grant, Relation, Stance } from "./caller.ts";
import { proofOf } from "./proof.ts";
import type { Reach } from "./reach.ts";
import { ANY_TENANCY, OTHER_TENANT, ownTenancy } from "./tenancy.ts";

/** A caller of a class: a stance, and the grants that it holds. */
export interface CallerClass {
  readonly stance: Stance;
  readonly grants: readonly Grant[];
}

/** The decision on such a caller's request; undefined where no request can name tenants so. */
export function verdictOf(policy: Policy, reach: Reach, caller: CallerClass, relation: Relation, now: number): Decision | undefined {
  const authenticator = authenticatorOf(reach.route, caller.stance);
  const request = reach.request(tenantNamed(authenticator, caller.stance, relation));
  if (!request) return undefined;
  const { service } = reach.route;
  const proof = authenticator ? proofOf({ ...caller, service, authenticator, relation, now }) : { kind: "none" as const };
  return decide(policy, { request, proof, now });
}

function authenticatorOf({ service }: Route, { authenticator: name }: Stance): Authenticator | undefined {
  return service.authenticators.find((authenticator) => authenticator.name === name);
}

function tenantNamed(authenticator: Authenticator | undefined, stance: Stance, relation: Relation): string | undefined {
  if (relation === "own") return ((authenticator && ownTenancy(authenticator, stance)) ?? ANY_TENANCY).tenant;
  return relation === "other" ? OTHER_TENANT : undefined;
}
