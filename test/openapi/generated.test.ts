/** Generated OpenAPI documents, good and bad, through import, check and coverage. */
import fc from "fast-check";
import t from "tap";
import { importService, type Imported } from "../../src/assurance/openapi/import.ts";
import { apiCoverage } from "../../src/assurance/openapi/coverage/coverage.ts";
import type { ApiDocument, Operation } from "../../src/assurance/openapi/model.ts";
import { readDocument } from "../../src/assurance/openapi/read-document.ts";
import { GRAMMAR } from "../../src/cli/openapi-file.ts";
import type { Policy, Route } from "../../src/contract/policy.ts";
import { match } from "../../src/decision/match.ts";
import { readData } from "../../src/policy/data.ts";
import { workshop } from "./fixtures.ts";

const RUNS = 400;

const odd = fc.constantFrom(
  "__proto__",
  "constructor",
  "toString",
  "<<",
  "a: b",
  "#x",
  "- y",
  "${HOME}",
  "a\nroutes: {}",
  "null",
  "~",
  "é",
  "\u2028",
  "%2e%2e",
  "%zz",
  "a%2Fb",
  "A",
  "a",
  "{x",
  "..",
  "",
);
const word = fc.oneof(
  { weight: 4, arbitrary: fc.constantFrom("users", "Users", "me", "files", "v1", "orders") },
  { weight: 1, arbitrary: odd },
  { weight: 1, arbitrary: fc.string({ maxLength: 6 }) },
);
const parameter = fc.constantFrom("{id}", "{user-id}", "{x}", "{__proto__}", "{proxy+}", "{1}", "{}", "{tenant_id}");
const segment = fc.oneof(
  { weight: 4, arbitrary: word },
  { weight: 3, arbitrary: parameter },
  { weight: 1, arbitrary: fc.constantFrom("{name}.json", "{a}-{b}", "v{n}", "a.json") },
);
const path = fc
  .tuple(fc.array(segment, { maxLength: 4 }), fc.constantFrom("", "/"))
  .map(([segments, end]) => `/${segments.join("/")}${end}`);
const scope = fc.oneof(fc.constantFrom("read", "Read", "read:all", "read.all", "*", "public", "sallyport.admin", "with space"), odd);
const scheme = fc.constantFrom("oauth", "Oauth", "key", "basic", "cookie", "oidc", "token", "__proto__", "missing");
const alternative = fc.dictionary(scheme, fc.array(scope, { maxLength: 3 }), { maxKeys: 2 });
const security = fc.oneof(fc.array(alternative, { maxLength: 3 }), fc.constantFrom(undefined, null, "x", [1], [{ oauth: "read" }]));
const operation = fc.record(
  { security, servers: fc.constantFrom(undefined, undefined, [{ url: "https://other.example" }]) },
  { requiredKeys: [] },
);
const method = fc.constantFrom("get", "post", "head", "trace", "options", "delete", "query");
const item = fc.oneof(
  { weight: 6, arbitrary: fc.dictionary(method, operation, { maxKeys: 3 }) as fc.Arbitrary<unknown> },
  {
    weight: 1,
    arbitrary: fc.constantFrom({ $ref: "#/paths/~1loop" }, { $ref: "#/components/pathItems/shared" }, { $ref: "other.yaml" }, 7, null),
  },
);
const schemes = fc.constant({
  oauth: { type: "oauth2", flows: { clientCredentials: { tokenUrl: "https://x.example", scopes: { read: "", "read:all": "" } } } },
  Oauth: { type: "http", scheme: "Bearer" },
  key: { type: "apiKey", in: "header", name: "x-api-key" },
  basic: { type: "http", scheme: "basic" },
  cookie: { type: "apiKey", in: "cookie", name: "session" },
  oidc: { type: "openIdConnect", openIdConnectUrl: "https://issuer.example/.well-known/openid-configuration" },
  token: { $ref: "#/components/securitySchemes/oidc" },
});
const server = fc.constantFrom(
  "/",
  "/v1",
  "https://api.example/v1/",
  "https://{r}.example",
  "http://169.254.169.254/x",
  "ftp://x",
  "/a b",
  "/%2e%2e/x",
);
const document = fc.record(
  {
    openapi: fc.constantFrom("3.0.3", "3.1.0"),
    info: fc.record({ title: fc.oneof(fc.string(), fc.constantFrom("a\nroutes:\n  GET /x: public", "é", "")) }),
    servers: fc.array(fc.record({ url: server }), { maxLength: 2 }),
    security,
    paths: fc.dictionary(path, item, { maxKeys: 12 }),
    components: fc.record({
      securitySchemes: schemes,
      pathItems: fc.record({ shared: fc.dictionary(method, operation, { maxKeys: 2 }) as fc.Arbitrary<unknown> }),
    }),
  },
  { requiredKeys: ["openapi"] },
);

const shop = workshop(t);

