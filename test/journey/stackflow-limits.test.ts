/** StackFlow behind the shipped table: its limits. */
import t from "tap";
import { coded, stackflowCallers } from "./stackflow-callers.ts";
import { startSystems, type Carried } from "./systems.ts";

const systems = await startSystems(t);
const { askAtOnce, clocks } = systems;
const { newcomer } = stackflowCallers(systems);

const MINUTE_MS = 60_000;

/** Asks so many times at this very instant, all of which must be allowed. */
async function spend(count: number, line: string, carried: Carried): Promise<void> {
  for (let spent = 0; spent < count; spent++) {
    const { verdict } = await askAtOnce(line, carried);
    if (verdict !== "allow") throw new Error(`${line}: ${verdict} after ${spent} of ${count}`);
  }
}

t.test("sixty writes a minute and no more, over all routes and both prefixes; reading goes on", async (t) => {
  clocks.pass(MINUTE_MS);
  const carried = newcomer("super_admin");
  await spend(20, "POST /prod/api/incidents", carried);
  await spend(20, "PATCH /prod/api/v1/changes/CHG01", carried);
  await spend(20, "DELETE /prod/api/v1/cmdb/cis/CI1", carried);
  for (const line of ["POST /prod/api/incidents", "POST /prod/api/v1/ai/ask", "DELETE /prod/api/incidents/INC1"]) {
    const refused = await askAtOnce(line, carried);
    t.same(coded(refused), { status: 429, code: "RATE_LIMITED", error: "Too many requests", sameId: true, rest: {} }, line);
    t.same([refused.headers["retry-after"], refused.headers["ratelimit-limit"]], ["60", "60"]);
  }
  t.equal((await askAtOnce("GET /prod/api/incidents", carried)).verdict, "allow");
  t.equal((await askAtOnce("POST /prod/api/incidents", newcomer("super_admin"))).verdict, "allow", "somebody else's budget is untouched");
  clocks.pass(MINUTE_MS);
  t.equal((await askAtOnce("POST /prod/api/incidents", carried)).verdict, "allow");
});

t.test("ten bulk writes a minute; a refused one spends nothing of the other budgets", async (t) => {
  clocks.pass(MINUTE_MS);
  const carried = newcomer("itsm_agent");
  await spend(5, "POST /prod/api/incidents/bulk", carried);
  await spend(5, "POST /prod/api/v1/incidents/bulk", carried);
  for (let count = 0; count < 20; count++) {
    const { verdict, headers } = await askAtOnce("POST /prod/api/incidents/bulk", carried);
    if (verdict !== "RATE_LIMITED" || headers["ratelimit-limit"] !== "10") t.fail(`request ${count}: ${verdict}`);
  }
  await spend(50, "POST /prod/api/incidents", carried);
  t.equal((await askAtOnce("POST /prod/api/incidents", carried)).verdict, "RATE_LIMITED", "the ten counted as writes too");
});

t.test("a route's own writes stands in for the service's: 120 graph queries, which cost no write", async (t) => {
  clocks.pass(MINUTE_MS);
  const carried = newcomer("itsm_agent");
  await spend(60, "POST /prod/api/incidents", carried);
  await spend(60, "POST /prod/api/cmdb/graph/query", carried);
  await spend(60, "POST /prod/api/v1/cmdb/graph/query", carried);
  t.equal((await askAtOnce("POST /prod/api/cmdb/graph/query", carried)).headers["ratelimit-limit"], "120");
  t.equal((await askAtOnce("POST /prod/api/cmdb/graph/query", carried)).verdict, "RATE_LIMITED");

  const other = newcomer("itsm_agent");
  await spend(120, "POST /prod/api/cmdb/graph/query", other);
  t.equal((await askAtOnce("POST /prod/api/incidents", other)).verdict, "allow");
});

t.test("120 searches, and three hundred requests of all kinds, a minute", async (t) => {
  clocks.pass(MINUTE_MS);
  const carried = newcomer("viewer");
  await spend(120, "GET /prod/api/cmdb/search?q=db", carried);
  t.equal((await askAtOnce("GET /prod/api/cmdb/search?q=db", carried)).verdict, "RATE_LIMITED");
  await spend(180, "GET /prod/api/incidents", carried);
  const refused = await askAtOnce("GET /prod/api/incidents", carried);
  t.same([refused.verdict, refused.headers["ratelimit-limit"]], ["RATE_LIMITED", "300"]);
});
