/** The most that callers can hold: what scopes, groups, secrets and roles give at best, by the rules of the decision. */
import type { Authenticator, Grants } from "../../contract/authenticators.ts";
import type { Service } from "../../contract/policy.ts";
import { union } from "../../decision/permission.ts";
import { standing } from "../../decision/standing.ts";
import type { Stance } from "../classes/caller.ts";
import { shownInGroup } from "../classes/proof.ts";
import { grantsKnown, stancesOf } from "../classes/stances.ts";
import { ANY_TENANCY, groupHeld, ownTenancy } from "../classes/tenancy.ts";

/** A caller with every scope and group that its authenticator knows. */
export interface Holder {
  readonly authenticator: Authenticator;
  readonly sets: readonly Grants[];
  /** What the sets grant by name, without `*`. */
  readonly names: Grants;
}

/** One for each way to stand before the service. */
export function holdersOf(service: Service): readonly Holder[] {
  return service.authenticators.flatMap((authenticator) => {
    const stances = stancesOf([{ name: authenticator.name, authenticators: [authenticator], services: [service] }]);
    return stances.filter(({ kind }) => kind !== "nobody").map((stance) => holderOf(service, authenticator, stance));
  });
}

function holderOf(service: Service, authenticator: Authenticator, stance: Stance): Holder {
  const shown = shownInGroup(authenticator, ownTenancy(authenticator, stance) ?? ANY_TENANCY);
  const known = grantsKnown(stance, [authenticator]);
  const scopes = known.filter(({ kind }) => kind === "scope").map(({ name }) => name);
  const groups = known.filter(({ kind }) => kind !== "scope").map((grant) => groupHeld(grant, shown));
  const secret = authenticator.kind === "bearer" ? authenticator.secrets.find(({ id }) => id === stance.secret) : undefined;
  const role = authenticator.role?.kind === "fixed" ? authenticator.role.role : stance.role;
  const own = standing(service, authenticator, { scopes, groups, role, ...(secret && { granted: secret.grants }) });
  const sets = [own.permissions, ...own.tenantPermissions.values()];
  return { authenticator, sets, names: new Set([...union(sets)].filter((name) => name !== "*")) };
}
