/** The policy in force as the admin door shows it: who may do what, and which line says so. No secret, and no digest of one, is in it. */
import type { Authenticator } from "../contract/authenticators.ts";
import type { HostTable, Limit, Policy, PrefixTable, Route, Service } from "../contract/policy.ts";

export function policyView(policy: Policy) {
  const hosts = hostsByService(policy.hosts);
  return { revision: policy.revision, services: policy.services.map((service) => serviceView(service, hosts.get(service) ?? new Set())) };
}

function serviceView(service: Service, hosts: ReadonlySet<string>) {
  return {
    name: service.name,
    prefixes: service.prefixes,
    hosts: [...hosts],
    upstream: { origin: originOf(service.upstream.origin), basePath: service.upstream.basePath, verifyTls: service.upstream.verifyTls },
    authenticators: service.authenticators.map(authenticatorView),
    tenant: service.tenant,
    errors: service.errors.format,
    routes: service.routes.map(routeView),
  };
}

/** Whatever an address may hold beside scheme, host and port stays here. */
function originOf(address: string): string {
  return URL.parse(address)?.origin ?? "";
}

function authenticatorView(authenticator: Authenticator) {
  const { name, kind } = authenticator;
  switch (kind) {
    case "jwt":
      return { name, kind, issuer: authenticator.issuer.iss };
    case "bearer":
      return { name, kind, secrets: authenticator.secrets.map(({ id, until }) => ({ id, until: until && new Date(until).toISOString() })) };
    case "apiKey":
      return { name, kind, header: authenticator.header, prefix: authenticator.prefix };
    case "mtls":
      return { name, kind, subject: authenticator.subject };
    case "sigv4":
      return { name, kind, region: authenticator.region, service: authenticator.service };
  }
}

function routeView(route: Route) {
  const isProved = route.access.kind !== "public" && route.access.kind !== "denied";
  return {
    method: route.method,
    paths: route.service.prefixes.map((prefix) => prefix + route.pattern),
    access: route.rule,
    authenticators: isProved ? route.authenticators.map(({ name }) => name) : [],
    tenant: isProved && route.service.tenant ? route.tenant : undefined,
    limits: [
      ...[...route.addressLimits, ...route.callerLimits].map((limit) => limitView(limit, "requests")),
      ...route.failureLimits.map((limit) => limitView(limit, "failures")),
    ],
    from: route.from?.cidrs,
    websocket: route.websocket,
    source: { file: route.source.file, line: route.source.line },
  };
}

function limitView({ name, place, by, count, windowMs, methods, authenticators }: Limit, of: "requests" | "failures") {
  return { name, place, by, of, count, windowMs, methods: methods && [...methods], authenticators: authenticators && [...authenticators] };
}

function hostsByService({ exact, suffix }: HostTable): ReadonlyMap<Service, ReadonlySet<string>> {
  const hosts = new Map<Service, Set<string>>();
  const add = (service: Service, host: string): void => void hosts.set(service, (hosts.get(service) ?? new Set()).add(host));
  for (const [host, table] of exact) for (const { service } of mountsIn(table)) add(service, host);
  for (const [rest, table] of suffix)
    for (const { service, hostPlaceholder } of mountsIn(table)) add(service, `{${hostPlaceholder ?? ""}}.${rest}`);
  return hosts;
}

function mountsIn(table: PrefixTable): readonly NonNullable<PrefixTable["mount"]>[] {
  const below = [...table.next.values()].flatMap(mountsIn);
  return table.mount ? [table.mount, ...below] : below;
}
