/** Words of the policy: names, permissions, headers, hosts, media types. */
import { domainToASCII } from "node:url";
import { isTenant } from "../decision/tenant.ts";
import { type Reading, value, wrong } from "./reading.ts";

/** Words that a rule says in place of a permission. */
export const ACCESS_WORDS = ["public", "authenticated", "denied"] as const;
const RESERVED = new Set<string>([...ACCESS_WORDS, "any", "none"]);
const PERMISSION = /^[a-z0-9_-]+(?:\.[a-z0-9_-]+)*$/;
/** RFC 9110 section 5.6.2. */
const TOKEN = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

/** A dotted word in lower case. */
export function readPermission(text: string): Reading<string> {
  if (text === "*")
    return wrong("a route names a permission; `*` can only be granted", {
      repair: "write `authenticated`, or the permission that it needs",
    });
  if (RESERVED.has(text)) return wrong(`\`${text}\` is a word of its own and cannot be a permission`);
  if (text.split(".")[0] === "sallyport")
    return wrong("permissions that begin with `sallyport.` belong to the gateway's own door", { repair: "begin it with another word" });
  if (PERMISSION.test(text)) return value(text);
  const meant = text
    .trim()
    .toLowerCase()
    .replaceAll(/[\s:/]+/g, ".");
  return wrong("a permission is a dotted word in lower case, such as `models.read`", PERMISSION.test(meant) ? { rewrite: meant } : {});
}

/** A permission, or `*` for all of the service. */
export function readGrant(text: string): Reading<string> {
  return text === "*" ? value(text) : readPermission(text);
}

/** Name of an authenticator, a limit, a token. */
export function readName(text: string): Reading<string> {
  const name = /^[A-Za-z0-9][A-Za-z0-9_.-]{0,63}$/;
  if (name.test(text)) return value(text);
  return wrong("a name consists of letters, digits, `_`, `.` and `-`, at most 64", hyphened(text, name));
}

/** The text with `-` for whatever a name cannot have, where that makes one of it. */
function hyphened(text: string, name: RegExp): { readonly rewrite?: string } {
  const rewrite = text.replaceAll(/[^A-Za-z0-9_.-]+/g, "-").replaceAll(/^-|-$/g, "");
  return name.test(rewrite) ? { rewrite } : {};
}

export function readServiceName(text: string): Reading<string> {
  const name = /^[a-z0-9][a-z0-9_-]{0,62}$/;
  if (name.test(text)) return value(text);
  const meant = text.toLowerCase().replaceAll(".", "-");
  return wrong("a service's name consists of lower-case letters, digits, `_` and `-`, at most 63", hyphened(meant, name));
}

export function readTenant(text: string): Reading<string> {
  return isTenant(text) ? value(text) : wrong("a tenant consists of letters, digits, `_`, `.` and `-`, at most 128");
}

/** Scopes are separated by spaces (RFC 6749 section 3.3), so none can hold one. */
export function readScope(text: string): Reading<string> {
  return /^[\x21\x23-\x5b\x5d-\x7e]+$/.test(text) ? value(text) : wrong("a scope is one word without spaces");
}

/** `client:{tenant}`: one placeholder with some text of its own around it; without braces an exact group. */
export function readGroup(text: string): Reading<string> {
  const rest = text.replace("{tenant}", "");
  if (text === "" || /[{}]/.test(rest))
    return wrong("the only placeholder of a group is `{tenant}`, once", { repair: "write `client:{tenant}`" });
  return rest === ""
    ? wrong("with nothing around `{tenant}`, every group would be a tenant", { repair: "write `client:{tenant}`" })
    : value(text);
}

/** The text around `{tenant}`; undefined where the group has no placeholder. */
export function groupParts(group: string): { readonly prefix: string; readonly suffix: string } | undefined {
  const [prefix, suffix] = group.split("{tenant}");
  return prefix === undefined || suffix === undefined ? undefined : { prefix, suffix };
}

