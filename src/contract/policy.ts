/**
 * The compiled policy: what `policy/` makes of the files and every other room reads.
 * Immutable. Durations are milliseconds, sizes bytes, instants epoch milliseconds, header names lower case.
 */
import type { Authenticator, Grants, Secret } from "./authenticators.ts";
import type { ErrorCode } from "./errors.ts";

/** Where a thing stands in the operator's files; `line` and `column` count from 1. */
export interface SourcePlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

/** Gateway file and services, compiled: one immutable value. */
export interface Policy {
  /** Hash of the content of all files and values: the first 12 hexadecimal digits of a SHA-256. */
  readonly revision: string;
  readonly gateway: Gateway;
  readonly services: readonly Service[];
  readonly hosts: HostTable;
  /** Normalised names (`headerKey`) of all headers by which any service is told an identity, or reads a credential. */
  readonly strippedHeaders: ReadonlySet<string>;
  /** The gateway's own address limits, for requests that match no service. */
  readonly addressLimits: readonly Limit[];
}

export interface Door {
  readonly host: string;
  readonly port: number;
}

/** TLS of the front door. The files hold PEM; their paths are absolute. */
export interface DoorTls {
  /** The door's certificate first, then those that lead to its issuer. */
  readonly cert: string;
  readonly key: string;
  readonly minVersion: "TLSv1.2" | "TLSv1.3";
  /** Clients are asked for certificates, and those of these authorities are proved. `required`: without one no handshake succeeds. */
  readonly clients?: { readonly ca: string; readonly required: boolean };
}

/** Bounds on the connections of the front door. */
export interface ConnectionBounds {
  readonly total: number;
  /** For each address, IPv6 by its /64; the peers of `trustProxy` are not bounded by it. */
  readonly perAddress: number;
  /** How long the head of a request may take. */
  readonly headersMs: number;
  /** How long a connection may stand still: between two requests, or with an answer that the client does not read. */
  readonly idleMs: number;
}

export interface Gateway {
  readonly listen: Door & { readonly tls?: DoorTls };
  readonly connections: ConnectionBounds;
  readonly health?: Door;
  readonly admin?: Door & { readonly tokens: readonly Secret[] };
  /** Peers whose `X-Forwarded-For` is believed. */
  readonly trustProxy: AddressSet;
  readonly stores: {
    readonly keys: KeyStoreAddress;
    readonly counters: CounterStoreAddress;
    /** Keys (`sealingKey`) that seal the secrets of access keys in the store: the first seals, all of them open. */
    readonly sealing?: readonly Uint8Array[];
    /** Memory for proved tokens. */
    readonly tokenCacheBytes: number;
  };
  readonly log: { readonly level: LogLevel; readonly decisions: "refusals" | "all"; readonly facts?: true };
  /** How long requests under way may go on after SIGTERM. */
  readonly graceMs: number;
  /** The policy may serve only where its test files are green. */
  readonly tests?: "required";
}

export type LogLevel = "debug" | "info" | "warn" | "error" | "silent";
export type KeyStoreAddress = { readonly kind: "sqlite"; readonly path: string };
/** `perWorker`: each of several worker processes may count for itself. */
export type CounterStoreAddress = { readonly kind: "memory"; readonly perWorker: boolean };

/** A set of IP addresses, written as CIDRs. IPv4-mapped IPv6 addresses count as IPv4. */
export interface AddressSet {
  readonly cidrs: readonly string[];
  has(address: string): boolean;
}

/* ── services ─────────────────────────────────────────────────────────── */

export interface Service {
  readonly name: string;
  /** As written, without trailing slash; `""` for a service without prefix. Never empty. */
  readonly prefixes: readonly string[];
  readonly stripPrefix: boolean;
  readonly upstream: Upstream;
  readonly authenticators: readonly Authenticator[];
  /** role → permissions. */
  readonly roles: ReadonlyMap<string, Grants>;
  /** Where a request names the tenant that it is about. */
  readonly tenant?: TenantPlaces;
  readonly cors?: Cors;
  /** How many exchanges one caller may have open at once; whom a limit `by: caller` counts is one. */
  readonly maxOpenPerCaller: number;
  readonly errors: ErrorStyle;
  readonly routes: readonly Route[];
  /** Address limits that count requests which matched the service but no route of it. */
  readonly addressLimits: readonly Limit[];
}

export interface Upstream {
  /** `scheme://host:port`, without path. */
  readonly origin: string;
  /** Path put before the forwarded path; `""` or `/…` without trailing slash. */
  readonly basePath: string;
  /** False only where the file says `verify: off`. */
  readonly verifyTls: boolean;
  /** How many requests may be under way to it at once, each on a connection of its own. */
  readonly maxConnections: number;
  readonly identity: IdentityHeaders;
  readonly forward: { readonly credential: boolean; readonly cookies: boolean };
}

/** Names of the headers that tell the upstream who is calling; a role is told only where it is named. */
export interface IdentityHeaders {
  readonly subject: string;
  readonly kind: string;
  readonly tenant: string;
  readonly permissions: string;
  readonly role?: string;
}

export interface TenantPlaces {
  /** Name of the placeholder. */
  readonly path?: string;
  readonly query?: string;
  readonly header?: string;
  /** Name of the placeholder in `hosts`. */
  readonly host?: string;
  readonly required: boolean;
}

