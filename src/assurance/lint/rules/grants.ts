/** L201, L203: what is granted and never needed, and what a role cuts off again. */
import type { Authenticator, Grants } from "../../../contract/authenticators.ts";
import type { Service } from "../../../contract/policy.ts";
import { grants as grantsPermission } from "../../../decision/permission.ts";
import { nearestPermission } from "../nearest-permission.ts";
import { authenticatorSpot, blockSpot, type Observation, type ServiceRule, type ServiceSubject, type Spot } from "../observation.ts";

export const grantsOfService: ServiceRule = (subject) => {
  const given = [
    ...subject.service.authenticators.flatMap((authenticator) => givenBy(subject, authenticator)),
    ...[...subject.service.roles].map(([role, grants]): Given => ({ spot: blockSpot(subject, "roles", role), grants, caps: undefined })),
  ];
  const own = needsOf([subject.service], given);
  const ofAll = given.some(({ spot }) => spot.file !== subject.file) ? needsOf(subject.policy.services, given) : own;
  return given.flatMap(({ spot, grants, caps }) => {
    const isShared = spot.file !== subject.file;
    const needs = isShared ? ofAll : own;
    return [...grants].flatMap((permission): readonly Observation[] => {
      if (permission === "*") return [];
      const at = itemSpot(spot, grants, permission);
      if (!needs.needed.has(permission)) return [unneeded(subject, at, permission, needs.lacking)];
      // a shared authenticator meets other roles in other services
      if (isShared || !caps || caps.some((cap) => grantsPermission(cap, permission))) return [];
      return [{ code: "L203", ...at, message: `no role that the caller can have holds \`${permission}\`, so that it is cut off` }];
    });
  });
};

interface Needs {
  readonly needed: Grants;
  /** What is needed and nothing gives. */
  readonly lacking: Grants;
}

function needsOf(services: readonly Service[], given: readonly Given[]): Needs {
  const routes = services.flatMap((service) => service.routes);
  const needed = new Set(routes.flatMap(({ access }) => (access.kind === "permissions" ? access.names : [])));
  return { needed, lacking: needed.difference(new Set(given.flatMap(({ grants }) => [...grants]))) };
}

interface Given {
  readonly spot: Spot;
  readonly grants: Grants;
  /** The roles that can cut it down; undefined: none does. */
  readonly caps: readonly Grants[] | undefined;
}

function givenBy(subject: ServiceSubject, authenticator: Authenticator): readonly Given[] {
  const caps = capsOf(subject.service, authenticator);
  const at = (...below: readonly (string | number)[]) => authenticatorSpot(subject, authenticator, ...below);
  const patterns = authenticator.groupPatterns.map(({ prefix, suffix, grants }) => [`${prefix}{tenant}${suffix}`, grants] as const);
  return [
    ...[...authenticator.scopes].map(([scope, grants]) => ({ spot: at("scopes", scope), grants, caps })),
    ...[...authenticator.groups, ...patterns].map(([group, grants]) => ({ spot: at("groups", group), grants, caps })),
    ...(authenticator.kind === "bearer" ? authenticator.secrets : []).map(({ grants }, index) => ({
      spot: at("bearer", index, "access"),
      grants,
      caps,
    })),
  ];
}

function capsOf({ roles }: Service, { role }: Authenticator): readonly Grants[] | undefined {
  if (!role) return undefined;
  return role.kind === "fixed" ? [roles.get(role.role) ?? new Set()] : [...roles.values()];
}

/** The permission in its list; the whole list where the file does not have it item by item. */
function itemSpot({ file, path }: Spot, grants: Grants, permission: string): Spot {
  const isItemized = file.keys(path).length === grants.size;
  return { file, path: isItemized ? [...path, [...grants].indexOf(permission)] : path };
}

/** What was meant is most likely a permission that is needed and that nothing grants. */
function unneeded({ nearest }: ServiceSubject, spot: Spot, permission: string, lacking: Grants): Observation {
  const meant = nearestPermission(permission, lacking, nearest);
  const hint =
    meant === undefined
      ? {}
      : { instead: `leave it out, or did you mean \`${meant}\`?`, misspelling: { asked: meant, granted: permission } };
  return { code: "L201", ...spot, message: `no route needs \`${permission}\``, ...hint };
}
