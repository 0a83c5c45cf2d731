/** The decision once more, for an exchange that has been open for long: may it stay? Pure, as `decide` is. */
import type { Caller, Proof } from "../contract/caller.ts";
import type { Allowance, Denial, Matched, RequestFacts } from "../contract/decision.ts";
import type { Authenticator } from "../contract/authenticators.ts";
import type { Policy, Route, Service } from "../contract/policy.ts";
import { authorize } from "./authorize.ts";
import { identify } from "./identify.ts";

export interface LongExchange {
  readonly matched: Matched;
  readonly request: RequestFacts;
  /** As the exchange began. */
  readonly caller: Caller;
}

/**
 * The credential, as `proof` has it now, is held against what the policy in force says of credentials: authenticators,
 * secrets, roles. What its caller then holds is held against the rule that the exchange began with. `now` is in epoch milliseconds.
 */
export function decideAgain({ matched, request, caller }: LongExchange, proof: Proof, inForce: Policy, now: number): Allowance | Denial {
  const before = matched.route;
  const service = inForce.services.find(({ name }) => name === before.service.name);
  if (service === undefined) return denied(before, "the policy in force has no such service");
  const route = service === before.service ? before : underService(before, service);
  const identified = identify(route, proof, now);
  if (identified.outcome === "deny") return identified;
  if (!isSameTrust(before, route, caller, identified.caller)) return denied(before, "what proved the credential has changed");
  return authorize({ ...matched, route }, identified.caller, request);
}

/** The rule as it was, with the service's credentials as they are. */
function underService(route: Route, service: Service): Route {
  const names = new Set(route.authenticators.map(({ name }) => name));
  return { ...route, service, authenticators: service.authenticators.filter(({ name }) => names.has(name)) };
}

function isSameTrust(before: Route, route: Route, old: Caller, caller: Caller | undefined): boolean {
  if (caller === undefined || caller.authenticator !== old.authenticator) return false;
  const [was, is] = [before, route].map(({ authenticators }) => authenticators.find(({ name }) => name === old.authenticator));
  return was !== undefined && is !== undefined && (was === is || trustsTheSame(was, is, old.credentialId));
}

/** Another secret under the same id, or another issuer's keys, are another credential. What the store holds is asked for anew. */
function trustsTheSame(was: Authenticator, is: Authenticator, secretId: string | undefined): boolean {
  if (was.kind === "jwt") return is.kind === "jwt" && was.issuer.iss === is.issuer.iss && was.issuer.jwks === is.issuer.jwks;
  if (was.kind !== "bearer") return was.kind === is.kind;
  if (is.kind !== "bearer") return false;
  const [old, current] = [was, is].map(({ secrets }) => secrets.find(({ id }) => id === secretId)?.digest);
  return old !== undefined && current !== undefined && Buffer.compare(old, current) === 0;
}

function denied(route: Route, reason: string): Denial {
  return { outcome: "deny", code: "TOKEN_INVALID", reason, service: route.service, route };
}
