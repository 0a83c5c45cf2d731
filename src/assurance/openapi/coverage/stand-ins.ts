/** The authenticators of a service that the security schemes of a document stand for. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import { headerKey } from "../../../contract/header-key.ts";
import type { Service } from "../../../contract/policy.ts";
import type { ApiDocument, SecurityScheme } from "../model.ts";
import { schemeNames } from "../schemes.ts";

/** Scheme → authenticators. */
export type StandIns = (scheme: string) => readonly Authenticator[];

/** The one that `import` gives the name, or that has the scheme's own; otherwise all of its kind. */
export function standInsOf({ authenticators }: Service, document: ApiDocument): StandIns {
  const names = schemeNames(document);
  const given = new Set(names.values());
  const named = (name: string | undefined) => authenticators.find((one) => one.name === name);
  return (scheme) => {
    const found = named(names.get(scheme)) ?? (given.has(scheme) ? undefined : named(scheme));
    return found ? [found] : authenticators.filter((one) => isOfKind(one, document.schemes.get(scheme)));
  };
}

function isOfKind(authenticator: Authenticator, scheme: SecurityScheme | undefined): boolean {
  switch (scheme?.kind) {
    case undefined:
      return false;
    case "bearer":
      return authenticator.kind === "jwt" || authenticator.kind === "bearer";
    case "oauth2":
    case "openIdConnect":
      return authenticator.kind === "jwt";
    case "apiKey":
      return authenticator.kind === "apiKey" && scheme.in === "header" && headerKey(scheme.name) === headerKey(authenticator.header);
    case "other":
      return authenticator.kind === "mtls" && scheme.words === "mutualTLS";
  }
}
