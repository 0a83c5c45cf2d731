/** Stage 8 as a pure function: address list, permission, tenant, in this order. */
import type { Caller } from "../contract/caller.ts";
import type { Allowance, Denial, Matched, RequestFacts } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import { isEntitled } from "./permission.ts";
import { namedTenant, tenantVerdict } from "./tenant.ts";

/** Whether this caller (none on public routes) may make this request. Computed anew for every request. */
export function authorize(match: Matched, caller: Caller | undefined, request: RequestFacts): Allowance | Denial {
  const { route } = match;
  const deny = (code: ErrorCode, reason: string): Denial => ({
    outcome: "deny",
    code,
    reason,
    service: route.service,
    route,
    ...(caller && { caller }),
  });
  if (route.from && !route.from.has(request.address)) return deny("ADDRESS_NOT_ALLOWED", "the client's address is not in the route's list");
  if (!caller) return { outcome: "allow", route };
  const lacking = caller.hasRole ? "INSUFFICIENT_ROLE" : "INSUFFICIENT_SCOPE";
  if (!isEntitled(caller, undefined, route.access)) return deny(lacking, `${route.rule} is needed`);
  const verdict = tenantVerdict(match, caller, namedTenant(match, request));
  if (verdict.kind === "mismatch") return deny("TENANT_MISMATCH", verdict.reason);
  const { told } = verdict;
  const entitled = told === undefined || isEntitled(caller, told, route.access);
  if (!entitled && route.tenant !== "unchecked") return deny(lacking, `${route.rule} is needed for ${told}`);
  return { outcome: "allow", route, caller, ...(told !== undefined && entitled && { tenant: told }) };
}
