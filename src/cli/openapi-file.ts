/** The OpenAPI document that a call names, and what a service file can say of it. */
import type { Grammar } from "../assurance/openapi/grammar.ts";
import type { ApiDocument } from "../assurance/openapi/model.ts";
import { readDocument } from "../assurance/openapi/read-document.ts";
import { headerKey } from "../contract/header-key.ts";
import { IDENTITY } from "../policy/compile/service.ts";
import { readDataFile } from "../policy/data.ts";
import { readHeaderName, readPermission, readScope } from "../policy/names.ts";
import { readPrefix, readRouteKey } from "../policy/pattern.ts";
import { readIssuer, readUpstreamUrl } from "../policy/urls.ts";
import { type Call, required } from "./command.ts";

/** The document of `--openapi`; undefined, with the reason said, where the file is none. */
export function openapiDocument(call: Call): ApiDocument | undefined {
  const path = required(call, "openapi");
  const read = readDataFile(path);
  if (read.kind === "refused")
    return refuse(call, `${path}${read.line === undefined ? " " : `:${read.line}: `}${read.reason}`, read.repair);
  const reading = readDocument(read.data);
  return reading.kind === "document" ? reading.document : refuse(call, `${path}: ${reading.reason}`, reading.repair);
}

function refuse({ terminal }: Call, words: string, repair: string | undefined): undefined {
  terminal.err(`${words}${repair === undefined ? "" : `\n    → ${repair}`}\n`);
}

const IDENTITY_HEADERS = new Set(Object.values(IDENTITY).map((name) => headerKey(String(name))));
/** Keys that no YAML file of a policy can have. */
const NO_KEYS = new Set(["__proto__", "<<"]);

/** A YAML key may have 1024 characters. */
const LONGEST_SCOPE = 900;

/** As the policy's own readers judge. */
export const GRAMMAR: Grammar = {
  route: (key) => {
    const reading = readRouteKey(key);
    return reading.kind === "value" ? { kind: "route", segments: reading.value.segments } : { kind: "wrong", reason: reading.message };
  },
  isPermission: (text) => readPermission(text).kind === "value",
  isScope: (text) => readScope(text).kind === "value" && !text.includes("${") && !NO_KEYS.has(text) && text.length <= LONGEST_SCOPE,
  isKeyHeader: (text) => readHeaderName(text).kind === "value" && !IDENTITY_HEADERS.has(headerKey(text)),
  isIssuer: (text) => readIssuer(text).kind === "value",
  isUpstream: (text) => readUpstreamUrl(text).kind === "value",
  isPrefix: (text) => readPrefix(text).kind === "value" && !text.includes("${"),
};
