/** What the hop does for one route, worked out once. */
import type { Policy, Route, Service, Timeouts } from "../../contract/policy.ts";
import type { Steps } from "../../contract/steps.ts";
import { compileRequestHeaders, type RequestHeaders } from "./request-headers.ts";
import { compileRequestHead, type RequestHead } from "./request-head.ts";
import { compileResponseHeaders, type ResponseHeaders } from "./response-headers.ts";
import type { Lane, Lanes } from "./upstream/lane.ts";

export interface Plan {
  readonly route: Route;
  readonly lane: Lane;
  readonly timeouts: Timeouts;
  readonly requestHead: RequestHead;
  readonly responseHeaders: ResponseHeaders;
}

/** Plans for all routes of a policy. Headers fare alike on all public, and on all other, routes of a service. */
export function* compilePlans(policy: Policy, lanes: Lanes, newTraceparent: () => string): Steps<ReadonlyMap<Route, Plan>> {
  const plans = new Map<Route, Plan>();
  for (const service of policy.services) {
    const responseHeaders = compileResponseHeaders(service);
    const requestHeaders = requestHeadersOf(policy, service, newTraceparent);
    for (const route of service.routes) {
      const { timeouts } = route;
      const lane = lanes.to(service.upstream, timeouts);
      const requestHead = compileRequestHead(lane.authority, requestHeaders(route));
      plans.set(route, { route, lane, timeouts, requestHead, responseHeaders });
      yield;
    }
  }
  return plans;
}

function requestHeadersOf(policy: Policy, service: Service, newTraceparent: () => string): (route: Route) => RequestHeaders {
  const compiled = (isPublic: boolean) => compileRequestHeaders(policy, service, isPublic, newTraceparent);
  const [open, guarded] = [compiled(true), compiled(false)];
  return (route) => (route.access.kind === "public" ? open : guarded);
}
