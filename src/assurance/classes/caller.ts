/** Classes of caller: who can be told apart by the rules of a policy, and by nothing else. */

/** How a caller proves itself, with what of it is no matter of grants. */
export interface Stance {
  readonly kind: "nobody" | "person" | "machine" | "secret" | "key";
  /** Name of the authenticator; `""` for nobody. */
  readonly authenticator: string;
  /** The authenticator takes people's tokens and machines' alike, and they are not treated alike. */
  readonly tellsKind: boolean;
  /** Where the role is the caller's own; `OTHER_ROLE` for any that the service does not know. */
  readonly role?: string;
  /** Id of the shared secret. */
  readonly secret?: string;
}

/** No role has an empty name. */
export const OTHER_ROLE = "";

export const NOBODY: Stance = { kind: "nobody", authenticator: "", tellsKind: false };

/** One thing that a caller may hold beside its stance. A `pattern` is a group such as `client:{tenant}`, for the caller's own tenant. */
export interface Grant {
  readonly kind: "scope" | "group" | "pattern";
  readonly name: string;
}

/** Grants that do the same for a route: one of them is enough. */
export type Alternatives = readonly Grant[];

/** A smallest set of grants that opens a route: one of each of these; none at all where the stance alone is enough. */
export type Opening = readonly Alternatives[];

/**
 * What a request says of tenants. `own`: names the caller's. `other`: names one that is not the caller's. `none`: names none, of a
 * caller with one tenant where callers can have one. `noneOfSeveral`: names none, of a caller without any single tenant.
 */
export type Relation = "own" | "other" | "none" | "noneOfSeveral";
export const RELATIONS: readonly Relation[] = ["own", "other", "none", "noneOfSeveral"];

/** Two grants of the same name and kind have the same key. */
export function grantKey({ kind, name }: Grant): string {
  return `${kind} ${name}`;
}

/** `scope a or b, and group c`; undefined where nothing is needed. */
export function openingWords(opening: Opening): string | undefined {
  return opening.length === 0 ? undefined : opening.map(alternativesWords).join(", and ");
}

function alternativesWords(alternatives: Alternatives): string {
  const [first, ...others] = alternatives.map(({ kind, name }) => ({ kind: kind === "scope" ? "scope" : "group", name }));
  let words = `${first!.kind} ${first!.name}`;
  let kind = first!.kind;
  for (const other of others) {
    words += ` or ${other.kind === kind ? "" : `${other.kind} `}${other.name}`;
    kind = other.kind;
  }
  return words;
}

/** The authenticator, and whose credential it is where that is not the same. */
export function proverWords({ kind, authenticator, tellsKind, secret }: Stance): string {
  if (kind === "nobody") return "nobody";
  if (secret !== undefined) return `${authenticator}, secret ${secret}`;
  return tellsKind ? `${authenticator} (${kind === "machine" ? "machines" : "people"})` : authenticator;
}

export function roleWords(role: string): string {
  return role === OTHER_ROLE ? "(any other)" : role;
}
