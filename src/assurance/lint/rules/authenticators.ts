/** L205, L206, L207: authenticators that no line, no caller or no service has a use for. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import type { Route } from "../../../contract/policy.ts";
import { satisfies } from "../../../decision/permission.ts";
import { type Holder, holdersOf } from "../holders.ts";
import { type Observation, type PolicyRule, type ServiceRule } from "../observation.ts";

export const useOfAuthenticators: ServiceRule = (subject) => {
  const { service, file } = subject;
  const holders = holdersOf(service);
  const rules = rulesOf(service.routes);
  return service.authenticators.flatMap((authenticator): readonly Observation[] => {
    const spot = { file, path: ["authenticators", authenticator.name], part: "key" as const };
    const counting = rules.filter(({ authenticators }) => authenticators.includes(authenticator));
    if (counting.length === 0) return [{ code: "L205", ...spot, message: `no route takes a credential of \`${authenticator.name}\`` }];
    if (canCallSomething(authenticator, counting, holders)) return [];
    return [{ code: "L206", ...spot, message: `no route is open to a caller of \`${authenticator.name}\`` }];
  });
};

/** One route for each rule and list of authenticators: the others differ in nothing that matters here. */
function rulesOf(routes: readonly Route[]): readonly Route[] {
  const reading = routes.filter(({ access }) => access.kind !== "public" && access.kind !== "denied");
  return [...new Map(reading.map((route) => [JSON.stringify([route.rule, route.authenticators.map(({ name }) => name)]), route])).values()];
}

function canCallSomething(authenticator: Authenticator, routes: readonly Route[], holders: readonly Holder[]): boolean {
  const own = holders.filter((holder) => holder.authenticator === authenticator);
  return routes.some(({ access }) => own.some(({ sets }) => satisfies(sets, access)));
}

export const sharedAuthenticators: PolicyRule = ({ policy, files }) => {
  const taken = new Set(
    policy.services.flatMap((service) => {
      const file = files.ofService(service);
      return service.authenticators.map(({ name }) => name).filter((name) => file.written(["authenticators", name]) !== undefined);
    }),
  );
  const names = files.gateway.keys(["authenticators"]).map(String);
  return names
    .filter((name) => !taken.has(name))
    .map((name) => ({
      code: "L207",
      file: files.gateway,
      path: ["authenticators", name],
      part: "key",
      message: `no service takes \`${name}\``,
    }));
};
