/** The first minutes: `serve --demo` and what it prints, and the built program with the shipped policy. */
import { execFile, execFileSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import t, { type Test } from "tap";
import { startDemo } from "../../src/demo/demo.ts";
import { bareNode, freePorts, residentMb, ROOT, runProgram, type Program } from "./child.ts";
import { until } from "./things.ts";

const run = promisify(execFile);

/** The demo in a process of its own; resolves with what it prints for people. */
async function startDemoProgram(t: Test): Promise<{ program: Program; introduction: string }> {
  const program = runProgram(t, ["serve", "--demo"]);
  await program.says(/# +token: \S+\n/);
  const lines = program.out().split("\n");
  return { program, introduction: lines.filter((line) => !line.startsWith("{")).join("\n") };
}

interface Promised {
  readonly status: number;
  readonly code: string | undefined;
  /** The lines for the shell. */
  readonly script: string;
}

/** The calls that are printed: a comment that says what will happen, then lines for the shell up to an empty one. */
function promisedCalls(introduction: string): Promised[] {
  const calls = introduction.matchAll(/^# (?:allowed, (\d+)|refused, (\d+) (\w+)): .*\n((?:.+\n)+)/gm);
  return [...calls].map(([, allowed, refused, code, script = ""]) => ({ status: Number(allowed ?? refused), code, script }));
}

t.test("each call that the demo prints gives the printed outcome, pasted into a shell", async (t) => {
  const { program, introduction } = await startDemoProgram(t);
  const calls = promisedCalls(introduction);
  t.equal(calls.length, 6, "one allowed and one refused for each system");
  let variables = "";
  for (const { status, code, script } of calls) {
    variables += (script.match(/^[A-Z]+=.*\n/gm) ?? []).join("");
    const { stdout } = await run("sh", ["-ec", variables + script.replaceAll(/^[A-Z]+=.*\n/gm, "")]);
    t.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), script);
    if (code === undefined) continue;
    const decision = /x-decision-id: (\S+)/i.exec(stdout)?.[1];
    await until(() => program.log().some((line) => line["decision"] === decision));
    t.match(
      program.log().find((line) => line["decision"] === decision),
      { code },
      "the log has the reason",
    );
  }
});

t.test("the whole printed text is a shell script", async (t) => {
  const { introduction } = await startDemoProgram(t);
  const { stdout } = await run("sh", ["-ec", introduction]);
  const statuses = [...stdout.matchAll(/HTTP\/1\.1 (\d+) /g)].map(([, status]) => Number(status));
  t.same(
    statuses,
    promisedCalls(introduction).map(({ status }) => status),
  );
});

t.test("the printed machine clients get tokens, the printed people are let in, and the admin door knows its printed token", async (t) => {
  const { program, introduction } = await startDemoProgram(t);
  const endpoint = /# +(\S+DemoPie01\/oauth2\/token)/.exec(introduction)?.[1] ?? "";
  const secret = /# +acme +(\S+)/.exec(introduction)?.[1] ?? "";
  const authorization = `Basic ${Buffer.from(`acme:${secret}`).toString("base64")}`;
  const form = new URLSearchParams({ grant_type: "client_credentials" });
  const answer = (await (await fetch(endpoint, { method: "POST", headers: { authorization }, body: form })).json()) as {
    access_token: string;
  };
  const gateway = /http:\/\/127\.0\.0\.1:\d+(?=\/v2\/)/.exec(introduction)?.[0] ?? "";
  const own = await fetch(`${gateway}/v2/clients/acme`, { headers: { authorization: `Bearer ${answer.access_token}` } });
  t.equal(own.status, 200);

  const page = /# +(\S+DemoFlow1\/try)/.exec(introduction)?.[1] ?? "";
  t.match(await (await fetch(page)).text(), /type="password"/, "which leads to a sign-in page");
  const [, admin = "", token = ""] = /# +(http:\S+)\n# +token: (\S+)/.exec(introduction) ?? [];
  const asked = async (path: string, credential?: string) => {
    return (await fetch(admin + path, { headers: credential === undefined ? {} : { authorization: credential } })).status;
  };
  t.equal(await asked(""), 401);
  t.equal(await asked("", `Basic ${Buffer.from(`admin:${token}`).toString("base64")}`), 200, "as a browser asks");
  t.equal(await asked("api/status", `Bearer ${token}`), 200);

  program.process.kill("SIGINT");
  t.equal(await program.ended, 0, "and Ctrl-C ends all of it");
});

/** What an installation holds: the built program, the shipped policy, the packages. The ports are any free ones. */
async function install(t: Test): Promise<{ folder: string; main: string; health: string }> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-installed-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const [node, before] = bareNode();
  execFileSync(node, [...before, join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ROOT, "--noCheck", "--outDir", join(folder, "dist")]);
  cpSync(join(ROOT, "config"), join(folder, "config"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  const ports = await freePorts();
  const file = join(folder, "config/sallyport.yaml");
  const text = readFileSync(file, "utf8");
  const onFreePorts = text
    .replace("port: 8080", `port: ${ports.front}`)
    .replace("port: 8081", `port: ${ports.health}`)
    .replace("port: 9090", `port: ${ports.admin}`);
  writeFileSync(file, onFreePorts);
  return { folder, main: join(folder, "dist/main.js"), health: `http://127.0.0.1:${ports.health}` };
}

t.test("the built program is ready soon with the shipped policy and three services, and idles in little memory", async (t) => {
  const { folder, main, health } = await install(t);
  const demo = await startDemo({ now: Date.now, randomBytes });
  t.teardown(() => demo.close());
  const startedAt = performance.now();
  const program = runProgram(t, ["serve"], { folder, main, environment: demo.environment });
  const isReady = (): Promise<boolean> =>
    fetch(`${health}/ready`).then(
      ({ status }) => status === 200,
      () => false,
    );
  await until(async () => program.process.exitCode !== null || isReady());
  t.equal(program.process.exitCode, null, program.err());
  const readyMs = Math.round(performance.now() - startedAt);
  t.ok(readyMs < 10_000, `ready after ${readyMs} ms`);
  await new Promise((resolve) => setTimeout(resolve, 1_000));
  const idleMb = residentMb(program);
  t.comment(`ready after ${readyMs} ms, idle at ${idleMb} MB`);
  t.ok(idleMb < 120, `idles at ${idleMb} MB`);
  program.process.kill("SIGTERM");
  t.equal(await program.ended, 0);
});
