/** Which client asks, and whether it has shown its secret (RFC 6749 §2.3). */
import type { Parameters } from "./form.ts";
import type { Client } from "./pool-options.ts";
import type { Pool } from "./pool.ts";
import { sameSecret } from "./secrets.ts";

export type ClientAuthentication =
  { readonly kind: "client"; readonly client: Client } | { readonly kind: "unknown" } | { readonly kind: "ambiguous" };

interface Shown {
  readonly id: string;
  /** Undefined: only the id was shown. */
  readonly secret: string | undefined;
}

/** By HTTP Basic or by the form, never both; a public client shows its id only. */
export function authenticateClient(pool: Pool, authorization: string | undefined, form: Parameters): ClientAuthentication {
  if (authorization !== undefined && form.has("client_secret")) return { kind: "ambiguous" };
  const shown = authorization === undefined ? shownInForm(form) : shownByBasic(authorization);
  if (!shown) return { kind: "unknown" };
  if (form.has("client_id") && form.get("client_id") !== shown.id) return { kind: "ambiguous" };
  const client = pool.client(shown.id);
  return client && secretFits(client, shown.secret) ? { kind: "client", client } : { kind: "unknown" };
}

function shownInForm(form: Parameters): Shown | undefined {
  const id = form.get("client_id");
  return id === undefined ? undefined : { id, secret: form.get("client_secret") };
}

/** RFC 6749 §2.3.1: both halves are form-encoded before they are joined. */
function shownByBasic(authorization: string): Shown | undefined {
  const encoded = /^basic +([A-Za-z0-9+/=]+)$/i.exec(authorization)?.[1];
  if (encoded === undefined) return undefined;
  const text = Buffer.from(encoded, "base64").toString();
  const colon = text.indexOf(":");
  if (colon < 0) return undefined;
  return { id: formDecode(text.slice(0, colon)), secret: formDecode(text.slice(colon + 1)) };
}

function formDecode(text: string): string {
  return new URLSearchParams(`value=${text.replaceAll("&", "%26")}`).get("value") ?? "";
}

function secretFits(client: Client, secret: string | undefined): boolean {
  if (client.secret === undefined) return secret === undefined;
  return secret !== undefined && sameSecret(secret, client.secret);
}
