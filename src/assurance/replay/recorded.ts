/** Lines of the decision log, read again. */
import type { Effect, NoFacts, RecordedFacts, ShadowRecord } from "../../contract/recorded.ts";
import { fieldsOf, given, numberOf, textOf, wordOf, type Fields } from "./narrow.ts";
import { recordedFacts } from "./recorded-facts.ts";

/** One decision, as far as the line has it. */
export interface Recorded {
  readonly decision: string;
  /** Arrival of the request, epoch milliseconds. */
  readonly at: number;
  readonly outcome: "allow" | "deny" | "preflight";
  readonly code?: string;
  readonly reason?: string;
  readonly status?: number;
  readonly method: string;
  readonly path?: string;
  readonly address: string;
  readonly service?: string;
  readonly route?: string;
  readonly tenant?: string;
  readonly caller?: { readonly authenticator: string; readonly role?: string };
  /** Revision of the policy; `""` where none was asked. */
  readonly policy: string;
  readonly facts?: RecordedFacts | NoFacts;
  readonly shadow?: ShadowRecord;
}

/** Undefined for what is no decision: other lines of the log, and whatever else stands there. */
export function readRecorded(line: string): Recorded | undefined {
  if (!line.includes('"decision"')) return undefined;
  const fields = parsed(line);
  const [decision, at] = [textOf(fields?.["decision"]), Date.parse(textOf(fields?.["at"]) ?? "")];
  const outcome = wordOf(fields?.["outcome"], ["allow", "deny", "preflight"]);
  if (!fields || decision === undefined || !outcome || !Number.isFinite(at)) return undefined;
  return {
    decision,
    at,
    outcome,
    ...given("code", textOf(fields["code"])),
    ...given("reason", textOf(fields["reason"])),
    ...given("status", numberOf(fields["status"])),
    method: textOf(fields["method"]) ?? "",
    ...given("path", textOf(fields["path"])),
    address: textOf(fields["address"]) ?? "",
    ...given("service", textOf(fields["service"])),
    ...given("route", textOf(fields["route"])),
    ...given("tenant", textOf(fields["tenant"])),
    ...given("caller", namedCaller(fieldsOf(fields["caller"]))),
    policy: textOf(fields["policy"]) ?? "",
    ...given("facts", recordedFacts(fields["facts"])),
    ...given("shadow", shadowOf(fieldsOf(fields["shadow"]))),
  };
}

/** Revision of the shadow policy that a line of the gateway's own says it compares with, decisions apart. */
export function shadowNamed(line: string): string | undefined {
  return line.includes('"shadowPolicy"') ? textOf(parsed(line)?.["shadowPolicy"]) : undefined;
}

function parsed(line: string): Fields | undefined {
  try {
    return fieldsOf(JSON.parse(line));
  } catch {
    return undefined;
  }
}

function namedCaller(fields: Fields | undefined): Recorded["caller"] {
  const authenticator = textOf(fields?.["authenticator"]);
  return authenticator === undefined ? undefined : { authenticator, ...given("role", textOf(fields?.["role"])) };
}

function shadowOf(fields: Fields | undefined): ShadowRecord | undefined {
  const [policy, route, caller] = [textOf(fields?.["policy"]), textOf(fields?.["route"]), textOf(fields?.["caller"])];
  if (!fields || policy === undefined || route === undefined || caller === undefined) return undefined;
  return {
    policy,
    route,
    caller,
    ...given("effect", wordOf<Effect>(fields["effect"], ["wider", "narrower", "other"])),
    ...given("unknown", textOf(fields["unknown"])),
    ...given("before", textOf(fields["before"])),
    ...given("after", textOf(fields["after"])),
    ...given("reason", textOf(fields["reason"])),
  };
}
