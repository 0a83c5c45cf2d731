/** The path template of an operation, segment by segment: what requests of it look like. */
import { isOfManySegments } from "../path-template.ts";

export type ApiSegment =
  /** Decoded; the last one is empty where the path ends with a slash. */
  | { readonly kind: "literal"; readonly text: string }
  /** Any one segment. */
  | { readonly kind: "parameter" }
  /** The texts around parameters: `{name}.json` has `""` and `".json"`. */
  | { readonly kind: "mixed"; readonly texts: readonly string[] }
  /** One segment or more: `{proxy+}`. */
  | { readonly kind: "rest" };

/** Undefined where no request can have such a path. What some documents write behind `?` or `#` is no part of it. */
export function apiSegments(path: string): readonly ApiSegment[] | undefined {
  if (!path.startsWith("/") || !path.isWellFormed()) return undefined;
  const segments = withoutQuery(path).slice(1).split("/").map(segmentOf);
  const sound = segments.filter((segment) => segment !== undefined);
  return sound.length === segments.length ? sound : undefined;
}

function withoutQuery(path: string): string {
  return /^(?:\{[^{}]*\}|[^?#])*/.exec(path)![0];
}

function segmentOf(written: string): ApiSegment | undefined {
  const texts = written.split(/\{[^{}]*\}/).map(decoded);
  const sound = texts.filter((text) => text !== undefined);
  if (sound.length !== texts.length) return undefined;
  const [text = "", ...others] = sound;
  if (others.length === 0) return { kind: "literal", text };
  if (others.length > 1 || `${text}${others[0]}` !== "") return { kind: "mixed", texts: sound };
  return { kind: isOfManySegments(written.slice(1, -1)) ? "rest" : "parameter" };
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}

/** The segment with this value in place of each parameter. */
export function filled(segment: ApiSegment, value: string): string {
  switch (segment.kind) {
    case "literal":
      return segment.text;
    case "mixed":
      return segment.texts.join(value);
    case "parameter":
    case "rest":
      return value;
  }
}

/** Whether values of its parameters, none of them empty, make the segment this text. */
export function fits(segment: ApiSegment, text: string): boolean {
  switch (segment.kind) {
    case "literal":
      return segment.text === text;
    case "mixed":
      return fitsAround(segment.texts, text);
    case "parameter":
    case "rest":
      return text !== "";
  }
}

/** Each text is looked for as far to the left as it can stand, a character or more behind the one before it. */
function fitsAround(texts: readonly string[], whole: string): boolean {
  const [first = "", ...between] = texts;
  const last = between.pop() ?? "";
  if (!whole.startsWith(first)) return false;
  let end = first.length;
  for (const text of between) {
    const at = whole.indexOf(text, end + 1);
    if (at === -1) return false;
    end = at + text.length;
  }
  return whole.length - last.length > end && whole.endsWith(last);
}
