/** Callers of a test file → callers that stand for themselves, or what is wrong with them. */
import type { Authenticator } from "../../contract/authenticators.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { CallerSketch } from "../../contract/policy-tests.ts";
import type { Report } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import type { CallerFile } from "./schema.ts";

/** The callers by name. One that cannot be is reported, and is missing. */
export function readCallers(
  callers: Readonly<Record<string, CallerFile>>,
  policy: Policy,
  report: Report,
): ReadonlyMap<string, CallerSketch> {
  const files = new Map<string, CallerFile>();
  const sketches = new Map<string, CallerSketch>();
  for (const [name, own] of Object.entries(callers)) {
    const about: Report = (path, message, repair, part) => report(["callers", name, ...path], message, repair, part);
    const file = inherited(own, files, about);
    if (!file) continue;
    files.set(name, file);
    const sketch = sketchOf(name, file, policy, about);
    if (sketch) sketches.set(name, sketch);
  }
  return sketches;
}

function inherited(own: CallerFile, before: ReadonlyMap<string, CallerFile>, report: Report): CallerFile | undefined {
  if (own.extends === undefined) return own;
  const base = before.get(own.extends);
  if (!base)
    return void report(["extends"], `there is no caller \`${own.extends}\` before this one`, didYouMean(own.extends, [...before.keys()]));
  return {
    ...base,
    ...own,
    ...((base.claims ?? own.claims) && { claims: { ...base.claims, ...own.claims } }),
    ...((base.account ?? own.account) && { account: { ...base.account, ...own.account } }),
  };
}

function sketchOf(name: string, file: CallerFile, policy: Policy, report: Report): CallerSketch | undefined {
  const service = serviceOf(file, policy, report);
  const authenticator = service && authenticatorOf(file, service, report);
  if (!service || !authenticator || !fits(file, authenticator, report)) return undefined;
  const { claims, account, scopes, secret, expired, revoked } = file;
  return {
    name,
    service: service.name,
    by: authenticator.name,
    ...(claims && { claims }),
    ...(account && { account: withoutUndefined(account) }),
    ...(scopes && { scopes }),
    ...(secret !== undefined && { secret }),
    ...(expired !== undefined && { expired }),
    ...(revoked !== undefined && { revoked }),
  };
}

function serviceOf({ service: name }: CallerFile, { services }: Policy, report: Report): Service | undefined {
  if (name === undefined) return void report([], "`service` is missing", undefined, "key");
  const found = services.find((one) => one.name === name);
  const names = services.map((one) => one.name);
  return found ?? void report(["service"], `there is no service \`${name}\``, didYouMean(name, names));
}

function authenticatorOf({ by }: CallerFile, { name, authenticators }: Service, report: Report): Authenticator | undefined {
  if (by === undefined) return void report([], "`by` is missing", `name an authenticator of ${name}`, "key");
  const found = authenticators.find((one) => one.name === by);
  const names = authenticators.map((one) => one.name);
  return found ?? void report(["by"], `${name} has no authenticator \`${by}\``, didYouMean(by, names));
}

const KEYS_OF: Readonly<Record<Authenticator["kind"], readonly (keyof CallerFile)[]>> = {
  jwt: ["claims", "expired"],
  bearer: ["secret"],
  apiKey: ["account", "scopes", "expired", "revoked"],
  sigv4: ["account", "scopes", "expired", "revoked"],
  mtls: ["account", "expired"],
};
const CREDENTIAL_KEYS = ["claims", "secret", "account", "scopes", "expired", "revoked"] as const;

/** Whether the caller says of its credential only what such a credential has. */
function fits(file: CallerFile, authenticator: Authenticator, report: Report): boolean {
  const foreign = CREDENTIAL_KEYS.filter((key) => file[key] !== undefined && !KEYS_OF[authenticator.kind].includes(key));
  for (const key of foreign) {
    report([key], `\`${key}\` means nothing here: \`${authenticator.name}\` is \`${authenticator.kind}\``, "leave it out", "key");
  }
  if (foreign.length > 0 || authenticator.kind !== "bearer") return foreign.length === 0;
  const ids = authenticator.secrets.map((one) => one.id);
  if (file.secret === undefined) return reported(report, [], "`secret` is missing", `name one of: ${ids.join(", ")}`);
  if (ids.includes(file.secret)) return true;
  return reported(report, ["secret"], `\`${authenticator.name}\` has no secret \`${file.secret}\``, didYouMean(file.secret, ids));
}

function reported(report: Report, path: readonly string[], message: string, repair: string | undefined): false {
  report(path, message, repair, path.length === 0 ? "key" : "value");
  return false;
}

function withoutUndefined(account: NonNullable<CallerFile["account"]>): NonNullable<CallerSketch["account"]> {
  return Object.fromEntries(Object.entries(account).filter(([, value]) => value !== undefined));
}
