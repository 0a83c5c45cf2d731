/** Plain data → the model: every part that counts for access is narrowed here, or listed as unread. */
import type { ApiDocument, ApiServer, Operation, Parameter, Unread } from "./model.ts";
import { readSchemes, readSecurity } from "./read-security.ts";
import { entriesOf, isRecord, own, ownText, pointer, resolve } from "./references.ts";

export type DocumentReading =
  | { readonly kind: "document"; readonly document: ApiDocument }
  | { readonly kind: "refused"; readonly reason: string; readonly repair?: string };

const METHODS = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];
const MOST_OPERATIONS = 10_000;

/** Reads OpenAPI 3.0 and 3.1, at most 10,000 operations. Callbacks and webhooks are calls that the service makes itself, and do not count. */
export function readDocument(data: unknown): DocumentReading {
  const version = ownText(data, "openapi");
  if (version === undefined || !/^3\.[01](?:\.|$)/.test(version)) return refusedVersion(data);
  const paths = own(data, "paths");
  if (paths !== undefined && !isRecord(paths)) return { kind: "refused", reason: "its `paths` are no map" };
  const unread: Unread[] = [];
  const operations = entriesOf(paths)
    .filter(([path]) => !path.startsWith("x-"))
    .flatMap(([path, item]) => operationsOf(data, path, item, unread));
  if (operations.length > MOST_OPERATIONS)
    return {
      kind: "refused",
      reason: `it has more than ${MOST_OPERATIONS} operations`,
      repair: "split it; each service has a file of its own",
    };
  const title = ownText(own(data, "info"), "title") ?? "";
  const servers = readServers(own(data, "servers")) ?? [{ url: "/", address: "/" }];
  return { kind: "document", document: { version, title, servers, schemes: readSchemes(data, unread), operations, unread } };
}

function refusedVersion(data: unknown): DocumentReading {
  const swagger = own(data, "swagger");
  if (swagger !== undefined)
    return { kind: "refused", reason: "this is Swagger 2.0, which is not read", repair: "convert it to OpenAPI 3.0 first" };
  return { kind: "refused", reason: "this is no OpenAPI 3.0 or 3.1 document", repair: "it begins with `openapi: 3.0.3`, or `3.1.0`" };
}

/* ── operations ───────────────────────────────────────────────────────── */

function operationsOf(data: unknown, path: string, written: unknown, unread: Unread[]): readonly Operation[] {
  const place = pointer("paths", path);
  const resolved = resolve(data, written);
  const reason = resolved.kind === "unresolved" ? resolved.reason : isRecord(resolved.value) ? undefined : "it is no map";
  if (resolved.kind === "unresolved" || reason !== undefined) return unreadable(unread, place, reason ?? "");
  const item = withSiblings(written, resolved.value);
  return METHODS.flatMap((method): readonly Operation[] => {
    const operation = own(item, method);
    if (operation === undefined) return [];
    const at = pointer("paths", path, method);
    if (!isRecord(operation)) return unreadable(unread, at, "it is no map");
    const servers = readServers(own(operation, "servers")) ?? readServers(own(item, "servers"));
    const parameters = [...parametersOf(data, item), ...parametersOf(data, operation)];
    const security = readSecurity(own(operation, "security"), own(data, "security"));
    return [{ method: method.toUpperCase(), path, place: at, security, parameters, ...(servers && { servers }) }];
  });
}

function unreadable(unread: Unread[], place: string, reason: string): readonly [] {
  unread.push({ place, reason });
  return [];
}

/** A path item may have fields beside its `$ref`; both count, the written ones first. */
function withSiblings(written: unknown, referred: unknown): unknown {
  if (written === referred || !isRecord(written) || !isRecord(referred)) return referred;
  return Object.fromEntries([...Object.entries(referred), ...Object.entries(written).filter(([name]) => name !== "$ref")]);
}

function parametersOf(data: unknown, holder: unknown): readonly Parameter[] {
  const list = own(holder, "parameters");
  if (!Array.isArray(list)) return [];
  return list.flatMap((written: unknown): readonly Parameter[] => {
    const resolved = resolve(data, written);
    const name = resolved.kind === "value" ? ownText(resolved.value, "name") : undefined;
    const place = resolved.kind === "value" ? ownText(resolved.value, "in") : undefined;
    return name !== undefined && (place === "path" || place === "query" || place === "header") ? [{ name, in: place }] : [];
  });
}

/* ── servers ──────────────────────────────────────────────────────────── */

/** Undefined where there are none. */
function readServers(list: unknown): readonly ApiServer[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const servers = list.flatMap((server: unknown): readonly ApiServer[] => {
    const url = ownText(server, "url");
    if (url === undefined) return [];
    const address = filled(url, own(server, "variables"));
    return [{ url, ...(address !== undefined && { address }) }];
  });
  return servers.length === 0 ? undefined : servers;
}

/** Undefined where a variable has no default. */
function filled(url: string, variables: unknown): string | undefined {
  let whole = true;
  const address = url.replaceAll(/\{([^{}]*)\}/g, (written, name: string) => {
    const value = ownText(own(variables, name), "default");
    whole &&= value !== undefined;
    return value ?? written;
  });
  return whole ? address : undefined;
}
