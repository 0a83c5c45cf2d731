/** A published document of some size, as it comes inside an npm package: import, check and coverage go through, and agree. */
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t from "tap";
import { run, workshop } from "./fixtures.ts";

/** GitHub's REST API, out of `@octokit/openapi` 2.2.1 (MIT), where `.ci/run` puts it: the package is 120 MB, and this file 3. */
const PUBLISHED = join(import.meta.dirname, "../../.tap/published/api.github.com.json");
const isThere = existsSync(PUBLISHED);
if (!isThere)
  process.stderr.write(`test/openapi/published.test.ts: THERE IS NO ${PUBLISHED}: no published document was tried (.ci/run fetches it)\n`);

interface Report {
  readonly operations: number;
  readonly uncovered: readonly { readonly operation: string }[];
  readonly denied: readonly { readonly operation: string }[];
  readonly wildcard: readonly { readonly operation: string }[];
  readonly differing: readonly unknown[];
  readonly routesWithoutOperation: readonly { readonly methods: readonly string[] }[];
  readonly unread: readonly unknown[];
}

t.test(
  "a published document of more than 200 operations loads as a service, and each operation is a line's or reported",
  { skip: !isThere && "the document is not there" },
  async (t) => {
    const shop = workshop(t);
    shop.write(readFileSync(PUBLISHED, "utf8"));
    const { code, err } = await shop.importIt();
    t.equal(code, 0, err);
    const [service] = shop.policy().services;
    const { out } = await shop.coverage("--json");
    const report = JSON.parse(out) as Report;
    const { leftOut } = JSON.parse((await run("import", "--openapi", shop.api, "--json")).out) as {
      leftOut: readonly { operation: string }[];
    };
    t.ok(report.operations >= 200, `${report.operations} operations`);
    t.same(report.unread, []);
    t.same(report.differing, []);
    t.equal(service?.routes.length, report.operations - leftOut.length, "no operation shares its line");
    const left = leftOut.map(({ operation }) => operation);
    t.same(
      [...report.uncovered, ...report.wildcard].map(({ operation }) => operation).toSorted(),
      left.toSorted(),
      "what has no line was said",
    );
    t.equal(report.denied.length, report.operations - report.uncovered.length, "the document says nothing of credentials");
    t.same(report.routesWithoutOperation, []);
  },
);
