/** A generated policy and what became of it: parts of another one, here and there. */
import fc from "fast-check";
import { generatedPolicy, type GeneratedPolicy, type GeneratedService, repairedPolicy, repairedService } from "../generated/policies.ts";

export type Edited = readonly [before: GeneratedPolicy, after: GeneratedPolicy];

type Roll = () => boolean;

/** From many changes at once to a single one. */
export const editedPolicy: fc.Arbitrary<Edited> = fc
  .tuple(generatedPolicy, generatedPolicy, fc.integer({ min: 4, max: 24 }), fc.infiniteStream(fc.nat(1_000)))
  .map(([before, other, sides, dice]) => [before, edited(before, other, () => Number(dice.next().value) % sides === 0)] as const);

function edited(before: GeneratedPolicy, other: GeneratedPolicy, roll: Roll): GeneratedPolicy {
  const named = (policy: GeneratedPolicy) => Object.fromEntries(policy.services.map((service) => [service.name, service]));
  const [old, others] = [named(before), named(other)];
  const names = [...new Set([...Object.keys(old), ...Object.keys(others)])].toSorted((left, right) => right.localeCompare(left));
  const services = names.flatMap((name) => {
    const [mine, theirs] = [old[name], others[name]];
    if (!mine || !theirs) return roll() ? (theirs ?? []) : (mine ?? []);
    return [editedService(mine, theirs, roll)];
  });
  return repairedPolicy({
    defaults: roll() ? other.defaults : before.defaults,
    services: services.length === 0 ? before.services : services,
  });
}

function editedService(before: GeneratedService, other: GeneratedService, roll: Roll): GeneratedService {
  const either = <Part extends keyof GeneratedService>(part: Part): GeneratedService[Part] => (roll() ? other : before)[part];
  const mount = roll() ? other : before;
  const own = ({ authenticators, shared }: GeneratedService) =>
    Object.fromEntries(Object.entries(authenticators).filter(([name]) => !shared.includes(name)));
  const { token } = before.authenticators;
  return repairedService({
    name: before.name,
    hosts: mount.hosts,
    prefixes: mount.prefixes,
    stripPrefix: either("stripPrefix"),
    identity: either("identity"),
    roles: mixed(before.roles, other.roles, roll),
    authenticators: { token: token!, ...mixed(own(before), own(other), roll) },
    shared: either("shared"),
    tenant: either("tenant"),
    cors: either("cors"),
    errors: either("errors"),
    routes: mixed(before.routes, other.routes, roll),
  });
}

function mixed<Part>(before: Readonly<Record<string, Part>>, other: Readonly<Record<string, Part>>, roll: Roll): Record<string, Part> {
  const names = new Set([...Object.keys(before), ...Object.keys(other)]);
  return Object.fromEntries(
    [...names].flatMap((name): [string, Part][] => {
      const part = roll() ? other[name] : before[name];
      return part === undefined ? [] : [[name, part]];
    }),
  );
}
