/** The model registry behind the shipped table: its limit, and the brake on bad credentials. */
import t from "tap";
import { corsOf, PAGE, registryCallers, shown } from "./model-registry-callers.ts";
import { shippedWith, startSystems } from "./systems.ts";

const systems = await startSystems(t);
const { ask, askAtOnce, clocks } = systems;
const { current, previous, reader, writer, admin, keyOf } = registryCallers(t, systems);

const MINUTE_MS = 60_000;

t.test("the 101st request of a caller within a minute: 429 with Retry-After and CORS headers; others are unharmed", async (t) => {
  clocks.pass(MINUTE_MS);
  const page = { headers: { origin: PAGE } };
  for (let count = 1; count <= 100; count++) {
    const { verdict, headers } = await askAtOnce("GET /api/tracks", current);
    if (verdict !== "allow" || headers["ratelimit-remaining"] !== String(100 - count)) t.fail(`request ${count}: ${verdict}`);
  }
  const refused = await askAtOnce("GET /api/tracks", { ...current, ...page });
  t.same(shown(refused), { status: 429, body: '{"detail":"Too many requests","status_code":429}' });
  t.equal(refused.headers["retry-after"], "60");
  t.equal(refused.headers["ratelimit-limit"], "100");
  t.equal(refused.headers["ratelimit-remaining"], "0");
  t.same(corsOf(refused), { "access-control-allow-origin": PAGE, vary: "Origin" });
  t.equal((await askAtOnce("GET /api/artifacts/model/1", current)).verdict, "RATE_LIMITED", "on every route");
  t.equal((await askAtOnce("GET /api/tracks", previous)).verdict, "allow", "who holds the other secret");
  t.equal((await askAtOnce("GET /api/tracks", keyOf(reader, "read-only"))).verdict, "allow", "who holds a key");

  clocks.pass(MINUTE_MS - 1000);
  t.equal((await askAtOnce("GET /api/tracks", current)).headers["retry-after"], "1");
  clocks.pass(999);
  const early = await askAtOnce("GET /api/tracks", current);
  t.same([early.verdict, early.headers["retry-after"]], ["RATE_LIMITED", "1"], "not a millisecond early");
  clocks.pass(1);
  t.equal((await askAtOnce("GET /api/tracks", current)).verdict, "allow", "refused requests cost nothing, and the budget is back");
});

t.test("HEAD shares GET's rule and GET's budget, and what authorization refuses counts too", async (t) => {
  clocks.pass(MINUTE_MS);
  const carried = keyOf(writer, "read-write");
  t.equal((await ask("HEAD /api/tracks")).verdict, "TOKEN_MISSING");
  t.same((await ask("HEAD /api/artifacts/model/1", { token: "letmein" })).verdict, "TOKEN_INVALID");
  clocks.pass(MINUTE_MS);
  for (let count = 0; count < 40; count++) {
    for (const line of ["GET /api/tracks", "HEAD /api/tracks"])
      if ((await askAtOnce(line, carried)).verdict !== "allow") t.fail(`${line} ${count}`);
  }
  for (let count = 0; count < 20; count++) {
    if ((await askAtOnce("DELETE /api/reset", carried)).verdict !== "INSUFFICIENT_ROLE") t.fail(`reset ${count}`);
  }
  for (const line of ["HEAD /api/tracks", "GET /api/tracks", "DELETE /api/reset"])
    t.equal((await askAtOnce(line, carried)).verdict, "RATE_LIMITED", line);
});

t.test("all keys of one account share its budget", async (t) => {
  clocks.pass(MINUTE_MS);
  const [first, second] = [keyOf(admin, "admin"), keyOf(admin, "read-only")];
  for (let count = 0; count < 50; count++) {
    for (const carried of [first, second])
      if ((await askAtOnce("GET /api/tracks", carried)).verdict !== "allow") t.fail(`request ${count}`);
  }
  t.equal((await askAtOnce("GET /api/tracks", first)).verdict, "RATE_LIMITED");
  t.equal((await askAtOnce("GET /api/tracks", second)).verdict, "RATE_LIMITED");
});

t.test("thirty bad credentials in a minute bring 429 for the next bad one, and never for a good one", async (t) => {
  clocks.pass(MINUTE_MS);
  for (let count = 0; count < 30; count++) {
    if ((await askAtOnce("GET /api/tracks", { token: `guess-${count}` })).verdict !== "TOKEN_INVALID") t.fail(`guess ${count}`);
  }
  const refused = await askAtOnce("GET /api/tracks", { token: "guess-30" });
  t.same([refused.status, refused.headers["retry-after"]], [429, "60"]);
  t.equal((await askAtOnce("GET /api/tracks", current)).verdict, "allow");
  clocks.pass(MINUTE_MS);
  t.equal((await askAtOnce("GET /api/tracks", { token: "guess-31" })).verdict, "TOKEN_INVALID");
});

t.test("a limit of GET counts HEAD as well", async (t) => {
  const all = "  all: { by: caller, rate: 100/minute }\n";
  const limited = await startSystems(t, {
    files: shippedWith("services/model-registry.yaml", all, `${all}  reads: { by: caller, rate: 4/minute, methods: [GET] }\n`),
  });
  const carried = { token: limited.registryToken };
  const verdict = async (line: string) => (await limited.askAtOnce(line, carried)).verdict;
  for (const method of ["GET", "HEAD", "HEAD", "GET"]) t.equal(await verdict(`${method} /api/tracks`), "allow");
  for (const method of ["GET", "HEAD"]) t.equal(await verdict(`${method} /api/tracks`), "RATE_LIMITED");
  t.equal(await verdict("POST /api/artifacts"), "allow", "other methods do not count");
});
