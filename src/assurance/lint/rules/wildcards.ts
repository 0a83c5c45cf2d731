/** L104: a wildcard meets what a stricter line leaves, most of all the same path with a slash more or less. */
import type { RequestFacts } from "../../../contract/decision.ts";
import type { Route } from "../../../contract/policy.ts";
import { match } from "../../../decision/match.ts";
import { type Observation, type PlacedMount, routeSpot, type ServiceRule, type ServiceSubject } from "../observation.ts";
import { opensMore } from "../strictness.ts";

export const wildcards: ServiceRule = (subject) => {
  const place = subject.mounts.find(({ mount }) => mount.service === subject.service);
  if (!place || !subject.service.routes.some(isWildcard)) return [];
  const met = new Map<Route, Meeting[]>();
  for (const strict of subject.service.routes) {
    for (const careless of carelessPatterns(strict.pattern)) {
      const route = routeMet(subject, place, strict.method, careless);
      if (!route || route === strict || !isWildcard(route) || !opensMore(route, strict)) continue;
      const known = met.get(route);
      if (known) known.push({ strict, careless });
      else met.set(route, [{ strict, careless }]);
    }
  }
  return [...met].map(([wildcard, meetings]) => observed(subject, wildcard, meetings));
};

interface Meeting {
  readonly strict: Route;
  /** What many services take for the strict route's path. */
  readonly careless: string;
}

function isWildcard({ pattern }: Route): boolean {
  return pattern.endsWith("...}");
}

/** With a slash at the end, or without; a wildcard of its own leaves its beginning, with a slash and without. */
function carelessPatterns(pattern: string): readonly string[] {
  const beginning = pattern.replace(/\/\{[^}/]*\.\.\.\}$/, "");
  if (beginning !== pattern) return beginning === "" ? [] : [beginning, `${beginning}/`];
  if (pattern === "/") return [];
  return [pattern.endsWith("/") ? pattern.slice(0, -1) : `${pattern}/`];
}

/** No line has it as a literal. */
const SOME_VALUE = "~some~value~";

/** What the gateway's own matcher finds for it under one of the service's places. */
function routeMet({ policy, service }: ServiceSubject, { mount, host }: PlacedMount, method: string, pattern: string): Route | undefined {
  const path = (mount.prefix + pattern).replaceAll(/\{[^}/]*\}/g, SOME_VALUE);
  const request: RequestFacts = {
    method,
    path: { segments: path.slice(1).split("/"), encodedSlash: false },
    query: "",
    host: host.replace("*", SOME_VALUE),
    address: "",
    websocket: false,
    header: () => [],
  };
  const met = match(policy, request);
  return met.kind === "route" && met.route.service === service ? met.route : undefined;
}

function observed(subject: ServiceSubject, wildcard: Route, meetings: readonly Meeting[]): Observation {
  const [first] = meetings;
  const { strict, careless } = first!;
  const others = new Set(meetings.map((one) => one.strict)).size - 1;
  const more = others === 0 ? "" : `, and so it is with ${others} more`;
  const message = `\`${strict.name}\` in line ${strict.source.line} asks for \`${ruleOf(strict)}\`, and \`${careless}\` is met here, with \`${ruleOf(wildcard)}\`${more}`;
  return { code: "L104", ...routeSpot(subject, wildcard), message };
}

function ruleOf({ rule, tenant, authenticators, service }: Route): string {
  const ofTenant = tenant === "match" ? "" : `, tenant: ${tenant}`;
  const names = authenticators.map(({ name }) => name).join(", ");
  return `${rule}${ofTenant}${authenticators.length === service.authenticators.length ? "" : `, authenticators: ${names}`}`;
}
