/** The matrix of a generated policy, both ways round, against the decision on every caller. */
import type { CallerClass } from "../../../src/assurance/classes/verdicts.ts";
import { OTHER_ROLE, type Stance } from "../../../src/assurance/classes/caller.ts";
import { type Cell, matrixOf, type ServiceMatrix } from "../../../src/assurance/matrix/matrix.ts";
import { type Way, whoCan } from "../../../src/assurance/matrix/who.ts";
import { NOW } from "../../decision/policy.ts";
import { compiled } from "../generated/files.ts";
import type { GeneratedPolicy } from "../generated/policies.ts";
import { everyCaller, type SmallCaller } from "../fixtures/small-callers.ts";
import { isAllowed, requestsTo, type Side } from "./lines.ts";

/** How many cells, and how many answers to who can call a line, were compared. Throws where one is wrong. */
export function compareMatrix(generated: GeneratedPolicy): number {
  const policy = compiled(generated);
  const matrices = matrixOf(policy, NOW);
  let compared = 0;
  for (const [index, service] of generated.services.entries()) {
    const side: Side = { policy, service };
    for (const row of matrices[index]!.rows) {
      const { ways, reached } = whoCan(policy, row.route, NOW);
      if (reached !== isReached(side, row.route.name)) throw new Error(`${row.route.name} of ${service.name}: reached ${reached}`);
      if (!reached) continue;
      for (const caller of everyCaller([service])) {
        const expected = cellByDecisions(side, row.route.name, caller);
        for (const told of [cellTold(matrices[index]!, row, caller), wayTold(ways, caller)]) {
          if (told === undefined) continue;
          compared++;
          if (told !== expected)
            throw new Error(`${row.route.name} of ${service.name}, ${JSON.stringify(caller)}: ${expected}, and ${told} is told`);
        }
      }
    }
  }
  return compared;
}

function isReached(side: Side, line: string): boolean {
  return [undefined, "word"].some((tenant) => requestsTo(side, line, tenant).length > 0);
}

function cellByDecisions(side: Side, line: string, caller: SmallCaller): Cell["kind"] {
  const [own, other, none] = (["own", "other", "none"] as const).map((naming) => isAllowed(side, line, caller, naming));
  if (other === true || (other === undefined && none === true)) return "allow";
  return own === true ? "own" : none === true ? "unnamed" : "refused";
}

/** Undefined: the matrix has no class of just these grants. */
function cellTold({ classes }: ServiceMatrix, { cells }: ServiceMatrix["rows"][number], caller: SmallCaller): Cell["kind"] | undefined {
  return cells[classes.findIndex((one) => isClassOf(one, caller))]?.kind;
}

function isClassOf({ stance, grants }: CallerClass, caller: SmallCaller): boolean {
  const held = grants.map(({ name }) => name).toSorted();
  return isStanceOf(stance, caller) && stance.role === roleOf(caller) && held.join() === caller.held.toSorted().join();
}

/** Where the kinds of an authenticator's callers are treated alike there is one stance for both. */
function isStanceOf(stance: Stance, caller: SmallCaller): boolean {
  const isKind = stance.kind === caller.kind || (!stance.tellsKind && (caller.kind === "machine" || caller.kind === "person"));
  return stance.authenticator === caller.by && isKind && stance.secret === caller.secret;
}

function roleOf({ role }: SmallCaller): string | undefined {
  return role === "stranger" ? OTHER_ROLE : role;
}

function wayTold(ways: readonly Way[], caller: SmallCaller): Cell["kind"] {
  const own = ways.filter(({ stance, roles, opening }) => {
    const isRole = roles === undefined || roles.includes(roleOf(caller)!);
    const isHeld = opening.every((alternatives) => alternatives.some(({ name }) => caller.held.includes(name)));
    return (stance.kind === "nobody" || isStanceOf(stance, caller)) && isRole && isHeld;
  });
  const tells = (tenants: Way["tenants"]) => own.some((way) => way.tenants === tenants);
  return tells("any") ? "allow" : tells("own") ? "own" : tells("unnamed") ? "unnamed" : "refused";
}
