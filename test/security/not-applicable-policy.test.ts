import t from "tap";
import { ALL_ROWS } from "./catalogue.ts";
import { PARTS_NOT_APPLICABLE } from "./not-applicable-policy.ts";

t.test("what does not apply of a row is said of rows that there are", async (t) => {
  t.same(
    [...PARTS_NOT_APPLICABLE.keys()].filter((row) => !ALL_ROWS.includes(row)),
    [],
  );
});