async function imported(data: unknown): Promise<{ api: ApiDocument; made: Imported; policy: Policy }> {
  shop.write(data);
  const { code, err } = await shop.importIt();
  if (code !== 0) throw new Error(err);
  const reading = readDocument(readData(JSON.stringify(data)).kind === "data" ? (JSON.parse(JSON.stringify(data)) as unknown) : null);
  if (reading.kind !== "document") throw new Error(reading.reason);
  return { api: reading.document, made: importService(reading.document, "api", GRAMMAR), policy: shop.policy() };
}

t.test("whatever the document: its service file loads, and nothing in it can be called without a credential", async () => {
  await fc.assert(
    fc.asyncProperty(document, async (data) => {
      const { policy } = await imported(data);
      return policy.services.every(({ routes }) => routes.every(({ access }) => access.kind !== "public"));
    }),
    { numRuns: RUNS },
  );
});

t.test("every operation is reached by its own line, or reported", async () => {
  await fc.assert(
    fc.asyncProperty(document, async (data) => {
      const { api, made, policy } = await imported(data);
      const { operations, lone } = apiCoverage(policy, policy.services[0]!, api, undefined);
      const left = new Set(made.leftOut.map(({ operation: { place } }) => place));
      if (operations.length !== api.operations.length || lone.some(({ methods }) => methods.length === 0)) return false;
      return operations.every((one) => {
        if (left.has(one.operation.place)) return true;
        const line = made.lines.find(({ operations: of }) => of.some(({ place }) => place === one.operation.place));
        return one.kind !== "uncovered" && line?.key === one.route.name && !one.wildcard;
      });
    }),
    { numRuns: RUNS },
  );
});

t.test("a line lets in nobody whom the document does not", async () => {
  await fc.assert(
    fc.asyncProperty(document, async (data) => {
      const { api, policy } = await imported(data);
      const { operations } = apiCoverage(policy, policy.services[0]!, api, undefined);
      const wider = operations.filter((one) => one.kind === "reached" && one.difference.wider.length > 0);
      return wider.length === 0;
    }),
    { numRuns: RUNS },
  );
});

const plainSegment = fc.constantFrom("a", "b", "a.json", "v1", "{x}", "{y}", "{n}.json", "v{n}");
const plainPath = fc.array(plainSegment, { minLength: 1, maxLength: 3 }).map((segments) => `/${segments.join("/")}`);
const plainPaths = fc.dictionary(plainPath, fc.dictionary(fc.constantFrom("get", "put"), fc.constant({}), { minKeys: 1 }), { maxKeys: 6 });

/** All that requests of the operation meet, tried with every literal of the tables in place of its parameters. */
function metBy(
  policy: Policy,
  { method: verb, path: template }: Operation,
): { readonly any: Route | undefined; readonly some: ReadonlySet<Route> } {
  const texts = ["a", "b", "v1", "a.json", "fresh"];
  let paths = [""];
  for (const part of template.slice(1).split("/")) {
    const candidates = texts.filter((text) => text === "fresh" || fitsTemplate(part, text));
    const values = part.includes("{") ? candidates.map((text) => (text === "fresh" ? part.replace(/\{.*\}/, "fresh") : text)) : [part];
    paths = paths.flatMap((before) => values.map((value) => `${before}/${value}`));
  }
  const routeAt = (target: string): Route | undefined => {
    const found = match(policy, {
      method: verb,
      path: { segments: target.slice(1).split("/"), encodedSlash: false },
      query: "",
      host: "h",
      address: "192.0.2.1",
      websocket: false,
      header: () => [],
    });
    return found.kind === "route" ? found.route : undefined;
  };
  const any = routeAt(template.replaceAll(/\{.*?\}/g, "fresh"));
  return { any, some: new Set(paths.map(routeAt).filter((route) => route !== undefined)) };
}

function fitsTemplate(part: string, text: string): boolean {
  return new RegExp(`^${part.replaceAll(".", "\\.").replaceAll(/\{.*?\}/g, ".+")}$`).test(text);
}

t.test("what coverage says of one document against the table of another is what trying every value finds", async () => {
  await fc.assert(
    fc.asyncProperty(plainPaths, plainPaths, async (ours, theirs) => {
      const { policy } = await imported({ openapi: "3.1.0", paths: ours });
      const reading = readDocument({ openapi: "3.1.0", paths: theirs });
      if (reading.kind !== "document") return false;
      const { operations, lone } = apiCoverage(policy, policy.services[0]!, reading.document, undefined);
      const right = operations.every((one) => {
        const { any, some } = metBy(policy, one.operation);
        if (one.kind !== "uncovered") return one.route === any;
        return any === undefined && some.symmetricDifference(new Set(one.partly)).size === 0;
      });
      return (
        right &&
        lone.every(({ route, within }) => {
          const reaching = reading.document.operations.some((one) => one.method === route.method && metBy(policy, one).some.has(route));
          return reaching === (within !== undefined);
        })
      );
    }),
    { numRuns: RUNS },
  );
});

t.test("what is no OpenAPI document is refused, and nothing throws", async (t) => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.jsonValue(), fc.object()), async (data) => {
      const reading = readDocument(data);
      return reading.kind === "refused";
    }),
    { numRuns: RUNS },
  );
  t.pass("all refused");
});
