/** Where the parts of a route's rule come from: its own line, its service, the gateway file, or the program. */
import type { Route } from "../contract/policy.ts";
import type { GatewayFile } from "./schema/gateway.ts";
import type { RuleFile, ServiceFile } from "./schema/service.ts";

export type Origin = "route" | "service" | "gateway" | "built-in";

export interface RouteOrigins {
  readonly authenticators: Origin;
  readonly tenant: Origin;
  readonly body: { readonly max: Origin; readonly types: Origin };
  readonly timeouts: { readonly connect: Origin; readonly headers: Origin; readonly idle: Origin; readonly total: Origin };
  readonly errors: Origin;
  readonly cors: Origin;
}

/** The origins for one route of a service. Where a limit comes from is said by its `place`. */
export function routeOrigins(route: Route, gateway: GatewayFile, service: ServiceFile): RouteOrigins {
  const rule: RuleFile | undefined = service.routes[route.name];
  const timeout = (key: "connect" | "headers" | "idle" | "total") => ofBlock("timeouts", key, rule, service, gateway);
  return {
    authenticators: rule?.authenticators ? "route" : "service",
    tenant: rule?.tenant ? "route" : "service",
    body: { max: ofBlock("body", "max", rule, service, gateway), types: ofBlock("body", "types", rule, service, gateway) },
    timeouts: { connect: timeout("connect"), headers: timeout("headers"), idle: timeout("idle"), total: timeout("total") },
    errors: whole(service.errors, gateway.defaults?.errors),
    cors: whole(service.cors, gateway.defaults?.cors),
  };
}

function ofBlock(block: "body" | "timeouts", key: string, rule: RuleFile | undefined, service: ServiceFile, gateway: GatewayFile): Origin {
  if (has(rule?.[block], key)) return "route";
  // A service's block replaces the gateway's whole.
  if (service[block]) return has(service[block], key) ? "service" : "built-in";
  return has(gateway.defaults?.[block], key) ? "gateway" : "built-in";
}

function has(block: object | undefined, key: string): boolean {
  return block !== undefined && (block as Record<string, unknown>)[key] !== undefined;
}

function whole(own: object | undefined, inherited: object | undefined): Origin {
  if (own) return "service";
  return inherited ? "gateway" : "built-in";
}
