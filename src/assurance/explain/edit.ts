/** Single edits of a request, of a caller or of one rule, each of which may or may not change the outcome. */
import type { OwnedKey, Proof } from "../../contract/caller.ts";
import type { Policy } from "../../contract/policy.ts";
import type { RequestSketch } from "../../contract/policy-tests.ts";
import type { Inquiry, Verdict } from "../inquiry.ts";

/** `apply` makes the one change; it is called only when the edit is tried. */
export interface Edit {
  readonly of: "request" | "caller" | "rule";
  /** What would have to be done, in the imperative. */
  readonly words: string;
  readonly apply: () => { readonly policy: Policy; readonly inquiry: Inquiry };
}

/** What edits are made from. */
export interface Situation {
  readonly policy: Policy;
  readonly inquiry: Inquiry;
  readonly verdict: Verdict;
}

export function requestEdit({ policy, inquiry }: Situation, words: string, change: Partial<RequestSketch>): Edit {
  return { of: "request", words, apply: () => ({ policy, inquiry: { ...inquiry, request: { ...inquiry.request, ...change } } }) };
}

export function headerEdit(situation: Situation, words: string, name: string, value: string | undefined): Edit {
  const headers = new Map(situation.inquiry.request.headers);
  if (value === undefined) headers.delete(name);
  else headers.set(name, [value]);
  return requestEdit(situation, words, { headers });
}

export function proofEdit({ policy, inquiry }: Situation, words: string, proof: Proof, service = inquiry.credential.service): Edit {
  return { of: "caller", words, apply: () => ({ policy, inquiry: { ...inquiry, credential: { service, proof } } }) };
}

/** Changes claims of the token; undefined takes one away. */
export function claimsEdit(situation: Situation, words: string, change: Readonly<Record<string, unknown>>): Edit {
  const proof = situation.inquiry.credential.proof as Extract<Proof, { kind: "jwt" }>;
  const claims = Object.assign(Object.create(null) as Record<string, unknown>, proof.claims, change);
  for (const [name, value] of Object.entries(change)) if (value === undefined) delete claims[name];
  const iss = typeof change["iss"] === "string" ? change["iss"] : proof.iss;
  return proofEdit(situation, words, { ...proof, iss, claims });
}

export function keyEdit(situation: Situation, words: string, change: (key: OwnedKey) => OwnedKey): Edit {
  const proof = situation.inquiry.credential.proof as Extract<Proof, { kind: "key" }>;
  return proofEdit(situation, words, { ...proof, key: change(proof.key) });
}

/** The object without one of its fields. */
export function without<T extends object>(whole: T, field: keyof T): T {
  const rest = { ...whole };
  delete rest[field];
  return rest;
}

/** The policy with one of its parts replaced, wherever that is referred to. */
export function ruleEdit<Part extends object>({ policy, inquiry }: Situation, words: string, old: Part, change: Partial<Part>): Edit {
  return { of: "rule", words, apply: () => ({ policy: replaced(policy, old, { ...old, ...change }), inquiry }) };
}

/**
 * A copy of the graph in which `next` stands in the place of `old`. Parts that are no plain data (address sets) are
 * shared: they refer to nothing.
 */
export function replaced<Whole extends object>(whole: Whole, old: object, next: object): Whole {
  const copies = new Map<object, object>();
  const copyOf = (value: unknown): unknown => {
    if (typeof value !== "object" || value === null) return value;
    const made = copies.get(value);
    if (made) return made;
    const source = value === old ? next : value;
    if (Array.isArray(source)) return filled(value, [] as unknown[], (copy) => void copy.push(...source.map(copyOf)));
    if (source instanceof Map)
      return filled(value, new Map<unknown, unknown>(), (copy) => source.forEach((item, key) => copy.set(key, copyOf(item))));
    if (!isPlain(source)) return source;
    return filled<Record<string, unknown>>(value, {}, (copy) => {
      for (const [key, item] of Object.entries(source)) copy[key] = copyOf(item);
    });
  };
  /** Known before it is filled, since the graph has cycles. */
  const filled = <Copy extends object>(value: object, copy: Copy, fill: (copy: Copy) => void): Copy => {
    copies.set(value, copy);
    fill(copy);
    return copy;
  };
  return copyOf(whole) as Whole;
}

/** A record of fields, of whatever class: what it does with them, if anything, is not looked at. */
function isPlain(value: object): boolean {
  if (value instanceof Set || ArrayBuffer.isView(value)) return false;
  return !Object.values(value).some((item) => typeof item === "function");
}
