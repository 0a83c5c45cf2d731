/** A word that must be one of a few, and what is said of one that is not. */
import type { Policy } from "../contract/policy.ts";
import { nearest } from "../policy/suggest.ts";
import { flag, text, UsageError, type Call } from "./command.ts";

/** "one of: a, b", for the message of a wrong choice. */
export function oneOf(allowed: Iterable<string>): string {
  const words = [...allowed];
  return words.length === 0 ? "there is none in the policy" : `one of: ${words.join(", ")}`;
}

/** The value of `--format`, or json where `--json` was given; the first one where nothing was. */
export function formatOf<Format extends string>(call: Call, formats: readonly [Format, ...Format[]]): Format | "json" {
  const asked = text(call, "format");
  if (flag(call, "json")) {
    if (asked === undefined || asked === "json") return "json";
    throw new UsageError(`--json and --format ${asked} are two forms of one answer`);
  }
  const format = asked === undefined ? formats[0] : formats.find((one) => one === asked);
  if (format === undefined) throw new UsageError(`there is no format ${JSON.stringify(asked)}; ${oneOf(formats)}`);
  return format;
}

/** Throws UsageError, with the services that there are, where the policy has none of this name. */
export function checkService(policy: Policy, name: string): void {
  const names = policy.services.map((service) => service.name);
  if (names.includes(name)) return;
  const meant = nearest(name, names);
  const known = meant === undefined ? oneOf(names) : `did you mean ${meant}?`;
  throw new UsageError(`--service: there is no service ${JSON.stringify(name)}; ${known}`);
}
