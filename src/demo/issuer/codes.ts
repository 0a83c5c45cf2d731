/** Authorization codes with PKCE (RFC 6749 §4.1, RFC 7636): one use, five minutes. */
import type { SignIn } from "./claims.ts";
import type { Pool, PersonTokens } from "./pool.ts";
import { sameSecret, sha256 } from "./secrets.ts";
import { Tickets, type Clock } from "./tickets.ts";

const CODE_LIFETIME_MS = 5 * 60 * 1000;
/** RFC 7636 §4.1. */
const VERIFIER = /^[A-Za-z0-9\-._~]{43,128}$/;

export interface CodeRequest {
  readonly clientId: string;
  readonly redirectUri: string;
  /** BASE64URL(SHA256(verifier)), RFC 7636 §4.2. */
  readonly challenge: string;
  readonly signIn: SignIn;
}

export interface Redemption {
  readonly code: string;
  readonly clientId: string;
  readonly redirectUri: string;
  readonly verifier: string;
}

export type Redeemed =
  | { readonly kind: "tokens"; readonly tokens: PersonTokens; readonly signIn: SignIn }
  | { readonly kind: "refused"; readonly reason: string };

interface IssuedCode extends CodeRequest {
  spent: boolean;
  refreshToken?: string;
}

export class Codes {
  readonly #pool: Pool;
  readonly #codes: Tickets<IssuedCode>;

  constructor(pool: Pool, clock: Clock) {
    this.#pool = pool;
    this.#codes = new Tickets(clock, CODE_LIFETIME_MS);
  }

  issue(request: CodeRequest): string {
    return this.#codes.issue({ ...request, spent: false });
  }

  /** The tokens for a code. Whatever comes of it, the code is spent. */
  redeem(redemption: Redemption): Redeemed {
    const code = this.#codes.find(redemption.code);
    if (!code) return refused("the code is unknown or has ended");
    if (code.spent) return this.#refuseSecondUse(code);
    code.spent = true;
    const reason = mismatch(code, redemption);
    return reason === undefined ? this.#tokens(code) : refused(reason);
  }

  /** RFC 6749 §4.1.2: a code that comes twice was stolen once, so what came of it ends too. */
  #refuseSecondUse(code: IssuedCode): Redeemed {
    if (code.refreshToken !== undefined) this.#pool.refreshTokens.take(code.refreshToken);
    return refused("the code was used before");
  }

  #tokens(code: IssuedCode): Redeemed {
    const { clientId, signIn } = code;
    const refreshToken = this.#pool.refreshTokens.issue({ clientId, signIn });
    code.refreshToken = refreshToken;
    return { kind: "tokens", tokens: { ...this.#pool.tokensOf(signIn, clientId), refreshToken }, signIn };
  }
}

function mismatch(code: IssuedCode, redemption: Redemption): string | undefined {
  if (code.clientId !== redemption.clientId) return "the code belongs to another client";
  if (code.redirectUri !== redemption.redirectUri) return "redirect_uri is not the one that the code was asked for with";
  if (!VERIFIER.test(redemption.verifier)) return "code_verifier is malformed";
  return sameSecret(sha256(redemption.verifier).toString("base64url"), code.challenge)
    ? undefined
    : "code_verifier does not fit the code_challenge";
}

function refused(reason: string): Redeemed {
  return { kind: "refused", reason };
}
