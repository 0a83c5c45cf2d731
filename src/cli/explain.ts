/** `sallyport explain`: every step of one decision, and the smallest change that would turn it round. */
import { type Explanation, explain, type Step } from "../assurance/explain/explain.ts";
import type { Flip } from "../assurance/explain/flip.ts";
import { type Inquiry, judge, outcomeWords, serviceOf } from "../assurance/inquiry.ts";
import { NOBODY } from "../assurance/credential.ts";
import type { Decision } from "../contract/decision.ts";
import type { Policy } from "../contract/policy.ts";
import type { RequestSketch } from "../contract/policy-tests.ts";
import { loadExpanded } from "../policy/load.ts";
import { type Asking, askingOf } from "./caller-option.ts";
import { printDiagnostics } from "./check.ts";
import { type Call, type Command, configPath, flag, type Terminal, text, UsageError } from "./command.ts";

export const explainCommand: Command = {
  name: "explain",
  summary: "says step by step why a request is allowed or refused",
  usage: "[--as FILE | --token - | --key-id ID] [--origin O] [--header H]… [--address A] [--json] METHOD URL",
  help: `Puts one request to the policy and shows every step of the decision, in the order in which the gateway takes
them, and the smallest changes that would turn it round: each was tried, and does. URL is a path, or a whole
URL with the host. Without a caller nobody asks.

  --as FILE          who asks, as in a test file: { "by": "machines", "claims": { … } }; or the bare claims of a token
  --token -          a token or key from standard input; a token's signature is not verified here
  --key-id ID        a key of the store, with the account that owns it
  --origin ORIGIN    the page that asks
  --header 'N: V'    another header of the request; may be repeated
  --address ADDRESS  the client's address (default 192.0.2.1)
  --config FILE      the gateway file (default config/sallyport.yaml)
  --json             for machines: { "outcome", "code", "status", "reason", "steps", "upstream", "flips" }

Exit code 0: the request is allowed. 1: it is refused, or the policy or the caller is not valid.

  sallyport explain GET /v2/clients/acme --as caller.json
  sallyport explain OPTIONS /api/tracks --origin https://app.example.com --header 'access-control-request-method: GET'
  sallyport explain DELETE /prod/api/incidents/INC1 --token - < token.txt`,
  options: {
    as: { type: "string" },
    token: { type: "string" },
    "key-id": { type: "string" },
    origin: { type: "string" },
    header: { type: "string", multiple: true },
    address: { type: "string" },
    json: { type: "boolean" },
  },
  positionals: [2, 2],
  run: runExplain,
};

async function runExplain(call: Call): Promise<number> {
  const { terminal } = call;
  const loaded = loadExpanded({ configPath: configPath(call), environment: terminal.environment, offline: true });
  if (loaded.kind === "invalid") {
    printDiagnostics(loaded.diagnostics, terminal);
    return 1;
  }
  const { policy } = loaded;
  const now = Date.now();
  const request = requestOf(call, policy);
  const { seen } = judge(policy, { request, credential: NOBODY, now });
  const asking = await askingOf(call, policy, seen && serviceOf(seen.match), now);
  if (!asking) return 1;
  const inquiry: Inquiry = { request, credential: asking.credential, now };
  const explanation = explain(policy, inquiry);
  terminal.out(
    flag(call, "json")
      ? `${JSON.stringify(asJson(inquiry, asking, explanation), undefined, 2)}\n`
      : textOf(inquiry, asking, explanation, terminal),
  );
  return explanation.decision.outcome === "deny" ? 1 : 0;
}

/* ── the request ──────────────────────────────────────────────────────── */

