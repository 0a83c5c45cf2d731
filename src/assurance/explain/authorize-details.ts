/** Address, permission and tenant: what was compared with what. */
import type { Caller, Proof } from "../../contract/caller.ts";
import type { Matched, RequestFacts } from "../../contract/decision.ts";
import { namedTenant } from "../../decision/tenant.ts";
import type { Detail } from "./explain.ts";
import { permissionWords, sourcesOf } from "./grants.ts";

export function authorizeDetails(match: Matched, caller: Caller | undefined, request: RequestFacts, proof: Proof): readonly Detail[] {
  const { route } = match;
  const address = route.from
    ? [{ about: "address", is: `${request.address} in ${route.from.cidrs.join(", ")}: ${route.from.has(request.address) ? "yes" : "no"}` }]
    : [];
  if (!caller) return [...address, { about: "permission", is: "none is needed" }];
  return [...address, ...permissionDetails(match, caller, proof), tenantDetail(match, caller, request)];
}

function permissionDetails({ route }: Matched, caller: Caller, proof: Proof): readonly Detail[] {
  if (route.access.kind !== "permissions") return [{ about: "permission", is: `${route.rule}: any good credential is enough` }];
  const authenticator = route.service.authenticators.find((one) => one.name === caller.authenticator)!;
  const sources = sourcesOf(route.service, authenticator, proof, caller.role);
  const { names, need } = route.access;
  const one = names.map((name) => ({ about: name, is: permissionWords(name, sources, route.service, authenticator) }));
  return names.length === 1 ? one : [{ about: "permission", is: need === "all" ? "all of these" : "any of these" }, ...one];
}

function tenantDetail(match: Matched, caller: Caller, request: RequestFacts): Detail {
  const rule = match.route.tenant;
  const named = namedTenant(match, request);
  const theirs = caller.crossTenant ? "any (the caller crosses tenants)" : caller.tenants.length === 0 ? "none" : caller.tenants.join(", ");
  const asked = named.kind === "one" ? named.tenant : named.kind === "none" ? "none" : named.reason;
  const only = rule === "crossTenantOnly" ? ", which refuses whoever may not cross tenants, whatever the request names" : "";
  const how = rule === "match" ? "" : `; the line says ${rule}${only}`;
  return { about: "tenant", is: `the request names ${asked}, the caller's: ${theirs}${how}` };
}
