import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";

const ROOT = join(import.meta.dirname, "../..");

t.test("schemas and reference pages are what the code would write now", async (t) => {
  t.doesNotThrow(() => execFileSync(process.execPath, [join(ROOT, "docs/generate.ts"), "--check"], { stdio: "pipe" }));
});

t.test("the first line of every shipped policy file names its schema", async (t) => {
  const files = [
    ["sallyport.yaml", "schema/gateway.schema.json"],
    ["services/pie.yaml", "../schema/service.schema.json"],
    ["services/model-registry.yaml", "../schema/service.schema.json"],
    ["services/stackflow.yaml", "../schema/service.schema.json"],
    ["tests/pie.yaml", "../schema/tests.schema.json"],
    ["tests/model-registry.yaml", "../schema/tests.schema.json"],
    ["tests/stackflow.yaml", "../schema/tests.schema.json"],
  ] as const;
  for (const [file, schema] of files) {
    const [first] = readFileSync(join(ROOT, "config", file), "utf8").split("\n");
    t.equal(first, `# yaml-language-server: $schema=${schema}`, file);
  }
});

t.test("every key of the schemas says what it means", async (t) => {
  for (const file of ["gateway", "service", "tests"]) {
    const schema: unknown = JSON.parse(readFileSync(join(ROOT, `config/schema/${file}.schema.json`), "utf8"));
    t.same(undescribed(schema, file), []);
  }
});

function undescribed(schema: unknown, path: string): string[] {
  if (typeof schema !== "object" || schema === null) return [];
  const here = Object.entries((schema as { properties?: Record<string, { description?: string }> }).properties ?? {});
  const lacking = here.filter(([, part]) => !part.description).map(([key]) => `${path}.${key}`);
  return [...lacking, ...Object.entries(schema).flatMap(([key, part]) => undescribed(part, `${path}.${key}`))];
}
