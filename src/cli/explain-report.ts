/** An explanation as it is read: by people, and by machines. */
import type { Explanation, Step } from "../assurance/explain/explain.ts";
import type { Flip } from "../assurance/explain/flip.ts";
import { type Inquiry, outcomeWords } from "../assurance/inquiry.ts";
import type { Decision } from "../contract/decision.ts";
import type { Asking } from "./caller-option.ts";
import type { Terminal } from "./command.ts";
import { paragraph } from "./paragraph.ts";

/** What is said of whoever asks. */
export interface Said extends Pick<Asking, "words" | "note"> {
  /** What was recorded, where the steps do not refuse what was refused. */
  readonly refusal?: string;
}

const LABEL = 26;

/** Title, steps, verdict and flips, within the terminal's columns. */
export function textOf({ request }: Inquiry, asking: Said, explanation: Explanation, { colour, columns }: Terminal): string {
  const paint = (code: number, said: string) => (colour ? `\u001b[${code}m${said}\u001b[0m` : said);
  const refused = explanation.decision.outcome === "deny";
  const ending =
    asking.refusal === undefined
      ? [`\n${paint(refused ? 31 : 32, verdictWords(explanation))}\n`, ...flipLines(explanation, columns)]
      : [`\n${paint(31, `refused: ${visible(asking.refusal)}`)}\nby the steps: ${outcomeWords(explanation.decision)}\n`];
  return [
    `${paint(1, `${request.method} ${visible(request.target)}`)}\n  asked by ${asking.words}\n`,
    ...explanation.steps.map((step, index) => stepText(step, index + 1, columns, paint)),
    ...ending,
    ...(asking.note === undefined || asking.note === "" ? [] : [`\n${paragraph(visible(asking.note), columns, 0)}\n`]),
  ].join("");
}

function stepText(
  { stage, verdict, details }: Step,
  number: number,
  columns: number,
  paint: (code: number, said: string) => string,
): string {
  const head = `\n${number} ${stage}${verdict === "passes" ? "" : `: ${paint(verdict === "refuses" ? 31 : 32, verdict)}`}\n`;
  return (
    head +
    details
      .map(({ about, is }) => `  ${about.padEnd(LABEL - 3)} ${paragraph(visible(is), columns, Math.max(LABEL, about.length + 3))}\n`)
      .join("")
  );
}

function verdictWords({ decision }: Explanation): string {
  const said = outcomeWords(decision);
  return decision.outcome === "deny" ? `refused: ${said}` : `allowed: ${said}`;
}

function flipLines({ decision, flips }: Explanation, columns: number): readonly string[] {
  const refused = decision.outcome === "deny";
  if (flips.length === 0)
    return [
      paragraph(
        `None of the single changes that were tried, of the request, the caller, a grant or a list, would ${refused ? "let it through" : "have it refused"}.`,
        columns,
        0,
      ) + "\n",
    ];
  const title =
    decision.outcome === "deny" ? `Any one of these would ${mendingWords(decision, flips)}:` : "Any one of these would have it refused:";
  return [`\n${title}\n`, ...flips.map((flip) => `  ${paragraph(`- ${flipWords(flip)}`, columns, 4)}\n`)];
}

/** Another request may need less, and grants nothing. */
function mendingWords(decision: Extract<Decision, { outcome: "deny" }>, flips: readonly Flip[]): string {
  const lacks = decision.code === "INSUFFICIENT_ROLE" || decision.code === "INSUFFICIENT_SCOPE";
  const grants = lacks && flips.every((flip) => flip.of !== "request");
  return grants ? `grant ${decision.route?.rule} and let it through` : "let it through";
}

function flipWords({ of, words: said, decision }: Flip): string {
  const then = decision.outcome === "deny" ? ` (then ${decision.code})` : "";
  return `${of === "rule" ? "in the policy: " : ""}${visible(said)}${then}`;
}

/** What a stranger chose must not steer the terminal. */
export function visible(said: string): string {
  return said.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}

/** The same, to be written as JSON. */
export function asJson({ request }: Inquiry, asking: Said, { decision, status, steps, upstream, flips }: Explanation): object {
  return {
    request: `${request.method} ${request.target}`,
    caller: asking.words,
    note: asking.note ?? null,
    outcome: decision.outcome,
    code: decision.outcome === "deny" ? decision.code : null,
    status: status ?? null,
    reason: decision.outcome === "deny" ? decision.reason : null,
    route: decision.route ? { name: decision.route.name, rule: decision.route.rule, source: decision.route.source } : null,
    steps,
    upstream: upstream ? { origin: upstream.origin, target: upstream.target, headers: Object.fromEntries(upstream.headers) } : null,
    flips: flips.map((flip) => ({ of: flip.of, change: flip.words, outcome: outcomeWords(flip.decision) })),
  };
}
