/** What an editor shows of the policy files' schemas, asked of the language server that editors run. */
import { cpSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { languageServer, startEditor, type Completion, type Editor, type Position } from "./fixtures/language-server.ts";
import { ROOT } from "./fixtures/markdown.ts";

const program = languageServer();
const skip =
  program === undefined && "yaml-language-server IS NOT INSTALLED: nothing here was checked (YAML_LANGUAGE_SERVER=FOLDER names one)";
if (skip) process.stderr.write(`test/docs/editors.test.ts: ${skip}\n`);

/** An editor over a copy of the shipped policy. */
async function openFolder(t: Test): Promise<Editor> {
  const folder = t.testdir();
  cpSync(join(ROOT, "config"), folder, { recursive: true });
  return startEditor(t, program!, folder);
}

const HEAD = `# yaml-language-server: $schema=../schema/service.schema.json
version: 1
service: shop
upstream: { url: http://shop:8080 }
`;

/** The text without its mark `‸`, and where that stood. */
function marked(text: string): { readonly text: string; readonly at: Position } {
  const before = text.slice(0, text.indexOf("‸")).split("\n");
  return { text: text.replace("‸", ""), at: { line: before.length - 1, character: before.at(-1)!.length } };
}

function documentationOf({ documentation = "" }: Completion): string {
  return typeof documentation === "string" ? documentation : documentation.value;
}

t.test("an editor finds nothing wrong in the shipped files", { skip }, async (t) => {
  const editor = await openFolder(t);
  const files = ["services", "tests"].flatMap((folder) => readdirSync(join(ROOT, "config", folder)).map((file) => `${folder}/${file}`));
  for (const file of ["sallyport.yaml", ...files]) {
    t.same(await editor.open(file, readFileSync(join(ROOT, "config", file), "utf8")), [], file);
  }
});

t.test("a mistake is underlined where it is, and the message has the word", { skip }, async (t) => {
  const editor = await openFolder(t);
  const cases: readonly [mistake: string, message: RegExp][] = [
    ["routs‸: {}\nroutes: {}\n", /Property routs is not allowed/],
    ["routes:\n  GET /orders: { access: read, tennant‸: unchecked }\n", /Property tennant is not allowed/],
    ["routes:\n  GET /orders:\n    acess‸: read\n", /Property acess is not allowed/],
    [
      "routes: {}\nauthenticators:\n  team:\n    jwt: { issuer: https://issuer.example, audiense‸: [shop] }\n",
      /Property audiense is not allowed/,
    ],
    ["routes: {}\ntimeouts: { total: 5 minutes‸ }\n", /This is not a duration or none, such as `2s`/],
    ["routes: {}\nbody: { max: 5M‸ }\n", /This is not a size or none, such as `512KB`/],
    ["routes: {}\nupstream: { verify: no‸ }\n", /./],
  ];
  for (const [index, [mistake, message]] of cases.entries()) {
    const { text, at } = marked(HEAD.replace(/upstream.*\n/, mistake.includes("upstream") ? "" : "$&") + mistake);
    const found = await editor.open(`services/broken-${index}.yaml`, text);
    const here = found.filter(({ range }) => range.start.line === at.line);
    t.match(here.map((one) => one.message).join("\n"), message, mistake);
  }
});

t.test("a route's rule is completed with its keys and words, each with what it means", { skip }, async (t) => {
  const editor = await openFolder(t);
  const inRule = marked(`${HEAD}routes:\n  GET /orders:\n    access: read\n    ‸\n`);
  await editor.open("services/keys.yaml", inRule.text);
  const keys = await editor.complete("services/keys.yaml", inRule.at);
  for (const [label, words] of [
    ["tenant", "crossTenantOnly"],
    ["limits", "Limits of this route"],
    ["body", "What the request body may be"],
    ["timeouts", "Time-outs"],
    ["websocket", "WebSocket"],
    ["query", "Query parameters"],
  ] as const) {
    const offered = keys.find((one) => one.label === label);
    t.ok(offered, label);
    t.match(offered && documentationOf(offered), words, label);
  }
  const afterPath = marked(`${HEAD}routes:\n  GET /orders: ‸\n`);
  await editor.open("services/words.yaml", afterPath.text);
  const words = (await editor.complete("services/words.yaml", afterPath.at)).map(({ label }) => label);
  for (const word of ["public", "authenticated", "denied"]) t.ok(words.includes(word), word);
  const inTenant = marked(`${HEAD}routes:\n  GET /orders:\n    access: read\n    tenant: ‸\n`);
  await editor.open("services/choices.yaml", inTenant.text);
  const choices = (await editor.complete("services/choices.yaml", inTenant.at)).map(({ label }) => label);
  t.ok(["unchecked", "crossTenantOnly"].every((choice) => choices.includes(choice)));
});

t.test("the keys of the gateway file and of a test file are completed too", { skip }, async (t) => {
  const editor = await openFolder(t);
  const gateway = marked("# yaml-language-server: $schema=schema/gateway.schema.json\nversion: 1\n‸\n");
  await editor.open("other.yaml", gateway.text);
  const doors = await editor.complete("other.yaml", gateway.at);
  t.ok(["listen", "health", "admin", "stores", "services"].every((key) => doors.some(({ label }) => label === key)));
  const tests = marked("# yaml-language-server: $schema=../schema/tests.schema.json\nversion: 1\ntests:\n  - ‸\n");
  await editor.open("tests/other.yaml", tests.text);
  const labels = (await editor.complete("tests/other.yaml", tests.at)).map(({ label }) => label);
  t.ok(
    ["request", "expect"].every((key) => labels.includes(key)),
    labels.join(" "),
  );
});

t.test("over a key stands what it means", { skip }, async (t) => {
  const editor = await openFolder(t);
  for (const [name, text, words] of [
    ["tenant", `${HEAD}routes:\n  GET /orders:\n    access: read\n    ten‸ant: unchecked\n`, "the request's tenant does not matter here"],
    ["route", `${HEAD}routes:\n  GET /or‸ders: public\n`, "Who may call it"],
    ["prefix", `${HEAD}pre‸fix: /shop\nroutes: {}\n`, "Path before every route"],
    ["connections", `${HEAD}routes: {}\nconn‸ections: { perCaller: 5 }\n`, "one caller may keep open"],
  ] as const) {
    const { text: whole, at } = marked(text);
    await editor.open(`services/${name}.yaml`, whole);
    t.match((await editor.hover(`services/${name}.yaml`, at)).replaceAll("\\", ""), words, name);
  }
});
