/** What both schemas are made of. Each part reads a text into what it means, and knows its place in the JSON Schema. */
import { createHash } from "node:crypto";
import * as z from "zod";
import { readCidr } from "../addresses.ts";
import { readGrant, readName, readPermission } from "../names.ts";
import { readDuration, readInstant, readMessageSize, readSize, readTimeout } from "../quantities.ts";
import { sealingKey } from "../../contract/sealing.ts";
import { type Reading, value, wrong } from "../reading.ts";
import { shown } from "./example.ts";

/** What an issue of one of these parts carries beside its message. */
export interface IssueParams {
  readonly repair?: string;
  readonly rewrite?: string;
  /** A value that would do, for a variable that is not set. */
  readonly standIn: (word: string) => string;
}

export interface TextAbout {
  /** Name of the kind, for the reference. */
  readonly title: string;
  readonly examples: readonly string[];
  /** A value that would do, made from a word. */
  readonly standIn: (word: string) => string;
  /** What an editor may check; references pass always. */
  readonly pattern?: string;
}

/** A text that means more than its characters. Its value is what `read` makes of it. */
export function meaningful<T>(read: (text: string) => Reading<T>, about: TextAbout) {
  const { standIn, pattern, title, examples } = about;
  return z
    .string({ error: () => kindWords(title, examples) })
    .transform((text, context): T => {
      const reading = read(text);
      if (reading.kind === "value") return reading.value;
      const { message, repair, rewrite } = reading;
      context.issues.push({ code: "custom", input: text, message, params: { repair, rewrite, standIn } });
      return z.NEVER;
    })
    .meta({
      title,
      examples: [...examples],
      ...(pattern !== undefined && {
        pattern: `^(?:${pattern})$|\\$\\{`,
        patternErrorMessage: `This is not ${kindWords(title, examples)}.`,
      }),
    });
}

/** "an origin, such as `https://app.example.com`": what a text must be, where something else than a text stands. */
function kindWords(title: string, examples: readonly string[]): string {
  const article = /^[aeiou]/i.test(title) ? "an" : "a";
  return `${article} ${title}${examples[0] === undefined ? "" : `, such as \`${examples[0]}\``}`;
}

/** A key of a record: checked like a meaningful text, kept as it is. */
export function keyText(read: (text: string) => Reading<unknown>, example: string) {
  const text = z.string().check((context) => {
    const reading = read(context.value);
    if (reading.kind === "value") return;
    const { message, repair, rewrite } = reading;
    context.issues.push({ code: "custom", input: context.value, message, params: { repair, rewrite } });
  });
  return text.register(shown, { example });
}

/** Types of keys that this version cannot serve: nobody is told to write one. */
const unavailableKeys = new WeakSet<object>();

/** A map that knows all its keys; an issue about another one carries the known ones as its message. */
export function block<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const known = Object.entries(shape)
    .filter(([, type]) => !unavailableKeys.has(type))
    .map(([key]) => key)
    .join(" ");
  return z.strictObject(shape, { error: (issue) => (issue.code === "unrecognized_keys" ? known : undefined) });
}

/** Exactly one of the keys must be there. */
export function exactlyOne(keys: readonly string[]) {
  return (context: z.core.ParsePayload<object>) => {
    const present = keys.filter((key) => (context.value as Record<string, unknown>)[key] !== undefined);
    if (present.length === 1) return;
    // A key that is unknown here is the one that was meant.
    if (present.length === 0 && context.issues.some(({ code, path = [] }) => code === "unrecognized_keys" && path.length === 0)) return;
    const message = `exactly one of ${keys.map((key) => `\`${key}\``).join(", ")} must be here`;
    const params = present.length === 0 ? {} : { repair: `leave out all but one: \`${present.join("`, `")}\`` };
    context.issues.push({ code: "custom", input: context.value, message, params });
  };
}

/** A key of the format that this version cannot serve yet; an issue carries its name, and the key that stands for it, as its message. */
export function unavailable(name: string, instead?: string) {
  const type = z
    .never({ error: () => (instead === undefined ? name : `${name} ${instead}`) })
    .optional()
    .describe("Not available in this version.");
  unavailableKeys.add(type);
  return type;
}

/** A list with something in it. */
export function list<Item extends z.ZodType>(item: Item) {
  return z.array(item).min(1);
}

/** What holds where a key is left out, and cannot be written as its value. */
export interface Unwritten {
  readonly unwritten: string;
}

export function unwritten(words: string): Unwritten {
  return { unwritten: words };
}

