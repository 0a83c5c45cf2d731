/** `METHOD /path/{name}/{rest...}` → its parts. */
import { METHODS } from "../contract/node-http.ts";
import { canonicalPath, looseSegment } from "../decision/path.ts";
import { type Reading, value, type Wrong, wrong } from "./reading.ts";
import { nearest } from "./suggest.ts";

export type Segment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "placeholder"; readonly name: string }
  /** One or more segments at the end. */
  | { readonly kind: "rest"; readonly name: string };

export interface RoutePattern {
  readonly method: string;
  readonly pattern: string;
  readonly segments: readonly Segment[];
}

const METHOD_NAMES = new Set(METHODS);

/** Reads the key of a route: method, one space, pattern. */
export function readRouteKey(text: string): Reading<RoutePattern> {
  if (/^[A-Za-z]+(?:\s*[,|]\s*[A-Za-z]+)+ \//.test(text)) return wrong("a route has one method", { repair: ONE_LINE_EACH });
  const match = /^(\S+) (\/.*)$/s.exec(text);
  if (!match) return wrong("a route is written `METHOD /path`", { repair: looksLikePath(text) });
  const method = readMethod(match[1]!);
  if (method.kind === "wrong") return method;
  const segments = readSegments(match[2]!);
  return segments.kind === "wrong" ? segments : value({ method: method.value, pattern: match[2]!, segments: segments.value });
}

function looksLikePath(text: string): string {
  return text.startsWith("/") ? `put the method before it: \`GET ${text}\`` : "such as `GET /models/{model_id}`";
}

const ONE_LINE_EACH = "write one line for each method";
const CUSTOMARY = ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

/** A method that a route or a limit can name. HEAD follows GET. */
export function readMethod(text: string): Reading<string> {
  if (text === "HEAD") return wrong("HEAD follows GET and has no rule of its own", { repair: "write the GET route only" });
  if (text === "CONNECT" || text === "TRACE") return wrong(`${text} is never forwarded`, { repair: "leave it out" });
  if (METHOD_NAMES.has(text)) return value(text);
  if (METHOD_NAMES.has(text.toUpperCase())) return wrong("methods are written in capitals", { rewrite: text.toUpperCase() });
  if (/^(?:\*|ANY|ALL)$/i.test(text)) return wrong("no word stands for all methods", { repair: ONE_LINE_EACH });
  const meant = nearest(text, CUSTOMARY);
  const repair = meant === undefined ? `write a method that clients send: ${CUSTOMARY.join(", ")}` : `did you mean \`${meant}\`?`;
  return wrong("this is no HTTP method", { repair });
}

/** Reads a service's prefix: `/` or literal segments without trailing slash. Undefined segments: none. */
export function readPrefix(text: string): Reading<string> {
  if (text === "/") return value("");
  if (!text.startsWith("/")) return wrong("a prefix begins with `/`", { rewrite: `/${text}` });
  if (text.endsWith("/")) return wrong("a prefix has no slash at its end", { rewrite: text.replace(/\/+$/, "") || "/" });
  const segments = readSegments(text);
  if (segments.kind === "wrong") return segments;
  return segments.value.every((segment) => segment.kind === "literal")
    ? value(text)
    : wrong("a prefix has no placeholders", { repair: "put them into the routes" });
}

/** Segments of a path pattern that begins with `/`; a trailing slash is a last empty literal. */
function readSegments(pattern: string): Reading<readonly Segment[]> {
  const texts = pattern.slice(1).split("/");
  const segments: Segment[] = [];
  const names = new Set<string>();
  for (const [index, text] of texts.entries()) {
    const segment = readSegment(text, index === texts.length - 1);
    if (segment.kind === "wrong") return segment;
    if (segment.value.kind !== "literal" && names.has(segment.value.name))
      return wrong(`the placeholder \`{${segment.value.name}}\` stands twice`, { repair: "give each a name of its own" });
    if (segment.value.kind !== "literal") names.add(segment.value.name);
    segments.push(segment.value);
  }
  return value(segments);
}

function readSegment(text: string, isLast: boolean): Reading<Segment> {
  const match = /^\{([A-Za-z_][A-Za-z0-9_]*)(\.\.\.)?\}$/.exec(text);
  if (match && match[2] === undefined) return value({ kind: "placeholder", name: match[1]! });
  if (match)
    return isLast
      ? value({ kind: "rest", name: match[1]! })
      : wrong(`\`${text}\` can only stand last`, { repair: `write \`{${match[1]}}\` for one segment` });
  const fault = text === "" && isLast ? undefined : literalFault(text);
  return fault ?? value({ kind: "literal", text });
}

/** Most literals there are, of which nothing can be said. */
const PLAIN_LITERAL = /^[A-Za-z0-9_-]+$/;

function literalFault(text: string): Wrong | undefined {
  if (PLAIN_LITERAL.test(text)) return undefined;
  if (text === "") return wrong("the path has an empty segment", { repair: "write one `/` between two segments" });
  if (text === "." || text === "..") return wrong("the path has a dot segment", { repair: "write the path that it leads to" });
  if (/[{}]/.test(text))
    return wrong(`\`${text}\` is neither literal nor placeholder`, {
      repair: "a placeholder is a whole segment: `{name}`, with letters, digits and `_`",
    });
  if (/^:[A-Za-z_]\w*$/.test(text)) return wrong("placeholders are written in braces", { repair: `write \`{${text.slice(1)}}\`` });
  if (text === "*" || text === "**")
    return wrong("`*` is no wildcard here", { repair: "write `{name}` for one segment, `{name...}` for the rest" });
  if (text.includes("?")) return wrong("a path has no query", { repair: "match query parameters with `query:` in the rule" });
  return (
    encodedFault(text) ??
    (reachable(text) ? undefined : wrong(`no request can have the segment \`${text}\` in its path`, { repair: "leave the line out" }))
  );
}

function encodedFault(text: string): Wrong | undefined {
  if (!/%[0-9A-Fa-f]{2}/.test(text)) return undefined;
  try {
    return wrong("a path is written decoded", { repair: `write \`${decodeURIComponent(text)}\`` });
  } catch {
    return wrong("a path is written decoded", { repair: "write UTF-8 where the bytes stand" });
  }
}

/** What the edge would refuse in a request cannot stand in a table either. */
function reachable(text: string): boolean {
  if (!text.isWellFormed()) return false;
  const canonical = canonicalPath(`/${encodeURIComponent(text)}`);
  return canonical.kind === "path" && canonical.path.segments[0] === text && looseSegment(text) !== "";
}
