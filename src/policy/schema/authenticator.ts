/** An authenticator: one way to turn a credential into a caller, with what it grants. */
import * as z from "zod";
import { readGroup, readKeyPrefix, readScopePart } from "../names.ts";
import { readHeldBody, readSigningWindow } from "../quantities.ts";
import { readIssuer, readJwks } from "../urls.ts";
import { alias, groups, header, scopes, tenantName } from "./blocks.ts";
import { shown } from "./example.ts";
import { block, duration, exactlyOne, grants, instant, list, meaningful, name, optional, secret, words, unwritten } from "./parts.ts";

/** JWS algorithms (RFC 7518, RFC 8037) with a public key; a shared secret can sign nothing here. */
const ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA"] as const;

const anyOrList = z.union([z.literal("any"), list(words).register(shown, { example: "[ID]" })]);

const jwt = block({
  issuer: meaningful(readIssuer, {
    title: "URL",
    examples: ["https://cognito-idp.us-east-2.amazonaws.com/us-east-2_EXAMPLE"],
    standIn: (word) => `https://${word}.invalid`,
  }).describe("Exact value of the `iss` claim, compared byte for byte. https, or http on loopback."),
  jwks: optional(
    meaningful(readJwks, { title: "URL", examples: [], standIn: (word) => `https://${word}.invalid/jwks.json` }),
    "Address of the key set. https, or http on loopback.",
    unwritten("the issuer's /.well-known/jwks.json"),
  ),
  use: optional(z.enum(["access", "id"]), "Required value of the `token_use` claim.", unwritten("not looked at")),
  caller: optional(
    z.enum(["person", "machine"]),
    "Whose tokens count. A machine's token has `sub` equal to `client_id` and no username; a person's has a username.",
    unwritten("both"),
  ),
  clients: optional(anyOrList, "Allowed values of `client_id`; the word `any` skips the check. `clients` or `audience` must be here."),
  audience: optional(anyOrList, "Allowed values of `aud`; the word `any` skips the check. `clients` or `audience` must be here."),
  algorithms: optional(list(z.enum(ALGORITHMS)), "Algorithms that count; never taken from the token.", ["RS256"]),
  maxLifetime: optional(duration, "Longest accepted time between `iat` and `exp`.", "24h"),
  groupsClaim: optional(words, "Claim that holds the list of groups.", "cognito:groups"),
}).register(shown, { example: "{ issuer: https://issuer.example, clients: [ID] }" });

const bearerSecret = block({
  id: name.describe("Names the secret in logs and limits."),
  value: secret.describe(
    "The secret: at least 16 characters, not in the form of a JWT. A reference, so that it does not stand in the file.",
  ),
  access: optional(grants, "Permissions that it gives; needed where the authenticator has no role."),
  until: optional(instant, "It is refused from this instant on."),
});

const apiKey = block({
  header: header.describe("Header that carries the key."),
  prefix: meaningful(readKeyPrefix, { title: "prefix", examples: ["sfk_prod"], standIn: (word) => word.replaceAll("-", "_") }).describe(
    "First part of each key, unique in the service: keys are PREFIX_ID_SECRET.",
  ),
});

const sigv4 = block({
  region: meaningful(readScopePart, { title: "region", examples: ["us-east-2"], standIn: (word) => word }).describe(
    "Region of the credential scope, as clients sign for it.",
  ),
  service: meaningful(readScopePart, { title: "service", examples: ["execute-api"], standIn: (word) => word }).describe(
    "Service of the credential scope. With `s3` paths are encoded once, with any other twice, as AWS clients do.",
  ),
  window: optional(
    meaningful(readSigningWindow, {
      title: "duration",
      examples: ["15m", "5m"],
      standIn: () => "5m",
      pattern: "[0-9]+(?:ms|s|m|h|d)",
    }),
    "How far the time of signing may lie from now; a request can be sent again for as long.",
    "15m",
  ),
  holdBody: optional(
    meaningful(readHeldBody, { title: "size", examples: ["1MB"], standIn: () => "1MB", pattern: "[0-9]+(?:B|KB|MB|GB)" }),
    "Largest body without `x-amz-content-sha256` that is held in memory to be hashed, for clients that send no such header. Without it such a body is refused.",
    unwritten("no body is held"),
  ),
});

const mtls = block({
  subject: z
    .enum(["commonName", "dnsName", "email", "uri"])
    .describe(
      "The field of the certificate whose value is the account's id: `commonName` of its subject, or the subject alternative name of that type. It must be there exactly once.",
    ),
});

const role = z.union([words, block({ claim: words.describe("Claim that holds the role's name.") })]);

const tenantSource = z.union([
  z.literal("account"),
  block({
    claim: optional(words, "Claim that holds the tenant. `client_id` counts for machines only.").register(shown, { example: "NAME" }),
    group: optional(
      meaningful(readGroup, { title: "group pattern", examples: ["client:{tenant}"], standIn: (word) => `${word}:{tenant}` }),
      "Groups that name a tenant: `client:{tenant}`.",
    ),
    fixed: optional(tenantName, "The same tenant for every caller."),
    alias: optional(alias, "Value in the credential → tenant. With it only the values listed here have a tenant."),
  }).check(exactlyOne(["claim", "group", "fixed"])),
]);

const crossTenant = block({
  scope: optional(words, "A caller with this scope.").register(shown, { example: "admin/all" }),
  group: optional(words, "A caller in this group.").register(shown, { example: "admins" }),
  role: optional(words, "A caller with this role.").register(shown, { example: "admin" }),
})
  .check(exactlyOne(["scope", "group", "role"]))
  .register(shown, { example: "{ group: admins }" });

export const authenticator = block({
  jwt: optional(jwt, "Bearer tokens that an issuer signed."),
  bearer: optional(list(bearerSecret), "Shared secrets sent as bearer tokens; several at once, so that a rotation needs no downtime."),
  apiKey: optional(apiKey, "Keys that `sallyport keys create` hands out; each belongs to an account."),
  sigv4: optional(
    sigv4,
    "Requests signed as AWS Signature Version 4 says, with access keys that `sallyport keys create --sigv4` hands out; each belongs to an account.",
  ),
  mtls: optional(
    mtls,
    "Certificates of clients, proved by the TLS front door (`listen.tls.clientCa`); each stands for an account that `sallyport accounts create` made.",
  ),
  scopes: optional(scopes, "Scope of a token or key → permissions. A token's scopes count for machines only."),
  groups: optional(groups, "Group → permissions, for people. The grants of `client:{tenant}` hold for that tenant alone."),
  role: optional(
    role,
    "A role that caps what scopes and groups give, or gives what it holds where there are none: its name, or `{ claim: NAME }`. The role of an API key, access key or certificate is its account's.",
  ),
  tenant: optional(tenantSource, "Where the caller's tenants come from; `account` for API keys, access keys and certificates."),
  crossTenant: optional(crossTenant, "Who may ask for any tenant's data."),
})
  .check(exactlyOne(["jwt", "bearer", "apiKey", "sigv4", "mtls"]))
  .register(shown, { example: "{ jwt: { issuer: https://issuer.example, clients: [ID] } }" });

export type AuthenticatorFile = z.output<typeof authenticator>;
