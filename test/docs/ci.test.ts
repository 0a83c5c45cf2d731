/** The workflow and the hook of docs/ci do what they say: in scratch repositories, with git and this program. */
import { execFileSync, spawnSync } from "node:child_process";
import { chmodSync, cpSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { delimiter, dirname, join } from "node:path";
import t, { type Test } from "tap";
import { parse } from "yaml";
import { bareNode, PROGRAM } from "../journey/child.ts";
import { ROOT } from "./fixtures/markdown.ts";

const NODE = [bareNode()[0], ...bareNode()[1]].join(" ");
const SERVICE = "config/services/model-registry.yaml";
const RESET = "DELETE /api/reset: registry.reset";

interface Repository {
  readonly folder: string;
  readonly git: (...words: string[]) => string;
  /** Replaces a part of a file, which must be there. */
  readonly edit: (path: string, from: string | RegExp, to: string) => void;
}

/** The shipped policy, committed on `main`. */
function repository(t: Test): Repository {
  const folder = t.testdir();
  const git = (...words: string[]): string => execFileSync("git", words, { cwd: folder, env: gitEnvironment(), stdio: "pipe" }).toString();
  git("init", "--quiet", "--initial-branch=main");
  cpSync(join(ROOT, "config"), join(folder, "config"), { recursive: true });
  git("add", ".");
  git("commit", "--quiet", "--message", "The policy");
  const edit: Repository["edit"] = (path, from, to) => {
    const file = join(folder, path);
    const text = readFileSync(file, "utf8");
    const edited = text.replace(from, to);
    if (edited === text) throw new Error(`${path} has no ${String(from)}`);
    writeFileSync(file, edited);
  };
  return { folder, git, edit };
}

function gitEnvironment(): NodeJS.ProcessEnv {
  const person = { NAME: "Test", EMAIL: "test@example.com" };
  const names = Object.entries(person).flatMap(([key, value]) =>
    [`GIT_AUTHOR_${key}`, `GIT_COMMITTER_${key}`].map((name) => [name, value]),
  );
  return { PATH: process.env["PATH"], HOME: "/nonexistent", GIT_CONFIG_NOSYSTEM: "1", NO_COLOR: "1", ...Object.fromEntries(names) };
}

/* ── the hook ─────────────────────────────────────────────────────────── */

interface Committed {
  readonly code: number | null;
  readonly said: string;
}

function withHook(t: Test): Repository & { readonly commit: () => Committed } {
  const made = repository(t);
  const hook = join(made.folder, ".git/hooks/pre-commit");
  cpSync(join(ROOT, "docs/ci/pre-commit"), hook);
  chmodSync(hook, 0o755);
  const commit = (): Committed => {
    const env = { ...gitEnvironment(), SALLYPORT: `${NODE} ${PROGRAM}` };
    const { status, stdout, stderr } = spawnSync("git", ["commit", "--quiet", "--message", "A change"], { cwd: made.folder, env });
    return { code: status, said: `${String(stdout)}${String(stderr)}` };
  };
  return { ...made, commit };
}

t.test("the hook lets a good policy through, and shows who gains access", async (t) => {
  const { git, edit, commit } = withHook(t);
  edit(SERVICE, "\nroutes:\n", "\nroutes:\n  GET /extra: public\n");
  git("add", SERVICE);
  const { code, said } = commit();
  t.equal(code, 0, said);
  t.match(said, /! GET \/extra\n +\+ everybody, without a credential\n/);
  t.equal(git("rev-list", "--count", "HEAD").trim(), "2");
});

t.test("the hook refuses a policy that does not load, with its place as it is named here", async (t) => {
  const { git, edit, commit } = withHook(t);
  edit(SERVICE, "\nroutes:\n", "\nroutes:\n  GET /wrong: { acess: x }\n");
  git("add", SERVICE);
  const { code, said } = commit();
  t.equal(code, 1);
  t.match(said, new RegExp(`^${RegExp.escape(SERVICE)}:\\d+:\\d+: unknown key \`acess\``, "m"));
  t.equal(git("rev-list", "--count", "HEAD").trim(), "1");
});

t.test("the hook refuses a policy whose tests are red", async (t) => {
  const { git, edit, commit } = withHook(t);
  edit("config/services/pie.yaml", "GET /models: { access: models.read,", "GET /models: { access: models.write,");
  git("add", ".");
  const { code, said } = commit();
  t.equal(code, 1);
  t.match(said, /\d+ tests, \d+ red/);
});

t.test("the hook looks at what is staged, not at what lies around", async (t) => {
  const { git, edit, commit, folder } = withHook(t);
  edit(SERVICE, /$/, "# a remark\n");
  git("add", SERVICE);
  edit(SERVICE, "\nroutes:\n", "\nroutes:\n  GET /wrong: { acess: x }\n");
  const first = commit();
  t.equal(first.code, 0, first.said);
  t.match(first.said, "No difference");
  writeFileSync(join(folder, "README"), "nothing of the policy\n");
  git("add", "README");
  t.same(commit(), { code: 0, said: "" }, "and is silent where the policy is not touched");
});

/* ── the workflow ─────────────────────────────────────────────────────── */

interface Step {
  readonly name?: string;
  readonly id?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, unknown>>;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly "working-directory"?: string;
}

interface Workflow {
  readonly on: Readonly<Record<string, unknown>>;
  readonly permissions: Readonly<Record<string, string>>;
  readonly env: Readonly<Record<string, string>>;
  readonly jobs: { readonly policy: { readonly steps: readonly Step[] } };
}

const workflow = parse(readFileSync(join(ROOT, "docs/ci/policy.yml"), "utf8")) as Workflow;
const { steps } = workflow.jobs.policy;

function stepNamed(name: string): Step {
  const found = steps.find((step) => step.name === name);
  if (!found) throw new Error(`the workflow has no step "${name}"`);
  return found;
}

t.test("the workflow runs with the least rights, and no command has a stranger's words in it", async (t) => {
  t.notOk("pull_request_target" in workflow.on, "which would run a stranger's change with our rights");
  t.same(workflow.permissions, { contents: "read", "pull-requests": "write" });
  for (const step of steps) t.notMatch(step.run ?? "", "${{", step.name ?? step.uses ?? "");
  for (const step of steps.filter(({ uses }) => uses?.startsWith("actions/checkout"))) t.equal(step.with?.["persist-credentials"], false);
  t.match(stepNamed("Say so in the pull request").if, "head.repo.full_name == github.repository");
  t.match(stepNamed("Let nothing widen unseen").if, "!contains(github.event.pull_request.labels.*.name, 'access-reviewed')");
});

interface Job {
  /** Runs a step's commands as GitHub does on Linux. */
  readonly run: (name: string) => { readonly code: number | null; readonly said: string };
  readonly file: (name: string) => string;
}

/** The job in a repository whose pull request is checked out, beside a stand-in for Sallyport's sources that builds this program. */
function job({ folder, git }: Repository): Job {
  git("update-ref", "refs/remotes/origin/main", "main");
  installSources(join(folder, ".sallyport"));
  const home = join(folder, ".git/job");
  mkdirSync(join(home, "bin"), { recursive: true });
  writeFileSync(join(home, "bin/gh"), '#!/bin/sh\necho "gh $*"\n', { mode: 0o755 });
  const outputs = join(home, "outputs");
  const summary = join(home, "summary.md");
  const values = new Map([
    ["github.base_ref", "main"],
    ["github.token", "a-token"],
    ["github.event.pull_request.number", "17"],
  ]);
  const valueOf = (expression: string): string => {
    if (expression === "steps.compare.outputs.status") return /^status=(\d+)$/m.exec(readFileSync(outputs, "utf8"))?.[1] ?? "";
    const value = values.get(expression);
    if (value === undefined) throw new Error(`nothing is known of ${expression}`);
    return value;
  };
  const filled = (text: string): string => text.replaceAll(/\$\{\{ (.+?) \}\}/g, (_, expression: string) => valueOf(expression));
  const run: Job["run"] = (name) => {
    const step = stepNamed(name);
    const own = Object.entries({ ...workflow.env, ...step.env }).map(([key, value]) => [key, filled(value)]);
    const path = [join(home, "bin"), dirname(process.execPath), process.env["PATH"]].join(delimiter);
    const env = { ...gitEnvironment(), GITHUB_OUTPUT: outputs, GITHUB_STEP_SUMMARY: summary, ...Object.fromEntries(own), PATH: path };
    const cwd = join(folder, step["working-directory"] ?? ".");
    const { status, stdout, stderr } = spawnSync("bash", ["-e", "-c", step.run!], { cwd, env });
    return { code: status, said: `${String(stdout)}${String(stderr)}` };
  };
  return { run, file: (name) => readFileSync(name === "summary" ? summary : join(folder, name), "utf8") };
}

/** A package that `npm ci` installs and `npm run build` builds, without a network. */
function installSources(folder: string): void {
  const about = { name: "sallyport", version: "0.1.0", private: true, type: "module" };
  const files = {
    "package.json": { ...about, scripts: { build: "mkdir -p dist && cp door.js dist/main.js" } },
    "package-lock.json": { ...about, lockfileVersion: 3, requires: true, packages: { "": about } },
  };
  mkdirSync(folder);
  for (const [name, content] of Object.entries(files)) writeFileSync(join(folder, name), JSON.stringify(content));
  writeFileSync(join(folder, "door.js"), `await import(${JSON.stringify(PROGRAM)});\n`);
}

const COMMANDS = steps.flatMap(({ name, run }) => (run === undefined || name === undefined ? [] : [name]));

t.test("every command of the workflow is green for a change that widens nothing", async (t) => {
  const made = repository(t);
  made.edit(SERVICE, /$/, "# a remark\n");
  made.git("switch", "--quiet", "--create", "change");
  made.git("commit", "--quiet", "--all", "--message", "A remark");
  const { run, file } = job(made);
  t.same(COMMANDS.length, steps.filter((step) => step.run !== undefined).length, "every command has a name");
  for (const name of COMMANDS) {
    const { code, said } = run(name);
    t.equal(code, 0, `${name}: ${said}`);
  }
  t.match(file("policy-tests.xml"), /^<\?xml[^>]*>\s*<testsuites? /);
  t.match(file("summary"), "No difference");
  t.match(run("Say so in the pull request").said, "gh pr comment 17 --body-file access.md --edit-last --create-if-none");
});

t.test("the workflow refuses a change by which somebody gains access, and says who", async (t) => {
  const made = repository(t);
  made.git("switch", "--quiet", "--create", "change");
  made.edit(SERVICE, RESET, "DELETE /api/reset: public");
  made.git("commit", "--quiet", "--all", "--message", "Open the reset");
  const { run, file } = job(made);
  t.equal(run("Build Sallyport").code, 0);
  t.equal(run("Compare who may do what").code, 0, "which only tells");
  t.match(file("summary"), /gained \| everybody, without a credential/);
  t.equal(file("access.md"), file("summary"));
  const last = run("Let nothing widen unseen");
  t.equal(last.code, 1);
  t.match(last.said, "::error::Somebody gains access");
  t.equal(run("Run the policy's tests").code, 1, "and its tests are red");
  t.equal(run("Write the tests' report").code, 1);
  t.match(file("policy-tests.xml"), "<failure", "the report is there all the same");
});

t.test("the workflow is red where a policy does not load, whatever label is set", async (t) => {
  const made = repository(t);
  made.git("switch", "--quiet", "--create", "change");
  made.edit(SERVICE, "\nroutes:\n", "\nroutes:\n  GET /wrong: { acess: x }\n");
  made.git("commit", "--quiet", "--all", "--message", "Break it");
  const { run } = job(made);
  t.equal(run("Build Sallyport").code, 0);
  t.match(run("Check the policy"), { code: 1, said: "unknown key `acess`" });
  t.equal(run("Compare who may do what").code, 1);
});
