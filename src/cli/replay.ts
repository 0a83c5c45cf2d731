/** `sallyport replay`: recorded decisions against another policy. */
import { replayJson, replayText } from "../assurance/replay/report.ts";
import { Replay } from "../assurance/replay/replay.ts";
import { standInsCompared } from "../assurance/replay/stand-ins.ts";
import type { Policy } from "../contract/policy.ts";
import type { Expanded } from "../policy/load.ts";
import { standInWord } from "../policy/variables.ts";
import { printDiagnostics } from "./check.ts";
import { type Call, type Command, configPath, flag, required, text, UsageError } from "./command.ts";
import { recordedIn } from "./decision-log.ts";
import { loadNamed } from "./revisions.ts";

export const replayCommand: Command = {
  name: "replay",
  summary: "tells what another policy would have decided of recorded requests",
  usage: "DECISIONS [DECISIONS…] --policy NEW [--old OLD] [--fail-on any|widening] [--json] [--config FILE]",
  help: `Decides each recorded request once more, by another policy, and tells what would
have changed, by route and class of caller; what lets more through comes first,
marked "!". DECISIONS are files of the log, or - for standard input. What is
compared are decisions that the gateway logged with their facts:
log: { facts: true }; with decisions: all the allowed ones too.

Limits are not replayed, nor is what services answered. A record that lacks
something that the policy reads is counted, and not guessed.

  --policy NEW    gateway file, folder that holds a sallyport.yaml, or git
                  revision. Variables with which requests are compared
                  (issuers, clients) must be set; secrets need not
  --old OLD       the policy that decided: first see that it decides the same
                  again
  --fail-on WHAT  any (default), or widening: then what lets less through is no
                  difference to the exit code
  --json          for machines: { "compared", "same", "wider", "narrower",
                  "other", "differences", "unknown", "apart", "old" }
  --config FILE   the gateway file in a revision's tree
                  (default config/sallyport.yaml)

Exit code 0: nothing would change. 1: something would; or the old policy does
not decide the same again; or there are decisions and none could be compared.
2: wrong use, or a policy that does not load.

  sallyport replay decisions.log --policy candidate/sallyport.yaml
  sallyport replay /var/log/sallyport/*.log --policy HEAD --old main
  zcat old.log.gz | sallyport replay - --policy HEAD --fail-on widening`,
  options: {
    policy: { type: "string" },
    old: { type: "string" },
    "fail-on": { type: "string" },
    json: { type: "boolean" },
  },
  positionals: [1, 1000],
  run: runReplay,
};

async function runReplay(call: Call): Promise<number> {
  const failsOnWideningOnly = isWideningOnly(call);
  const name = required(call, "policy");
  const oldName = text(call, "old");
  const policy = policyNamed(name, call);
  const old = oldName === undefined ? undefined : policyNamed(oldName, call);
  if (!policy || (oldName !== undefined && !old)) return 2;
  const replay = new Replay(policy);
  const again = old && new Replay(old);
  for await (const record of recordedIn(call.positionals, call.terminal)) {
    replay.add(record);
    again?.add(record);
  }
  call.terminal.out(flag(call, "json") ? json(replay, policy, again, old) : words(replay, policy, again, old, call));
  const differs = failsOnWideningOnly ? replay.tally.count("wider") > 0 : replay.different > 0;
  const isBlind = replay.compared === 0 && replay.unknown.total() > 0;
  return differs || isBlind || (again?.different ?? 0) > 0 ? 1 : 0;
}

function isWideningOnly(call: Call): boolean {
  const word = text(call, "fail-on") ?? "any";
  if (word !== "any" && word !== "widening") throw new UsageError(`--fail-on knows "any" and "widening", not "${word}"`);
  return word === "widening";
}

function policyNamed(name: string, call: Call): Policy | undefined {
  const loaded = loadNamed(name, configPath(call), call.terminal.environment);
  if (loaded.kind === "policy") {
    checkSet(name, loaded);
    return loaded.policy;
  }
  call.terminal.err(`${name} does not load:\n\n`);
  printDiagnostics(loaded.diagnostics, call.terminal);
  return undefined;
}

/** What a token or a request is compared with must be what the gateway has; a secret is known by its id. */
function checkSet(name: string, { policy, unset }: Extract<Expanded, { kind: "policy" }>): void {
  const missing = unset.filter(({ optional }) => !optional).map((reference) => reference.name);
  const compared = standInsCompared(policy, missing, standInWord);
  if (compared.length === 0) return;
  throw new UsageError(
    `${name} compares requests with variables that are not set here: ${compared.join(", ")}. Set them as the gateway has them`,
  );
}

function json(replay: Replay, policy: Policy, again: Replay | undefined, old: Policy | undefined): string {
  const report = { ...replayJson(replay, policy.revision), old: again && old ? replayJson(again, old.revision) : null };
  return `${JSON.stringify(report, undefined, 2)}\n`;
}

const FACTS = "\nThe gateway records facts where its file says log: { facts: true }.\n";

function words(replay: Replay, policy: Policy, again: Replay | undefined, old: Policy | undefined, { terminal }: Call): string {
  const first = again && old ? oldWords(again, old, terminal) : "";
  const hint = replay.unknown.all().some(({ reason }) => reason === "recorded without facts") ? FACTS : "";
  return `${first}${replayText(replay, policy.revision, terminal)}${hint}`;
}

function oldWords(again: Replay, old: Policy, look: Parameters<typeof replayText>[2]): string {
  if (again.different === 0) return `The old policy decides ${again.compared} of them as recorded.\n\n`;
  return `The old policy does not decide as recorded:\n\n${replayText(again, old.revision, look)}\nThe new one:\n\n`;
}
