/** `sallyport explain`: every step of one decision, and the smallest change that would turn it round. */
import { explain } from "../assurance/explain/explain.ts";
import { inquiryOfRecord, recordedRefusal } from "../assurance/explain/recorded-inquiry.ts";
import { type Inquiry, judge, serviceOf } from "../assurance/inquiry.ts";
import { NOBODY } from "../assurance/credential.ts";
import type { Recorded } from "../assurance/replay/recorded.ts";
import { METHODS } from "../contract/node-http.ts";
import type { Policy } from "../contract/policy.ts";
import type { RequestSketch } from "../contract/policy-tests.ts";
import type { RecordedFacts } from "../contract/recorded.ts";
import { loadExpanded } from "../policy/load.ts";
import { nearest } from "../policy/suggest.ts";
import { askingOf } from "./caller-option.ts";
import { type Call, type Command, configPath, flag, type Terminal, text, UsageError } from "./command.ts";
import { asJson, textOf, visible } from "./explain-report.ts";
import { refuseInvalid } from "./mistakes.ts";
import { paragraph } from "./paragraph.ts";
import { recordedDecision } from "./recorded-option.ts";

export const explainCommand: Command = {
  name: "explain",
  summary: "says step by step why a request is allowed or refused",
  usage:
    "[--as FILE | --token - | --key-id ID] [--origin O] [--header H]… [--address A] [--json] METHOD URL | --decision ID [--decisions FILE | --admin URL] [--json]",
  help: `Puts one request to the policy and shows every step of the decision, in the
order in which the gateway takes them, and the smallest changes that would turn
it round: each was tried, and does. URL is a path, or a whole URL with the host.
Without a caller nobody asks. With --decision the request and the caller are
those of a decision that a gateway has recorded.

  --as FILE          who asks, as in a test file:
                     { "by": "machines", "claims": { … } };
                     or the bare claims of a token
  --token -          a token or key from standard input; a token's signature is
                     not verified here
  --key-id ID        a key of the store, with the account that owns it
  --origin ORIGIN    the page that asks
  --header 'N: V'    another header of the request; may be repeated;
                     content-type and content-length declare its body
  --address ADDRESS  the client's address (default 192.0.2.1)
  --decision ID      a decision that was recorded with its facts
                     (log: { facts: true })
  --decisions FILE   the log that has it, or - for standard input; without it
                     the gateway's admin door is asked, with the token in
                     SALLYPORT_ADMIN_TOKEN
  --admin URL        another admin door than the policy's
  --config FILE      the gateway file (default config/sallyport.yaml)
  --json             for machines: { "outcome", "code", "status", "reason",
                     "steps", "upstream", "flips", "recorded" }
                     or { "diagnostics" }

Exit code 0: the request is allowed. 1: it is refused, or the policy or the
caller is not valid.

  sallyport explain GET /v2/clients/acme --as caller.json
  sallyport explain OPTIONS /api/tracks --origin https://app.example.com \\
    --header 'access-control-request-method: GET'
  sallyport explain DELETE /prod/api/incidents/INC1 --token - < token.txt
  sallyport explain --decision 096e0edf1634-2 --decisions sallyport.log`,
  options: {
    as: { type: "string" },
    token: { type: "string" },
    "key-id": { type: "string" },
    origin: { type: "string" },
    header: { type: "string", multiple: true },
    address: { type: "string" },
    decision: { type: "string" },
    decisions: { type: "string" },
    admin: { type: "string" },
    json: { type: "boolean" },
  },
  positionals: [0, 2],
  run: runExplain,
};

async function runExplain(call: Call): Promise<number> {
  const { terminal } = call;
  checkUse(call);
  const loaded = loadExpanded({ configPath: configPath(call), environment: terminal.environment, offline: true });
  if (loaded.kind === "invalid") return refuseInvalid(call, loaded.diagnostics);
  const { policy } = loaded;
  const id = text(call, "decision");
  if (id !== undefined) return explainRecorded(call, policy, id);
  const now = Date.now();
  const request = requestOf(call, policy);
  const { seen } = judge(policy, { request, credential: NOBODY, now });
  const asking = await askingOf(call, policy, seen && serviceOf(seen.match), now);
  if (!asking) return 1;
  const inquiry: Inquiry = { request, credential: asking.credential, now };
  const explanation = explain(policy, inquiry);
  terminal.out(flag(call, "json") ? json(asJson(inquiry, asking, explanation)) : textOf(inquiry, asking, explanation, terminal));
  return explanation.decision.outcome === "deny" ? 1 : 0;
}

