/** Tokens of the differential: a recipe that fast-check makes and shrinks, and the token that is cooked of it. */
import * as fc from "fast-check";
import { FORMS, TEXTS } from "./token-differential-changes.ts";
import { GOOD_SIGNERS, ISS, OTHER_SIGNERS, type KeyRing } from "./token-differential-keys.ts";
import { CLAIM_TEXTS, CLIENT, HEADER_TEXTS, NOW, WRONG_TYPES } from "./token-differential-values.ts";

export type Use = "access" | "id";
type Kind = "machine" | "person" | "id";

/** What is done to one member of a JSON object; values are JSON text, so that any spelling can be had. */
type MemberChange = {
  readonly change: "set" | "drop" | "repeat before" | "repeat behind" | "repeat escaped";
  readonly name: string;
  readonly text: string;
};
/** A change by name; `dial` chooses the place or the amount. */
type Change = { readonly change: string; readonly dial: number };

export interface Recipe {
  readonly kind: Kind;
  readonly signer: string;
  readonly header: readonly MemberChange[];
  readonly claims: readonly MemberChange[];
  readonly headerText: readonly Change[];
  readonly claimsText: readonly Change[];
  readonly form: readonly Change[];
  /** Epoch milliseconds at which it is judged. */
  readonly now: number;
}

type Members = readonly (readonly [name: string, text: string])[];

/* ── good tokens, in Cognito's shapes ─────────────────────────────────── */

const SECONDS = NOW / 1000;
const TIMES = { auth_time: SECONDS - 60, iat: SECONDS - 60, exp: SECONDS + 3540 };
const GROUPS = ["all", "client:acme"];

const KINDS: Readonly<Record<Kind, object>> = {
  machine: {
    sub: CLIENT,
    token_use: "access",
    scope: "things/read things/write",
    ...TIMES,
    iss: ISS,
    version: 2,
    jti: "1",
    client_id: CLIENT,
  },
  person: {
    sub: "b1f2",
    "cognito:groups": GROUPS,
    iss: ISS,
    client_id: CLIENT,
    token_use: "access",
    scope: "openid",
    ...TIMES,
    jti: "2",
    username: "ivy",
  },
  id: {
    sub: "b1f2",
    "cognito:groups": GROUPS,
    iss: ISS,
    "cognito:username": "ivy",
    aud: CLIENT,
    token_use: "id",
    ...TIMES,
    jti: "3",
    email: "ivy@example.com",
  },
};

/* ── members ──────────────────────────────────────────────────────────── */

const json = (value: unknown): string => JSON.stringify(value);

const ODD_VALUE = fc.oneof(
  fc.constantFrom(...WRONG_TYPES),
  fc.jsonValue({ maxDepth: 2 }).map(json),
  fc.string({ unit: "binary", maxLength: 12 }).map(json),
);

function memberChange(texts: Readonly<Record<string, readonly string[]>>): fc.Arbitrary<MemberChange> {
  const change = fc.oneof(
    { weight: 6, arbitrary: fc.constant("set" as const) },
    { weight: 1, arbitrary: fc.constantFrom("drop", "repeat before", "repeat behind", "repeat escaped") },
  );
  const likely = Object.entries(texts).map(([name, values]) => {
    const text = fc.oneof({ weight: 4, arbitrary: fc.constantFrom(...values) }, { weight: 1, arbitrary: ODD_VALUE });
    return { weight: Math.ceil(Math.sqrt(values.length)), arbitrary: fc.record({ change, name: fc.constant(name), text }) };
  });
  const odd = fc.record({ change, name: fc.string({ unit: "binary", maxLength: 8 }), text: ODD_VALUE });
  return fc.oneof({ weight: 12, arbitrary: fc.oneof(...likely) }, { weight: 1, arbitrary: odd });
}

function changed(members: Members, { change, name, text }: MemberChange): Members {
  const others = members.filter(([other]) => other !== name);
  switch (change) {
    case "set":
      return members.length === others.length
        ? [...members, [name, text]]
        : members.map((member) => (member[0] === name ? [name, text] : member));
    case "drop":
      return others;
    case "repeat before":
      return [[name, text], ...members];
    case "repeat behind":
      return [...members, [name, text]];
    case "repeat escaped":
      return [...members, [`\u0000${name}`, text]];
  }
}

/** Names marked with a NUL are written in escapes throughout: another spelling of the same name. */
function textOf(members: Members): string {
  return `{${members.map(([name, text]) => `${name.startsWith("\u0000") ? escaped(name.slice(1)) : json(name)}:${text}`).join(",")}}`;
}

function escaped(name: string): string {
  return `"${[...Array(name.length).keys()].map((at) => `\\u${name.charCodeAt(at).toString(16).padStart(4, "0")}`).join("")}"`;
}

/* ── recipes ──────────────────────────────────────────────────────────── */

function changes(table: Readonly<Record<string, unknown>>): fc.Arbitrary<Change> {
  return fc.record({ change: fc.constantFrom(...Object.keys(table)), dial: fc.nat() });
}

/** Mostly none, so that a token has few things wrong with it and each of them gets its say. */
function few<Value>(one: fc.Arbitrary<Value>, none: number): fc.Arbitrary<readonly Value[]> {
  return fc.oneof(
    { withCrossShrink: true },
    { weight: none, arbitrary: fc.constant([]) },
    { weight: 1, arbitrary: fc.array(one, { minLength: 1, maxLength: 2 }) },
  );
}

/** Good tokens and mutated ones of every kind and key; small recipes are those with little done to them. */
export function recipes(): fc.Arbitrary<Recipe> {
  return fc.record({
    kind: fc.constantFrom<Kind>("machine", "person", "id"),
    signer: fc.oneof(
      { withCrossShrink: true },
      { weight: 5, arbitrary: fc.constantFrom<string>(...GOOD_SIGNERS) },
      { weight: 1, arbitrary: fc.constantFrom<string>(...OTHER_SIGNERS) },
    ),
    header: few(memberChange(HEADER_TEXTS), 4),
    claims: few(memberChange(CLAIM_TEXTS), 1),
    headerText: few(changes(TEXTS), 20),
    claimsText: few(changes(TEXTS), 12),
    form: few(changes(FORMS), 3),
    now: fc.constantFrom(NOW, NOW + 1, NOW + 999),
  });
}

/** The token of a recipe. */
export function cook(recipe: Recipe, ring: KeyRing): string {
  const signer = ring.signers.get(recipe.signer);
  if (signer === undefined) throw new Error(`no signer ${recipe.signer}`);
  const { kid, alg, sign } = signer;
  const header = written(membersOf({ kid, alg }), recipe.header, recipe.headerText);
  const claims = written(membersOf(KINDS[recipe.kind]), recipe.claims, recipe.claimsText);
  const input = `${base64url(header)}.${base64url(claims)}`;
  const token = `${input}.${base64url(sign(Buffer.from(input)))}`;
  return recipe.form.reduce((spoilt, { change, dial }) => FORMS[change]!(spoilt, dial), token);
}

function membersOf(value: object): Members {
  return Object.entries(value).map(([name, content]) => [name, json(content)]);
}

function written(members: Members, memberChanges: readonly MemberChange[], textChanges: readonly Change[]): string | Uint8Array {
  const start: string | Uint8Array = textOf(memberChanges.reduce(changed, members));
  return textChanges.reduce<string | Uint8Array>((text, { change, dial }) => TEXTS[change]!(Buffer.from(text).toString(), dial), start);
}

function base64url(content: string | Uint8Array): string {
  return Buffer.from(content).toString("base64url");
}
