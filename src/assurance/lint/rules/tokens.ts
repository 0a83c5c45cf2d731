/** L301, L307, L310: tokens of any client, clients of one tenant, tokens that live long. */
import type { Authenticator, JwtAuthenticator } from "../../../contract/authenticators.ts";
import { authenticatorSpot, type Observation, quoted, type ServiceRule, type ServiceSubject } from "../observation.ts";

const DAY_MS = 86_400_000;

export const tokens: ServiceRule = (subject) =>
  subject.service.authenticators.flatMap((authenticator) => [
    ...sharedTenants(subject, authenticator),
    ...(authenticator.kind === "jwt" ? [...anybodysTokens(subject, authenticator), ...longLives(subject, authenticator)] : []),
  ]);

/** A list in the one place narrows what `any` in the other lets through. */
function anybodysTokens(subject: ServiceSubject, authenticator: JwtAuthenticator): readonly Observation[] {
  const { clients, audience, name } = authenticator;
  if (typeof clients === "object" || typeof audience === "object") return [];
  const word = clients === "any" ? "clients" : "audience";
  const what = word === "clients" ? "client" : "audience";
  const spot = authenticatorSpot(subject, authenticator, "jwt", word);
  return [{ code: "L301", ...spot, message: `\`${name}\` takes tokens of every ${what} that the issuer knows` }];
}

function longLives(subject: ServiceSubject, authenticator: JwtAuthenticator): readonly Observation[] {
  if (authenticator.maxLifetimeMs <= DAY_MS) return [];
  const days = Math.floor(authenticator.maxLifetimeMs / DAY_MS);
  const spot = authenticatorSpot(subject, authenticator, "jwt", "maxLifetime");
  return [
    { code: "L310", ...spot, message: `tokens of \`${authenticator.name}\` count for ${days === 1 ? "more than a day" : `${days} days`}` },
  ];
}

function sharedTenants(subject: ServiceSubject, authenticator: Authenticator): readonly Observation[] {
  const { tenant } = authenticator;
  const alias = tenant?.kind === "claim" || tenant?.kind === "group" ? tenant.alias : undefined;
  const shared = [...Map.groupBy(alias ?? [], ([, to]) => to)].filter(([, entries]) => entries.length > 1);
  const spot = authenticatorSpot(subject, authenticator, "tenant", "alias");
  return shared.map(([to, entries]) => ({
    code: "L307",
    ...spot,
    part: "key",
    message: `${quoted(entries.map(([from]) => from))} all stand for the tenant \`${to}\``,
  }));
}
