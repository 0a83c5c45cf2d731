/**
 * Policies that load and hold something that is probably not meant, one folder each, and in `expected.txt` what an operator reads.
 * A folder's gateway file may be left out. `UPDATE=1` writes the expectations anew.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { type Finding, lint, type Linted } from "../../src/assurance/lint/lint.ts";
import { lintText } from "../../src/cli/lint-report.ts";
import { LINT, LINT_CODES } from "../../src/contract/lint-codes.ts";
import { loadExpanded } from "../../src/policy/load.ts";
import { nearest } from "../../src/policy/suggest.ts";

const GOLDEN = join(import.meta.dirname, "lint");
const NOW = Date.UTC(2026, 11, 1);
const GATEWAY = `version: 1
listen: { port: 8080 }
defaults:
  limits:
    failures: { by: address, rate: 30/minute, of: failures }
services: [service.yaml]
`;
const update = process.env["UPDATE"] === "1";
const folders = readdirSync(GOLDEN).toSorted();

function linted(folder: string, environment: Readonly<Record<string, string>> = {}): Linted {
  const loaded = loadExpanded({ configPath: join(folder, "sallyport.yaml"), environment, offline: true });
  if (loaded.kind === "invalid") throw new Error(loaded.diagnostics.map(({ line, message }) => `${line}: ${message}`).join("\n"));
  return lint(loaded.policy, loaded.written, NOW, nearest);
}

/** With places that count from the folder, so that lines break where they would for anybody. */
function within(folder: string, { findings, accepted }: Linted): Linted {
  const relative = <Found extends Finding>(found: Found): Found => ({
    ...found,
    place: { ...found.place, file: found.place.file.slice(folder.length + 1) },
  });
  return { findings: findings.map(relative), accepted: accepted.map(relative) };
}

for (const name of folders) {
  t.test(`${name} is found with its place and what to write instead`, async (t) => {
    const source = join(GOLDEN, name);
    const files = readdirSync(source).filter((file) => file.endsWith(".yaml"));
    const folder = t.testdir({
      "sallyport.yaml": GATEWAY,
      ...Object.fromEntries(files.map((file) => [file, readFileSync(join(source, file), "utf8")])),
    });
    const text = lintText(within(folder, linted(folder)), { colour: false, columns: 80, all: true });
    const expected = join(source, "expected.txt");
    if (update) writeFileSync(expected, text);
    t.equal(text, existsSync(expected) ? readFileSync(expected, "utf8") : undefined);
    t.same(
      text.split("\n").filter((line) => line.length > 80),
      [],
      "it reads well at 80 columns",
    );
    const codes = name.match(/L\d+/g) ?? [];
    for (const code of codes.filter(() => !name.includes("left-out"))) t.match(text, new RegExp(`: \\w+ ${code}\\b`, "m"));
  });
}

t.test("every code is found somewhere", async (t) => {
  const texts = folders.map((name) => readFileSync(join(GOLDEN, name, "expected.txt"), "utf8")).join("\n");
  t.same(
    LINT_CODES.filter((code) => !new RegExp(`: ${LINT[code].level} ${code}\\b`, "m").test(texts)),
    [],
  );
});

t.test("the shipped policy has no finding that is not accepted, whatever the environment holds", async (t) => {
  const shipped = join(import.meta.dirname, "../../config");
  t.same(linted(shipped).findings, []);
  const environment = {
    PIE_URL: "http://pie:8080",
    PIE_ISSUER: "https://issuer.example",
    STACKFLOW_URL: "https://stackflow.example.com",
    REGISTRY_URL: "http://registry.internal",
    ACCESS_KEY_SEALING_SECRET: "0123456789abcdef0123456789abcdef",
    BREAKGLASS_TOKEN: "0123456789abcdef",
    REGISTRY_AUTH_TOKEN_PREVIOUS: "0123456789abcdef0",
  };
  t.same(linted(shipped, environment).findings, []);
});
