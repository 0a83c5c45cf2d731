/** Rules about authenticators: what each must say, and that no credential fits two of them. */
import type { AuthenticatorFile } from "../schema/authenticator.ts";
import { didYouMean } from "../suggest.ts";
import { namesIn } from "../validate.ts";
import { authenticatorsOf, isRefused, type PlacedAuthenticator, roleNames, type Scope } from "./scope.ts";

type Jwt = NonNullable<AuthenticatorFile["jwt"]>;

export function checkAuthenticators(scope: Scope): void {
  checkShared(scope);
  const placed = authenticatorsOf(scope);
  for (const one of placed) {
    checkKeysOfKind(one);
    if (one.file.jwt) checkJwt(one, one.file.jwt);
    if (one.file.bearer) checkBearer(one, one.file.bearer);
    if (one.file.tenant !== undefined) checkTenantSource(one);
    checkRoles(one, scope);
    checkCrossTenant(one);
  }
  checkPairs(placed);
}

function checkShared({ service, gateway, report }: Scope): void {
  const known = namesIn(gateway, ["authenticators"]);
  for (const [name, own] of Object.entries(service.content.authenticators ?? {})) {
    if (own !== "shared" || known.includes(name)) continue;
    report(
      ["authenticators", name],
      `the gateway file has no authenticator \`${name}\``,
      didYouMean(name, known) ?? "add it to `authenticators:` there",
    );
  }
}

/** Keys that mean nothing for a kind of credential. */
const FOREIGN_KEYS = {
  jwt: [],
  bearer: ["scopes", "groups"],
  apiKey: ["groups", "role"],
  sigv4: ["groups", "role"],
  mtls: ["scopes", "groups", "role"],
} as const;
const FOREIGN_REASONS = new Map([
  ["bearer.scopes", "a shared secret has no scopes; its permissions stand beside it as `access`"],
  ["bearer.groups", "a shared secret has no groups; its permissions stand beside it as `access`"],
  ["apiKey.groups", "an API key has no groups; it has scopes, and its account's role"],
  ["apiKey.role", "an API key's role is its account's"],
  ["sigv4.groups", "an access key has no groups; it has its account's role, and scopes where the authenticator has some"],
  ["sigv4.role", "an access key's role is its account's"],
  ["mtls.scopes", "a certificate has no scopes; it has its account's role"],
  ["mtls.groups", "a certificate has no groups; it has its account's role"],
  ["mtls.role", "a certificate's role is its account's"],
]);

function checkKeysOfKind({ file, path, report }: PlacedAuthenticator): void {
  const kind = kindOf(file);
  for (const key of FOREIGN_KEYS[kind]) {
    if (file[key] !== undefined) report([...path, key], FOREIGN_REASONS.get(`${kind}.${key}`)!, "leave it out", "key");
  }
}

function kindOf(file: AuthenticatorFile): "jwt" | "bearer" | "apiKey" | "sigv4" | "mtls" {
  if (file.jwt) return "jwt";
  if (file.sigv4) return "sigv4";
  if (file.mtls) return "mtls";
  return file.bearer ? "bearer" : "apiKey";
}

const ACCOUNT_CREDENTIALS = new Map([
  ["apiKey", "an API key"],
  ["sigv4", "an access key"],
  ["mtls", "a certificate"],
]);

/** Kinds whose credentials belong to an account. */
function hasAccount(file: AuthenticatorFile): boolean {
  return file.apiKey !== undefined || file.sigv4 !== undefined || file.mtls !== undefined;
}

/* ── tokens ───────────────────────────────────────────────────────────── */

function checkJwt({ file, path, report }: PlacedAuthenticator, jwt: Jwt): void {
  if (jwt.clients === undefined && jwt.audience === undefined) {
    report(
      [...path, "jwt"],
      "neither `clients` nor `audience` says whose tokens these may be",
      "list them: `clients: [ID]`; only the word `any` skips the check",
      "key",
    );
  }
  if (jwt.caller === "person" && file.scopes)
    report([...path, "scopes"], "scopes count for machines only, and these callers are persons", "use `groups` or `role`", "key");
  if (jwt.caller === "machine" && file.groups)
    report([...path, "groups"], "groups count for people only, and these callers are machines", "use `scopes` or `role`", "key");
  if (jwt.caller === "machine" && jwt.use === "id") report([...path, "jwt", "use"], "a machine has no ID token", "write `use: access`");
}

/** Whether one token could satisfy both: every word that both say must have a value in common. */
function overlap(left: Jwt, right: Jwt): boolean {
  if (left.issuer !== right.issuer) return false;
  if (left.use !== undefined && right.use !== undefined && left.use !== right.use) return false;
  if (left.caller !== undefined && right.caller !== undefined && left.caller !== right.caller) return false;
  return meets(left.clients, right.clients) && meets(left.audience, right.audience);
}

function meets(left: Jwt["clients"], right: Jwt["clients"]): boolean {
  if (left === undefined || right === undefined || left === "any" || right === "any") return true;
  return left.some((value) => right.includes(value));
}

/* ── secrets ──────────────────────────────────────────────────────────── */

