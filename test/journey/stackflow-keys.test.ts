/** StackFlow behind the shipped table: API keys, from their making to their end. */
import { randomBytes } from "node:crypto";
import t from "tap";
import { runCommand } from "./key-office.ts";
import { coded, stackflowKeys } from "./stackflow-callers.ts";
import { startSystems, type Carried } from "./systems.ts";

const systems = await startSystems(t);
const { ask, askAtOnce, clocks } = systems;
const { office, accountWith, keyOf } = stackflowKeys(t, systems);

/** One line for each permission: read, itsm.write, cloud.write, ai.use, itsm.admin, cloud.admin, admin.users. */
const PROBES: readonly string[] = [
  "GET /prod/api/incidents",
  "POST /prod/api/v1/incidents",
  "POST /prod/api/cmdb/cis",
  "POST /prod/api/v1/ai/ask",
  "DELETE /prod/api/incidents/INC0001234",
  "DELETE /prod/api/v1/cmdb/cis/CI1",
  "POST /prod/api/admin/users",
];

/** `x` allowed, `.` the role does not allow it, `k` the key is not valid. */
async function powers(carried: Carried): Promise<string> {
  const marks = new Map([
    ["allow", "x"],
    ["INSUFFICIENT_ROLE", "."],
    ["KEY_INVALID", "k"],
  ]);
  let earned = "";
  for (const line of PROBES) {
    const { verdict } = await ask(line, carried);
    earned += marks.get(verdict) ?? ` ${verdict} `;
  }
  return earned;
}

t.test("a key may do what its scopes say and its owner's role allows, and never more", async (t) => {
  const table: readonly [role: string, readOnly: string, itsmWrite: string, admin: string][] = [
    ["viewer", "x......", "x......", "x......"],
    ["itsm_agent", "x......", "xx.....", "xx.x..."],
    ["itsm_manager", "x......", "xx.....", "xxxxx.."],
    ["cloud_admin", "x......", "xx.....", "xxxx.x."],
    ["super_admin", "x......", "xx.....", "xxxxxxx"],
    ["service_account", "x......", "xx.....", "xxxx..."],
  ];
  for (const [role, ...expected] of table) {
    const account = accountWith(role);
    const earned: string[] = [];
    for (const scope of ["read-only", "itsm-write", "admin"]) earned.push(await powers(keyOf(account, scope)));
    t.same(earned, expected, role);
  }
  t.equal(await powers(keyOf(accountWith("itsm_agent"), "read-only", "itsm-write")), "xx.....", "two scopes add up");
  t.equal(await powers(keyOf(accountWith("super_admin"), "no-such-scope")), ".......", "a scope that the table does not have");
  t.equal(await powers(keyOf(accountWith("no_such_role"), "admin")), ".......", "a role that the table does not have");
});

t.test("a key loses what its owner loses, with the very next request, while the gateway runs", async (t) => {
  await runCommand(systems, "accounts create ci-bot --service stackflow --role super_admin --tenant t1");
  const made = await runCommand(systems, "keys create --service stackflow --account ci-bot --scopes admin");
  const carried = { key: made["secret"] ?? "" };
  t.equal(await powers(carried), "xxxxxxx");
  await runCommand(systems, "accounts set ci-bot --role itsm_agent --tenant t2");
  t.equal(await powers(carried), "xx.x...");
  t.equal((await ask("GET /prod/api/incidents", carried)).reached?.headers["x-tenant-id"], "t2", "its tenant is its owner's");
  t.equal((await ask("GET /prod/api/incidents?tenant_id=t1", carried)).verdict, "TENANT_MISMATCH");
  await runCommand(systems, "accounts disable ci-bot");
  t.equal(await powers(carried), "kkkkkkk");
  await runCommand(systems, "accounts enable ci-bot");
  t.equal(await powers(carried), "xx.x...");
  await runCommand(systems, `keys revoke ${made["id"]}`);
  const { status, body, verdict } = await ask("GET /prod/api/incidents", carried);
  t.same([status, verdict], [401, "KEY_INVALID"]);
  t.match(JSON.parse(body), { error: "The API key is not valid", code: "KEY_INVALID" });
});

