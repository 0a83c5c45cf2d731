/** Whom an authenticator trusts: what decides whether a credential is proved at all, and whose tenant it shows. */
import type { Authenticator, BearerAuthenticator, JwtAuthenticator } from "../../contract/authenticators.ts";
import { durationWords, listWords, sizeWords } from "../../contract/quantity-words.ts";
import type { Effect, Setting } from "./setting.ts";

export function trustSettings(authenticator: Authenticator): readonly Setting[] {
  return [...credentialSettings(authenticator), ...callerSettings(authenticator)];
}

/** The authenticator in a few words, where it comes or goes. */
export function authenticatorWords(authenticator: Authenticator): string {
  switch (authenticator.kind) {
    case "jwt":
      return `tokens of ${authenticator.issuer.iss}`;
    case "bearer":
      return "shared secrets";
    case "apiKey":
      return `API keys ${authenticator.prefix}_…`;
    case "sigv4":
      return `signatures for ${authenticator.region}/${authenticator.service}`;
    case "mtls":
      return "client certificates";
  }
}

function credentialSettings(authenticator: Authenticator): readonly Setting[] {
  switch (authenticator.kind) {
    case "jwt":
      return tokenSettings(authenticator);
    case "bearer":
      return secretSettings(authenticator);
    case "apiKey":
      return [word("header", authenticator.header, "neutral"), word("prefix", authenticator.prefix, "mixed")];
    case "sigv4":
      return [
        word("signed for", `${authenticator.region}/${authenticator.service}`, "mixed"),
        {
          aspect: "signing window",
          words: durationWords(authenticator.windowMs),
          measure: { kind: "amount", amount: authenticator.windowMs, more: "wider" },
        },
        {
          aspect: "held body",
          words: sizeWords(authenticator.maxHeldBodyBytes),
          measure: { kind: "amount", amount: authenticator.maxHeldBodyBytes, more: "wider" },
        },
      ];
    case "mtls":
      return [word("subject", authenticator.subject, "mixed")];
  }
}

function tokenSettings({ issuer, use, caller, clients, audience, maxLifetimeMs, groupsClaim }: JwtAuthenticator): readonly Setting[] {
  return [
    word("issuer", issuer.iss, "mixed"),
    word("key set", issuer.jwks, "mixed"),
    allowed("algorithms", issuer.algorithms),
    allowed("token_use", use === undefined ? "any" : [use]),
    allowed("callers", caller === undefined ? "any" : [caller]),
    allowed("clients", clients ?? "any"),
    allowed("audience", audience ?? "any"),
    { aspect: "longest life", words: durationWords(maxLifetimeMs), measure: { kind: "amount", amount: maxLifetimeMs, more: "wider" } },
    word("groups claim", groupsClaim, "mixed"),
  ];
}

function secretSettings({ secrets }: BearerAuthenticator): readonly Setting[] {
  return secrets.flatMap(({ id, digest, until = Infinity }) => [
    { ...word(`secret ${id}`, "there", "mixed"), presence: "wider" },
    // The digest decides, and is not shown.
    {
      isDetail: true,
      aspect: `value of secret ${id}`,
      words: "kept secret",
      measure: { kind: "set", values: [Buffer.from(digest).toString("hex")], more: "mixed" },
    },
    {
      isDetail: true,
      aspect: `end of secret ${id}`,
      words: until === Infinity ? "none" : new Date(until).toISOString(),
      measure: { kind: "amount", amount: until, more: "wider" },
    },
  ]);
}

function callerSettings({ role, tenant, crossTenant }: Authenticator): readonly Setting[] {
  const aliases = tenant && "alias" in tenant ? tenant.alias : undefined;
  return [
    word("role", roleWords(role), "mixed"),
    word("tenant", tenantWords(tenant), "mixed"),
    allowed("tenant aliases", aliases ? [...aliases].map(([shown, name]) => `${shown} → ${name}`) : "any"),
    word("crosses tenants", crossTenant ? `${crossTenant.kind} ${crossTenant.value}` : "nobody", "neutral"),
  ];
}

function roleWords(role: Authenticator["role"]): string {
  if (role === undefined) return "none";
  return role.kind === "fixed" ? role.role : role.kind === "claim" ? `claim ${role.claim}` : "the account's";
}

function tenantWords(tenant: Authenticator["tenant"]): string {
  switch (tenant?.kind) {
    case undefined:
      return "none";
    case "claim":
      return `claim ${tenant.claim}`;
    case "group":
      return `group ${tenant.prefix}{tenant}${tenant.suffix}`;
    case "account":
      return "the account's";
    case "fixed":
      return tenant.tenant;
  }
}

function word(aspect: string, words: string, change: Effect): Setting {
  return { aspect, words, measure: { kind: "word", change } };
}

function allowed(aspect: string, values: "any" | Iterable<string>): Setting {
  const listed = typeof values === "string" ? "all" : [...values].toSorted();
  return { aspect, words: listed === "all" ? "any" : listWords(listed) || "none", measure: { kind: "set", values: listed, more: "wider" } };
}
