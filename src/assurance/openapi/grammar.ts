/** What a service file can say, as the policy's own readers know it: handed in, so that nothing here judges by itself. */

export type PatternSegment =
  | { readonly kind: "literal"; readonly text: string }
  | { readonly kind: "placeholder"; readonly name: string }
  | { readonly kind: "rest"; readonly name: string };

export interface Grammar {
  /** The key of a route, `METHOD /path`, or why it is none. */
  readonly route: (
    key: string,
  ) => { readonly kind: "route"; readonly segments: readonly PatternSegment[] } | { readonly kind: "wrong"; readonly reason: string };
  readonly isPermission: (text: string) => boolean;
  readonly isScope: (text: string) => boolean;
  /** A header in which API keys can come; it tells no identity. */
  readonly isKeyHeader: (text: string) => boolean;
  readonly isIssuer: (text: string) => boolean;
  readonly isUpstream: (text: string) => boolean;
  readonly isPrefix: (text: string) => boolean;
}
