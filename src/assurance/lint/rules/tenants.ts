/** L108, L401 to L405: whether the tenant that a request names is held against the caller's. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import type { Route, Service } from "../../../contract/policy.ts";
import { looseFieldName } from "../../../decision/query.ts";
import { type Observation, routeSpot, type ServiceRule, type ServiceSubject } from "../observation.ts";

export const tenants: ServiceRule = (subject) => {
  const { service } = subject;
  const telling = tenantWords(service);
  return [
    ...service.routes
      .filter(({ access }) => access.kind !== "public" && access.kind !== "denied")
      .flatMap((route) => ofRoute(subject, route, telling)),
    ...service.authenticators.flatMap((authenticator) => ofAuthenticator(subject, authenticator)),
    ...mayBeLeftOut(subject),
  ];
};

/* ── routes ───────────────────────────────────────────────────────────── */

function ofRoute(subject: ServiceSubject, route: Route, telling: ReadonlySet<string>): readonly Observation[] {
  const places = subject.service.tenant;
  const found: Observation[] = [];
  const named = placeholdersOf(route).find(
    (name) => telling.has(plainWord(name)) && (name !== places?.path || route.tenant === "unchecked"),
  );
  if (named !== undefined && route.tenant !== "crossTenantOnly")
    found.push({
      code: "L401",
      ...routeSpot(subject, route),
      message: `\`{${named}}\` looks like a tenant, and is not held against the caller's`,
    });
  else if (route.tenant === "unchecked" && places)
    found.push({
      code: "L402",
      ...routeSpot(subject, route),
      message: "the caller's tenant does not matter here",
    });
  if (places?.query !== undefined && route.tenant !== "unchecked" && refusesParameter(route, places.query))
    found.push({
      code: "L108",
      ...routeSpot(subject, route, "query"),
      part: "key",
      message: `nobody can name a tenant by \`${places.query}\` here`,
    });
  return found;
}

function placeholdersOf({ pattern }: Route): readonly string[] {
  return pattern.includes("{") ? [...pattern.matchAll(/\{([A-Za-z0-9_]+)\}/g)].map(([, name]) => name!) : [];
}

/** Words by which a placeholder gives itself away: the common ones, and those by which the service and its callers name a tenant. */
function tenantWords({ tenant, authenticators }: Service): ReadonlySet<string> {
  const claims = authenticators.flatMap((one) => (one.tenant?.kind === "claim" ? [one.tenant.claim.replace(/^custom:/, "")] : []));
  const places = [tenant?.path, tenant?.query, tenant?.header?.replace(/^x-/, ""), tenant?.host].filter((name) => name !== undefined);
  return new Set(["tenant", "tenant_id", ...claims, ...places].map(plainWord));
}

/** `clientId`, `client-id` and `client_id` are one word. */
function plainWord(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

function refusesParameter({ query }: Route, parameter: string): boolean {
  if (!query) return false;
  const isListed = [...query.names].some((name) => looseFieldName(name) === looseFieldName(parameter));
  return query.kind === "deny" ? isListed : !isListed;
}

/* ── authenticators ───────────────────────────────────────────────────── */

function ofAuthenticator({ service, file }: ServiceSubject, authenticator: Authenticator): readonly Observation[] {
  const spot = { file, path: ["authenticators", authenticator.name], part: "key" as const };
  const { tenant, crossTenant, name } = authenticator;
  if (service.tenant && !tenant && !crossTenant) return [{ code: "L403", ...spot, message: `callers of \`${name}\` have no tenant` }];
  if (service.tenant || !tenant) return [];
  return [{ code: "L404", ...spot, message: `\`${name}\` names its callers' tenants, and \`${service.name}\` has no \`tenant:\` block` }];
}

/* ── the service ──────────────────────────────────────────────────────── */

function mayBeLeftOut({ service: { tenant }, file }: ServiceSubject): readonly Observation[] {
  if (!tenant || tenant.required || (tenant.query === undefined && tenant.header === undefined)) return [];
  return [{ code: "L405", file, path: ["tenant"], part: "key", message: "a request may name no tenant at all" }];
}
