/**
 * `npm run test:built`: the program as it ships under test. Tests that run it as a process of its own run the built one; in those
 * of security, which put a gateway together for themselves, what is built of each source takes its place. All of them, or the
 * files that are named behind `--`, with tap's own arguments.
 */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildProgram } from "../../build.ts";
import { buildSources } from "./sources.ts";

const ROOT = join(import.meta.dirname, "../..");
const RUNS_IT = /\b(runProgram|serveProgram|serveWorkers|PROGRAM)\b/;
/** It builds for itself. */
const OTHER = "test/journey/built.test.ts";

function runsIt(file: string): boolean {
  return file !== OTHER && RUNS_IT.test(readFileSync(join(ROOT, file), "utf8"));
}

await buildProgram(join(ROOT, "dist"));
await buildSources();
const asked = process.argv.slice(2);
const all = globSync("test/**/*.test.ts", { cwd: ROOT }).filter((file) => file.startsWith("test/security/") || runsIt(file));
const files = asked.some((one) => one.endsWith(".ts")) ? [] : all;
const { status } = spawnSync("npx", ["--no-install", "tap", ...asked, ...files], {
  cwd: ROOT,
  env: {
    ...process.env,
    SALLYPORT_TEST_PROGRAM: join(ROOT, "dist/main.js"),
    NODE_OPTIONS: `${process.env["NODE_OPTIONS"] ?? ""} --import ${new URL("./instead.ts", import.meta.url).href}`,
  },
  stdio: "inherit",
});
process.exitCode = status ?? 1;
