/** Every rule that spans more than one key, over all files. */
import type { LoadOptions } from "../outcome.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { ServiceFile } from "../schema/service.ts";
import { type Draft, namesIn } from "../validate.ts";
import { checkAuthenticators } from "./authenticators.ts";
import { checkCounters } from "./counters.ts";
import { checkDefaultLimits, checkLimits } from "./limits.ts";
import { checkDoors, checkIdentity, checkMounts, checkServiceNames, checkTenantPlaces } from "./places.ts";
import { checkRoutes } from "./routes.ts";
import { type Scope, scopeOf } from "./scope.ts";
import { checkClientCertificates, checkTls } from "./tls.ts";
import { checkAdminTokens, checkIssuers, checkSecretsDiffer, checkTrustProxy } from "./trust.ts";

/** Reports every mistake to the drafts' own reporters. */
export function checkPolicy(
  gateway: Draft<GatewayFile>,
  services: readonly Draft<ServiceFile>[],
  { certificatesAt, workers = 1 }: Pick<LoadOptions, "certificatesAt" | "workers">,
): void {
  const scopes = services.map((service) => scopeOf(gateway, service));
  checkGateway(gateway, scopes);
  checkTls(gateway, certificatesAt);
  checkCounters(gateway, workers);
  for (const scope of scopes) checkService(scope);
  checkServiceNames(scopes);
  checkMounts(scopes);
  checkIssuers(gateway, scopes);
  checkSecretsDiffer(gateway, scopes);
}

function checkGateway(gateway: Draft<GatewayFile>, scopes: readonly Scope[]): void {
  checkDoors(gateway);
  checkAdminTokens(gateway);
  checkTrustProxy(gateway);
  const authenticators = new Set(scopes.flatMap(({ service }) => namesIn(service, ["authenticators"])));
  if (gateway.content.defaults?.limits)
    checkDefaultLimits(gateway.content.defaults.limits, ["defaults", "limits"], gateway.report, authenticators);
}

function checkService(scope: Scope): void {
  checkAuthenticators(scope);
  checkClientCertificates(scope);
  checkTenantPlaces(scope);
  checkIdentity(scope);
  if (scope.service.content.limits) checkLimits(scope.service.content.limits, ["limits"], scope);
  checkRoutes(scope);
}
