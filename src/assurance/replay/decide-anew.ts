/** Another policy's decision on a request that one has decided: by the same `decide`, or not at all. */
import type { Claims, Proof } from "../../contract/caller.ts";
import type { Decision, Match } from "../../contract/decision.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import { decide } from "../../decision/decide.ts";
import { match } from "../../decision/match.ts";
import { looseFieldName } from "../../decision/query.ts";
import { ownClaimsOf } from "./reads.ts";
import { type Carried, carriedProof } from "./carried-proof.ts";
import type { Evidence } from "./evidence.ts";

/** `proof` is what the policy's service would make of the credential; undefined where it reads none. */
export type Anew =
  | { readonly kind: "decided"; readonly decision: Decision; readonly proof: Proof | undefined }
  | { readonly kind: "unknown"; readonly why: string; readonly match: Match };

const NOT_KNOWN: Proof = { kind: "unavailable", reason: "not known" };

export function decideAnew(policy: Policy, evidence: Evidence): Anew {
  const { request, now } = evidence;
  const found = match(policy, request);
  const service = found.kind === "route" ? found.route.service : undefined;
  const carried: Carried = service ? carriedProof(service, evidence) : { kind: "proof", proof: { kind: "none" } };
  const why = carried.kind === "unknown" ? carried.why : service && claimNotKnown(service, carried.proof, evidence);
  if (carried.kind === "unknown" || why !== undefined) {
    // Nobody answers so unless the credential was asked for.
    const decision = decide(policy, { request, proof: NOT_KNOWN, now });
    const needsProof = decision.outcome === "deny" && decision.code === "AUTH_UNAVAILABLE";
    return needsProof ? { kind: "unknown", why: why ?? "", match: found } : { kind: "decided", decision, proof: undefined };
  }
  const decision = decide(policy, { request, proof: carried.proof, now });
  const gap = service && hangsOnTenant(decision) ? tenantNotKnown(service, evidence) : undefined;
  return gap === undefined ? { kind: "decided", decision, proof: carried.proof } : { kind: "unknown", why: gap, match: found };
}

/** A claim that the service reads, and of which only the name is known. */
function claimNotKnown({ authenticators }: Service, proof: Proof, evidence: Evidence): string | undefined {
  if (proof.kind !== "jwt") return undefined;
  const takers = authenticators.filter((one) => one.kind === "jwt" && one.issuer.iss === proof.iss);
  const name = takers
    .flatMap((one) => (one.kind === "jwt" ? ownClaimsOf(one) : []))
    .find((claim) => isHidden(claim, proof.claims, evidence));
  return name === undefined ? undefined : `the token's claim ${name} is not known`;
}

function isHidden(name: string, claims: Claims, { hidesClaim }: Evidence): boolean {
  return !(name in claims) && hidesClaim(name);
}

/** Only what comes to stage 8 asks whose data a request is about. */
function hangsOnTenant(decision: Decision): boolean {
  if (decision.outcome === "preflight") return false;
  if (decision.outcome === "allow") return decision.caller !== undefined;
  if (decision.code === "TENANT_MISMATCH") return true;
  const isLacking = decision.code === "INSUFFICIENT_ROLE" || decision.code === "INSUFFICIENT_SCOPE";
  return isLacking && (decision.caller?.tenantPermissions.size ?? 0) > 0;
}

function tenantNotKnown({ tenant }: Service, { hidesHeader, hidesField }: Evidence): string | undefined {
  if (tenant?.header !== undefined && hidesHeader(tenant.header)) return `the header ${tenant.header} is not known`;
  if (tenant?.query !== undefined && hidesField(looseFieldName(tenant.query))) return `the query's field ${tenant.query} is not known`;
  return undefined;
}
