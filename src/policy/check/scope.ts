/** What the checks of one service look at. */
import type { AuthenticatorFile } from "../schema/authenticator.ts";
import type { GatewayFile } from "../schema/gateway.ts";
import type { ServiceFile } from "../schema/service.ts";
import type { Report } from "../source.ts";
import type { Path } from "../tree.ts";
import { type Draft, namesIn } from "../validate.ts";

export interface Scope {
  readonly gateway: Draft<GatewayFile>;
  readonly service: Draft<ServiceFile>;
  /** Name of the service; its file where it has none. */
  readonly name: string;
  readonly report: Report;
}

/** An authenticator where it is written: in the service, or in the gateway file. */
export interface PlacedAuthenticator {
  readonly name: string;
  readonly file: AuthenticatorFile;
  readonly path: Path;
  readonly report: Report;
}

export function scopeOf(gateway: Draft<GatewayFile>, service: Draft<ServiceFile>): Scope {
  return { gateway, service, name: service.content.service ?? service.source.file, report: service.report };
}

/** The service's sound authenticators, shared ones among them. */
export function authenticatorsOf({ gateway, service }: Scope): readonly PlacedAuthenticator[] {
  return Object.entries(service.content.authenticators ?? {}).flatMap(([name, own]): PlacedAuthenticator[] => {
    if (own !== "shared") return [{ name, file: own, path: ["authenticators", name], report: service.report }];
    const file = gateway.content.authenticators?.[name];
    return file ? [{ name, file, path: ["authenticators", name], report: gateway.report }] : [];
  });
}

/** Names of the roles that hold for the service, refused ones too; undefined where there is no block of them. */
export function roleNames({ gateway, service }: Scope): readonly string[] | undefined {
  if (namesIn(service, []).includes("roles")) return namesIn(service, ["roles"]);
  return namesIn(gateway, ["defaults"]).includes("roles") ? namesIn(gateway, ["defaults", "roles"]) : undefined;
}

/** Whether the service has the block, and it was refused whole or its key is misspelt: what it would hold is not known. */
export function isRefused({ service }: Scope, block: "authenticators" | "roles" | "hosts" | "prefix"): boolean {
  return service.content[block] === undefined && (namesIn(service, []).includes(block) || service.meant.has(block));
}

/** Whether every entry of the service's authenticators is sound, so that what they lack is truly lacking. */
export function knowsAllAuthenticators(scope: Scope): boolean {
  return !isRefused(scope, "authenticators") && authenticatorsOf(scope).length === namesIn(scope.service, ["authenticators"]).length;
}
