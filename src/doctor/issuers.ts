/** Issuers: the key set is there, holds keys that count, and the clocks agree. */
import type { Issuer } from "../contract/authenticators.ts";
import { readJwks } from "../pipeline/authenticate/jwks-document.ts";
import type { JwksAnswer } from "../pipeline/authenticate/jwks-fetch.ts";
import { fail, type Finding, ok, warn } from "./finding.ts";
import { codeOf, networkFault } from "./network-words.ts";

export interface IssuerParts {
  /** As the gateway itself fetches; rejects when there is no such document. */
  readonly fetchJwks: (url: string) => Promise<JwksAnswer>;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

/** Leeway of `iat` and `nbf`: beyond it a fresh token is refused. */
const REFUSED_MS = 60_000;
const NOTED_MS = 5_000;

export async function checkIssuer(issuer: Issuer, { fetchJwks, now }: IssuerParts): Promise<Finding> {
  const of = { area: "issuer", subject: issuer.iss } as const;
  try {
    const { body, clock } = await fetchJwks(issuer.jwks);
    const document = readJwks(body, issuer.algorithms, undefined);
    if (document.kind === "unusable")
      return fail(of, `no key set: ${document.reason}`, `\`jwks:\` must be its address; it is ${shown(issuer.jwks)}`);
    const [skipped] = document.skipped;
    if (document.keys.size === 0)
      return fail(
        of,
        `no usable key${skipped ? `: ${skipped.reason}` : ""}`,
        `\`algorithms:\` is ${issuer.algorithms.join(", ")}; its keys must fit`,
      );
    const words = `${counted(document.keys.size)}${skipped ? `, ${document.skipped.length} not usable (${skipped.reason})` : ""}`;
    return clock === undefined ? ok(of, words) : withClock(of, words, clock - now());
  } catch (error) {
    return unreached(of, issuer, error);
  }
}

type Of = { readonly area: "issuer"; readonly subject: string };

/** `Date` counts whole seconds. */
function withClock(of: Of, words: string, skewMs: number): Finding {
  const seconds = Math.round(Math.abs(skewMs) / 1000);
  const skew = `its clock is ${seconds} s ${skewMs > 0 ? "ahead of" : "behind"} this one`;
  const repair = "set both clocks by a time server";
  if (Math.abs(skewMs) > REFUSED_MS)
    return fail(of, `${skew}: ${skewMs > 0 ? "its new tokens are refused" : "its tokens end too early"}`, repair);
  return Math.abs(skewMs) > NOTED_MS ? warn(of, `${words}; ${skew}`, repair) : ok(of, words);
}

function unreached(of: Of, { jwks }: Issuer, error: unknown): Finding {
  const message = error instanceof Error ? error.message : String(error);
  const { words, repair } = networkFault(codeOf(error), message);
  return fail(of, `its key set ${shown(jwks)} cannot be had: ${words}`, repair);
}

/** Without the query, which may hold a secret. */
function shown(address: string): string {
  return address.replace(/\?.*$/s, "");
}

function counted(keys: number): string {
  return `${keys} usable key${keys === 1 ? "" : "s"}`;
}
