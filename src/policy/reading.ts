/** What became of a text that should be more than a text. */
export type Reading<T> = { readonly kind: "value"; readonly value: T } | Wrong;

/** `rewrite` is the text that was probably meant; it is shown only where the text stood in the file itself. */
export interface Wrong {
  readonly kind: "wrong";
  readonly message: string;
  readonly repair?: string;
  readonly rewrite?: string;
}

export function value<T>(found: T): Reading<T> {
  return { kind: "value", value: found };
}

export function wrong(message: string, hint: { readonly repair?: string; readonly rewrite?: string } = {}): Wrong {
  return { kind: "wrong", message, ...hint };
}
