/** `sallyport replay`: recorded decisions against another policy. */
import { noDecisionText, replayJson, replayText } from "../assurance/replay/report.ts";
import { Replay } from "../assurance/replay/replay.ts";
import { standInsCompared } from "../assurance/replay/stand-ins.ts";
import type { Expanded } from "../policy/load.ts";
import { standInWord } from "../policy/variables.ts";
import { type Call, type Command, configPath, flag, required, type Terminal, text, UsageError } from "./command.ts";
import { DecisionLog } from "./decision-log.ts";
import { isInvalid, refuseNamed } from "./mistakes.ts";
import { loadNamed } from "./revisions.ts";

type Valid = Extract<Expanded, { kind: "policy" }>;

export const replayCommand: Command = {
  name: "replay",
  summary: "tells what another policy would have decided of recorded requests",
  usage: "DECISIONS [DECISIONS…] --policy NEW [--old OLD] [--fail-on any|widening] [--json] [--config FILE]",
  help: `Decides each recorded request once more, by another policy, and tells what would
have changed, by route and class of caller; what lets more through comes first,
marked "!". DECISIONS are files of the log, or - for standard input. What is
compared are decisions that the gateway logged with their facts:
log: { facts: true, decisions: all }. Without \`decisions: all\` the log has
refusals only.

Limits are not replayed, nor is what services answered. A record that lacks
something that the policy reads is counted, and not guessed.

  --policy NEW    gateway file, folder that holds a sallyport.yaml, or git
                  revision. Variables with which requests are compared
                  (issuers, clients) must be set; secrets need not
  --old OLD       the policy that decided: first see that it decides the same
                  again
  --fail-on WHAT  any (default), or widening: then what lets less through is no
                  difference to the exit code
  --json          for machines: { "lines", "decisions", "compared", "same",
                  "wider", "narrower", "other", "differences", "unknown",
                  "apart", "old" } or { "diagnostics" }
  --config FILE   the gateway file in a revision's tree
                  (default config/sallyport.yaml)

Exit code 0: nothing would change. 1: something would; or the old policy does
not decide the same again; or there is no decision, or none that could be
compared; or a policy does not load. 2: wrong use.

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
  const load = (name: string) => loadNamed(name, configPath(call), call.terminal.environment);
  const next = load(required(call, "policy"));
  const oldName = text(call, "old");
  const old = oldName === undefined ? undefined : load(oldName);
  if (next.loaded.kind === "invalid" || old?.loaded.kind === "invalid")
    return refuseNamed(call, [next, ...(old ? [old] : [])].filter(isInvalid));
  const replays = { anew: replayBy(next.name, next.loaded), again: old && replayBy(old.name, old.loaded) };
  const log = new DecisionLog(call.positionals, call.terminal);
  await read(log, replays);
  call.terminal.out(flag(call, "json") ? json(replays, log) : words(replays, log, call.terminal));
  return log.decisions === 0 || isNo(replays, failsOnWideningOnly) ? 1 : 0;
}

interface Replays {
  readonly anew: Replay;
  /** By the policy that is said to have decided. */
  readonly again: Replay | undefined;
}

async function read(log: DecisionLog, { anew, again }: Replays): Promise<void> {
  for await (const record of log.read()) {
    anew.add(record);
    again?.add(record);
  }
}

function isNo({ anew, again }: Replays, failsOnWideningOnly: boolean): boolean {
  const differs = failsOnWideningOnly ? anew.tally.count("wider") > 0 : anew.different > 0;
  const isBlind = anew.compared === 0 && anew.unknown.total() > 0;
  return differs || isBlind || (again?.different ?? 0) > 0;
}

function isWideningOnly(call: Call): boolean {
  const word = text(call, "fail-on") ?? "any";
  if (word !== "any" && word !== "widening") throw new UsageError(`--fail-on knows "any" and "widening", not "${word}"`);
  return word === "widening";
}

function replayBy(name: string, loaded: Valid): Replay {
  checkSet(name, loaded);
  return new Replay(loaded.policy);
}

/** What a token or a request is compared with must be what the gateway has; a secret is known by its id. */
function checkSet(name: string, { policy, unset }: Valid): void {
  const missing = unset.filter(({ optional }) => !optional).map((reference) => reference.name);
  const compared = standInsCompared(policy, missing, standInWord);
  if (compared.length === 0) return;
  throw new UsageError(
    `${name} compares requests with variables that are not set here: ${compared.join(", ")}. Set them as the gateway has them`,
  );
}

function json({ anew, again }: Replays, { lines, decisions }: DecisionLog): string {
  return `${JSON.stringify({ lines, decisions, ...replayJson(anew), old: again ? replayJson(again) : null }, undefined, 2)}\n`;
}

const FACTS = `
The gateway records facts where its file says
log: { facts: true, decisions: all }; without decisions: all only refusals are
logged.
`;

function words({ anew, again }: Replays, log: DecisionLog, terminal: Terminal): string {
  if (log.decisions === 0) return noDecisionText(log);
  const first = again ? oldWords(again, terminal) : "";
  const hint = anew.unknown.all().some(({ reason }) => reason === "recorded without facts") ? FACTS : "";
  return `${first}${replayText(anew, terminal)}${hint}`;
}

function oldWords(again: Replay, look: Terminal): string {
  if (again.different === 0) return `The old policy decides ${again.compared} of them as recorded.\n\n`;
  return `The old policy does not decide as recorded:\n\n${replayText(again, look)}\nThe new one:\n\n`;
}
