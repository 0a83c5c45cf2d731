/** Differences as people read them, in 80 columns, and as JSON. */
import type { Effect } from "../../contract/recorded.ts";
import type { Replay } from "./replay.ts";
import type { Counted, Reasons } from "./tally.ts";

export interface Look {
  readonly colour: boolean;
  readonly columns: number;
}

const TITLES: Readonly<Record<Effect, { readonly words: string; readonly mark: string; readonly colour: number }>> = {
  wider: { words: "Would let more through", mark: "!", colour: 31 },
  narrower: { words: "Would let less through", mark: "-", colour: 33 },
  other: { words: "Would be otherwise", mark: "~", colour: 36 },
};

/** One paragraph for each effect; empty where nothing differs. */
export function differencesText(counted: readonly Counted[], look: Look): string {
  const effects: readonly Effect[] = ["wider", "narrower", "other"];
  return effects
    .map((effect) =>
      paragraph(
        effect,
        counted.filter((one) => one.effect === effect),
        look,
      ),
    )
    .join("");
}

function paragraph(effect: Effect, counted: readonly Counted[], { colour, columns }: Look): string {
  if (counted.length === 0) return "";
  const { words, mark, colour: code } = TITLES[effect];
  const total = counted.reduce((sum, { count }) => sum + count, 0);
  const title = `${words}: ${total}`;
  const painted = colour ? `\u001b[1;${code}m${title}\u001b[0m` : title;
  return `\n${painted}\n${counted.map((one) => entry(mark, one, columns)).join("")}`;
}

function entry(mark: string, { route, caller, before, after, count, example }: Counted, columns: number): string {
  const change = `${before} → ${after}`;
  const number = `${count}× (${example})`;
  const line = `    ${change}  ${number}`;
  const rest = line.length <= columns ? `${line}\n` : `    ${change}\n    ${number}\n`;
  const head = `${mark} ${shown(route)}: ${shown(caller)}`;
  return (head.length <= columns ? `${head}\n` : `${mark} ${shown(route)}:\n    ${shown(caller)}\n`) + rest;
}

/** Claims, and so names of scopes and groups, are not the operator's own words. */
export function shown(text: string): string {
  return text.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}

export function reasonsText(title: string, reasons: Reasons): string {
  if (reasons.total() === 0) return "";
  const lines = reasons.all().map(({ reason, count }) => `  ${count}×  ${shown(reason)}\n`);
  return `\n${title}: ${reasons.total()}\n${lines.join("")}`;
}

/** How much of a log was read. */
export interface Read {
  readonly lines: number;
  readonly decisions: number;
}

/** Where nothing was there to compare: no all-clear. */
export function noDecisionText({ lines }: Read): string {
  return `There is no decision in it: read ${lines} line${lines === 1 ? "" : "s"}, 0 decisions.
Decisions are lines of JSON in the log of a gateway.
`;
}

/** What a replay found. */
export function replayText(replay: Replay, look: Look): string {
  const total = replay.compared + replay.unknown.total() + replay.apart.total();
  const by =
    replay.policies.size === 0 ? "" : ` by ${[...replay.policies].slice(0, 3).join(", ")}${replay.policies.size > 3 ? " and others" : ""}`;
  return [
    `${total} decision${total === 1 ? "" : "s"}${by}, ${instant(replay.first)} to ${instant(replay.last)},\ndecided anew by ${replay.revision}: `,
    `${replay.compared} compared, ${replay.different} would differ.\n`,
    differencesText(replay.tally.all(), look),
    reasonsText("Not compared, since something is not known", replay.unknown),
    reasonsText("Not decided by rules", replay.apart),
    "\nLimits are not replayed.\n",
  ].join("");
}

export function replayJson(replay: Replay): object {
  return {
    policy: replay.revision,
    recordedBy: [...replay.policies],
    first: Number.isFinite(replay.first) ? instant(replay.first) : null,
    last: Number.isFinite(replay.last) ? instant(replay.last) : null,
    compared: replay.compared,
    same: replay.same,
    wider: replay.tally.count("wider"),
    narrower: replay.tally.count("narrower"),
    other: replay.tally.count("other"),
    differences: replay.tally.all(),
    unknown: replay.unknown.all(),
    apart: replay.apart.all(),
  };
}

function instant(epochMs: number): string {
  return `${new Date(epochMs).toISOString().slice(0, 19)}Z`;
}