function requestOf(call: Call, policy: Policy): RequestSketch {
  const [method = "", url = ""] = call.positionals;
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

/* ── for people ───────────────────────────────────────────────────────── */

const LABEL = 26;

function textOf({ request }: Inquiry, asking: Asking, explanation: Explanation, { colour, columns }: Terminal): string {
  const paint = (code: number, said: string) => (colour ? `\u001b[${code}m${said}\u001b[0m` : said);
  const refused = explanation.decision.outcome === "deny";
  return [
    `${paint(1, `${request.method} ${visible(request.target)}`)}\n  asked by ${asking.words}\n`,
    ...explanation.steps.map((step, index) => stepText(step, index + 1, columns, paint)),
    `\n${paint(refused ? 31 : 32, verdictWords(explanation))}\n`,
    ...flipLines(explanation, columns),
    ...(asking.note === undefined ? [] : [`\n${wrapped(asking.note, columns, 0)}\n`]),
  ].join("");
}

function stepText(
  { stage, verdict, details }: Step,
  number: number,
  columns: number,
  paint: (code: number, said: string) => string,
): string {
  const head = `\n${number} ${stage}${verdict === "passes" ? "" : `: ${paint(verdict === "refuses" ? 31 : 32, verdict)}`}\n`;
  return (
    head +
    details
      .map(({ about, is }) => `  ${about.padEnd(LABEL - 3)} ${wrapped(visible(is), columns, Math.max(LABEL, about.length + 3))}\n`)
      .join("")
  );
}

function verdictWords({ decision }: Explanation): string {
  const said = outcomeWords(decision);
  return decision.outcome === "deny" ? `refused: ${said}` : `allowed: ${said}`;
}

function flipLines({ decision, flips }: Explanation, columns: number): readonly string[] {
  const refused = decision.outcome === "deny";
  if (flips.length === 0)
    return [
      wrapped(
        `No single change of the request, the caller, a grant or a list would ${refused ? "let it through" : "have it refused"}.`,
        columns,
        0,
      ) + "\n",
    ];
  const title =
    decision.outcome === "deny" ? `Any one of these would ${lackingWords(decision)}:` : "Any one of these would have it refused:";
  return [`\n${title}\n`, ...flips.map((flip) => `  ${wrapped(`- ${flipWords(flip)}`, columns, 4)}\n`)];
}

function lackingWords(decision: Extract<Decision, { outcome: "deny" }>): string {
  const lacks = decision.code === "INSUFFICIENT_ROLE" || decision.code === "INSUFFICIENT_SCOPE";
  return lacks ? `grant ${decision.route?.rule} and let it through` : "let it through";
}

function flipWords({ of, words: said, decision }: Flip): string {
  const then = decision.outcome === "deny" ? ` (then ${decision.code})` : "";
  return `${of === "rule" ? "in the policy: " : ""}${visible(said)}${then}`;
}

/** Breaks at spaces; what follows the first line is indented. */
function wrapped(words: string, columns: number, indent: number): string {
  const lines: string[] = [];
  let line = "";
  for (const word of words.split(" ")) {
    if (line !== "" && indent + line.length + 1 + word.length > columns) {
      lines.push(line);
      line = word;
    } else line = line === "" ? word : `${line} ${word}`;
  }
  return [...lines, line].join(`\n${" ".repeat(indent)}`);
}

/** What a stranger chose must not steer the terminal. */
function visible(said: string): string {
  return said.replaceAll(/[\p{Cc}\p{Cf}\u2028\u2029]/gu, "�");
}

/* ── for machines ─────────────────────────────────────────────────────── */

function asJson({ request }: Inquiry, asking: Asking, { decision, status, steps, upstream, flips }: Explanation): object {
  return {
    request: `${request.method} ${request.target}`,
    caller: asking.words,
    note: asking.note ?? null,
    outcome: decision.outcome,
    code: decision.outcome === "deny" ? decision.code : null,
    status: status ?? null,
    reason: decision.outcome === "deny" ? decision.reason : null,
    route: decision.route ? { name: decision.route.name, rule: decision.route.rule, source: decision.route.source } : null,
    steps,
    upstream: upstream ? { origin: upstream.origin, target: upstream.target, headers: Object.fromEntries(upstream.headers) } : null,
    flips: flips.map((flip) => ({ of: flip.of, change: flip.words, outcome: outcomeWords(flip.decision) })),
  };
}
