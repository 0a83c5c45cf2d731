/** The matrix against `decide`, and what it says of the policy that is shipped. */
import { join } from "node:path";
import fc from "fast-check";
import t from "tap";
import { type CallerClass, verdictOf } from "../../src/assurance/classes/verdicts.ts";
import { type Cell, matrixOf, type ServiceMatrix } from "../../src/assurance/matrix/matrix.ts";
import { whoCan, routesNamed } from "../../src/assurance/matrix/who.ts";
import { whoText } from "../../src/assurance/matrix/who-text.ts";
import { decide } from "../../src/decision/decide.ts";
import { loadPolicy } from "../../src/policy/load.ts";
import { NOW, policyOf } from "../decision/policy.ts";
import { answerOf, type Answer } from "../cli/run-command.ts";
import { everyCaller, ownTenant, proofOfCaller, requestFor, type SmallCaller } from "./fixtures/small-callers.ts";
import { smallPolicy, smallService } from "./fixtures/small-policies.ts";

const SHIPPED = join(import.meta.dirname, "../../config/sallyport.yaml");

function shipped() {
  const loaded = loadPolicy({ configPath: SHIPPED, environment: {}, offline: true });
  if (loaded.kind === "invalid") throw new Error("the shipped policy does not load");
  return loaded.policy;
}

t.test("every cell is what the decision says to every caller of the class", async (t) => {
  let compared = 0;
  fc.assert(
    fc.property(smallService, (service) => {
      const policy = smallPolicy(service);
      const [matrix] = matrixOf(policy, NOW);
      for (const caller of everyCaller([service])) {
        const column = matrix!.classes.findIndex((one) => isOf(one, caller));
        if (column === -1) continue;
        for (const { route, cells } of matrix!.rows) {
          if (cells[column]!.kind === "unreached") continue;
          const expected = cellByDecisions((tenant, naming) => {
            const request = requestFor(service, route.name, tenant);
            return (
              request && decide(policy, { request, proof: proofOfCaller(service.authenticators[caller.by]!, caller, naming), now: NOW })
            );
          }, ownTenant(service.authenticators[caller.by]!, caller)?.tenant);
          compared++;
          if (cells[column]!.kind !== expected)
            throw new Error(`${route.name}, ${JSON.stringify(caller)}: ${expected}, and the cell says ${cells[column]!.kind}`);
        }
      }
    }),
    { numRuns: 60 },
  );
  t.ok(compared > 3000, `${compared} compared`);
});

function isOf({ stance, grants }: CallerClass, caller: SmallCaller): boolean {
  const role = caller.role === "stranger" ? "" : caller.role;
  const held = grants
    .map(({ name }) => name)
    .toSorted()
    .join();
  return (
    stance.authenticator === caller.by &&
    stance.kind === caller.kind &&
    stance.secret === caller.secret &&
    stance.role === role &&
    held === caller.held.toSorted().join()
  );
}

type Ask = (tenant: string | undefined, naming: "own" | "other" | "none") => ReturnType<typeof verdictOf>;

function cellByDecisions(ask: Ask, tenant = "mine"): Cell["kind"] {
  const [own, other, none] = [ask(tenant, "own"), ask("another", "other"), ask(undefined, "none")];
  const allowed = (decision: typeof own) => decision?.outcome === "allow";
  if (allowed(other) || (!other && allowed(none))) return "allow";
  return allowed(own) ? "own" : allowed(none) ? "unnamed" : "refused";
}

/* ── what is shipped ──────────────────────────────────────────────────── */

function who(route: string): string {
  const policy = shipped();
  return routesNamed(policy, route)
    .map((one) => whoText(whoCan(policy, one, NOW), 200))
    .join("\n");
}

t.test("only `*` resets the registry: an administrator's unrestricted key, or an administrator's signature", async (t) => {
  const policy = shipped();
  const { ways } = whoCan(policy, routesNamed(policy, "DELETE /api/reset")[0]!, NOW);
  t.same(
    ways.map(({ stance, roles, opening }) => [stance.authenticator, roles, opening.flat().map(({ name }) => name)]),
    [
      ["key", ["admin"], ["admin"]],
      ["iam", ["admin"], []],
    ],
  );
});

t.test("a viewer's key only reads, whatever its scopes", async (t) => {
  const stackflow = matrixOf(shipped(), NOW).find(({ service }) => service.name === "stackflow")!;
  const column = classAt(
    stackflow,
    ({ stance, grants }) => stance.authenticator === "key" && stance.role === "viewer" && grants[0]?.name === "admin",
  );
  const open = stackflow.rows
    .filter(({ cells }) => cells[column]!.kind !== "refused")
    .map(({ route }) => [route.access.kind === "permissions" ? route.rule : route.access.kind, route.name]);
  t.same(new Set(open.map(([rule]) => rule)), new Set(["public", "read"]));
});