function json(value: object): string {
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

const OF_A_REQUEST = ["as", "token", "key-id", "origin", "header", "address"];
const OF_A_RECORD = ["decisions", "admin"];

/** A request and its caller are given whole, or recorded. */
function checkUse({ values, positionals }: Call): void {
  const given = (options: readonly string[]) => options.find((option) => values[option] !== undefined);
  if (values["decision"] === undefined) {
    const stray = given(OF_A_RECORD);
    if (stray !== undefined) throw new UsageError(`--${stray} goes with --decision`);
    if (positionals.length < 2) throw new UsageError(positionals.length === 1 ? "URL is missing" : "METHOD and URL are missing");
    return;
  }
  const stray = positionals.length > 0 ? "a request" : given(OF_A_REQUEST);
  if (stray !== undefined) throw new UsageError(`--decision brings request and caller along: leave ${stray.replace(/^(?!a )/, "--")} out`);
  if (values["decisions"] !== undefined && values["admin"] !== undefined) throw new UsageError("--decisions and --admin name two places");
}

/* ── a decision that was recorded ─────────────────────────────────────── */

async function explainRecorded(call: Call, policy: Policy, id: string): Promise<number> {
  const { terminal } = call;
  const record = await recordedDecision(call, policy, id);
  if (!record) return 1;
  const { inquiry, words, notes } = inquiryOfRecord(policy, record);
  const explained = inquiry && explain(policy, inquiry);
  // Nobody looks for a way to have refused what was refused.
  const isBelied = record.outcome === "deny" && explained !== undefined && explained.decision.outcome !== "deny";
  const asking = { words, note: notes.join(" "), ...(isBelied && { refusal: recordedRefusal(record) }) };
  const explanation = isBelied ? { ...explained, flips: [] } : explained;
  const report = inquiry && explanation ? asJson(inquiry, asking, explanation) : { note: asking.note };
  const steps =
    inquiry && explanation
      ? `\n${textOf(inquiry, asking, explanation, terminal)}`
      : `\n${paragraph(visible(asking.note), terminal.columns, 0)}\n`;
  terminal.out(flag(call, "json") ? json({ ...report, recorded: recordJson(record) }) : `${recordText(record, terminal)}${steps}`);
  return record.outcome === "deny" ? 1 : 0;
}

function recordText(record: Recorded, { columns }: Terminal): string {
  const { decision, at, outcome, status, reason, method, path, facts } = record;
  const said = outcome === "deny" ? recordedRefusal(record) : `${outcome}, ${status ?? ""}`;
  const title = `Decision ${decision}, ${new Date(at).toISOString()}\n`;
  const lines = [
    `${method} ${path ?? ""}: ${said}`,
    ...(facts && !("none" in facts) ? pageWords(facts) : []),
    ...(reason === undefined ? [] : [`reason: ${reason}`]),
  ];
  return `${title}${lines.map((line) => `  ${paragraph(visible(line), columns, 4)}\n`).join("")}`;
}

/** What a browser said of the page that asked. */
function pageWords({ origin, preflightMethod }: RecordedFacts): readonly string[] {
  return [
    ...(preflightMethod === undefined ? [] : [`a preflight for ${preflightMethod}`]),
    ...(origin === undefined ? [] : [`from a page of ${origin}`]),
  ];
}

function recordJson({ decision, at, outcome, status, code, reason, policy }: Recorded): object {
  return {
    decision,
    at: new Date(at).toISOString(),
    outcome,
    code: code ?? null,
    status: status ?? null,
    reason: reason ?? null,
    policy,
  };
}

/* ── the request ──────────────────────────────────────────────────────── */

function requestOf(call: Call, policy: Policy): RequestSketch {
  const [method = "", url = ""] = call.positionals;
  checkMethod(method);
  const absolute = /^https?:\/\/([^/?#]*)([^#]*)/i.exec(url);
  const target = absolute ? (absolute[2]!.startsWith("/") ? absolute[2]! : `/${absolute[2]}`) : url;
  const headers = new Map<string, readonly string[]>([["host", [absolute?.[1] ?? "gateway.example"]]]);
  for (const [name, value] of headerOptions(call, policy))
    headers.set(name, name === "host" ? [value] : [...(headers.get(name) ?? []), value]);
  const origin = text(call, "origin");
  if (origin !== undefined) headers.set("origin", [origin]);
  const websocket = headers.get("upgrade")?.[0]?.toLowerCase() === "websocket";
  return { method, target, headers, address: text(call, "address") ?? "192.0.2.1", websocket };
}

/** Before there is a request to decide, the gateway's parser has answered these. */
function checkMethod(method: string): void {
  if (method === "CONNECT") throw new UsageError("the gateway never forwards CONNECT, and answers 404 ROUTE_NOT_FOUND");
  if (METHODS.includes(method)) return;
  const meant = nearest(method, METHODS);
  const hint = meant === undefined ? "" : `; did you mean ${meant}?`;
  throw new UsageError(`${JSON.stringify(method)} is no HTTP method: the gateway answers 400 REQUEST_INVALID${hint}`);
}

function headerOptions(call: Call, policy: Policy): readonly (readonly [string, string])[] {
  const written = call.values["header"];
  const credentials = new Set(
    policy.services.flatMap(({ authenticators }) => authenticators.flatMap((one) => (one.kind === "apiKey" ? [one.header] : []))),
  );
  return (Array.isArray(written) ? written : []).map((header) => {
    const [, name = "", value = ""] = /^([^\s:]+):\s*(.*?)\s*$/s.exec(String(header)) ?? [];
    if (name === "") throw new UsageError("--header takes a name and a value: 'accept: text/html'");
    const lower = name.toLowerCase();
    if (lower === "authorization" || credentials.has(lower))
      throw new UsageError(`${lower} holds a credential: write --token - and give it on standard input`);
    return [lower, value] as const;
  });
}
