/** One service file → the service of the contract, with its routes. */
import type { ErrorCode } from "../../contract/errors.ts";
import type { Cors, ErrorStyle, IdentityHeaders, Service, TenantPlaces, Upstream } from "../../contract/policy.ts";
import type { Steps } from "../../contract/steps.ts";
import { effective } from "../effective.ts";
import type { CorsFile, ErrorsFile } from "../schema/blocks.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { ServiceFile } from "../schema/service.ts";
import type { SoundService } from "../sound.ts";
import { compileAuthenticator, grantsByName, type Issuers } from "./authenticator.ts";
import { addLimits, addressLimits } from "./limits.ts";
import { compileRoute, type CompiledRoute, surroundingsOf } from "./route.ts";

export interface CompiledService {
  readonly service: Service;
  /** Those of the service, in their order. */
  readonly routes: readonly CompiledRoute[];
}

/** Told to every upstream unless it renames them; taken off every client's request. */
export const IDENTITY: IdentityHeaders = {
  subject: "x-auth-subject",
  kind: "x-auth-kind",
  tenant: "x-auth-tenant",
  permissions: "x-auth-permissions",
};

/** The service, checked before, with the gateway file's defaults. */
export function* compileService({ file, routes: lines }: SoundService, gateway: GatewayFile, issuers: Issuers): Steps<CompiledService> {
  const around = addLimits(new Map(), gateway.defaults?.limits, "gateway");
  const limits = addLimits(around, file.limits, file.service);
  const cors = compileCors(effective("cors", file, gateway));
  const routes: Service["routes"][number][] = [];
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
  const surroundings = surroundingsOf(service, limits, effective("body", file, gateway), effective("timeouts", file, gateway));
  const compiled: CompiledRoute[] = [];
  for (const line of lines) {
    const one = compileRoute(line, surroundings);
    routes.push(one.route);
    compiled.push(one);
    yield;
  }
  return { service, routes: compiled };
}

/** Paths before the routes; one empty one for a service without prefix. */
export function prefixesOf(file: Pick<Partial<ServiceFile>, "prefix">): readonly string[] {
  const { prefix } = file;
  if (prefix === undefined) return [""];
  return typeof prefix === "string" ? [prefix] : prefix;
}

function compileAuthenticators(file: SoundService["file"], gateway: GatewayFile, issuers: Issuers): Service["authenticators"] {
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
