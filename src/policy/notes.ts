/** What is no mistake, and still may not be meant. */
import type { Access, Policy, Service } from "../contract/policy.ts";
import { nearest } from "./suggest.ts";
import { ACCESS_WORDS } from "./names.ts";

/** One sentence each. */
export function notesOf(policy: Policy): readonly string[] {
  return policy.services.flatMap((service) => [...ungranted(service), ...unsealed(service, policy)]);
}

/** Signatures need the secrets of access keys, and those are sealed. */
function unsealed({ name, authenticators }: Service, { gateway }: Policy): readonly string[] {
  if (gateway.stores.sealing) return [];
  const signing = authenticators.filter((one) => one.kind === "sigv4");
  return signing.map(
    (one) => `${name}: requests signed for \`${one.name}\` are answered with 503 until \`stores.sealing\` of the gateway file is set`,
  );
}

/** Permissions that a route needs and that nothing grants by name: a typing mistake, or meant for `*` alone. */
function ungranted(service: Service): readonly string[] {
  const granted = new Set(grantedNames(service));
  const needed = new Map(service.routes.flatMap((route) => namesOf(route.access).map((name) => [name, route.name] as const)));
  return [...needed].flatMap(([name, route]) => {
    if (granted.has(name)) return [];
    const meant = nearest(
      name,
      [...granted, ...ACCESS_WORDS].filter((word) => word !== "*"),
    );
    const hint = meant === undefined ? "" : `; did you mean \`${meant}\`?`;
    return [`${service.name}: \`${name}\` (${route}) is granted by ${granted.has("*") ? "`*` alone" : "nothing"}${hint}`];
  });
}

function namesOf(access: Access): readonly string[] {
  return access.kind === "permissions" ? access.names : [];
}

function grantedNames({ authenticators, roles }: Service): readonly string[] {
  const grants = authenticators.flatMap((one) => [
    ...one.scopes.values(),
    ...one.groups.values(),
    ...one.groupPatterns.map((pattern) => pattern.grants),
    ...(one.kind === "bearer" ? one.secrets.map((secret) => secret.grants) : []),
  ]);
  return [...grants, ...roles.values()].flatMap((names) => [...names]);
}
