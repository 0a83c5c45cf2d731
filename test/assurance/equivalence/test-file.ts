/** What a live gateway answered → a test file that expects just that. */
import type { CallerSketch, RequestSketch } from "../../../src/contract/policy-tests.ts";
import { NOW } from "../../decision/policy.ts";
import type { GeneratedPolicy } from "../generated/policies.ts";
import type { Heard } from "./outside.ts";
import type { LiveAnswer, Question } from "./live.ts";

export interface Answered extends Question {
  readonly answer: LiveAnswer;
}

/** JSON is YAML. */
export function testFile(generated: GeneratedPolicy, asked: readonly Answered[]): string {
  const callers = new Set(asked.flatMap(({ caller }) => caller ?? []));
  const told = toldNames(generated);
  return JSON.stringify({
    version: 1,
    now: new Date(NOW).toISOString(),
    callers: Object.fromEntries([...callers].map((caller) => [caller.name, callerFile(caller)])),
    tests: asked.map(({ request, caller, answer }, index) => ({
      name: `request ${index}`,
      ...(caller && { as: caller.name }),
      request: requestFile(request),
      expect: expectation(answer, told),
    })),
  });
}

function callerFile({ name: _name, claims, ...described }: CallerSketch): object {
  if (claims) return { service: described.service, by: described.by, claims, expired: described.expired };
  return described;
}

function requestFile({ method, target, headers, address, websocket }: RequestSketch): object {
  const { host, origin, ...others } = Object.fromEntries(headers);
  return { method, path: target, headers: others, host: host![0], address, websocket, ...(origin && { origin: origin[0] }) };
}

const CORS_NAMES = ["origin", "credentials", "methods", "headers"].map((name) => `access-control-allow-${name}`);
const ALL_CORS_NAMES = [...CORS_NAMES, "access-control-expose-headers", "access-control-max-age", "vary"];

/** Everything that a test can say of such an answer. */
function expectation({ outcome, status, code, route, rule, headers, heard }: LiveAnswer, told: readonly string[]): object {
  const line = { ...(route !== undefined && { route }), ...(rule !== undefined && { rule }) };
  const cors = Object.fromEntries(ALL_CORS_NAMES.map((name) => [name, headers[name] ?? null]));
  if (status === 101) return { allow: true, ...line };
  if (outcome === "deny") return { deny: code, status, ...line, cors };
  return outcome === "preflight" ? { preflight: true, ...line, cors } : { allow: true, ...line, cors, ...reached(heard!, told) };
}

function reached({ target, headers }: Heard, told: readonly string[]): object {
  return { path: target, upstream: Object.fromEntries(told.map((name) => [name, headers[name] ?? null])) };
}

/** Every header by which some service is told who calls. */
function toldNames({ services }: GeneratedPolicy): readonly string[] {
  const usual = ["subject", "kind", "tenant", "permissions"].map((name) => `x-auth-${name}`);
  return [...new Set([...usual, ...services.flatMap(({ identity }) => Object.values(identity ?? {}))])];
}
