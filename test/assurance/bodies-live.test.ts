/** Of a body's head `sallyport test` expects what a live gateway answers: every method and head, on every kind of rule. */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { answerOf } from "../cli/run-command.ts";
import { openRecorder, sendRaw } from "../forward/harness.ts";
import { startSallyport, type Sallyport } from "../journey/harness.ts";
import { thingsFiles, until } from "../journey/things.ts";

const METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE"];

const RULES = {
  "/plain": "{ access: public }",
  "/json": "{ access: public, body: { types: [application/json] } }",
  "/images": "{ access: public, body: { types: [image/*, text/plain], max: none } }",
  "/short": "{ access: public, body: { max: 10B } }",
};

const TYPES = [undefined, "application/json", "Application/JSON; charset=utf-8", "image/png", "text/plain"];

interface Head {
  readonly method: string;
  readonly path: string;
  readonly type: string | undefined;
  /** Undefined: neither length nor coding. */
  readonly framing: { readonly name: string; readonly value: string; readonly body: string } | undefined;
}

const FRAMINGS: readonly Head["framing"][] = [
  undefined,
  ...["", "0123456789", "0123456789a"].map((body) => ({ name: "content-length", value: String(body.length), body })),
  { name: "transfer-encoding", value: "chunked", body: "1\r\na\r\n0\r\n\r\n" },
];

const heads: readonly Head[] = METHODS.flatMap((method) =>
  Object.keys(RULES).flatMap((path) => TYPES.flatMap((type) => FRAMINGS.map((framing) => ({ method, path, type, framing })))),
).filter(isSure);

/** A media type alone stands for a body, which on the wire has a length or a coding. */
function isSure({ type, framing }: Head): boolean {
  return type === undefined || framing !== undefined;
}

function headersOf({ type, framing }: Head): Readonly<Record<string, string>> {
  return { ...(type !== undefined && { "content-type": type }), ...(framing && { [framing.name]: framing.value }) };
}

interface Said {
  readonly id: string;
  /** `allow`, or the code of the refusal. */
  readonly word: string;
}

async function askLive({ running, decision }: Sallyport, head: Head): Promise<Said> {
  const fields = { host: "gateway.example", connection: "close", ...headersOf(head) };
  const lines = Object.entries(fields).map(([name, value]) => `${name}: ${value}\r\n`);
  const text = `${head.method} ${head.path} HTTP/1.1\r\n${lines.join("")}\r\n${head.framing?.body ?? ""}`;
  const answer = await sendRaw(running.ports.gateway, text);
  const id = /x-decision-id: (\S+)/i.exec(answer)?.[1] ?? "";
  await until(() => decision(id) !== undefined);
  const { outcome, code } = decision(id) as { readonly outcome: string; readonly code?: string };
  return { id, word: code ?? outcome };
}

async function openThings(t: Test): Promise<Sallyport> {
  const upstream = await openRecorder(t);
  const routes = Object.entries(RULES).flatMap(([path, rule]) =>
    METHODS.filter((method) => method !== "HEAD").map((method) => `  ${method} ${path}: ${rule}\n`),
  );
  const log = "log: { decisions: all, facts: true }";
  const files = thingsFiles({ upstream: upstream.origin, gateway: log, authenticators: "", rest: `routes:\n${routes.join("")}` });
  return startSallyport(t, { files, environment: {} });
}

t.test("a live gateway and `sallyport test` say the same of each head", async (t) => {
  const sallyport = await openThings(t);
  const said: string[] = [];
  for (const head of heads) said.push((await askLive(sallyport, head)).word);
  const tests = heads.map((head, index) => ({
    name: `${head.method} ${head.path} ${JSON.stringify(headersOf(head))}`,
    request: { method: head.method, path: head.path, headers: headersOf(head) },
    expect: said[index] === "allow" ? "allow" : { deny: said[index] },
  }));
  mkdirSync(join(sallyport.folder, "tests"));
  writeFileSync(join(sallyport.folder, "tests/live.yaml"), JSON.stringify({ version: 1, tests }));
  const { out, err } = await answerOf(["test", "--json", "--config", join(sallyport.folder, "sallyport.yaml")]);
  t.equal(err, "");
  const report = JSON.parse(out) as { readonly tests: readonly { readonly name: string; readonly green: boolean }[] };
  t.equal(report.tests.length, heads.length);
  t.same(
    report.tests.filter(({ green }) => !green),
    [],
  );
  const outcomes = new Set(said);
  t.same([...outcomes].toSorted(), ["BODY_TOO_LARGE", "BODY_TYPE_NOT_ALLOWED", "REQUEST_INVALID", "allow"]);
});

t.test("of each recorded refusal of a body `explain --decision` says that the steps do not show it", async (t) => {
  const sallyport = await openThings(t);
  const long = { name: "content-length", value: "11", body: "0123456789a" };
  const refused: readonly Head[] = [
    { method: "POST", path: "/json", type: "text/plain", framing: long },
    { method: "POST", path: "/short", type: undefined, framing: long },
    { method: "GET", path: "/plain", type: undefined, framing: long },
  ];
  for (const head of refused) {
    const { id, word } = await askLive(sallyport, head);
    const input = JSON.stringify(sallyport.decision(id));
    const config = join(sallyport.folder, "sallyport.yaml");
    const { code, out } = await answerOf(["explain", "--config", config, "--decision", id, "--decisions", "-"], { input });
    t.equal(code, 1);
    t.match(out, new RegExp(`\\nrefused: \\d{3} ${word}\\nby the steps: allow by public \\(${head.method} ${head.path}\\)\\n`));
    t.match(out.replaceAll("\n", " "), /the forward stage then refused it: \d{3} \w+\. The steps do not show that/);
    t.notMatch(out, /would have it refused/);
  }
});
