/** The first minutes: `serve --demo` and what it prints, and the built program with the shipped policy. */
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { createServer } from "node:net";
import t, { type Test } from "tap";
import { startDemo } from "../../src/demo/demo.ts";
import { answerOf } from "../cli/run-command.ts";
import { freePorts, residentMb, runProgram, type Program } from "./child.ts";
import { install, type Installed } from "./installed.ts";
import { until } from "./things.ts";

const run = promisify(execFile);

/** The demo in a process of its own, which takes its folder along when the test ends; resolves with what it prints for people. */
async function startDemoProgram(t: Test): Promise<{ program: Program; introduction: string }> {
  const program = runProgram(t, ["serve", "--demo"]);
  t.teardown(async () => {
    program.process.kill("SIGINT");
    await program.ended;
  });
  await program.says(/# +token: \S+\n/);
  return { program, introduction: program.out() };
}

/** Its log, which is not among what is printed. */
function logLines(program: Program): readonly Record<string, unknown>[] {
  const whole = program.err().slice(0, program.err().lastIndexOf("\n") + 1);
  return whole.split("\n").flatMap((line) => (line === "" ? [] : [JSON.parse(line) as Record<string, unknown>]));
}

interface Promised {
  readonly status: number;
  /** What a refused client reads; a decision id in it is "…". */
  readonly body: string;
  readonly code: string | undefined;
  /** The lines for the shell. */
  readonly script: string;
}

/** The calls that are printed: a comment that says what will happen, then lines for the shell up to an empty one. */
function promisedCalls(introduction: string): Promised[] {
  const calls = introduction.matchAll(/^# (?:allowed|refused), (\d+): .*\n((?:#.*\n)*)((?:.+\n)+)/gm);
  return [...calls].map(([, status, comment = "", script = ""]) => {
    const code = /and (\w+) in the log/.exec(comment)?.[1] ?? /"code":"(\w+)"/.exec(comment)?.[1];
    const body = (comment.match(/^# {3,}[{"].*$/gm) ?? []).map((line) => line.slice(1).trim()).join("");
    return { status: Number(status), body, code, script };
  });
}

t.test("each call that the demo prints gives the printed outcome, pasted into a shell", async (t) => {
  const { program, introduction } = await startDemoProgram(t);
  const calls = promisedCalls(introduction);
  t.equal(calls.length, 6, "one allowed and one refused for each system");
  t.same(calls.filter(({ code }) => code !== undefined).length, 3);
  let variables = "";
  for (const { status, body, code, script } of calls) {
    variables += (script.match(/^[A-Z]+=.*\n/gm) ?? []).join("");
    const { stdout } = await run("sh", ["-ec", variables + script.replaceAll(/^[A-Z]+=.*\n/gm, "")]);
    t.match(stdout, new RegExp(`^HTTP/1\\.1 ${status} `), script);
    if (code === undefined) continue;
    const decision = /x-decision-id: (\S+)/i.exec(stdout)?.[1] ?? "";
    t.equal(stdout.slice(stdout.indexOf("\r\n\r\n") + 4).replace(decision, "…"), body, "the body, to the letter");
    await until(() => logLines(program).some((line) => line["decision"] === decision));
    t.match(
      logLines(program).find((line) => line["decision"] === decision),
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

t.test(
  "a demo beside another program says which port is taken and uses a free one in every call, and ends with its terminal",
  async (t) => {
    await occupy(t, 8080);
    const { program, introduction } = await startDemoProgram(t);
    const port = /^# Port 8080 is taken by another program: the gateway is on port (\d+) instead\.$/m.exec(introduction)?.[1];
    t.ok(port, introduction.slice(0, 400));
    t.match(introduction, `\nGATEWAY=http://127.0.0.1:${port}\n`);
    t.equal(introduction.match(/127\.0\.0\.1:8080/g), null);
    program.process.kill("SIGHUP");
    t.equal(await program.ended, 0);
  },
);

/** Sees to it that the port is taken, by us or by whoever has it already. */
async function occupy(t: Test, port: number): Promise<void> {
  const squatter = createServer();
  await new Promise<void>((done) => {
    squatter.once("error", () => done());
    squatter.listen(port, "127.0.0.1", done);
  });
  t.teardown(() => squatter.close());
}

t.test("the commands about accounts and keys work on the demo's own store while it runs", async (t) => {
  const { introduction } = await startDemoProgram(t);
  const config = /^CONFIG=(\S+)$/m.exec(introduction)?.[1] ?? "";
  const [, reports = ""] = /^REPORTS=(\S+)$/m.exec(introduction) ?? [];
  const gateway = /^GATEWAY=(\S+)$/m.exec(introduction)?.[1] ?? "";
  const sallyport = async (...argv: string[]): Promise<object> => {
    const { code, out, err } = await answerOf([...argv, "--config", config, "--json"]);
    t.equal(code, 0, err);
    return JSON.parse(out) as object;
  };
  const read = async (): Promise<number> =>
    (await fetch(`${gateway}/api/artifacts/model/3847247294`, { headers: { "x-api-key": reports } })).status;
  const keys = (await sallyport("keys", "list")) as readonly { account: string; id: string }[];
  t.same(keys.map(({ account }) => account).toSorted(), ["bot", "pager", "publisher", "reports"]);
  t.equal(await read(), 200);
  const post = {
    method: "POST",
    headers: { "x-api-key": reports, "content-type": "application/json" },
    body: '{"url":"https://example.com/models/tiny"}',
  };
  const write = async (): Promise<number> => (await fetch(`${gateway}/api/artifact/model`, post)).status;
  t.equal(await write(), 403);
  t.match(await sallyport("accounts", "set", "reports", "--role", "writer"), { role: "writer" });
  t.equal(await write(), 201, "what docs/demo.md promises");
  t.match(await sallyport("keys", "revoke", keys.find(({ account }) => account === "reports")!.id), { state: "revoked" });
  t.equal(await read(), 403, "for the very next request");
  t.match(await sallyport("accounts", "disable", "publisher"), { enabled: false });
});

/** An installation whose shipped policy has free ports. */
async function installOnFreePorts(t: Test): Promise<Installed & { readonly health: string }> {
  const { folder, main } = await install(t);
  const ports = await freePorts();
  const file = join(folder, "config/sallyport.yaml");
  const text = readFileSync(file, "utf8");
  const onFreePorts = text
    .replace("port: 8080", `port: ${ports.front}`)
    .replace("port: 8081", `port: ${ports.health}`)
    .replace("port: 9090", `port: ${ports.admin}`);
  writeFileSync(file, onFreePorts);
  return { folder, main, health: `http://127.0.0.1:${ports.health}` };
}

t.test("the built program is ready soon with the shipped policy and three services, and idles in little memory", async (t) => {
  const { folder, main, health } = await installOnFreePorts(t);
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
