/** The built program is made of the sources and their packages in another way than they are tested in: it must say and do the same. */
import { spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import t, { type Test } from "tap";
import { WebSocket, WebSocketServer } from "ws";
import { allCommands } from "../../src/cli/commands.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";
import { listen } from "../forward/harness.ts";
import { bareNode, ROOT, serveProgram } from "./child.ts";
import { install } from "./installed.ts";
import { startThingsIssuer, thingsFiles } from "./things.ts";

interface Components {
  readonly components: readonly { readonly name: string; readonly version: string }[];
}

interface LockFile {
  readonly packages: Readonly<Record<string, { readonly version?: string; readonly dev?: boolean }>>;
}

const installed = await install(t);

/** The built program's answer, from its own folder. */
function builtAnswer(argv: readonly string[], before: readonly string[] = []): Answer {
  const [node, words] = bareNode();
  const { status, stdout, stderr } = spawnSync(node, [...words, ...before, installed.main, ...argv], {
    cwd: installed.folder,
    encoding: "utf8",
    env: { PATH: process.env["PATH"] },
  });
  return { code: status ?? -1, out: stdout, err: stderr };
}

async function sameAnswers(t: Test, lines: readonly (readonly string[])[]): Promise<void> {
  for (const line of lines) t.same(builtAnswer(line), await answerOf(line), line.join(" "));
}

t.test("every command explains itself in the same words", async (t) => {
  const names = (await allCommands()).map(({ name }) => name.split(" "));
  t.ok(names.length > 15, "they were found");
  await sameAnswers(
    t,
    names.map((name) => [...name, "--help"]),
  );
});

t.test("what is asked of a policy gets the same answer", async (t) => {
  const config = ["--config", join(installed.folder, "config/sallyport.yaml")];
  const call = ["GET", "/v2/clients/sealink/models"];
  await sameAnswers(t, [
    ["check", ...config],
    ["check", "--json", ...config],
    ["routes", ...config],
    ["matrix", ...config],
    ["matrix", "--html", ...config],
    ["coverage", ...config],
    ["test", join(installed.folder, "config/tests"), ...config],
    ["explain", ...call, ...config],
    ["diff", join(installed.folder, "config"), join(installed.folder, "config")],
  ]);
});

t.test("each mistake of a policy is told in the same words, and at the same place", async (t) => {
  const file = join(installed.folder, "broken.yaml");
  const config = ["check", "--config", file];
  const broken = [
    "version: 2\n",
    "listen: { port: none }\nservices: x\n",
    "version: 1\nlisten: { port: 8080, hots: 1 }\nstores: { counters: many }\nservices: [nothing/*.yaml]\n",
    "version: 1\n  listen: [\n",
    'version: "1"\nlisten: { host: 127.0.0.1, port: 70000 }\ntrustProxy: [loopback, 10.0.0.0/99]\nadmin: { tokens: 7 }\nservices: [config/services/*.yaml]\n',
  ];
  for (const text of broken) {
    writeFileSync(file, text);
    t.equal(builtAnswer(config).code, 1, text);
    await sameAnswers(t, [config, [...config, "--json"]]);
  }
});

t.test("an older Node is told in a sentence", async (t) => {
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })';
  const { code, out, err } = builtAnswer(["check"], ["--import", `data:text/javascript,${older}`]);
  t.same({ code, out, err }, { code: 2, out: "", err: "sallyport: Node 24 or later is needed, and this is Node 20.20.2\n" });
  const door = readFileSync(installed.main, "utf8");
  t.notMatch(door, /^import .*"\.\//m, "nothing else is read before it is known which Node this is");
});

t.test("it carries WebSockets and tells its metrics, with packages that it reads when they are needed", async (t) => {
  const server = createServer((_request, response) => response.end("plain"));
  const echo = new WebSocketServer({ server });
  echo.on("connection", (socket) => socket.on("message", (data) => socket.send(data)));
  const upstream = `http://127.0.0.1:${await listen(t, server)}`;
  const { environment } = await startThingsIssuer(t);
  const rest = "routes: { GET /live: { access: public, websocket: true } }";
  const { ports } = await serveProgram(t, (free) => thingsFiles({ upstream, rest }, free), environment, installed.main);
  const client = new WebSocket(`ws://127.0.0.1:${ports.front}/live`);
  t.teardown(() => client.terminate());
  await new Promise((resolve, reject) => client.once("open", resolve).once("error", reject));
  const answered = new Promise((resolve) => client.once("message", (data) => resolve((data as Buffer).toString())));
  client.send("hello");
  t.equal(await answered, "hello");
  const headers = { authorization: `Bearer ${environment["ADMIN_TOKEN"]}` };
  const metrics = await (await fetch(`http://127.0.0.1:${ports.admin}/metrics`, { headers })).text();
  t.match(metrics, /^sallyport_requests_open 1$/m);
  t.match(metrics, /^process_resident_memory_bytes /m);
});

t.test("it brings the licences of what it is made of, and the list of its packages", async (t) => {
  const notices = readFileSync(join(installed.folder, "dist/third-party-notices.txt"), "utf8");
  const parts = readdirSync(join(installed.folder, "dist/parts"));
  const code = parts.map((name) => readFileSync(join(installed.folder, "dist/parts", name), "utf8")).join("\n");
  const used = new Set(code.match(/^\/\/ node_modules\/.*$/gm)?.map((line) => /.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(line)?.[1]));
  t.ok(used.size > 30, "packages were found");
  for (const name of used) t.match(notices, new RegExp(`^${name} \\d+\\.\\d+\\.\\d+\\n\\n.`, "m"));
  const list = JSON.parse(readFileSync(join(installed.folder, "dist/sbom.cdx.json"), "utf8")) as Components;
  t.match(list, { bomFormat: "CycloneDX", specVersion: "1.5" });
  const locked = JSON.parse(readFileSync(join(ROOT, "package-lock.json"), "utf8")) as LockFile;
  const production = Object.entries(locked.packages)
    .filter(([path, { dev }]) => path !== "" && dev !== true)
    .map(([path, { version }]) => `${path.replace(/^.*node_modules\//, "")} ${version}`);
  const listed = list.components.map(({ name, version }) => `${name} ${version}`);
  t.same(new Set(listed.map((one) => one.split(" ")[0])), used, "all that is in it, and no more");
  t.same(
    listed.filter((one) => !production.includes(one)),
    [],
    "in the versions of the lock file, for production",
  );
  t.notOk(existsSync(join(installed.folder, "node_modules/fastify")), "and no package beside it");
});
