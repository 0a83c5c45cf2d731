/** L202, L204: roles that nothing uses, and words for crossing tenants that nothing grants. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import type { Service } from "../../../contract/policy.ts";
import { authenticatorSpot, blockSpot, type Observation, type ServiceRule, type ServiceSubject } from "../observation.ts";

export const roles: ServiceRule = (subject) => [
  ...unusedRoles(subject),
  ...subject.service.authenticators.flatMap((one) => unknownCrossing(subject, one)),
];

function unusedRoles(subject: ServiceSubject): readonly Observation[] {
  const isOwn = blockSpot(subject, "roles").file === subject.file;
  // roles of `defaults` are used where any service uses them
  const services = isOwn ? [subject.service] : subject.policy.services;
  if (services.some(({ authenticators }) => authenticators.some(hasRoleOfCallers))) return [];
  const used = new Set(services.flatMap(fixedRoles));
  return [...subject.service.roles.keys()]
    .filter((role) => !used.has(role))
    .map((role) => ({
      code: "L202",
      ...blockSpot(subject, "roles", role),
      part: "key",
      message: `no authenticator gives anybody the role \`${role}\``,
    }));
}

function hasRoleOfCallers({ role }: Authenticator): boolean {
  return role?.kind === "claim" || role?.kind === "account";
}

function fixedRoles({ authenticators }: Service): readonly string[] {
  return authenticators.flatMap(({ role }) => (role?.kind === "fixed" ? [role.role] : []));
}

function unknownCrossing(subject: ServiceSubject, authenticator: Authenticator): readonly Observation[] {
  const rule = authenticator.crossTenant;
  if (!rule || rule.kind === "role") return [];
  const known = rule.kind === "scope" ? authenticator.scopes : authenticator.groups;
  if (known.has(rule.value)) return [];
  const meant = subject.nearest(rule.value, known.keys());
  const message = `\`${rule.kind}s\` of \`${authenticator.name}\` do not know \`${rule.value}\``;
  const hint = meant === undefined ? {} : { instead: `did you mean \`${meant}\`?` };
  return [{ code: "L204", ...authenticatorSpot(subject, authenticator, "crossTenant", rule.kind), message, ...hint }];
}
