/** A shadow policy whatever happens to it: it says what it can, once where that is enough, and never throws. */
import t from "tap";
import type { Policy } from "../../src/contract/policy.ts";
import type { Fields, Log } from "../../src/observability/log.ts";
import { createComparison, type Comparison } from "../../src/shadow.ts";
import { exchangeOf, seenOf, type Sent } from "./fixtures/generated.ts";
import { policyOf } from "../decision/policy.ts";

const SERVICE = `upstream: { url: "http://shop.example" }\nauthenticators: { machines: { jwt: { issuer: "https://issuer.example", clients: any } } }\n`;
const closed = policyOf({ shop: `${SERVICE}routes: { GET /things: authenticated }\n` });
const open = policyOf({ shop: `${SERVICE}routes: { GET /things: public }\n` });

const sent = (...headers: readonly (readonly [string, string])[]): Sent => ({
  method: "GET",
  target: "/things",
  headers: [["host", "gateway.example"], ...headers],
  address: "192.0.2.1",
  websocket: false,
});

interface Watched {
  readonly shadow: Comparison;
  readonly results: string[];
  readonly lines: (Fields & { readonly message: string })[];
}

function shadowed(policy: Policy): Watched {
  const results: string[] = [];
  const lines: Watched["lines"] = [];
  const note = (fields: Fields, message: string) => void lines.push({ ...fields, message });
  const log: Log = { debug: note, info: note, warn: note, error: note, record: note, setLevel: () => undefined, flush: () => undefined };
  const shadow = createComparison({ policy, log, metrics: { countShadow: (_exchange, result) => void results.push(result) } });
  return { shadow, results, lines };
}

t.test("a difference is told each time, with both verdicts", async (t) => {
  const { shadow, results } = shadowed(open);
  const exchange = exchangeOf(closed, seenOf(sent()));
  const record = {
    policy: open.revision,
    effect: "wider",
    before: "TOKEN_MISSING",
    after: "allow",
    route: "GET /things (shop)",
    caller: "nobody",
  };
  t.same([shadow.look(exchange), shadow.look(exchange)], [record, record]);
  t.same(results, ["wider", "wider"]);
});

t.test("where nobody looked for a credential, those who sent none are compared, and the others are told once", async (t) => {
  const { shadow, results } = shadowed(closed);
  t.match(shadow.look(exchangeOf(open, seenOf(sent()))), { effect: "narrower", after: "TOKEN_MISSING" });
  const bearing = exchangeOf(open, seenOf(sent(["authorization", "Bearer x"])));
  t.match(shadow.look(bearing), { unknown: /authorization, where none was looked for/, route: "GET /things (shop)" });
  t.equal(shadow.look(bearing), undefined);
  t.same(results, ["narrower", "unknown", "unknown"]);
});

t.test("a shadow that faults is counted, said once, and nothing else", async (t) => {
  const faulty: Policy = {
    ...closed,
    get hosts(): never {
      throw new Error("a fault of the shadow's own");
    },
  };
  const { shadow, results, lines } = shadowed(faulty);
  const exchange = exchangeOf(closed, seenOf(sent()));
  t.same([shadow.look(exchange), shadow.look(exchange)], [undefined, undefined]);
  t.same(results, ["failed", "failed"]);
  t.match(lines, [{ cause: /a fault of the shadow's own/, message: "the shadow policy could not decide" }]);
});

t.test("what no rule decided is left apart: a limit, a fault, a client that left, a request that was malformed", async (t) => {
  const { shadow, results } = shadowed(open);
  const exchange = exchangeOf(closed, seenOf(sent()));
  shadow.look({ ...exchange, outcome: { kind: "refused", code: "RATE_LIMITED", reason: "", status: 429 } });
  shadow.look({ ...exchange, outcome: { kind: "refused", code: "INTERNAL_ERROR", reason: "", status: 500 } });
  shadow.look({ ...exchange, outcome: undefined });
  shadow.look({ ...exchange, facts: { ...exchange.facts, path: { segments: [], encodedSlash: false } } });
  t.same(results, ["apart", "apart", "apart", "apart"]);
});
