/** Holds the table of DESIGN section 10: which room may know which, and who alone may know a library. */
import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, normalize, relative } from "node:path";
import t from "tap";

const SOURCES = join(import.meta.dirname, "../src");

interface Import {
  readonly file: string;
  /** Path below `src/` for our own, the package's name for others. */
  readonly target: string;
  readonly typeOnly: boolean;
}

const files = readdirSync(SOURCES, { recursive: true, encoding: "utf8" }).filter((file) => file.endsWith(".ts"));
const imports: readonly Import[] = files.flatMap((file) => importsOf(file));

function importsOf(file: string): Import[] {
  const text = readFileSync(join(SOURCES, file), "utf8");
  const statements = text.matchAll(/^(?:import|export)\s+(type\s)?[^"';]*?(?:from\s+)?"([^"]+)"/gm);
  return [...statements].map(([, type, specifier]) => ({ file, target: targetOf(file, specifier ?? ""), typeOnly: type !== undefined }));
}

function targetOf(file: string, specifier: string): string {
  return specifier.startsWith(".") ? relative(SOURCES, normalize(join(SOURCES, dirname(file), specifier))) : specifier;
}

const roomOf = (path: string): string => (path.includes("/") ? path.slice(0, path.indexOf("/")) : path);
const isOurs = ({ target }: Import): boolean => target.endsWith(".ts");
const named = ({ file, target }: Import): string => `${file} → ${target}`;

/** Rooms that a room may know beside `contract/` and itself; what starts everything (`src/*.ts`, `cli/`) may know all. */
const ROOMS: Readonly<Record<string, readonly string[]>> = {
  contract: [],
  policy: ["decision"],
  decision: [],
  pipeline: ["decision"],
  stores: [],
  observability: ["pipeline"],
  admin: ["observability", "pipeline"],
  demo: ["policy", "stores"],
  assurance: ["decision"],
  doctor: ["policy", "pipeline", "stores"],
};

t.test("a room knows contract/ and those beside it that the table names", async (t) => {
  const wrong = imports.filter((one) => {
    const allowed = ROOMS[roomOf(one.file)];
    const target = roomOf(one.target);
    return isOurs(one) && allowed && target !== roomOf(one.file) && target !== "contract" && !allowed.includes(target);
  });
  t.same(wrong.map(named), []);
});

t.test("observability and the admin door know the pipeline by its types alone", async (t) => {
  const wrong = imports.filter(
    (one) => ["observability", "admin"].includes(roomOf(one.file)) && roomOf(one.target) === "pipeline" && !one.typeOnly,
  );
  t.same(wrong.map(named), []);
});

t.test("no stage knows another; only the walk and the plan put them together", async (t) => {
  const composers = new Set(["pipeline/walk.ts", "pipeline/plan.ts"]);
  const shared = new Set([
    "pipeline/exchange.ts",
    "pipeline/door-request.ts",
    "pipeline/answer.ts",
    "pipeline/unread-body.ts",
    "pipeline/continue.ts",
    "pipeline/subject.ts",
    "pipeline/turn.ts",
    "pipeline/remember.ts",
  ]);
  const stageOf = (path: string): string => path.split("/").slice(0, 2).join("/");
  const wrong = imports.filter(
    (one) =>
      roomOf(one.file) === "pipeline" &&
      roomOf(one.target) === "pipeline" &&
      !composers.has(one.file) &&
      !shared.has(one.target) &&
      stageOf(one.file) !== stageOf(one.target),
  );
  t.same(wrong.map(named), []);
});

const LIBRARIES: Readonly<Record<string, readonly string[]>> = {
  yaml: ["policy/"],
  zod: ["policy/"],
  "node:sqlite": ["stores/"],
  "fast-jwt": ["pipeline/authenticate/", "demo/issuer/"],
  "lru-cache": ["pipeline/authenticate/", "stores/"],
  "prom-client": ["observability/"],
  pino: ["observability/"],
};

for (const [library, places] of Object.entries(LIBRARIES)) {
  t.test(`${library} is known in ${places.join(" and ")} alone`, async (t) => {
    const wrong = imports.filter((one) => one.target === library && !places.some((place) => one.file.startsWith(place)));
    t.same(wrong.map(named), []);
  });
}

/** All that is read before a gateway serves: what comes with an `import()` waits until it is needed. */
function readAtStart(...beginnings: readonly string[]): ReadonlySet<string> {
  const reached = new Set<string>();
  const open = [...beginnings];
  for (let file = open.pop(); file !== undefined; file = open.pop()) {
    if (reached.has(file)) continue;
    reached.add(file);
    open.push(...imports.filter((one) => one.file === file && !one.typeOnly).map((one) => one.target));
  }
  return reached;
}

t.test("a start reads no library that only some gateways need, nor `node:http` in the way that loads a client with it", async (t) => {
  const reached = readAtStart("main.ts", "cli/commands.ts", "cli/command.ts", "cli/serve.ts", "start.ts", "loading/here.ts");
  t.ok(reached.has("gateway.ts") && reached.has("fastify") && reached.has("zod"), "the way was followed");
  const later = [
    "@fastify/http-proxy",
    "prom-client",
    "fast-jwt",
    "undici",
    "node:http",
    "assurance/tests.ts",
    "pipeline/forward/websocket.ts",
  ];
  t.same(
    later.filter((one) => reached.has(one)),
    [],
  );
});

t.test("no package comes with an `import()`, which would give it other names once it is built", async (t) => {
  t.same(
    files.filter((file) => /\bimport\(\s*"(?!\.)/.test(withoutComments(file))),
    [],
  );
});

t.test("only cli/ and main.ts touch the process", async (t) => {
  const touching = files.filter((file) => /(?<![.\w])process\.(?!hrtime)\w|"node:process"/.test(withoutComments(file)));
  t.same(
    touching.filter((file) => file !== "main.ts" && roomOf(file) !== "cli"),
    [],
  );
});

t.test("the decision has no clock, no randomness, no network and no files", async (t) => {
  const decision = files.filter((file) => roomOf(file) === "decision");
  t.ok(decision.length > 5, "the room was found");
  t.same(
    decision.filter((file) => /Date\.now|new Date\(\)|Math\.random|performance\.|fetch\(/.test(withoutComments(file))),
    [],
  );
  t.same(imports.filter((one) => roomOf(one.file) === "decision" && one.target.startsWith("node:")).map(named), []);
});

function withoutComments(file: string): string {
  return readFileSync(join(SOURCES, file), "utf8").replaceAll(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
}
