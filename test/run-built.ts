/** `npm run test:built`: builds the program, and runs all tests with it that run the program as a process of its own. */
import { spawnSync } from "node:child_process";
import { globSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { buildProgram } from "../build.ts";

const ROOT = join(import.meta.dirname, "..");
const PROCESSES = /\b(runProgram|serveProgram|serveWorkers|PROGRAM)\b/;
/** It builds for itself. */
const BUILT = "test/journey/built.test.ts";

await buildProgram(join(ROOT, "dist"));
const files = globSync("test/**/*.test.ts", { cwd: ROOT }).filter(
  (file) => file !== BUILT && PROCESSES.test(readFileSync(join(ROOT, file), "utf8")),
);
const { status } = spawnSync(
  "npx",
  ["--no-install", "tap", "--disable-coverage", "--allow-empty-coverage", ...process.argv.slice(2), ...files],
  {
    cwd: ROOT,
    env: { ...process.env, SALLYPORT_TEST_PROGRAM: join(ROOT, "dist/main.js") },
    stdio: "inherit",
  },
);
process.exitCode = status ?? 1;