export interface Cors {
  readonly origins: ReadonlySet<string>;
  /** Undefined: the table's methods for the path. */
  readonly methods?: readonly string[];
  readonly headers: readonly string[];
  readonly exposed: readonly string[];
  readonly credentials: boolean;
  readonly maxAgeSeconds?: number;
  readonly otherOrigins: "refuse" | "noHeaders";
}

export type ErrorFormat = "problem" | "detail" | "envelope" | "coded";

export interface ErrorStyle {
  readonly format: ErrorFormat;
  readonly overrides: ReadonlyMap<ErrorCode, { readonly status?: number; readonly message?: string }>;
}

/* ── routes ───────────────────────────────────────────────────────────── */

export interface Route {
  /** `GET /clients/{client_id}`, as written. */
  readonly name: string;
  readonly service: Service;
  readonly method: string;
  readonly pattern: string;
  /** The access word as written (`denied`, `models.read`, `anyOf(a, b)`): for logs and tests. */
  readonly rule: string;
  readonly access: Access;
  /** Those of the service's authenticators that count here; all of them where the rule names none. */
  readonly authenticators: readonly Authenticator[];
  readonly tenant: "match" | "unchecked" | "crossTenantOnly";
  /** Limits by address, not of failures: stage 3. */
  readonly addressLimits: readonly Limit[];
  /** Limits by caller, tenant or apiKey: stage 7. */
  readonly callerLimits: readonly Limit[];
  /** Limits `of: failures`: in stage 6, when a credential fails. */
  readonly failureLimits: readonly Limit[];
  readonly from?: AddressSet;
  readonly query?: { readonly kind: "deny" | "allow"; readonly names: ReadonlySet<string> };
  readonly body: BodyRule;
  readonly timeouts: Timeouts;
  /** `%2F` inside a segment is passed on as such. */
  readonly encodedSlash: boolean;
  readonly websocket: boolean;
  /** Where the rule bounds its WebSockets itself; `idleMs` undefined: no bound. */
  readonly webSocketBounds?: { readonly maxMessageBytes: number; readonly idleMs?: number };
  readonly source: SourcePlace;
}

export type Access =
  | { readonly kind: "public" }
  | { readonly kind: "authenticated" }
  | { readonly kind: "denied" }
  | { readonly kind: "permissions"; readonly need: "any" | "all"; readonly names: readonly string[] };

export interface BodyRule {
  /** Undefined: no bound. */
  readonly maxBytes?: number;
  /** Media types, lower case, without parameters; `image/*` stands for a whole type. */
  readonly types?: readonly string[];
  /** The route itself says `body:`, so that even a GET may carry one. */
  readonly explicit: boolean;
}

/** Undefined: none. */
export interface Timeouts {
  readonly connectMs?: number;
  readonly headersMs?: number;
  readonly idleMs?: number;
  readonly totalMs?: number;
}

export interface Limit {
  readonly name: string;
  /** Where it stands, which is part of the bucket's name: `gateway`, `pie`, `pie GET /models`. */
  readonly place: string;
  readonly by: "caller" | "address" | "tenant" | "apiKey";
  readonly count: number;
  readonly windowMs: number;
  /** Methods that count, HEAD as GET; undefined: all. */
  readonly methods?: ReadonlySet<string>;
  /** Authenticators whose callers count; undefined: all. */
  readonly authenticators?: ReadonlySet<string>;
}

/* ── the table that the matcher walks ─────────────────────────────────── */

/** Host comes first: exact names, then one-label patterns, then services that name no host. */
export interface HostTable {
  readonly exact: ReadonlyMap<string, PrefixTable>;
  /** Keyed by what follows the placeholder label: `{tenant}.example.com` under `example.com`. */
  readonly suffix: ReadonlyMap<string, PrefixTable>;
  /** Undefined when every service names hosts: an unknown host is then 404. */
  readonly any?: PrefixTable;
}

/** Segments of the services' prefixes. */
export interface PrefixTable {
  readonly mount?: Mount;
  readonly next: ReadonlyMap<string, PrefixTable>;
  /** The same children under `looseSegment(segment)`; two siblings with one loose form do not load. */
  readonly looseNext: ReadonlyMap<string, PrefixTable>;
}

/** One service under one of its prefixes. Its routes' patterns start below the prefix. */
export interface Mount {
  readonly service: Service;
  readonly prefix: string;
  readonly prefixLength: number;
  /** Name of the host's placeholder where this mount stands under a host pattern. */
  readonly hostPlaceholder?: string;
  readonly methods: ReadonlyMap<string, RouteNode>;
}

/** One step of the segment tree of one method. */
export interface RouteNode {
  readonly route?: Route;
  /** Names of the placeholders passed on the way to `route`, in order; the last one may be a rest. */
  readonly placeholders?: readonly string[];
  readonly literals: ReadonlyMap<string, RouteNode>;
  /** The same children under `looseSegment(literal)`, as a careless upstream might read them; two siblings with one loose form do not load. */
  readonly looseLiterals: ReadonlyMap<string, RouteNode>;
  readonly placeholder?: RouteNode;
  /** `{name...}`: one or more last segments. */
  readonly rest?: RouteNode;
}
