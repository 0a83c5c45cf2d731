/** Security schemes → authenticators that prove the same, as far as there are such. */
import type { Grammar } from "./grammar.ts";
import type { ApiDocument, SecurityScheme } from "./model.ts";
import { permissionWish, plainName, UniqueWords, variableName } from "./words.ts";

export type Proof =
  /** An issuer that is undefined, and every audience, stay to be set. */
  | { readonly kind: "jwt"; readonly issuer: string; readonly audience: string; readonly remarks: readonly string[] }
  | { readonly kind: "apiKey"; readonly header: string; readonly prefix: string };

/** An authenticator of the service file. */
export interface DraftAuthenticator {
  readonly name: string;
  readonly proof: Proof;
  /** Scope → permission. */
  readonly scopes: ReadonlyMap<string, string>;
}

/** What became of a scheme; `words` say why nothing did. */
export type MappedScheme =
  { readonly kind: "authenticator"; readonly authenticator: DraftAuthenticator } | { readonly kind: "unmapped"; readonly words: string };

/** Those schemes that operations ask for. A name that no scheme has is not in it. */
export function mapSchemes(document: ApiDocument, service: string, grammar: Grammar): ReadonlyMap<string, MappedScheme> {
  const used = scopesUsed(document);
  const permissions = permissionsOf(document, used, grammar);
  const names = schemeNames(document);
  const prefixes = new UniqueWords();
  const mapped = new Map<string, MappedScheme>();
  for (const [scheme, name] of names) {
    const [found, scopes] = [document.schemes.get(scheme)!, used.get(scheme)!];
    const proof = proofOf(
      found,
      { service, name, prefix: found.kind === "apiKey" ? prefixes.wordFor(scheme, keyPrefix(service)) : "" },
      grammar,
    );
    if (typeof proof === "string") mapped.set(scheme, { kind: "unmapped", words: proof });
    else {
      const known = [...declared(found), ...scopes].flatMap((scope) => pairOf(scope, permissions));
      mapped.set(scheme, { kind: "authenticator", authenticator: { name, proof, scopes: new Map(known) } });
    }
  }
  return mapped;
}

/** Those schemes that operations ask for, with the names that their authenticators have in a service file. */
export function schemeNames(document: ApiDocument): ReadonlyMap<string, string> {
  const used = scopesUsed(document);
  const names = new UniqueWords();
  const schemes = [...document.schemes.keys()].filter((scheme) => used.has(scheme));
  return new Map(schemes.map((scheme) => [scheme, names.wordFor(scheme, plainName(scheme, "caller"))]));
}

function pairOf(scope: string, permissions: ReadonlyMap<string, string>): readonly (readonly [string, string])[] {
  const permission = permissions.get(scope);
  return permission === undefined ? [] : [[scope, permission]];
}

function declared(scheme: SecurityScheme): readonly string[] {
  return scheme.kind === "oauth2" ? scheme.scopes : [];
}

function scopesUsed({ operations }: ApiDocument): ReadonlyMap<string, ReadonlySet<string>> {
  const used = new Map<string, Set<string>>();
  for (const { security } of operations) {
    if (security.kind !== "alternatives") continue;
    for (const { scheme, scopes } of security.alternatives.flat()) {
      const known = used.get(scheme) ?? new Set();
      for (const scope of scopes) known.add(scope);
      used.set(scheme, known);
    }
  }
  return used;
}

/** Scope → permission, one for one over the whole document. Scopes that a file cannot hold have none. */
function permissionsOf(
  { schemes }: ApiDocument,
  used: ReadonlyMap<string, ReadonlySet<string>>,
  grammar: Grammar,
): ReadonlyMap<string, string> {
  const words = new UniqueWords();
  const scopes = [...used].flatMap(([name, known]) => {
    const scheme = schemes.get(name);
    return [...(scheme ? declared(scheme) : []), ...known];
  });
  const permissions = new Map<string, string>();
  for (const scope of scopes.filter(grammar.isScope)) {
    const wish = permissionWish(scope);
    const permission = words.wordFor(scope, grammar.isPermission(wish) ? wish : `scope.${wish}`);
    if (grammar.isPermission(permission)) permissions.set(scope, permission);
  }
  return permissions;
}

const DISCOVERY = "/.well-known/openid-configuration";

interface Names {
  readonly service: string;
  /** The authenticator's. */
  readonly name: string;
  /** Of its keys, if it should take any. */
  readonly prefix: string;
}

/** In words where there is none. */
function proofOf(scheme: SecurityScheme, { service, name, prefix }: Names, grammar: Grammar): Proof | string {
  const audience = `\${${variableName(service, name, "AUDIENCE")}}`;
  const unknown = `\${${variableName(service, name, "ISSUER")}}`;
  switch (scheme.kind) {
    case "bearer":
      if (scheme.format !== undefined && scheme.format.toLowerCase() !== "jwt") return `bearer token of the format ${scheme.format}`;
      return {
        kind: "jwt",
        issuer: unknown,
        audience,
        remarks: scheme.format === undefined ? ["the document does not say that its bearer tokens are JWTs"] : [],
      };
    case "oauth2":
      return { kind: "jwt", issuer: unknown, audience, remarks: ["the document does not say that its access tokens are JWTs"] };
    case "openIdConnect": {
      const issuer = scheme.url.endsWith(DISCOVERY) ? scheme.url.slice(0, -DISCOVERY.length) : "";
      const isKnown = grammar.isIssuer(issuer) && !issuer.includes("${");
      return { kind: "jwt", issuer: isKnown ? issuer : unknown, audience, remarks: [] };
    }
    case "apiKey":
      if (scheme.in !== "header" || !grammar.isKeyHeader(scheme.name)) return `API key in ${scheme.in} ${scheme.name}`;
      return { kind: "apiKey", header: scheme.name.toLowerCase(), prefix };
    case "other":
      return scheme.words;
  }
}

function keyPrefix(service: string): string {
  return service
    .replaceAll(/[^a-z0-9]+/g, "_")
    .slice(0, 24)
    .replaceAll(/^_+|_+$/g, "");
}
