/** Deletes each rule line of the shipped tables in turn, and looks whether the shipped tests notice. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import t from "tap";
import { runTests } from "../../src/assurance/tests.ts";
import { loadExpanded } from "../../src/policy/load.ts";
import { defaultTestFiles, readTests } from "../../src/policy/tests/read.ts";

const SHIPPED = join(import.meta.dirname, "../../config");
const NOW = Date.parse("2026-12-01T12:00:00Z");
const RULE = /^ {2}[A-Z]+ \/\S*: /;

const folder = mkdtempSync(join(tmpdir(), "sallyport-lines-"));
t.teardown(() => rmSync(folder, { recursive: true, force: true }));
cpSync(SHIPPED, folder, { recursive: true });
const configPath = join(folder, "sallyport.yaml");

function redTests(): number {
  const loaded = loadExpanded({ configPath, environment: {}, offline: true });
  if (loaded.kind === "invalid") throw new Error(loaded.diagnostics.map((one) => one.message).join("; "));
  const read = readTests(defaultTestFiles(configPath), loaded);
  if (read.kind === "invalid") throw new Error(read.diagnostics.map((one) => one.message).join("; "));
  return runTests(loaded.policy, read.tests, NOW).filter((result) => result.faults.length > 0).length;
}

t.test("with every line in its place all tests are green", async (t) => {
  t.equal(redTests(), 0);
});

for (const [service, routes] of [
  ["pie", 22],
  ["model-registry", 15],
  ["stackflow", 29],
] as const) {
  t.test(`without any one line of ${service}'s table some test is red`, async (t) => {
    const path = join(folder, `services/${service}.yaml`);
    const lines = readFileSync(path, "utf8").split("\n");
    const rules = [...lines.keys()].filter((index) => RULE.test(lines[index]!));
    t.equal(rules.length, routes, "every rule was found");
    const unnoticed: string[] = [];
    for (const rule of rules) {
      writeFileSync(path, lines.filter((_, index) => index !== rule).join("\n"));
      if (redTests() === 0) unnoticed.push(lines[rule]!.trim());
    }
    writeFileSync(path, lines.join("\n"));
    t.same(unnoticed, []);
  });
}
