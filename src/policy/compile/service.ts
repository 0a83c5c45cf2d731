/** One service file → the service of the contract, with its routes. */
import type { Cors, ErrorStyle, IdentityHeaders, Route, Service, TenantPlaces, Upstream } from "../../contract/policy.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import { effective } from "../effective.ts";
import type { CorsFile, ErrorsFile } from "../schema/blocks.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { ServiceFile } from "../schema/service.ts";
import { positionOf, type Source } from "../source.ts";
import { spanAt } from "../tree.ts";
import { compileAuthenticator, grantsByName, type Issuers } from "./authenticator.ts";
import { addLimits, addressLimits } from "./limits.ts";
import { compileRoute } from "./route.ts";

/** Told to every upstream unless it renames them; taken off every client's request. */
export const IDENTITY: IdentityHeaders = {
  subject: "x-auth-subject",
  kind: "x-auth-kind",
  tenant: "x-auth-tenant",
  permissions: "x-auth-permissions",
};

/** The service, checked before, with the gateway file's defaults. */
export function compileService(file: ServiceFile, source: Source, gateway: GatewayFile, issuers: Issuers): Service {
  const around = addLimits(new Map(), gateway.defaults?.limits, "gateway");
  const limits = addLimits(around, file.limits, file.service);
  const cors = compileCors(effective("cors", file, gateway));
  const routes: Route[] = [];
  const service: Service = {
    name: file.service,
    prefixes: prefixesOf(file),
    stripPrefix: file.stripPrefix === true,
    upstream: compileUpstream(file.upstream),
    authenticators: compileAuthenticators(file, gateway, issuers),
    roles: grantsByName(Object.entries(effective("roles", file, gateway) ?? {})),
    ...(file.tenant && { tenant: compileTenant(file.tenant) }),
    ...(cors && { cors }),
    maxOpenPerCaller: file.connections?.perCaller ?? 1_000,
    errors: compileErrors(effective("errors", file, gateway)),
    routes,
    addressLimits: addressLimits(limits),
  };
  const surroundings = { service, limits, body: effective("body", file, gateway), timeouts: effective("timeouts", file, gateway) };
  for (const [key, rule] of Object.entries(file.routes)) {
    routes.push(compileRoute(key, rule, surroundings, placeOf(source, key)));
  }
  return service;
}

/** Paths before the routes; one empty one for a service without prefix. */
export function prefixesOf(file: Pick<Partial<ServiceFile>, "prefix">): readonly string[] {
  const { prefix } = file;
  if (prefix === undefined) return [""];
  return typeof prefix === "string" ? [prefix] : prefix;
}

function placeOf(source: Source, key: string): Route["source"] {
  const start = source.tree ? spanAt(source.tree, ["routes", key], "key").start : 0;
  return { file: source.file, ...positionOf(source, start) };
}

function compileAuthenticators(file: ServiceFile, gateway: GatewayFile, issuers: Issuers): Service["authenticators"] {
  return Object.entries(file.authenticators ?? {}).flatMap(([name, own]) => {
    const written = own === "shared" ? gateway.authenticators?.[name] : own;
    return written ? [compileAuthenticator(name, written, issuers)] : [];
  });
}

function compileUpstream(file: ServiceFile["upstream"]): Upstream {
  const identity = Object.fromEntries(Object.entries(file.identity ?? {}).filter(([, header]) => header !== undefined));
  return {
    ...file.url,
    verifyTls: file.verify !== "off",
    maxConnections: file.connections ?? 2_000,
    identity: { ...IDENTITY, ...identity },
    forward: { credential: file.forward?.includes("credential") === true, cookies: file.forward?.includes("cookies") === true },
  };
}

function compileTenant(file: NonNullable<ServiceFile["tenant"]>): TenantPlaces {
  const { path, query, header, host } = file;
  return {
    ...(path !== undefined && { path }),
    ...(query !== undefined && { query }),
    ...(header !== undefined && { header }),
    ...(host !== undefined && { host }),
    required: file.required === true,
  };
}

function compileCors(file: CorsFile | undefined): Cors | undefined {
  if (!file) return undefined;
  return {
    origins: new Set(file.origins),
    ...(file.methods && { methods: file.methods }),
    headers: file.headers ?? [],
    exposed: file.expose ?? [],
    credentials: file.credentials === true,
    ...(file.maxAge !== undefined && { maxAgeSeconds: Math.floor(file.maxAge / 1000) }),
    otherOrigins: file.otherOrigins ?? "noHeaders",
  };
}

function compileErrors(file: ErrorsFile | undefined): ErrorStyle {
  const overrides: [ErrorCode, { status?: number; message?: string }][] = Object.entries(file?.codes ?? {}).map(
    ([code, { status, message }]) => [
      code as ErrorCode,
      { ...(status !== undefined && { status }), ...(message !== undefined && { message }) },
    ],
  );
  return { format: file?.format ?? "problem", overrides: new Map(overrides) };
}