function checkBearer({ file, path, report }: PlacedAuthenticator, secrets: NonNullable<AuthenticatorFile["bearer"]>): void {
  const ids = new Set<string>();
  const needsAccess = file.role === undefined || secrets.some((one) => one.access !== undefined);
  for (const [index, { id, access }] of secrets.entries()) {
    if (ids.has(id))
      report([...path, "bearer", index, "id"], `another secret of this list has the id \`${id}\` too`, "give each an id of its own");
    ids.add(id);
    if (access === undefined && needsAccess)
      report(
        [...path, "bearer", index, "access"],
        "`access` is missing: this secret would give nothing",
        "list the permissions that it gives: `access: [models.read]`",
      );
  }
}

/* ── tenants and roles ────────────────────────────────────────────────── */

function checkTenantSource({ file, path, report }: PlacedAuthenticator): void {
  const kind = kindOf(file);
  const at = [...path, "tenant"];
  const { tenant } = file;
  if (tenant === "account") {
    if (!hasAccount(file))
      report(
        at,
        "only an API key, an access key or a certificate has an account",
        kind === "jwt" ? "write `{ claim: NAME }`" : "write `{ fixed: TENANT }`",
      );
    return;
  }
  if (tenant?.claim !== undefined && kind !== "jwt")
    report([...at, "claim"], "only a token has claims", hasAccount(file) ? "write `tenant: account`" : "write `{ fixed: TENANT }`", "key");
  if (tenant?.group !== undefined && kind !== "jwt")
    report([...at, "group"], "only a token has groups", hasAccount(file) ? "write `tenant: account`" : "write `{ fixed: TENANT }`", "key");
  if (tenant?.alias && tenant.fixed !== undefined) report([...at, "alias"], "a fixed tenant needs no alias", "leave it out", "key");
  if (tenant?.claim === "client_id" && file.jwt?.caller === "person")
    report(
      [...at, "claim"],
      "`client_id` names a tenant for machines only, and these callers are persons",
      "write the claim that holds a person's tenant",
    );
  if (tenant?.group !== undefined && !tenant.group.includes("{tenant}"))
    report([...at, "group"], "this group names no tenant", "write `client:{tenant}`");
}

function checkRoles({ file, path, report }: PlacedAuthenticator, scope: Scope): void {
  if (isRefused(scope, "roles")) return;
  const known = roleNames(scope);
  if (hasAccount(file) && !known)
    return report(
      [...path, kindOf(file)],
      `${ACCOUNT_CREDENTIALS.get(kindOf(file))} may do what its owner's role allows, and \`${scope.name}\` has no \`roles:\``,
      "list them: `roles: { reader: [models.read] }`",
      "key",
    );
  if (file.role !== undefined && !known)
    return report([...path, "role"], `\`${scope.name}\` has no \`roles:\``, "list them: `roles: { reader: [models.read] }`", "key");
  if (typeof file.role === "string") unknownRole(file.role, [...path, "role"], known, report);
  if (file.crossTenant?.role !== undefined) unknownRole(file.crossTenant.role, [...path, "crossTenant", "role"], known, report);
}

function unknownRole(
  role: string,
  path: PlacedAuthenticator["path"],
  known: readonly string[] | undefined,
  report: PlacedAuthenticator["report"],
): void {
  if (known?.includes(role)) return;
  report(path, `there is no role \`${role}\``, didYouMean(role, known ?? []) ?? "add it to `roles:`");
}

function checkCrossTenant({ file, path, report }: PlacedAuthenticator): void {
  const at = [...path, "crossTenant"];
  if (file.crossTenant?.scope !== undefined && !file.scopes)
    report([...at, "scope"], "this authenticator has no `scopes`, so that none can cross tenants", "add them, or leave this out", "key");
  if (file.crossTenant?.group !== undefined && !file.groups)
    report([...at, "group"], "this authenticator has no `groups`, so that none can cross tenants", "add them, or leave this out", "key");
  if (file.crossTenant?.role !== undefined && file.role === undefined && !hasAccount(file))
    report([...at, "role"], "this authenticator has no `role`, so that none can cross tenants", "add it, or leave this out", "key");
}

/* ── pairs ────────────────────────────────────────────────────────────── */

function checkPairs(placed: readonly PlacedAuthenticator[]): void {
  for (const [index, second] of placed.entries()) {
    for (const first of placed.slice(0, index)) {
      if (first.file.jwt && second.file.jwt && overlap(first.file.jwt, second.file.jwt)) {
        second.report(
          [...second.path, "jwt"],
          `a token could satisfy both \`${first.name}\` and \`${second.name}\``,
          "tell them apart by `use`, `caller`, `clients` or `audience`",
          "key",
        );
      }
      if (first.file.sigv4 && second.file.sigv4 && scopeOfKeys(first.file.sigv4) === scopeOfKeys(second.file.sigv4)) {
        second.report(
          [...second.path, "sigv4"],
          `a signature could satisfy both \`${first.name}\` and \`${second.name}\``,
          "give one another `region` or `service`",
          "key",
        );
      }
      if (first.file.mtls && second.file.mtls)
        second.report([...second.path, "mtls"], `\`${first.name}\` takes client certificates too`, "keep one of the two", "key");
      if (first.file.apiKey && first.file.apiKey.prefix === second.file.apiKey?.prefix) {
        second.report(
          [...second.path, "apiKey", "prefix"],
          `\`${first.name}\` has the prefix \`${first.file.apiKey.prefix}\` too`,
          "give each kind of key a prefix of its own",
        );
      }
    }
  }
}

/** What a signature says of whom it is for. */
function scopeOfKeys({ region, service }: NonNullable<AuthenticatorFile["sigv4"]>): string {
  return `${region}/${service}`;
}
