/** Whoever gets through where it was refused, by whatever of the request or of the rules: the difference says that it widens. */
import { credentialOf, NOBODY } from "../../../src/assurance/credential.ts";
import { differenceOf, type Difference, isWideningRoute } from "../../../src/assurance/diff/diff.ts";
import { isWidening } from "../../../src/assurance/diff/setting.ts";
import { type Inquiry, judge } from "../../../src/assurance/inquiry.ts";
import type { Match } from "../../../src/contract/decision.ts";
import type { Policy } from "../../../src/contract/policy.ts";
import { NOW } from "../../decision/policy.ts";
import { type CallerDraft, callerOf } from "../generated/callers.ts";
import { compiled } from "../generated/files.ts";
import { type RequestDraft, requestOf } from "../generated/requests.ts";
import type { Edited } from "./edits.ts";

/** How many of the requests are let through by the edit. Throws where that is not told. */
export function checkWidening(edited: Edited, callers: readonly CallerDraft[], requests: readonly RequestDraft[]): number {
  const [before, after] = edited.map(compiled) as [Policy, Policy];
  const difference = differenceOf(before, after, NOW);
  const credentials = [NOBODY, ...callers.map((draft) => credentialOf(after, callerOf(edited[1], "caller", draft), NOW))];
  let gains = 0;
  for (const [index, draft] of requests.entries()) {
    const request = requestOf(edited[index % 2]!, draft);
    if (isApart(request)) continue;
    const inquiry: Inquiry = { request, credential: credentials[index % credentials.length]!, now: NOW };
    const [was, is] = [judge(before, inquiry), judge(after, inquiry)];
    if (was.decision.outcome !== "deny" || is.decision.outcome !== "allow" || lacksTenant(was.decision.reason)) continue;
    gains++;
    if (!isTold(difference, was.seen?.match, is.seen?.match))
      throw new Error(`${was.decision.code} → allow, and no widening is told: ${inquiry.request.method} ${inquiry.request.target}`);
  }
  return gains;
}

/** A preflight asks about another request; and what a careless reader takes for a literal is refused only beside that literal. */
function isApart({ target, headers }: Inquiry["request"]): boolean {
  return headers.has("access-control-request-method") || /[A-Z;]/.test(target);
}

/** What a header means now, the query may have meant before: the same caller could name its tenant there. */
function lacksTenant(reason: string): boolean {
  return reason === "the request names no tenant, and the caller has no single one";
}

/** In what is said of the routes that the request meets, of the service that takes it, or of the gateway. */
function isTold({ routes, general }: Difference, was: Match | undefined, is: Match | undefined): boolean {
  const routeOf = (found: Match | undefined) => (found?.kind === "route" ? found.route : undefined);
  const own = routes.filter(({ before, after }) => before === routeOf(was) && after === routeOf(is));
  const service = routeOf(is)!.service.name;
  const around = general.filter(({ of }) => of === "gateway" || of.endsWith(` ${service}`));
  return own.some(isWideningRoute) || around.some(({ changes }) => changes.some(isWidening));
}
