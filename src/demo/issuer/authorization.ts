/** What an authorization request asks for (RFC 6749 §4.1.1, RFC 7636 §4.3), judged. */
import { readParameters, readScopes, type Parameters } from "./form.ts";
import type { Client } from "./pool-options.ts";
import type { Pool } from "./pool.ts";

export interface Authorization {
  readonly client: Client;
  readonly redirectUri: string;
  readonly scopes: readonly string[];
  readonly challenge: string;
  readonly state: string | undefined;
  readonly nonce: string | undefined;
}

/**
 * `refused` is told to the person only: the request named no client and address that may be trusted with an answer.
 * `returned` goes back to the client at `location` (RFC 6749 §4.1.2.1).
 */
export type AuthorizationVerdict =
  | { readonly kind: "authorization"; readonly authorization: Authorization }
  | { readonly kind: "returned"; readonly location: string }
  | { readonly kind: "refused"; readonly reason: string };

/** BASE64URL of a SHA-256. */
const CHALLENGE = /^[A-Za-z0-9_-]{43}$/;

export function readAuthorization(pool: Pool, query: string): AuthorizationVerdict {
  const parameters = readParameters(query);
  if (!parameters) return { kind: "refused", reason: "A parameter of the request is repeated." };
  const client = pool.client(parameters.get("client_id") ?? "");
  if (client?.kind !== "web") return { kind: "refused", reason: "This pool knows no such app client that signs people in." };
  const redirectUri = parameters.get("redirect_uri") ?? "";
  if (!pool.redirectUris(client).includes(redirectUri)) {
    return { kind: "refused", reason: "redirect_uri is not one that is registered for this client." };
  }
  return judge(client, redirectUri, parameters);
}

function judge(client: Client, redirectUri: string, parameters: Parameters): AuthorizationVerdict {
  const state = parameters.get("state");
  const challenge = parameters.get("code_challenge") ?? "";
  const scopes = readScopes(parameters.get("scope"), client.scopes);
  const back = (error: string): AuthorizationVerdict => ({ kind: "returned", location: returnTo(redirectUri, { error, state }) });
  if (parameters.get("response_type") !== "code") return back("unsupported_response_type");
  if (!CHALLENGE.test(challenge) || parameters.get("code_challenge_method") !== "S256") return back("invalid_request");
  if (!scopes) return back("invalid_scope");
  return { kind: "authorization", authorization: { client, redirectUri, scopes, challenge, state, nonce: parameters.get("nonce") } };
}

/** The redirect address with the answer in its query. */
export function returnTo(redirectUri: string, answer: Readonly<Record<string, string | undefined>>): string {
  const url = new URL(redirectUri);
  for (const [name, value] of Object.entries(answer)) if (value !== undefined) url.searchParams.set(name, value);
  return url.href;
}