const HOP_AND_FRAMING = new Set(
  [
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
  ].concat(
    ["upgrade", "host", "content-length", "content-type", "content-encoding", "expect", "date", "origin", "cookie", "set-cookie"],
    ["authorization", "www-authenticate", "traceparent", "tracestate", "x-request-id", "forwarded", "x-forwarded-for", "x-real-ip"],
  ),
);

/** Name of a header that the policy gives a meaning, in lower case. */
export function readHeaderName(text: string): Reading<string> {
  if (!TOKEN.test(text)) return wrong("this is no header name");
  const name = text.toLowerCase();
  return HOP_AND_FRAMING.has(name)
    ? wrong(`\`${name}\` has a meaning of its own in HTTP`, { repair: "choose another header" })
    : value(name);
}

/** Name of a header that a CORS block lists, in lower case. */
export function readListedHeader(text: string): Reading<string> {
  if (text.includes("*")) return wrong("a list of headers cannot hold a wildcard", { repair: "list each header" });
  return TOKEN.test(text) ? value(text.toLowerCase()) : wrong("this is no header name");
}

/** Media type without parameters, or `type/*`; lower case. */
export function readMediaType(text: string): Reading<string> {
  const lower = text.toLowerCase();
  if (/^[a-z0-9!#$&^_.+-]+\/(?:\*|[a-z0-9!#$&^_.+-]+)$/.test(lower)) return value(lower);
  return wrong("this is no media type", { repair: "write `application/json`, or `image/*` for a whole type" });
}

/** First part of API keys. */
export function readKeyPrefix(text: string): Reading<string> {
  return /^[a-z0-9_]{1,32}$/.test(text) && !/^_|_$/.test(text)
    ? value(text)
    : wrong("a key's prefix consists of `a-z`, `0-9` and `_`, at most 32, and begins and ends with a letter or digit");
}

/** Region or service of a SigV4 credential scope, in which `/` separates. */
export function readScopePart(text: string): Reading<string> {
  return /^[A-Za-z0-9._-]{1,64}$/.test(text) ? value(text) : wrong("this consists of letters, digits and `._-`, at most 64");
}

/** A service's host: an exact name, or `{placeholder}` for the whole first label. */
export interface HostName {
  /** The whole name, or what follows the placeholder. */
  readonly name: string;
  readonly placeholder?: string;
}

export function readHost(text: string): Reading<HostName> {
  const match = /^\{([A-Za-z_][A-Za-z0-9_]*)\}\.(.+)$/.exec(text);
  const name = match?.[2] ?? text;
  if (name.includes("*")) return wrong("a host cannot hold a wildcard", { repair: "write `{tenant}.example.com`" });
  if (/[{}]/.test(name))
    return wrong("a host has one placeholder at most, for its whole first label", { repair: "write `{tenant}.example.com`" });
  const fault = hostFault(name);
  if (fault) return fault;
  return value(match ? { name, placeholder: match[1]! } : { name });
}

function hostFault(name: string): ReturnType<typeof wrong> | undefined {
  if (/^\[[0-9a-f:.]+\]$/.test(name)) return undefined;
  if (/:\d*$/.test(name)) return wrong("a host is named without its port", { rewrite: name.replace(/:\d*$/, "") });
  const ascii = domainToASCII(name);
  if (ascii !== "" && ascii !== name) return wrong("a host is written in lower-case ASCII", { rewrite: ascii });
  const labels = name.split(".");
  const sound = ascii !== "" && name.length <= 253 && labels.every((label) => /^[a-z0-9_](?:[a-z0-9_-]{0,61}[a-z0-9_])?$/.test(label));
  return sound ? undefined : wrong("this is no host name", name.endsWith(".") ? { rewrite: name.replace(/\.+$/, "") } : {});
}

/** What a door listens on: an IP address or a host name. */
export function readListenHost(text: string): Reading<string> {
  return /^[A-Za-z0-9_.:-]+$/.test(text) && !/^[a-z]+:\/\//.test(text)
    ? value(text)
    : wrong("this is no address to listen on", { repair: "write `127.0.0.1`, `0.0.0.0` or `::`" });
}