t.test("a rotated key works beside its successor until the overlap is over", async (t) => {
  const account = accountWith("viewer");
  const old = office.key({ account, scopes: ["read-only"], prefix: "sfk_prod" });
  const next = await runCommand(systems, `keys rotate ${old.id} --overlap 24h`);
  const verdicts = async (): Promise<string[]> => [
    (await askAtOnce("GET /prod/api/incidents", { key: old.key })).verdict,
    (await askAtOnce("GET /prod/api/incidents", { key: next["secret"] ?? "" })).verdict,
  ];
  const here = clocks.epochMs;
  const { endsAt } = next["replaces"] as unknown as { endsAt: string };
  clocks.epochMs = Date.parse(endsAt) - 1;
  t.same(await verdicts(), ["allow", "allow"]);
  clocks.epochMs = Date.parse(endsAt);
  t.same(await verdicts(), ["KEY_INVALID", "allow"]);
  clocks.epochMs = here;
});

t.test("a key past its end is refused from that moment on", async (t) => {
  const { key } = office.key({
    account: accountWith("viewer"),
    scopes: ["read-only"],
    prefix: "sfk_prod",
    expiresAt: clocks.epochMs + 1000,
  });
  t.equal((await askAtOnce("GET /prod/api/incidents", { key })).verdict, "allow");
  clocks.pass(999);
  t.equal((await askAtOnce("GET /prod/api/incidents", { key })).verdict, "allow");
  clocks.pass(1);
  t.equal((await askAtOnce("GET /prod/api/incidents", { key })).verdict, "KEY_INVALID");
});

t.test("whatever is wrong with a key, the answer is the same: 401 KEY_INVALID", async (t) => {
  const owner = accountWith("super_admin");
  const stranger = office.account({ service: "model-registry", id: "publisher", role: "admin" });
  const { key, id } = office.key({ account: owner, scopes: ["admin"], prefix: "sfk_prod" });
  const namesake = office.key({ account: stranger, scopes: ["admin"], prefix: "sfk_prod", randomBytes: drawing(id) });
  t.equal(namesake.id, id);
  const bad: readonly [why: string, key: string][] = [
    ["nothing", ""],
    ["no key", "letmein"],
    ["a key of the registry's", office.key({ account: stranger, scopes: ["admin"], prefix: "tmr" }).key],
    ["a key of the registry's, under our prefix", office.key({ account: stranger, scopes: ["admin"], prefix: "sfk_prod" }).key],
    ["another service's key with an id that is ours", namesake.key],
    ["our account's key with another prefix", office.key({ account: owner, scopes: ["admin"], prefix: "sfk_test" }).key],
    ["our account's key with the prefix of another service", office.key({ account: owner, scopes: ["admin"], prefix: "tmr" }).key],
    ["another checksum", `${key.slice(0, -1)}${key.endsWith("0") ? "1" : "0"}`],
    ["in capitals", key.toUpperCase()],
    ["the id alone", `sfk_prod_${id}`],
    ["with a scheme", `Bearer ${key}`],
    ["twice in one header", `${key},${key}`],
  ];
  for (const [why, text] of bad) {
    const answer = await ask("GET /prod/api/incidents", { key: text });
    t.same(coded(answer), { status: 401, code: "KEY_INVALID", error: "The API key is not valid", sameId: true, rest: {} }, why);
  }
  t.equal((await ask("GET /prod/api/incidents", { key })).verdict, "allow", "the good one");
  t.equal((await ask("GET /prod/api/incidents", { token: key })).verdict, "TOKEN_INVALID", "a key is no bearer token");
  t.equal((await ask("GET /api/tracks", { key })).verdict, "KEY_INVALID", "nor a key of the registry's");
  t.equal((await ask("GET /v2/models", { key })).verdict, "TOKEN_MISSING", "and PIE reads none");
});

/** Gives the bytes from which a key's id is drawn, and chance after that. */
function drawing(id: string): (size: number) => Uint8Array {
  const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  let drawn = false;
  return (size) => {
    if (drawn) return randomBytes(size);
    drawn = true;
    return Uint8Array.from(id, (character) => alphabet.indexOf(character));
  };
}
