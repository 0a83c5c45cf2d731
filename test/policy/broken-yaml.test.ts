/** Texts that are no YAML: one slip is one mistake, on the line that holds it, in an operator's words. */
import t from "tap";
import { load, mistakes, SHOP } from "./fixtures.ts";

const LINES = SHOP.split("\n").length - 1;

interface Slip {
  readonly name: string;
  /** What follows the head of the service. */
  readonly text: string;
  /** Line, counted from the end of the head. */
  readonly line: number;
  readonly column: number;
  readonly message: string;
  readonly repair: string;
}

const INDENTED = "this line is indented wrongly";
const ITEM = "a list item cannot stand among the keys of a map";

const SLIPS: readonly Slip[] = [
  {
    name: "a reference that is not quoted inside brackets",
    text: "  partner:\n    bearer: [{ id: a, value: ${NOTES_TOKEN}, access: [a.b] }]\nroutes:\n  GET /a: public\n",
    line: 2,
    column: 30,
    message: "`${NOTES_TOKEN}` is not quoted inside brackets",
    repair: 'quote it: "${NOTES_TOKEN}"',
  },
  {
    name: "a tab",
    text: "routes:\n  GET /a: public\n\tGET /b: public\n  GET /c: public\n",
    line: 3,
    column: 1,
    message: "a tab cannot indent a line",
    repair: "use spaces",
  },
  {
    name: "a route that is indented by one space more",
    text: "routes:\n  GET /a: public\n   GET /b: public\n  GET /c: public\n",
    line: 3,
    column: 4,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a route that is indented by one space less",
    text: "routes:\n  GET /a: public\n GET /b: public\n  GET /c: public\n",
    line: 3,
    column: 2,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a first route that is indented otherwise than all others",
    text: "routes:\n   GET /a: public\n  GET /b: public\n  GET /c: public\n",
    line: 2,
    column: 4,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a first line of two that is indented by an odd number of spaces",
    text: "errors:\n   format: detail\n  codes: {}\n",
    line: 2,
    column: 4,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a wrong indentation below a reference",
    text: "stripPrefix: ${STRIP}\n  prefix: /v1\n",
    line: 2,
    column: 3,
    message: INDENTED,
    repair: "begin it without a space",
  },
  {
    name: "a top-level key that is indented",
    text: " routes:\n  GET /a: public\n",
    line: 1,
    column: 2,
    message: INDENTED,
    repair: "begin it without a space",
  },
  {
    name: "an item of a list that is indented otherwise",
    text: "accept:\n  - { code: L109, at: GET /a, reason: meant }\n - { code: L109, at: GET /b, reason: meant }\n",
    line: 3,
    column: 2,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a key of a list item that is not below the others",
    text: "accept:\n  - code: L109\n   at: GET /a\n    reason: meant\n",
    line: 3,
    column: 4,
    message: INDENTED,
    repair: "indent it by 4 spaces",
  },
  {
    name: "a wrong indentation behind a comment",
    text: "routes:\n  GET /a: public\n  # note: the next one\n   GET /b: public\n",
    line: 4,
    column: 4,
    message: INDENTED,
    repair: "indent it by 2 spaces",
  },
  {
    name: "a list item among routes",
    text: "routes:\n  GET /a: public\n  - GET /health: public\n  GET /c: public\n",
    line: 3,
    column: 3,
    message: ITEM,
    repair: "write it without the dash",
  },
  {
    name: "a list item before routes",
    text: "routes:\n  - GET /health: public\n  GET /c: public\n",
    line: 2,
    column: 3,
    message: ITEM,
    repair: "write it without the dash",
  },
  {
    name: "a line without dash in a list",
    text: "hosts:\n  - a.example\n  b.example\n  - c.example\n",
    line: 3,
    column: 3,
    message: "this line stands in a list, and is no item of it",
    repair: "begin it with `- `",
  },
  {
    name: "a key without colon",
    text: "routes:\n  GET /a public\n  GET /b: public\n",
    line: 2,
    column: 3,
    message: "this line has no colon behind its key",
    repair: "write `KEY: VALUE`",
  },
  {
    name: "a colon without space",
    text: "routes:\n  GET /a:public\n  GET /b: public\n",
    line: 2,
    column: 3,
    message: "a colon is only read with a space behind it",
    repair: "write `KEY: VALUE`, with that space",
  },
  {
    name: "a brace that is not closed",
    text: "limits:\n  all: { by: caller, rate: 1/minute\n  b: { by: caller, rate: 1/minute }\n",
    line: 2,
    column: 8,
    message: "this `{` is not closed",
    repair: "close it with `}`",
  },
  {
    name: "a bracket that another one closes",
    text: "roles:\n  reader: [a.b}\nroutes:\n  GET /a: public\n",
    line: 2,
    column: 11,
    message: "this `[` is not closed",
    repair: "close it with `]`",
  },
  {
    name: "a bracket that closes none",
    text: "roles:\n  reader: [a.b]]\nroutes:\n  GET /a: public\n",
    line: 2,
    column: 16,
    message: "this bracket closes none",
    repair: "leave it out",
  },
  {
    name: "a forgotten comma",
    text: "limits: { all: { by: caller rate: 1/minute } }\n",
    line: 1,
    column: 22,
    message: "a second `:` before a comma",
    repair: "write a comma between the two, or quote the text that holds the colon",
  },
  {
    name: "words behind a quoted text",
    text: 'accept:\n  - { code: L109, at: "GET /a" b, reason: meant }\n',
    line: 2,
    column: 32,
    message: "this stands behind a value that has ended",
    repair: "quote the whole value, or write a comma before this inside brackets",
  },
  {
    name: "two anchors",
    text: "routes: &a &b\n  GET /a: public\n",
    line: 1,
    column: 12,
    message: "this value has two anchors",
    repair: "quote a value that begins with `&`, or keep one",
  },
];

for (const { name, text, line, column, message, repair } of SLIPS) {
  t.test(`${name} is one mistake`, async (t) => {
    const loaded = load(t, { "services/shop.yaml": `${SHOP}${text}` }, { offline: true });
    t.strictSame(mistakes(loaded), [`${LINES + line}:${column} ${message}`]);
    t.equal(loaded.kind === "invalid" && loaded.diagnostics[0]?.repair, repair);
  });
}

t.test("no repair repeats a line that cannot be read, which may hold a secret", async (t) => {
  const secret = "hunter2hunter2hunter2";
  for (const line of [`value:${secret}`, `value ${secret}`, `- ${secret}`, `value: "${secret}`, `value: "x" ${secret}`]) {
    const loaded = load(t, { "services/shop.yaml": `${SHOP}  partner:\n    ${line}\n    bearer: a\n` });
    if (loaded.kind === "policy") return t.fail("it is refused");
    t.notOk(loaded.diagnostics.some((one) => one.message.includes(secret) || one.repair?.includes(secret)));
  }
});