function classAt(matrix: ServiceMatrix, isIt: (one: CallerClass) => boolean): number {
  const index = matrix.classes.findIndex(isIt);
  if (index === -1) throw new Error("no such class");
  return index;
}

t.test(
  "who can call a route is told by its pattern under either prefix, with any placeholder's name, or by a path that leads there",
  async (t) => {
    const told = who("DELETE /prod/api/incidents/{id}");
    t.match(told, "key, scope admin, role itsm_manager or super_admin");
    t.match(told, "people, role itsm_manager or super_admin");
    t.match(told, "for their own tenant only");
    t.equal(who("DELETE /prod/api/v1/incidents/{number}"), told);
    t.equal(who("DELETE /prod/api/incidents/INC1"), told);
    t.equal(who("DELETE /incidents/{id}"), told);
    t.equal(who("DELETE /nowhere"), "");
  },
);

t.test("who reaches every tenant and who only their own is told apart", async (t) => {
  const told = who("GET /v2/clients/{client_id}");
  t.match(told, "for every tenant that a request may name:\n  machines, scope streamline/admin\n  people, group admin\n");
  t.match(told, "for their own tenant only:\n  machines, scope streamline/client_read\n  people, group client:{tenant}");
});

t.test("a rule that asks for all of several permissions names the smallest combinations, and they are classes of their own", async (t) => {
  const policy = policyOf({
    shop: `upstream: { url: "http://shop" }
authenticators:
  bots:
    jwt: { issuer: https://issuer.example, caller: machine, clients: any }
    scopes: { a1: [a.x], a2: [a.x], b1: [b.x], all: ["*"] }
routes: { GET /both: { access: { allOf: [a.x, b.x] } } }
`,
  });
  t.match(whoText(whoCan(policy, policy.services[0]!.routes[0]!, NOW), 80), "bots, scope a1 or a2, and scope b1\n");
  const [matrix] = matrixOf(policy, NOW);
  const open = matrix!.classes.filter((_, index) => matrix!.rows[0]!.cells[index]!.kind === "allow");
  t.same(
    open.map(({ grants }) =>
      grants
        .map(({ name }) => name)
        .toSorted()
        .join("+"),
    ),
    ["all", "a1+b1", "a2+b1"],
  );
});

/* ── the command ──────────────────────────────────────────────────────── */

const run = (...argv: string[]): Promise<Answer> => answerOf(["matrix", "--config", SHIPPED, ...argv]);

t.test("the table stays within 80 columns and explains its words", async (t) => {
  const { code, out } = await run();
  t.equal(code, 0);
  t.same(
    out.split("\n").filter((line) => line.length > 80),
    [],
  );
  t.match(out, /^GET \/v2|^GET \/health +YES/m);
  t.match(out, /^ {2}OWN +the caller's own tenant only$/m);
});

t.test("json, csv and one service are for machines", async (t) => {
  const json = JSON.parse((await run("--json", "--service", "pie")).out) as {
    services: { service: string; classes: unknown[]; routes: { cells: unknown[] }[] }[];
  };
  t.same(
    json.services.map(({ service }) => service),
    ["pie"],
  );
  t.ok(json.services[0]!.routes.every(({ cells }) => cells.length === json.services[0]!.classes.length));
  const csv = (await run("--format", "csv")).out.split("\r\n");
  t.equal(csv[0], "service,method,path,rule,caller,authenticator,secret,role,grants,access,code");
  t.ok(csv.includes("stackflow,DELETE,/prod/api/v1/incidents/{id},itsm.admin,key,key,,viewer,scope admin,refused,INSUFFICIENT_ROLE"));
});

t.test("the page needs nothing from anywhere else, and no value of the policy can end the place where it stands", async (t) => {
  const { out } = await run("--format", "html");
  t.notMatch(out, /(?:src|href)=|@import|url\(|fetch\(/);
  const { matrixHtml } = await import("../../src/assurance/matrix/matrix-html.ts");
  const policy = policyOf({
    shop: `upstream: { url: "http://shop" }
authenticators:
  bots:
    jwt: { issuer: https://issuer.example, caller: person, clients: any }
    groups: { '<script>alert(1)</script>"': [a.x] }
routes: { "GET /<b>": a.x }
`,
  });
  const page = matrixHtml(matrixOf(policy, NOW), policy.revision);
  t.notMatch(page, "<script>alert");
  t.notMatch(page, "/<b>");
  t.match(page, "&lt;script&gt;alert(1)&lt;/script&gt;&quot;");
});

t.test("wrong use is said, with exit code 2", async (t) => {
  t.match(await run("--format", "xml"), { code: 2, err: /no format "xml"/ });
  t.match(await run("--service", "nosuch"), { code: 2, err: /no service "nosuch"/ });
  t.match(await run("--route", "GET /nowhere"), { code: 2, err: /no route "GET \/nowhere"/ });
});
