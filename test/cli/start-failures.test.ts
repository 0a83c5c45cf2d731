/** What keeps the program from starting is told in a sentence. */
import { execFileSync, spawnSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { stripTypeScriptTypes } from "node:module";
import { delimiter, join } from "node:path";
import t, { type Test } from "tap";
import { failureWords } from "../../src/cli/listen-failure.ts";
import { bareNode, ROOT } from "../journey/child.ts";

/** The program's door alone, without all that it loads: what an old Node gets to see of it. */
function doorAlone(t: Test): string {
  const source = readFileSync(join(ROOT, "src/main.ts"), "utf8");
  const folder = t.testdir({ "package.json": '{ "type": "module" }' });
  writeFileSync(join(folder, "main.js"), stripTypeScriptTypes(source));
  return join(folder, "main.js");
}

const SENTENCE = /^sallyport: Node 24 or later is needed, and this is Node (\S+)\n$/;

t.test("an older Node is told in a sentence, before anything else is loaded", async (t) => {
  const main = doorAlone(t);
  const [node, before] = bareNode();
  const older = 'Object.defineProperty(process, "versions", { value: { ...process.versions, node: "20.20.2" } })';
  const { status, stdout, stderr } = spawnSync(node, [...before, "--import", `data:text/javascript,${older}`, main, "check"]);
  t.same({ status, out: String(stdout) }, { status: 2, out: "" });
  t.match(String(stderr), SENTENCE);
  t.match(String(stderr), "this is Node 20.20.2");
  const today = spawnSync(node, [...before, main, "check"]);
  t.match(String(today.stderr), /Cannot find module .*commands\.ts/, "a Node of today goes on to load the commands");
});

t.test("so does an older Node that this machine has", async (t) => {
  const found = olderNode();
  if (found === undefined) return void t.comment("no older Node is on the path here");
  const { status, stderr } = spawnSync(found, [doorAlone(t), "check"]);
  t.equal(status, 2);
  t.match(String(stderr), SENTENCE);
});

function olderNode(): string | undefined {
  const folders = (process.env["PATH"] ?? "").split(delimiter).filter((folder) => !folder.includes("node_modules"));
  return folders.map((folder) => join(folder, "node")).find((node) => majorOf(node) < 24);
}

function majorOf(node: string): number {
  try {
    return Number.parseInt(String(execFileSync(node, ["-p", "process.versions.node"], { stdio: ["ignore", "pipe", "ignore"] })), 10);
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

function listenError(code: string, details: object): Error {
  return Object.assign(new Error(`listen ${code}: as Node says it`), { code, syscall: "listen", ...details });
}

t.test("a port that cannot be had is told with what to do instead", async (t) => {
  const place = () => "`listen.port` of sallyport.yaml";
  const words = (code: string, details: object) => failureWords(listenError(code, details), place);
  t.equal(
    words("EADDRINUSE", { port: 8080, address: "0.0.0.0" }),
    "port 8080 of 0.0.0.0 is taken by another program: end that one, or write another port as `listen.port` of sallyport.yaml",
  );
  t.match(
    words("EACCES", { port: 80, address: "0.0.0.0" }),
    /^port 80 .*below 1024 are root's; write a higher one as `listen\.port`.*CAP_NET/,
  );
  t.match(words("EACCES", { port: 6000, address: "::" }), /^port 6000 of :: may not be opened by this user: write another port as/);
  t.match(words("EADDRNOTAVAIL", { port: 80, address: "192.0.2.1" }), /^192\.0\.2\.1 is no address of this machine/);
  for (const code of ["EADDRINUSE", "EACCES", "EADDRNOTAVAIL"]) t.notMatch(words(code, { port: 1, address: "::" }), "as Node says it");
  t.equal(failureWords(new Error("the key store is not there"), place), "the key store is not there");
});
