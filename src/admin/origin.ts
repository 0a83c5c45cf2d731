/** Keeps other web pages out: a browser at the operator's desk reaches the admin door too, and sends along what it was once given. */
import type { IncomingMessage } from "node:http";
import { isIP } from "node:net";

const HOST = /^(?:\[([0-9a-f:.]+)\]|([a-z0-9.-]+))(?::\d{1,5})?$/i;

/**
 * Against DNS rebinding: a page's own name may come to mean this machine, but it cannot be an IP address, `localhost` or
 * the name in the configuration. The port is not looked at, since port forwarding changes it.
 */
export function isOwnHost(values: readonly string[] | undefined, configured: string): boolean {
  const [, bracketed, plain] = HOST.exec(values?.length === 1 ? values[0]! : "") ?? [];
  if (bracketed !== undefined) return isIP(bracketed) === 6;
  if (plain === undefined) return false;
  const name = plain.toLowerCase();
  return isIP(name) === 4 || name === "localhost" || name === configured.toLowerCase();
}

/**
 * Against cross-site request forgery: no page of another origin can send a bearer token or a header of its own making
 * without a preflight, and this door answers none. What a browser says about the origin has to fit as well.
 */
export function mayChange(request: IncomingMessage, scheme: "bearer" | "basic"): boolean {
  const { headersDistinct, headers } = request;
  if (headersDistinct["origin"]?.some((origin) => !isOriginOf(origin, headers.host ?? ""))) return false;
  const site = headersDistinct["sec-fetch-site"];
  if (site !== undefined && site.some((value) => value !== "same-origin" && value !== "none")) return false;
  return scheme === "bearer" || headers["x-sallyport-admin"] === "1";
}

/** https too: somebody may have put TLS before this door. */
function isOriginOf(origin: string, host: string): boolean {
  const own = host.toLowerCase();
  return origin === `http://${own}` || origin === `https://${own}`;
}
