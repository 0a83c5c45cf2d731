/** `sallyport check` and `sallyport routes`, as they are called. */
import { join } from "node:path";
import t from "tap";
import { answerOf, type Answer } from "../cli/run-command.ts";
import { ROUTES, SHOP, writeFiles } from "./fixtures.ts";

const SHIPPED = join(import.meta.dirname, "../../config/sallyport.yaml");

const run = (...argv: string[]): Promise<Answer> => answerOf(argv);

t.test("check says yes to the shipped policy, with a line for each service, and needs no variable", async (t) => {
  const { code, out } = await run("check", "--config", SHIPPED);
  t.equal(code, 0);
  t.match(out, /^\S+sallyport\.yaml is valid: 3 services, 66 routes\n/);
  for (const name of ["model-registry", "pie", "stackflow"]) t.match(out, new RegExp(`^${name} +`, "m"));
  t.match(out, /Not set here, and needed to serve:\n {2}ADMIN_TOKEN +\S+config\s*\/sallyport\.yaml:17:33\n/);
  t.match(out, /Not set here, and left out:\n {2}BREAKGLASS_TOKEN +\S+config\s*\/sallyport\.yaml:18:33\n/);
  t.match(out, /\n0 errors, 0 warnings, 0 to review, \d+ accepted;/, "what it holds that may not be meant is accepted in it");
});

t.test("check says no to a bad policy, with every mistake in its place", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": `${SHOP}routes:\n  GET /orders: { acess: x }\nautenticators: {}\n` });
  const { code, out, err } = await run("check", "--config", join(folder, "sallyport.yaml"));
  t.equal(code, 1);
  t.equal(out, "");
  t.match(err, /services\/shop\.yaml:9:18: unknown key `acess`/);
  t.match(err, /services\/shop\.yaml:10:1: unknown key `autenticators`/);
  t.match(err, /2 mistakes in 1 file\n$/);
});

t.test("check --json is for machines, either way", async (t) => {
  const good = JSON.parse((await run("check", "--json", "--config", SHIPPED)).out) as {
    valid: boolean;
    services: { service: string; routes: number }[];
  };
  t.equal(good.valid, true);
  t.same(
    good.services.map((one) => one.routes),
    [15, 22, 29],
  );
  const folder = writeFiles(t, { "services/shop.yaml": `${SHOP}routes: {}\nx: 1\n` });
  const bad = JSON.parse((await run("check", "--json", "--config", join(folder, "sallyport.yaml"))).out) as object;
  t.match(bad, { valid: false, diagnostics: [{ line: 9, column: 1, message: "unknown key `x`" }] });
});

t.test("check notices a permission that nothing grants, and what it was meant to be", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": `${SHOP}routes:\n  GET /orders: orders.raed\n` });
  const { code, out } = await run("check", "--config", join(folder, "sallyport.yaml"));
  t.equal(code, 1);
  t.match(out, /sallyport\.yaml loads, and has 1 error: 1 service, 1 route\n/);
  t.notMatch(out, "is valid", "what has an error is not praised above it");
  t.match(out, /services\/shop\.yaml:9:3: error L101/);
  t.match(out, "`orders.raed` is granted by nothing");
  t.match(out, "did you mean `orders.read`?");
});

t.test("routes shows every route within 80 columns", async (t) => {
  const { code, out } = await run("routes", "--config", SHIPPED);
  t.equal(code, 0);
  t.same(
    out.split("\n").filter((line) => line.length > 80),
    [],
  );
  t.match(out, /^GET +\/incidents +read +query, header$/m);
  t.match(out, /^POST +\/cmdb\/graph\/query +read +query, header +writes 120\/minute$/m);
});

t.test("routes marks the lines by which WebSockets may be opened", async (t) => {
  const lines = "routes:\n  GET /live: { access: public, websocket: true }\n  GET /orders: public\n";
  const folder = writeFiles(t, { "services/shop.yaml": `${SHOP}${lines}` });
  const { out } = await run("routes", "--config", join(folder, "sallyport.yaml"));
  t.match(out, /^GET \(WebSocket\) +\/live +public$/m);
  t.match(out, /^GET +\/orders +public$/m);
});

t.test("routes --expanded says where each part of a rule comes from", async (t) => {
  const { out } = await run("routes", "--expanded", "--config", SHIPPED);
  const block = out.split("\n\n").find((one) => one.startsWith("POST /prod/api/cmdb/graph/query"))!;
  t.match(block, /limit all +300\/minute by caller \(service\)/);
  t.match(block, /limit writes +120\/minute by caller \(route\)/);
  t.match(block, /limit address +1200\/minute by address \(gateway\)/);
  t.match(block, /connect +2s \(gateway\)/);
  t.match(block, /errors +coded \(service\)/);
});

t.test("routes --expanded tells a service's block from what it left to the program", async (t) => {
  const folder = writeFiles(t, { "services/shop.yaml": `${SHOP}timeouts: { idle: 5m }\n${ROUTES}` });
  const { out } = await run("routes", "--expanded", "--json", "--config", join(folder, "sallyport.yaml"));
  const { routes } = JSON.parse(out) as { routes: readonly object[] };
  t.match(routes, [
    {
      paths: ["/orders"],
      timeouts: { idleMs: 300_000 },
      origins: { timeouts: { idle: "service", connect: "built-in" }, body: { max: "built-in" } },
    },
  ]);
});

t.test("wrong use is exit code 2, with the usage", async (t) => {
  for (const argv of [
    ["check", "extra"],
    ["check", "--nope"],
    ["routes", "--config"],
  ]) {
    const { code, err } = await run(...argv);
    t.equal(code, 2, argv.join(" "));
    t.match(err, /usage: sallyport (?:check|routes)/);
  }
});
