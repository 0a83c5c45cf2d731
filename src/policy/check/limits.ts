/** Rules about limits, wherever they stand. */
import type { LimitsFile } from "../schema/blocks.ts";
import type { Report } from "../source.ts";
import { didYouMean } from "../suggest.ts";
import type { Path } from "../tree.ts";
import { namesIn } from "../validate.ts";
import { authenticatorsOf, knowsAllAuthenticators, type Scope } from "./scope.ts";

type LimitFile = LimitsFile[string];

/** Limits of a service or a route. */
export function checkLimits(limits: LimitsFile, path: Path, scope: Scope): void {
  const known = namesIn(scope.service, ["authenticators"]);
  for (const [name, limit] of Object.entries(limits)) {
    const at = [...path, name];
    checkAlone(limit, at, scope.report);
    for (const [index, authenticator] of (limit.authenticators ?? []).entries()) {
      if (!known.includes(authenticator))
        scope.report(
          [...at, "authenticators", index],
          `\`${scope.name}\` has no authenticator \`${authenticator}\``,
          didYouMean(authenticator, known) ?? "add it to `authenticators:`",
        );
    }
    if (limit.by === "apiKey" && knowsAllAuthenticators(scope) && !authenticatorsOf(scope).some(({ file }) => file.apiKey)) {
      scope.report([...at, "by"], `\`${scope.name}\` takes no API keys`, "write `by: caller`");
    }
    if (limit.by === "tenant" && !namesIn(scope.service, []).includes("tenant"))
      scope.report([...at, "by"], `\`${scope.name}\` knows no tenants: it has no \`tenant:\` block`, "write `by: caller`");
  }
}

/** Limits of the gateway file, which know no service. */
export function checkDefaultLimits(limits: LimitsFile, path: Path, report: Report, authenticators: ReadonlySet<string>): void {
  for (const [name, limit] of Object.entries(limits)) {
    checkAlone(limit, [...path, name], report);
    for (const [index, authenticator] of (limit.authenticators ?? []).entries()) {
      if (!authenticators.has(authenticator))
        report(
          [...path, name, "authenticators", index],
          `no service has an authenticator \`${authenticator}\``,
          didYouMean(authenticator, [...authenticators]) ?? "add it to a service's `authenticators:`",
        );
    }
  }
}

function checkAlone(limit: LimitFile, path: Path, report: Report): void {
  if (limit.of === "failures" && limit.by !== "address")
    report([...path, "by"], "a failed credential proves nobody: failures are counted by address", "write `by: address`");
  if (limit.by === "address" && limit.authenticators)
    report(
      [...path, "authenticators"],
      "addresses are counted before any credential is looked at",
      "leave it out, or write `by: caller`",
      "key",
    );
}
