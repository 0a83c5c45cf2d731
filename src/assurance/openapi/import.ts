/** OpenAPI document → a first service file, in which nothing is open that the document does not open, and nothing without a credential. */
import type { Grammar } from "./grammar.ts";
import { type LeftOut, type Line, linesOf } from "./lines.ts";
import type { ApiDocument } from "./model.ts";
import { placeOf } from "./place-of-service.ts";
import { type DraftAuthenticator, mapSchemes } from "./schemes.ts";
import { serviceText } from "./service-file.ts";
import { tenantHints } from "./tenant-hints.ts";
import { plainName } from "./words.ts";

export interface Imported {
  readonly service: string;
  /** YAML. */
  readonly text: string;
  readonly authenticators: readonly DraftAuthenticator[];
  readonly lines: readonly Line[];
  readonly leftOut: readonly LeftOut[];
}

/** `name`: the service's; made from the title where it is undefined. */
export function importService(document: ApiDocument, name: string | undefined, grammar: Grammar): Imported {
  const service = name ?? plainName(document.title, "service");
  const schemes = mapSchemes(document, service, grammar);
  const mapped = [...schemes.values()].flatMap((scheme) => (scheme.kind === "authenticator" ? [scheme.authenticator] : []));
  const { lines, leftOut } = linesOf(document, schemes, grammar);
  const authenticators = mapped.filter(({ name: one }) => counts(one, lines));
  const place = placeOf(document, grammar);
  const text = serviceText({ service, document, place, authenticators, lines, leftOut, tenants: tenantHints(lines) });
  return { service, text, authenticators, lines, leftOut };
}

/** An authenticator that no line takes would only be one more thing to get right. */
function counts(name: string, lines: readonly Line[]): boolean {
  return lines.some(({ rule }) => rule.kind === "access" && rule.authenticators.includes(name));
}
