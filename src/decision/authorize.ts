/** Stage 8 as a pure function: address list, permission, tenant, in this order. */
import type { Caller } from "../contract/caller.ts";
import type { Allowance, Denial, Matched, RequestFacts } from "../contract/decision.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Route } from "../contract/policy.ts";
import { isEntitled } from "./permission.ts";
import { namedTenant, tenantVerdict } from "./tenant.ts";

/** Whether this caller (none on public routes) may make this request. Computed anew for every request. */
export function authorize(match: Matched, caller: Caller | undefined, request: RequestFacts): Allowance | Denial {
  const { route } = match;
  if (route.from && !route.from.has(request.address))
    return denial(route, caller, "ADDRESS_NOT_ALLOWED", "the client's address is not in the route's list");
  if (!caller) return { outcome: "allow", route };
  const lacking = caller.hasRole ? "INSUFFICIENT_ROLE" : "INSUFFICIENT_SCOPE";
  if (!isEntitled(caller, undefined, route.access)) return denial(route, caller, lacking, `${route.rule} is needed`);
  const verdict = tenantVerdict(match, caller, namedTenant(match, request));
  if (verdict.kind === "mismatch") return denial(route, caller, "TENANT_MISMATCH", verdict.reason);
  const { told } = verdict;
  const entitled = told === undefined || isEntitled(caller, told, route.access);
  if (!entitled && route.tenant !== "unchecked") return denial(route, caller, lacking, `${route.rule} is needed for ${told}`);
  return told === undefined || !entitled ? { outcome: "allow", route, caller } : { outcome: "allow", route, caller, tenant: told };
}

function denial(route: Route, caller: Caller | undefined, code: ErrorCode, reason: string): Denial {
  const common = { outcome: "deny", code, reason, service: route.service, route } as const;
  return caller === undefined ? common : { ...common, caller };
}
