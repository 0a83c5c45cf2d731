/** Admin tokens: how they are sent, and whether one is good. */
import { hash, timingSafeEqual } from "node:crypto";
import type { Secret } from "../contract/authenticators.ts";

/** A browser sends `basic` by itself, whichever page asks; `bearer` only a program or a script of ours. */
export interface SentToken {
  readonly scheme: "bearer" | "basic";
  readonly token: string;
}

const CREDENTIALS = /^(bearer|basic) ([\x21-\x7e]+)$/i;

/** The token in the values of `Authorization`: the bearer token, or the password of HTTP Basic. Undefined when there is not exactly one. */
export function sentToken(values: readonly string[] | undefined): SentToken | undefined {
  const [, scheme, text] = CREDENTIALS.exec(values?.length === 1 ? values[0]! : "") ?? [];
  if (scheme === undefined || text === undefined) return undefined;
  return scheme.toLowerCase() === "bearer" ? { scheme: "bearer", token: text } : { scheme: "basic", token: passwordIn(text) };
}

/** RFC 7617 section 2: what follows the first colon; the user's name says nothing here. */
function passwordIn(base64: string): string {
  const pair = Buffer.from(base64, "base64").toString("utf8");
  return pair.slice(pair.indexOf(":") + 1);
}

/** Whether the token is one of these and still counts. All are compared, so that the time tells neither which nor how nearly. */
export function isGoodToken(token: string, secrets: readonly Secret[], now: number): boolean {
  const digest = hash("sha256", token, "buffer");
  let good = false;
  for (const secret of secrets) {
    const equal = timingSafeEqual(digest, secret.digest);
    const current = secret.until === undefined || now < secret.until;
    if (equal && current) good = true;
  }
  return good;
}
