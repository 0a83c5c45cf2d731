/** `sallyport shadow report`: what `serve --shadow` has found, from the decision log. */
import { shadowJson, ShadowReport, shadowText } from "../assurance/shadow/report.ts";
import { type Call, type Command, flag, text, UsageError } from "./command.ts";
import { DecisionLog } from "./decision-log.ts";

export const shadowReportCommand: Command = {
  name: "shadow report",
  summary: "sums up what a shadow policy would have decided otherwise",
  usage: "DECISIONS [DECISIONS…] [--fail-on any|widening] [--policy REVISION] [--json]",
  help: `Reads the log of a gateway that runs with serve --shadow, and sums up the
requests on which the shadow policy would have decided otherwise, by route and
class of caller; what lets more through comes first, marked "!". DECISIONS are
files of the log, or - for standard input.

  --policy REVISION  only what this revision of the shadow policy found
  --fail-on WHAT     any (default), or widening: then what lets less through is
                     no difference to the exit code
  --json             for machines: { "lines", "decisions", "policies", "wider",
                     "narrower", "other", "differences", "unknown" }

Exit code 0: no decision differs. 1: some do; or there is no decision, or no
line that speaks of a shadow policy. 2: wrong use.

  sallyport shadow report /var/log/sallyport.log
  kubectl logs deploy/gateway | sallyport shadow report - --fail-on widening`,
  options: { "fail-on": { type: "string" }, policy: { type: "string" }, json: { type: "boolean" } },
  positionals: [1, 1000],
  run: runReport,
};

async function runReport(call: Call): Promise<number> {
  const failOn = text(call, "fail-on") ?? "any";
  if (failOn !== "any" && failOn !== "widening") throw new UsageError(`--fail-on knows "any" and "widening", not "${failOn}"`);
  const policy = text(call, "policy");
  const log = new DecisionLog(call.positionals, call.terminal);
  const report = await reportOf(log, (revision) => policy === undefined || revision === policy);
  call.terminal.out(
    flag(call, "json") ? `${JSON.stringify(shadowJson(report, log), undefined, 2)}\n` : shadowText(report, log, call.terminal),
  );
  const isBlind = report.policies.size === 0 || log.decisions === 0;
  return isBlind || (failOn === "widening" ? report.tally.count("wider") : report.different) > 0 ? 1 : 0;
}

async function reportOf(log: DecisionLog, isMeant: (revision: string) => boolean): Promise<ShadowReport> {
  const report = new ShadowReport();
  for await (const { decision, shadow } of log.read()) if (shadow && isMeant(shadow.policy)) report.add(decision, shadow);
  for (const revision of log.shadows) if (isMeant(revision)) report.policies.add(revision);
  return report;
}
