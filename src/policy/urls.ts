/** URLs that a policy holds. What a URL parser would quietly correct is refused, with the corrected form as the repair. */
import { forbiddenHost, isLoopback } from "./addresses.ts";
import { type Reading, value, type Wrong, wrong } from "./reading.ts";

export interface UpstreamUrl {
  /** `scheme://host:port`, without path. */
  readonly origin: string;
  /** `""`, or `/…` without trailing slash. */
  readonly basePath: string;
}

/** Address of an upstream: http or https, a host, perhaps a port and a path. */
export function readUpstreamUrl(text: string): Reading<UpstreamUrl> {
  const reading = readHttpUrl(text);
  if (reading.kind === "wrong") return reading;
  const url = reading.value;
  if (url.search !== "" || text.includes("?")) return wrong("an upstream's address has no query", { rewrite: before(text, "?") });
  const basePath = url.pathname.replace(/\/$/, "");
  if (basePath.includes("//") || /%2f|%5c/i.test(basePath))
    return wrong("this path can be read in two ways", { repair: "write it without `//`, `%2F` and `%5C`" });
  return value({ origin: url.origin, basePath });
}

/** Exact value of `iss`: compared byte for byte, so it is returned as written. */
export function readIssuer(text: string): Reading<string> {
  const reading = readKeyUrl(text);
  if (reading.kind === "wrong") return reading;
  const url = reading.value;
  if (url.search !== "" || text.includes("?")) return wrong("an issuer has no query", { rewrite: before(text, "?") });
  if (url.href !== text && url.href !== `${text}/`)
    return wrong("an issuer is compared byte for byte, and this is no URL's exact form", { rewrite: url.href });
  return value(text);
}

/** Address of a key set. */
export function readJwks(text: string): Reading<string> {
  const reading = readKeyUrl(text);
  return reading.kind === "wrong" ? reading : value(reading.value.href);
}

/** The serialised form of an origin (RFC 6454 section 6.1), which is what browsers send. */
export function readOrigin(text: string): Reading<string> {
  if (text.includes("*")) return wrong("an origin cannot hold a wildcard", { repair: "list each origin" });
  if (text === "null") return wrong("`null` is the origin of any sandboxed page", { repair: "list the page's own origin" });
  const url = URL.parse(text);
  if (!url || (url.protocol !== "https:" && url.protocol !== "http:"))
    return wrong("this is no origin", { repair: "write `https://app.example.com`" });
  if (url.origin === text) return value(text);
  const reason =
    url.pathname !== "/" || /[/?#]$/.test(text) ? "an origin has no path" : "this is not the form in which browsers send this origin";
  return wrong(reason, { rewrite: url.origin });
}

/** Tokens are only worth what their keys are: https, or this very machine. */
function readKeyUrl(text: string): Reading<URL> {
  const reading = readHttpUrl(text);
  if (reading.kind === "wrong") return reading;
  const { protocol, hostname } = reading.value;
  if (protocol === "http:" && !isLoopback(hostname))
    return wrong("this must be https", { repair: "http is taken on loopback only", rewrite: text.replace(/^http:/, "https:") });
  return reading;
}

function readHttpUrl(text: string): Reading<URL> {
  const url = URL.parse(text);
  if (Number(/^https?:\/\/[^/?#]*:(\d+)(?:[/?#]|$)/i.exec(text)?.[1]) > 65_535)
    return wrong("a port is at most 65535", { repair: "write the port that the other side listens on" });
  if (!/^[a-z][a-z0-9+.-]*:/i.test(text) || !url)
    return wrong("this is no URL", { repair: "write scheme and host: `https://service.example.com`" });
  if (url.protocol !== "http:" && url.protocol !== "https:")
    return wrong(`\`${url.protocol}\` is not spoken here`, { repair: "write an `https:` or `http:` URL" });
  if (url.username !== "" || url.password !== "" || text.includes("@"))
    return wrong("a URL must not carry a user or a password", { repair: "leave out what stands before the `@`" });
  if (url.hash !== "" || text.includes("#")) return wrong("a URL must not carry a fragment", { rewrite: before(text, "#") });
  return wrongHost(url, text) ?? value(url);
}

function wrongHost(url: URL, text: string): Wrong | undefined {
  const forbidden = forbiddenHost(url.hostname);
  if (forbidden !== undefined) return wrong(forbidden, { repair: "no request may go there" });
  if (url.port === "0") return wrong("port 0 cannot be reached", { repair: "write the port that the other side listens on" });
  const written = /^https?:\/\/(\[[^\]]*\]|[^/:?#]*)/i.exec(text)?.[1]?.toLowerCase();
  if (written !== url.hostname) return wrong("this host can be read in two ways", { rewrite: url.origin });
  if (url.hostname.endsWith(".")) return wrong("the host ends in a dot", { rewrite: url.origin.replace(/\.(?=$|:\d+$)/, "") });
  return undefined;
}

function before(text: string, mark: string): string {
  return text.slice(0, text.indexOf(mark));
}
