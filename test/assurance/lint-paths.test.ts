/** Findings about paths, held against the matcher that the gateway runs, on tables made by chance. */
import fc from "fast-check";
import t from "tap";
import { mountsOf } from "../../src/assurance/lint/mounts.ts";
import type { ServiceRule } from "../../src/assurance/lint/observation.ts";
import { encodedSlashes } from "../../src/assurance/lint/rules/encoded-slashes.ts";
import { wildcards } from "../../src/assurance/lint/rules/wildcards.ts";
import type { PolicyFile } from "../../src/contract/policy-files.ts";
import type { Policy, Route } from "../../src/contract/policy.ts";
import { match } from "../../src/decision/match.ts";
import { NOW, policyOf, requestOf } from "../decision/policy.ts";

const WORDS = ["public", "authenticated", "denied"] as const;
const segment = fc.constantFrom("a", "b", "c", "{x}");
const pattern = fc
  .tuple(fc.array(segment, { minLength: 1, maxLength: 3 }), fc.constantFrom("", "/", "/{rest...}"))
  .map(([segments, end]) => `/${segments.map((one, index) => (one === "{x}" ? `{x${index}}` : one)).join("/")}${end}`);

interface Line {
  readonly access: (typeof WORDS)[number];
  readonly encodedSlash?: "keep";
}

function tables(keeps: boolean): fc.Arbitrary<Readonly<Record<string, Line>>> {
  const line = fc.record({ access: fc.constantFrom(...WORDS), keep: keeps ? fc.boolean() : fc.constant(false) });
  return fc
    .dictionary(pattern, line, { minKeys: 2, maxKeys: 7 })
    .map((drawn) =>
      Object.fromEntries(
        Object.entries(drawn).map(([path, { access, keep }]) => [
          `GET ${path}`,
          { access, ...(keep && { encodedSlash: "keep" as const }) },
        ]),
      ),
    );
}

const AUTHENTICATORS = { people: { jwt: { issuer: "https://issuer.example", clients: "any" } } };

function policyFor(routes: Readonly<Record<string, Line>>): Policy {
  const blocks = { upstream: { url: "http://shop" }, authenticators: AUTHENTICATORS, routes };
  const lines = Object.entries(blocks).map(([key, block]) => `${key}: ${JSON.stringify(block)}\n`);
  return policyOf({ shop: lines.join("") });
}

/** Names of the routes that the rule finds. */
function found(rule: ServiceRule, policy: Policy): ReadonlySet<string> {
  const file = {} as PolicyFile;
  const subject = { policy, files: { gateway: file, ofService: () => file }, now: NOW, nearest: () => undefined };
  const seen = rule({ ...subject, mounts: mountsOf(policy.hosts), service: policy.services[0]!, file });
  return new Set(seen.map(({ path }) => String(path[1])));
}

function routeMet(policy: Policy, path: string): Route | undefined {
  const met = match(policy, requestOf({ target: path }));
  return met.kind === "route" ? met.route : undefined;
}

function isLaxer(one: Route, other: Route): boolean {
  return WORDS.indexOf(one.access.kind as "public") < WORDS.indexOf(other.access.kind as "public");
}

t.test("a wildcard is found exactly where it meets a stricter route's path with a slash more or less", async (t) => {
  let all = 0;
  fc.assert(
    fc.property(tables(false), (routes) => {
      const policy = policyFor(routes);
      const expected = new Set(
        policy.services[0]!.routes.flatMap((strict) =>
          carelessPaths(strict).flatMap((path) => {
            const met = routeMet(policy, path);
            return met && met !== strict && met.pattern.endsWith("...}") && isLaxer(met, strict) ? [met.name] : [];
          }),
        ),
      );
      all += expected.size;
      const names = found(wildcards, policy);
      const odd = expected.symmetricDifference(names);
      if (odd.size > 0) throw new Error(`${[...odd].join(", ")}: ${names.size > expected.size ? "found without need" : "not found"}`);
    }),
    { numRuns: 300 },
  );
  t.ok(all > 10, `${all} wildcards`);
});

/** Placeholders have values that are no literal; what `{rest...}` needs one of is left out. */
function carelessPaths({ pattern: written }: Route): readonly string[] {
  const path = written.replaceAll(/\{x\d\}/g, "v");
  if (path.endsWith("{rest...}")) return [path.slice(0, -"/{rest...}".length), path.slice(0, -"{rest...}".length)];
  return [path.endsWith("/") ? path.slice(0, -1) : `${path}/`];
}

t.test("a route that keeps encoded slashes is found wherever some split of its values meets a stricter route", async (t) => {
  let all = 0;
  fc.assert(
    fc.property(tables(true), (routes) => {
      const policy = policyFor(routes);
      const names = found(encodedSlashes, policy);
      for (const route of policy.services[0]!.routes) {
        if (!route.encodedSlash || route.access.kind === "denied") continue;
        const seen = splits(route.pattern).map((path) => routeMet(policy, path));
        if (!seen.some((other) => other && other !== route && isLaxer(route, other))) continue;
        all += 1;
        if (!names.has(route.name)) throw new Error(`${route.name} is not found`);
      }
    }),
    { numRuns: 300 },
  );
  t.ok(all > 10, `${all} routes`);
});

const VALUES = ["v", "a/b", "v/a", "v/v", "c/a/b"];

/** Paths as a service sees them that decodes first, where at least one value is split. */
function splits(written: string): readonly string[] {
  let paths = [""];
  for (const part of written.slice(1).split("/")) {
    const values = part.startsWith("{") ? VALUES : [part];
    paths = paths.flatMap((path) => values.map((one) => `${path}/${one}`));
  }
  const length = written.split("/").length;
  return paths.filter((path) => path.split("/").length > length);
}
