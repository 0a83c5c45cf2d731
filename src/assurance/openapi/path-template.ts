/** An OpenAPI path template → a pattern of the route table, or why there is none that means the same. */
import { placeholderName } from "./words.ts";

export type Translated =
  | { readonly kind: "pattern"; readonly pattern: string; readonly placeholders: ReadonlyMap<string, string> }
  | { readonly kind: "unsayable"; readonly reason: string };

/** A YAML key may have 1024 characters, method and quotes included. */
const LONGEST_PATH = 900;
/** RFC 6570 operators, and those of proxies: such a parameter may stand for more than one segment. */
const OPERATORS = /^[+#./;?&=,!@|*]|[+*]$|\.\.\.$|:\d+$/;

/** `placeholders`: the document's name → the table's. */
export function translate(path: string): Translated {
  if (!path.startsWith("/")) return unsayable("its path does not begin with `/`");
  if (path.length > LONGEST_PATH) return unsayable(`its path is longer than ${LONGEST_PATH} characters`);
  const placeholders = new Map<string, string>();
  const texts: string[] = [];
  for (const written of path.slice(1).split("/")) {
    const segment = segmentOf(written, placeholders);
    if (segment.kind === "unsayable") return segment;
    texts.push(segment.text);
  }
  return { kind: "pattern", pattern: `/${texts.join("/")}`, placeholders };
}

type TranslatedSegment = { readonly kind: "text"; readonly text: string } | Extract<Translated, { kind: "unsayable" }>;

function segmentOf(written: string, placeholders: Map<string, string>): TranslatedSegment {
  const name = /^\{([^{}]+)\}$/.exec(written)?.[1];
  if (name !== undefined && isOfManySegments(name)) return unsayable(`\`${written}\` may stand for more than one segment`);
  if (name !== undefined) return { kind: "text", text: `{${uniqueName(name, placeholders)}}` };
  if (/[{}]/.test(written)) return unsayable(`\`${written}\` is neither literal nor placeholder, and \`{name}\` would be wider`);
  return literalOf(written);
}

/** Whether a parameter that is written so in its braces may stand for more than one segment. */
export function isOfManySegments(name: string): boolean {
  return OPERATORS.test(name);
}

function uniqueName(name: string, placeholders: Map<string, string>): string {
  const taken = new Set(placeholders.values());
  const wish = placeholderName(name);
  let unique = wish;
  for (let number = 2; taken.has(unique); number++) unique = `${wish}_${number}`;
  placeholders.set(placeholders.has(name) ? `${name} ${placeholders.size}` : name, unique);
  return unique;
}

/** A table is written decoded; what decoding would turn into syntax stays out of it. */
function literalOf(written: string): TranslatedSegment {
  try {
    const text = decodeURIComponent(written);
    return text !== written && /[/{}]/.test(text) ? unsayable(`\`${written}\` cannot be written decoded`) : { kind: "text", text };
  } catch {
    return unsayable(`\`${written}\` is no valid percent-encoding`);
  }
}

function unsayable(reason: string): Extract<Translated, { kind: "unsayable" }> {
  return { kind: "unsayable", reason };
}
