/** Generated requests under generated policies: a live gateway answers, and `sallyport test` must expect just that. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import fc from "fast-check";
import { testCommand } from "../../../src/cli/test.ts";
import { answerOf } from "../../cli/run-command.ts";
import { callerDraft, callerOf, type CallerDraft } from "../generated/callers.ts";
import { filesOf } from "../generated/files.ts";
import { generatedPolicy, type GeneratedPolicy } from "../generated/policies.ts";
import { requestDraft, type RequestDraft, requestOf } from "../generated/requests.ts";
import { askLive, type Question } from "./live.ts";
import { openWorld, type World } from "./outside.ts";
import { type Answered, testFile } from "./test-file.ts";

export interface EquivalenceRun {
  readonly seed: number;
  readonly policies: number;
  readonly requests: number;
  /** Code of the refusal, `allow`, `upgrade` or `preflight` → how many. */
  readonly outcomes: ReadonlyMap<string, number>;
  /** The smallest policy and requests on which the two differ, and how. */
  readonly failure: string | undefined;
}

export interface EquivalenceOptions {
  readonly seed: number;
  /** At least so many. */
  readonly requests: number;
  /** What the live gateway is given in place of the policy, to show what is noticed. */
  readonly live?: (policy: GeneratedPolicy) => GeneratedPolicy;
}

const MOST_OF_A_POLICY = 150;
const POLICIES_OF_A_ROUND = 10;

/** A caller of 0 is nobody. */
const asked = fc.record({ request: requestDraft, caller: fc.nat(12) });
const callers = fc.array(callerDraft, { minLength: 1, maxLength: 12, size: "max" });
const questions = fc.array(asked, { minLength: 1, maxLength: MOST_OF_A_POLICY, size: "max" });

/** Asks until there were so many requests; what differs is shrunk. Policies and requests follow from the seed, keys do not. */
export async function runEquivalence({ seed, requests, live = (policy) => policy }: EquivalenceOptions): Promise<EquivalenceRun> {
  const world = await openWorld();
  const tally = { policies: 0, requests: 0, outcomes: new Map<string, number>() };
  const property = fc.asyncProperty(generatedPolicy, callers, questions, async (policy, drafts, wanted) => {
    const all = questionsOf(policy, drafts, wanted);
    const answers = await askLive(world, live(policy), all);
    const answered = all.map((question, index) => ({ ...question, answer: answers[index]! }));
    count(tally, answered);
    await compare(world, policy, answered);
  });
  let failure: string | undefined;
  try {
    for (let round = 0; tally.requests < requests && failure === undefined; round++) {
      const details = await fc.check(property, { seed: seed + round, numRuns: POLICIES_OF_A_ROUND, unbiased: true });
      if (details.failed) failure = `${String(details.errorInstance)}\nin ${fc.stringify(details.counterexample)}`;
    }
    return { seed, ...tally, failure };
  } finally {
    world.close();
  }
}

interface Wanted {
  readonly request: RequestDraft;
  readonly caller: number;
}

function questionsOf(policy: GeneratedPolicy, drafts: readonly CallerDraft[], wanted: readonly Wanted[]): readonly Question[] {
  const known = drafts.map((draft, index) => callerOf(policy, `caller-${index}`, draft));
  return wanted.map(({ request, caller }) => ({
    request: requestOf(policy, request),
    caller: caller === 0 ? undefined : known[caller % known.length],
  }));
}

function count(tally: { policies: number; requests: number; outcomes: Map<string, number> }, answered: readonly Answered[]): void {
  tally.policies += 1;
  tally.requests += answered.length;
  for (const { answer } of answered) {
    const word = answer.status === 101 ? "upgrade" : (answer.code ?? answer.outcome);
    tally.outcomes.set(word, (tally.outcomes.get(word) ?? 0) + 1);
  }
}

interface Report {
  readonly green: boolean;
  readonly tests: readonly object[];
}

/** Runs the command itself, over files, with the live answers as expectations. */
async function compare(world: World, policy: GeneratedPolicy, answered: readonly Answered[]): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-equivalence-"));
  try {
    const files = { ...filesOf(policy, world.outside), "tests/live.yaml": testFile(policy, answered) };
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    const { code, out, err } = await answerOf(["test", "--json", "--config", join(folder, "sallyport.yaml")], { commands: [testCommand] });
    const { tests = [], green } = JSON.parse(out === "" ? "{}" : out) as Partial<Report>;
    if (code === 0 && green === true && tests.length === answered.length) return;
    throw new Error(`${err}${JSON.stringify(redOf(tests), undefined, 1)}`);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function redOf(tests: readonly object[]): readonly object[] {
  return tests.filter((test) => "green" in test && test.green === false).slice(0, 3);
}
