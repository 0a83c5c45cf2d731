/** Security schemes and requirements of a document. What is malformed is never taken for "nothing is asked". */
import type { Alternative, Requirement, Security, SecurityScheme, Unread } from "./model.ts";
import { entriesOf, isRecord, own, ownText, pointer, resolve } from "./references.ts";

/** The schemes by name. */
export function readSchemes(data: unknown, unread: Unread[]): ReadonlyMap<string, SecurityScheme> {
  const schemes = new Map<string, SecurityScheme>();
  for (const [name, written] of entriesOf(own(own(data, "components"), "securitySchemes"))) {
    const resolved = resolve(data, written);
    if (resolved.kind === "value") schemes.set(name, schemeOf(resolved.value));
    else unread.push({ place: pointer("components", "securitySchemes", name), reason: resolved.reason });
  }
  return schemes;
}

function schemeOf(value: unknown): SecurityScheme {
  const type = ownText(value, "type") ?? "unknown type";
  switch (type) {
    case "http":
      return httpScheme(value);
    case "oauth2":
      return { kind: "oauth2", scopes: declaredScopes(own(value, "flows")) };
    case "openIdConnect":
      return { kind: "openIdConnect", url: ownText(value, "openIdConnectUrl") ?? "" };
    case "apiKey":
      return { kind: "apiKey", in: ownText(value, "in") ?? "", name: ownText(value, "name") ?? "" };
    default:
      return { kind: "other", words: type };
  }
}

/** The name of an HTTP scheme is without case (RFC 9110 section 11.1). */
function httpScheme(value: unknown): SecurityScheme {
  const scheme = ownText(value, "scheme")?.toLowerCase() ?? "";
  const format = ownText(value, "bearerFormat");
  return scheme === "bearer" ? { kind: "bearer", ...(format !== undefined && { format }) } : { kind: "other", words: `http ${scheme}` };
}

function declaredScopes(flows: unknown): readonly string[] {
  return [...new Set(entriesOf(flows).flatMap(([, flow]) => entriesOf(own(flow, "scopes")).map(([scope]) => scope)))];
}

/** The operation's own `security`, otherwise the document's. */
export function readSecurity(ofOperation: unknown, ofDocument: unknown): Security {
  const written = ofOperation ?? ofDocument;
  if (written === undefined || written === null) return { kind: "unsaid" };
  if (!Array.isArray(written)) return { kind: "unreadable" };
  if (written.length === 0) return { kind: "none" };
  const alternatives = written.map(alternativeOf);
  const sound = alternatives.filter((alternative) => alternative !== undefined);
  return sound.length === alternatives.length ? { kind: "alternatives", alternatives: sound } : { kind: "unreadable" };
}

function alternativeOf(value: unknown): Alternative | undefined {
  if (!isRecord(value)) return undefined;
  const requirements = Object.entries(value).map(([scheme, scopes]): Requirement | undefined =>
    Array.isArray(scopes) && scopes.every((scope) => typeof scope === "string") ? { scheme, scopes } : undefined,
  );
  const sound = requirements.filter((requirement) => requirement !== undefined);
  return sound.length === requirements.length ? sound : undefined;
}
