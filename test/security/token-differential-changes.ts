/** What may be done to a token as a whole, and to the JSON text of its parts, whatever stands in them. */

/* ── JSON text ────────────────────────────────────────────────────────── */

const BEHIND = (text: string, more: string): string => text.replace(/\}$/, `${more}}`);

/** What may be done to the text of header or claims before it is signed. */
export const TEXTS: Readonly<Record<string, (text: string, dial: number) => string | Uint8Array>> = {
  "spaces within": (text) => JSON.stringify(parsed(text), undefined, 2),
  "space around": (text) => ` \t\r\n${text}\n`,
  "space that JSON has not": (text) => `\u00a0${text}`,
  "byte order mark": (text) => `\ufeff${text}`,
  "NUL behind": (text) => `${text}\0`,
  "text behind": (text) => `${text}{}`,
  "comma behind the last": (text) => BEHIND(text, ","),
  comment: (text) => BEHIND(text, "/**/"),
  "cut short": (text, dial) => text.slice(0, -1 - (dial % text.length)),
  "in a list": (text) => `[${text}]`,
  "as a string": (text) => JSON.stringify(text),
  nothing: () => "",
  null: () => "null",
  "no UTF-8 in a value": (text) => withBytes(text, [0xff]),
  "overlong UTF-8 in a value": (text) => withBytes(text, [0xc0, 0xaf]),
  "half a surrogate pair in a value": (text) => withBytes(text, [0xed, 0xa0, 0x80]),
  "in UTF-16": (text) => Buffer.from(text, "utf16le"),
  "one byte changed": (text, dial) => oneByte(Buffer.from(text), dial),
  "a name twice further down": (text) => BEHIND(text, ',"deep":{"a":1,"a":1}'),
};

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

function withBytes(text: string, bytes: readonly number[]): Uint8Array {
  return Buffer.concat([Buffer.from(text.replace(/\}$/, ',"odd":"')), Buffer.from(bytes), Buffer.from('"}')]);
}

function oneByte(bytes: Buffer, dial: number): Uint8Array {
  if (bytes.length > 0) bytes[dial % bytes.length] = (dial >>> 8) & 0xff;
  return bytes;
}

/* ── the finished token ───────────────────────────────────────────────── */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
/** What may stand in place of a character: of base64, of neither alphabet, beyond ASCII. */
const FOREIGN = ["+", "/", "=", ".", " ", "\n", "\t", "\0", "%", ",", '"', "é", "Ａ", "\u200b"];

/** What may be done to the whole token after it was signed. */
export const FORMS: Readonly<Record<string, (token: string, dial: number) => string>> = {
  "signature bit": (token, dial) => onSignature(token, (bytes) => flipped(bytes, dial)),
  "signature cut": (token, dial) => onSignature(token, (bytes) => bytes.subarray(0, dial % (bytes.length + 1))),
  "signature longer": (token, dial) => onSignature(token, (bytes) => Buffer.concat([bytes, Buffer.from([dial & 0xff])])),
  "signature with a zero before": (token) => onSignature(token, (bytes) => Buffer.concat([Buffer.from([0]), bytes])),
  "signature of zeros": (token) => onSignature(token, (bytes) => Buffer.alloc(bytes.length)),
  "another bit": (token, dial) => onPart(token, dial % 2, (part) => flipped(Buffer.from(part, "base64url"), dial).toString("base64url")),
  "last character": (token, dial) => onPart(token, dial % 3, (part) => part.slice(0, -1) + neighbour(part.at(-1) ?? "A", dial)),
  padded: (token, dial) => onPart(token, dial % 3, (part) => part + "=".repeat(1 + ((dial >>> 2) % 3))),
  "plain base64": (token) => token.replaceAll("-", "+").replaceAll("_", "/"),
  "one character": (token, dial) => replacedAt(token, dial, ALPHABET[(dial >>> 3) % 64]!),
  "a foreign character in place": (token, dial) => replacedAt(token, dial, FOREIGN[(dial >>> 3) % FOREIGN.length]!),
  "a foreign character more": (token, dial) => insertedAt(token, dial, FOREIGN[(dial >>> 3) % FOREIGN.length]!),
  "character taken away": (token, dial) => replacedAt(token, dial, ""),
  "cut short": (token, dial) => token.slice(0, dial % (token.length + 1)),
  "part taken away": (token, dial) =>
    token
      .split(".")
      .filter((_, index) => index !== dial % 3)
      .join("."),
  "part emptied": (token, dial) => onPart(token, dial % 3, () => ""),
  "part more": (token, dial) => `${token}${".A".repeat(1 + (dial % 3))}`,
  "parts turned": (token) => token.split(".").toReversed().join("."),
  "as JSON": (token) => {
    const [header, payload, signature] = token.split(".");
    return JSON.stringify({ protected: header, payload, signature });
  },
  twice: (token) => `${token},${token}`,
};

function onPart(token: string, index: number, change: (part: string) => string): string {
  return token
    .split(".")
    .map((part, at) => (at === index ? change(part) : part))
    .join(".");
}

function onSignature(token: string, change: (bytes: Buffer) => Uint8Array): string {
  return onPart(token, 2, (part) => Buffer.from(change(Buffer.from(part, "base64url"))).toString("base64url"));
}

function flipped(bytes: Buffer, dial: number): Buffer {
  const copy = Buffer.from(bytes);
  if (copy.length > 0) copy[(dial >>> 3) % copy.length]! ^= 1 << (dial & 7);
  return copy;
}

/** A character that differs in its last bits alone, which base64 may ignore. */
function neighbour(character: string, dial: number): string {
  return ALPHABET[ALPHABET.indexOf(character) ^ (1 + ((dial >>> 2) % 3))] ?? "A";
}

function replacedAt(token: string, dial: number, character: string): string {
  const at = dial % Math.max(1, token.length);
  return token.slice(0, at) + character + token.slice(at + 1);
}

function insertedAt(token: string, dial: number, character: string): string {
  const at = dial % (token.length + 1);
  return token.slice(0, at) + character + token.slice(at);
}
