/** Broken policies, one folder each: the files, and in `expected.txt` what an operator reads. `UPDATE=1` writes it anew. */
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import type { LoadOptions } from "../../src/policy/outcome.ts";

const GOLDEN = join(import.meta.dirname, "golden");
/** When certificates are judged. */
const AT = Date.UTC(2026, 11, 1);
const update = process.env["UPDATE"] === "1";

for (const name of readdirSync(GOLDEN).toSorted()) {
  t.test(`${name} is refused with place and repair`, async (t) => {
    const folder = join(GOLDEN, name);
    const found = diagnosticsOf(folder);
    if (update) writeFileSync(join(folder, "expected.txt"), found);
    t.equal(found, readFileSync(join(folder, "expected.txt"), "utf8"));
    t.not(found, "", "it is refused");
    for (const one of found.split("\n\n")) t.match(one, /^ {4}→ ./m, "it says what to write instead");
  });
}

t.test("there are at least 30 broken policies", async (t) => {
  t.ok(readdirSync(GOLDEN).length >= 30);
});

function diagnosticsOf(folder: string): string {
  const loaded = loadPolicy({ ...optionsOf(folder), configPath: join(folder, "sallyport.yaml"), certificatesAt: AT });
  if (loaded.kind === "policy") return "";
  return loaded.diagnostics.map((one) => `${formatDiagnostic(one, { colour: false }).replaceAll(`${folder}/`, "")}\n`).join("\n");
}

function optionsOf(folder: string): Pick<LoadOptions, "environment" | "workers"> {
  const read = (name: string): unknown => existsSync(join(folder, name)) && JSON.parse(readFileSync(join(folder, name), "utf8"));
  const workers = read("workers.json");
  return {
    environment: (read("environment.json") || {}) as LoadOptions["environment"],
    ...(typeof workers === "number" && { workers }),
  };
}
