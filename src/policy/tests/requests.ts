/** Requests of a test file → requests as sent. */
import type { Expectation, RequestSketch } from "../../contract/policy-tests.ts";
import type { ExpectationFile, RequestFile } from "./schema.ts";

const HOST = "gateway.example";
/** Of the block that is kept for documents (RFC 5737). */
const ADDRESS = "192.0.2.1";

/** The request with what holds where the file says nothing. */
export function requestOf(file: RequestFile): RequestSketch {
  if ("target" in file) return { ...file, headers: new Map([["host", [HOST]]]), address: ADDRESS, websocket: false };
  return {
    method: file.method ?? "GET",
    target: withQuery(file.path, file.query),
    headers: headersOf(file),
    address: file.address ?? ADDRESS,
    websocket: file.websocket === true,
  };
}

function headersOf({ headers, origin, host }: Exclude<RequestFile, { target: string }>): ReadonlyMap<string, readonly string[]> {
  const made = new Map<string, readonly string[]>([["host", [HOST]]]);
  for (const [name, values] of Object.entries(headers ?? {})) made.set(name.toLowerCase(), [values].flat());
  if (host !== undefined) made.set("host", [host]);
  if (origin !== undefined) made.set("origin", [origin]);
  return made;
}

function withQuery(path: string, query: Exclude<RequestFile, { target: string }>["query"]): string {
  const text = typeof query === "object" ? encodedQuery(query) : (query ?? "");
  if (text === "") return path;
  return `${path}${path.includes("?") ? "&" : "?"}${text}`;
}

function encodedQuery(query: Readonly<Record<string, string | string[]>>): string {
  return Object.entries(query)
    .flatMap(([name, values]) => [values].flat().map((value) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`))
    .join("&");
}

/** What the file expects, with header names in lower case. */
export function expectationOf(file: ExpectationFile): Expectation {
  if (typeof file === "string") return { outcome: file };
  const { allow, deny, status, route, tenant, path, upstream, cors } = file;
  const rule = file.rule ?? (typeof allow === "string" ? allow : undefined);
  return {
    outcome: deny === undefined ? (allow === undefined ? "preflight" : "allow") : "deny",
    ...(deny !== undefined && { code: deny }),
    ...(status !== undefined && { status }),
    ...(rule !== undefined && { rule }),
    ...(route !== undefined && { route }),
    ...(tenant !== undefined && { tenant }),
    ...(path !== undefined && { path }),
    ...(upstream && { upstream: byLowerCase(upstream) }),
    ...(cors && { cors: cors === "none" ? cors : byLowerCase(cors) }),
  };
}

function byLowerCase(headers: Readonly<Record<string, string | null>>): ReadonlyMap<string, string | null> {
  return new Map(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value]));
}
