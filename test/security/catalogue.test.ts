import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { ALL_ROWS, rowsInName } from "./catalogue.ts";
import { NOT_APPLICABLE } from "./not-applicable.ts";

const named = new Set(
  readdirSync(import.meta.dirname)
    .filter((file) => file.endsWith(".test.ts"))
    .flatMap((file) => [...readFileSync(join(import.meta.dirname, file), "utf8").matchAll(/\.test\(\s*["'`]([^"'`]+)/g)])
    .flatMap(([, name = ""]) => rowsInName(name)),
);

t.test("every row of the catalogue has a test of its number, or a reason why it does not apply", async (t) => {
  t.same(
    ALL_ROWS.filter((row) => !named.has(row) && !NOT_APPLICABLE.has(row)),
    [],
  );
});

t.test("no row both has a test and does not apply", async (t) => {
  t.same(
    [...NOT_APPLICABLE.keys()].filter((row) => named.has(row)),
    [],
  );
});
