/** `sallyport doctor`: is everything there that the policy needs, and if not, what is wrong. */
import { examine } from "../doctor/doctor.ts";
import type { Finding } from "../doctor/finding.ts";
import { forbiddenHost } from "../policy/addresses.ts";
import { loadProved } from "../proved.ts";
import { type Command, configPath, flag, type Terminal } from "./command.ts";
import { refuseInvalid } from "./mistakes.ts";
import { table } from "./table.ts";

const TIMEOUT_MS = 3_000;

export const doctorCommand: Command = {
  name: "doctor",
  summary: "reaches issuers, upstreams and stores, and says what is wrong",
  usage: "[--config FILE] [--json]",
  help: `Loads the policy as \`serve\` would, and tries everything that it needs: the key
set of each issuer, with the keys in it and the issuer's clock; a connection to
each upstream, with its certificate; the key store; the front door's
certificate; and the end dates of secrets and keys. All at the same time,
3 seconds each. Nothing is changed, no request is sent to an upstream, and no
secret is shown.

  --config FILE  the gateway file (default config/sallyport.yaml)
  --json         for machines: { "healthy", "findings" } or { "diagnostics" }

Exit code 0: nothing fails, though there may be warnings. 1: something fails, or
the policy is not valid.

  sallyport doctor
  sallyport doctor --config /etc/sallyport/sallyport.yaml --json`,
  options: { json: { type: "boolean" } },
  positionals: [0, 0],
  run: async (call) => {
    const loaded = loadProved({ configPath: configPath(call), environment: call.terminal.environment }, Date.now());
    if (loaded.kind === "invalid") return refuseInvalid(call, loaded.diagnostics, { more: { healthy: false } });
    const { guardedLookup, JWKS_FETCH_LIMITS, jwksAnswer } = await import("../pipeline/authenticate/jwks-fetch.ts");
    const fetchJwks = jwksAnswer(guardedLookup(forbiddenHost));
    const limits = { ...JWKS_FETCH_LIMITS, timeoutMs: TIMEOUT_MS };
    const findings = await examine(loaded.policy, {
      fetchJwks: (url) => fetchJwks(url, new AbortController().signal, limits),
      now: Date.now,
      timeoutMs: TIMEOUT_MS,
    });
    const healthy = findings.every(({ verdict }) => verdict !== "fail");
    if (flag(call, "json")) call.terminal.out(`${JSON.stringify({ healthy, findings: findings.map(asJson) }, undefined, 2)}\n`);
    else call.terminal.out(findingsText(findings, call.terminal));
    return healthy ? 0 : 1;
  },
};

function asJson({ area, verdict, subject, words, repair }: Finding): object {
  return { area, verdict, subject, words, repair: repair ?? null };
}

const COLOURS = { ok: 32, warn: 33, fail: 31 } as const;

/** The first column is as wide as the longest verdict. */
function findingsText(findings: readonly Finding[], { columns, colour }: Terminal): string {
  const [first = [], ...others] = findings.flatMap(rowsOf);
  const text = table(first, others, columns);
  if (!colour) return text;
  return text.replaceAll(/^(?:ok|warn|fail)\b/gm, (word) => `\u001b[${COLOURS[word as Finding["verdict"]]}m${word}\u001b[0m`);
}

function rowsOf({ verdict, area, subject, words, repair }: Finding): readonly (readonly string[])[] {
  return [[verdict, `${area} ${subject}: ${words}`], ...(repair === undefined ? [] : [["", `→ ${repair}`]])];
}
