/** `sallyport diff`: who gains and who loses what between two policies. */
import { differenceOf, widens } from "../assurance/diff/diff.ts";
import { differenceJson } from "../assurance/diff/diff-json.ts";
import { differenceMarkdown, differenceText } from "../assurance/diff/diff-text.ts";
import { formatOf } from "./choice.ts";
import { type Call, type Command, configPath, text, UsageError } from "./command.ts";
import { isInvalid, refuseNamed } from "./mistakes.ts";
import { loadNamed } from "./revisions.ts";

const FORMATS = ["text", "markdown", "json"] as const;

export const diffCommand: Command = {
  name: "diff",
  summary: "tells who gains and who loses what between two policies",
  usage: "OLD NEW | OLD..NEW [--fail-on widening] [--format text|markdown|json | --json] [--config FILE]",
  help: `Compares access, not text: for every class of caller and every request, who may
do more and who less, by which smallest sets of grants; then tenant rules,
limits, origins, upstreams, trust and whatever else lets more or less through.
What widens comes first, marked "!". Order, comments, names of placeholders and
where a default stands make no difference.

OLD and NEW are gateway files, folders that hold a sallyport.yaml, or git
revisions. Variables are taken from the environment for both; those that are not
set get stand-ins, so that no secret is needed.

  --fail-on widening  only what widens is a difference to the exit code
  --format FORMAT     text (default), markdown for a pull request, or json
  --json              the same as --format json; of policies that do not load
                      { "diagnostics" }
  --config FILE       the gateway file in a revision's tree
                      (default config/sallyport.yaml)

Exit code 0: no difference. 1: a difference, or a policy that does not load:
then nothing is compared. 2: wrong use.

  sallyport diff main..HEAD
  sallyport diff config/sallyport.yaml candidate/sallyport.yaml
  sallyport diff main HEAD --fail-on widening --format markdown > access.md`,
  options: { "fail-on": { type: "string" }, format: { type: "string" }, json: { type: "boolean" } },
  positionals: [1, 2],
  run: (call) => {
    const format = formatOf(call, FORMATS);
    const failsOnWideningOnly = isWideningOnly(call);
    const load = (name: string) => loadNamed(name, configPath(call), call.terminal.environment);
    const [old, candidate] = sidesOf(call);
    const [before, after] = [load(old), load(candidate)];
    if (before.loaded.kind === "invalid" || after.loaded.kind === "invalid")
      return refuseNamed(call, [before, after].filter(isInvalid), { json: format === "json" });
    const difference = differenceOf(before.loaded.policy, after.loaded.policy, Date.now());
    call.terminal.out(shown(difference, format, call));
    const isDifferent = failsOnWideningOnly ? widens(difference) : difference.routes.length + difference.general.length > 0;
    return isDifferent ? 1 : 0;
  },
};

function isWideningOnly(call: Call): boolean {
  const word = text(call, "fail-on");
  if (word !== undefined && word !== "widening") throw new UsageError(`--fail-on knows "widening", not "${word}"`);
  return word !== undefined;
}

/** As git: a side left out of `OLD..NEW` is HEAD. */
function sidesOf({ positionals }: Call): readonly [string, string] {
  const [first = "", second] = positionals;
  if (second !== undefined) return [first, second];
  const range = /^(.*?)\.\.(?!\.)(.*)$/s.exec(first);
  if (!range || first.includes("...")) throw new UsageError("give two policies, or two revisions as OLD..NEW");
  return [range[1] || "HEAD", range[2] || "HEAD"];
}

function shown(difference: ReturnType<typeof differenceOf>, format: (typeof FORMATS)[number], { terminal }: Call): string {
  if (format === "json") return `${JSON.stringify(differenceJson(difference), undefined, 2)}\n`;
  return format === "markdown" ? differenceMarkdown(difference) : differenceText(difference, terminal);
}
