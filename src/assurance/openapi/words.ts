/** Strangers' words made fit for a service file: names, permissions, texts and comments. */

/** Gives each key a word of its own; keys are told apart exactly, words without case and punctuation. */
export class UniqueWords {
  readonly #words = new Map<string, string>();
  readonly #taken = new Set<string>();

  /** The same key has the same word each time. `wish` is taken as it is, or with a number behind it. */
  wordFor(key: string, wish: string): string {
    const known = this.#words.get(key);
    if (known !== undefined) return known;
    let word = wish;
    for (let number = 2; this.#taken.has(bare(word)); number++) word = `${wish}_${number}`;
    this.#taken.add(bare(word));
    this.#words.set(key, word);
    return word;
  }
}

function bare(word: string): string {
  return word.toLowerCase().replaceAll(/[^a-z0-9]/g, "");
}

const LONGEST_NAME = 24;

/** Lower-case words joined by `-`, without apostrophes, as many as go into 24 characters; `fallback` where nothing is left. */
export function plainName(text: string, fallback: string): string {
  const [first = "", ...others] =
    text
      .toLowerCase()
      .replaceAll(/['’]/g, "")
      .match(/[a-z0-9]+/g) ?? [];
  let name = first.slice(0, LONGEST_NAME);
  for (const word of others) {
    if (name.length + word.length >= LONGEST_NAME) break;
    name += `-${word}`;
  }
  return name === "" ? fallback : name;
}

/** Name of a placeholder: letters, digits and `_`. */
export function placeholderName(text: string): string {
  const name = text.replaceAll(/[^A-Za-z0-9_]+/g, "_").slice(0, 60);
  return /^[A-Za-z_]/.test(name) ? name : `_${name}`;
}

/** Name of an environment variable. */
export function variableName(...parts: readonly string[]): string {
  const name = parts.map((part) => part.toUpperCase().replaceAll(/[^A-Z0-9]+/g, "_")).join("_");
  return /^[A-Z]/.test(name) ? name : `SERVICE_${name}`;
}

/** `read:pets`, `https://example.com/auth/pets.read` → a dotted word. */
export function permissionWish(scope: string): string {
  const word = scope
    .toLowerCase()
    .replace(/^[a-z]+:\/\//, "")
    .split(/[:/.]+/)
    .map((part) => part.replaceAll(/[^a-z0-9_-]+/g, "-"))
    .filter((part) => /[a-z0-9]/.test(part))
    .join(".");
  return word === "" ? "scope" : word;
}

/** One line of a comment: no character of it can end the line or turn its direction. */
export function commentText(text: string): string {
  return text.replaceAll(/[\p{C}\p{Zl}\p{Zp}]+/gu, " ").trim();
}

const PLAIN = /^[A-Za-z/](?:[A-Za-z0-9_./:-]*[A-Za-z0-9_/-])?$/;
const MEANS_OTHER = new Set(["true", "false", "null"]);

/** A text as a YAML scalar: bare where it can only be that text. */
export function scalar(text: string): string {
  return PLAIN.test(text) && !MEANS_OTHER.has(text.toLowerCase()) ? text : quoted(text);
}

const PLAIN_ROUTE = /^[A-Z-]+ \/(?:[A-Za-z0-9/_.~@{}-]|[=+!$*()](?=[A-Za-z0-9/]))*$/;

/** The key of a route, bare where that is how one writes it. */
export function routeScalar(key: string): string {
  return PLAIN_ROUTE.test(key) ? key : quoted(key);
}

/** What cannot be seen stands as its escape. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll(/[^\P{C}]|[^\P{Z} ]/gu, (character) =>
    Array.from({ length: character.length }, (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, "0")}`).join(""),
  );
}