/** A key that may be left out, with what it means and what holds then. */
export function optional<Part extends z.ZodType>(
  part: Part,
  description: string,
  absent?: string | number | boolean | readonly string[] | Unwritten,
) {
  const fallback = typeof absent === "object" && "unwritten" in absent ? absent : { default: absent };
  return part.optional().meta({ description, ...(absent !== undefined && fallback) });
}

/** Some text that is not empty. */
export const words = meaningful((text) => (text.trim() === "" ? wrong("this is empty") : value(text)), {
  title: "text",
  examples: [],
  standIn: (word) => word,
});

export const name = meaningful(readName, { title: "name", examples: [], standIn: (word) => word });
export const permission = meaningful(readPermission, { title: "permission", examples: ["models.read"], standIn: (word) => word });
export const grants = z.array(meaningful(readGrant, { title: "permission", examples: ["models.read", "*"], standIn: (word) => word }));

export const duration = meaningful(readDuration, {
  title: "duration",
  examples: ["500ms", "30s", "5m", "24h", "90d"],
  standIn: () => "1m",
  pattern: "[0-9]+(?:ms|s|m|h|d)",
});

export const instant = meaningful(readInstant, {
  title: "instant",
  examples: ["2027-01-31T17:00:00Z"],
  standIn: () => "2100-01-01T00:00:00Z",
});

export const cidr = meaningful(readCidr, {
  title: "address or CIDR",
  examples: ["10.0.0.0/8", "2001:db8::/32"],
  standIn: () => "192.0.2.0/24",
});

const SHORTEST_SECRET = 16;

/** A secret; only its digest leaves the schema. */
export const secret = meaningful(readSecret, {
  title: "secret",
  examples: ["${ADMIN_TOKEN}"],
  standIn: (word) => `placeholder-of-${word}`.padEnd(SHORTEST_SECRET, "-"),
});

function readSecret(text: string): Reading<Uint8Array> {
  if (text === "") return wrong("this secret is empty");
  if (text.length < SHORTEST_SECRET)
    return wrong(`this secret is shorter than ${SHORTEST_SECRET} characters`, { repair: "make one with `openssl rand -base64 32`" });
  if (!/^[A-Za-z0-9\-._~+/]+=*$/.test(text))
    return wrong("this secret has a character that a bearer token cannot have", { repair: "use letters, digits and `-._~+/`" });
  if (looksLikeJwt(text))
    return wrong("this secret has the form of a JWT, and would be taken for one", { repair: "make one with `openssl rand -base64 32`" });
  return value(createHash("sha256").update(text, "utf8").digest());
}

const SHORTEST_SEALING_SECRET = 32;

/** A secret that seals others; only the key that it gives leaves the schema. */
export const sealingSecret = meaningful(readSealingSecret, {
  title: "secret",
  examples: ["${ACCESS_KEY_SEALING_SECRET}"],
  standIn: (word) => `placeholder-of-${word}`.padEnd(SHORTEST_SEALING_SECRET, "-"),
});

function readSealingSecret(text: string): Reading<Uint8Array> {
  if (text.length >= SHORTEST_SEALING_SECRET) return value(sealingKey(text));
  return wrong(`this secret is shorter than ${SHORTEST_SEALING_SECRET} characters`, { repair: "make one with `openssl rand -base64 32`" });
}

function looksLikeJwt(text: string): boolean {
  const parts = text.split(".");
  if (parts.length !== 3) return false;
  try {
    const header: unknown = JSON.parse(Buffer.from(parts[0]!, "base64url").toString("utf8"));
    return typeof header === "object" && header !== null && !Array.isArray(header);
  } catch {
    return false;
  }
}

/** A message is held whole. */
export const messageSize = meaningful(readMessageSize, {
  title: "size",
  examples: ["64KB", "1MB"],
  standIn: () => "1MB",
  pattern: "[0-9]+(?:B|KB|MB|GB)",
});

/** A bound that may be lifted in so many words. */
export const timeout = meaningful((text): Reading<number | "none"> => (text === "none" ? value("none") : readTimeout(text)), {
  title: "duration or none",
  examples: ["2s", "none"],
  standIn: () => "1m",
  pattern: "[0-9]+(?:ms|s|m|h|d)|none",
});

export const size = meaningful((text): Reading<number | "none"> => (text === "none" ? value("none") : readSize(text)), {
  title: "size or none",
  examples: ["512KB", "10MB", "1GB", "none"],
  standIn: () => "1MB",
  pattern: "[0-9]+(?:B|KB|MB|GB)|none",
});
