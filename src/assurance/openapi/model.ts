/** An OpenAPI document (3.0 or 3.1) as far as access is concerned: what was said, and what could not be read. */

export interface ApiDocument {
  /** As written: `3.0.3`. */
  readonly version: string;
  readonly title: string;
  /** Never empty: without `servers` the document means `/`. */
  readonly servers: readonly ApiServer[];
  readonly schemes: ReadonlyMap<string, SecurityScheme>;
  readonly operations: readonly Operation[];
  /** Parts that count for access and could not be read: none of them is an operation here. */
  readonly unread: readonly Unread[];
}

export interface Unread {
  /** JSON pointer into the document: `#/paths/~1users/get`. */
  readonly place: string;
  readonly reason: string;
}

export interface ApiServer {
  /** As written. */
  readonly url: string;
  /** With the defaults of its variables; undefined where one has none. */
  readonly address?: string;
}

export interface Operation {
  /** In capitals. */
  readonly method: string;
  /** The path template as written: `/users/{id}`. */
  readonly path: string;
  readonly place: string;
  readonly security: Security;
  /** Where it says so itself, or its path does. */
  readonly servers?: readonly ApiServer[];
  readonly parameters: readonly Parameter[];
}

export interface Parameter {
  readonly name: string;
  readonly in: "path" | "query" | "header";
}

/** What an operation asks of its callers, its own word before the document's. */
export type Security =
  /** Neither the operation nor the document says anything. */
  | { readonly kind: "unsaid" }
  /** `[]`: no credential is asked for. */
  | { readonly kind: "none" }
  /** Each alternative is enough. */
  | { readonly kind: "alternatives"; readonly alternatives: readonly Alternative[] }
  | { readonly kind: "unreadable" };

/** Credentials that are needed together; none at all: a caller without one is let in too. */
export type Alternative = readonly Requirement[];

export interface Requirement {
  readonly scheme: string;
  readonly scopes: readonly string[];
}

export type SecurityScheme =
  | { readonly kind: "bearer"; readonly format?: string }
  | { readonly kind: "oauth2"; readonly scopes: readonly string[] }
  | { readonly kind: "openIdConnect"; readonly url: string }
  | { readonly kind: "apiKey"; readonly in: string; readonly name: string }
  /** What has no counterpart in a policy, in words: `http basic`. */
  | { readonly kind: "other"; readonly words: string };
