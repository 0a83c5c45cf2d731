/**
 * Writes what is derived from the code: JSON Schemas, policy reference, error codes, commands.
 * `--check` writes nothing and exits 1 where a file differs from what would be written.
 */
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { allCommands } from "../src/cli/commands.ts";
import { helpOf } from "../src/cli/help.ts";
import { ERRORS } from "../src/contract/errors.ts";
import { LINT } from "../src/contract/lint-codes.ts";
import { jsonSchema } from "../src/policy/schema/json-schema.ts";
import { policyReference } from "./policy-reference.ts";

const ROOT = join(import.meta.dirname, "..");

const FILES: readonly (readonly [path: string, text: () => string])[] = [
  ["config/schema/gateway.schema.json", () => `${JSON.stringify(jsonSchema("gateway", { references: true }), undefined, 2)}\n`],
  ["config/schema/service.schema.json", () => `${JSON.stringify(jsonSchema("service", { references: true }), undefined, 2)}\n`],
  ["config/schema/tests.schema.json", () => `${JSON.stringify(jsonSchema("tests", { references: true }), undefined, 2)}\n`],
  ["docs/reference/policy.md", policyReference],
  ["docs/reference/error-codes.md", errorCodes],
  ["docs/lint/codes.md", lintCodes],
  ["docs/reference/commands.md", commandReference],
];

function errorCodes(): string {
  const rows = Object.entries(ERRORS).map(
    ([code, { status, message, when }]) => `| \`${code}\` | ${status} | ${message} | ${when.replaceAll("|", "\\|")} |`,
  );
  return `# Error codes

Every refusal has one of these codes, and a decision id: in \`x-decision-id\`, and in the body where the format has room. The client
learns no more than the code's words; the reason is in the log, under that id. A service may set status and message of each code
in its \`errors:\` block. This page is generated from the code.

| code | status | what the client reads | when |
|---|---|---|---|
${rows.join("\n")}
`;
}

function lintCodes(): string {
  const codes = Object.entries(LINT);
  const rows = codes.map(
    ([code, { level, title }]) => `| [${code}](#${code.toLowerCase()}) | ${level} | ${title.replaceAll("|", "\\|")} |`,
  );
  const sections = codes.map(
    ([code, { level, title, why, instead }]) =>
      `## ${code}\n\n**${title.charAt(0).toUpperCase()}${title.slice(1)}** (${level}).\n\n${why}\n\n*Instead:* ${instead}\n`,
  );
  return `# What \`sallyport check\` finds

A policy that does not load is another matter: these are findings in one that does. [The page of the command](../check.md) says how they are read,
accepted and held in CI; \`sallyport check --why CODE\` prints an entry of this page. A code never changes its meaning. This page is generated from
the code.

| code | level | finds |
|---|---|---|
${rows.join("\n")}

${sections.join("\n")}`;
}

const commands = await allCommands();

function commandReference(): string {
  const sections = commands.map((command) => `## sallyport ${command.name}\n\n\`\`\`text\n${helpOf(command)}\`\`\`\n`);
  return `# Commands

Exit codes: 0 done; 1 the answer is no (a policy that is not valid, a difference, nothing found);
2 wrong use. Of files that are not valid \`--json\` prints \`{ "diagnostics": [ … ] }\`, whatever the command. \`--config FILE\` names the gateway file,
or its folder, everywhere; the default is \`config/sallyport.yaml\`. \`sallyport --version\` prints the version. This page is generated from what \`--help\` prints.

${sections.join("\n")}`;
}

function isCurrent(path: string, text: string): boolean {
  return existsSync(path) && readFileSync(path, "utf8") === text;
}

const check = process.argv.includes("--check");
for (const [name, make] of FILES) {
  const path = join(ROOT, name);
  const text = make();
  if (isCurrent(path, text)) continue;
  if (check) {
    process.stderr.write(`${name} is out of date; run: node docs/generate.ts\n`);
    process.exitCode = 1;
    continue;
  }
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, text);
  process.stdout.write(`${name} written\n`);
}
