/** What a pool is made of: its app clients, its people, and how long its tokens last. */
import { randomPassword, randomSecret, randomUuid, type RandomBytes } from "../random.ts";

export interface PoolOptions {
  /** As Cognito names pools: `us-east-2_Demo00001`. */
  readonly id: string;
  /** Value of `iss`; the pool's own address by default. */
  readonly iss?: string;
  readonly clients?: readonly ClientOptions[];
  readonly people?: readonly PersonOptions[];
  readonly lifetimes?: Partial<Lifetimes>;
}

export interface ClientOptions {
  readonly id: string;
  /** `machine`: client credentials; `web`: authorization code with PKCE, and refresh. */
  readonly kind: "machine" | "web";
  /** Made at the start where it is not given. */
  readonly secret?: string;
  /** Has no secret, as an app in a browser; only a `web` client can be so. */
  readonly public?: true;
  /** Scopes that the client may ask for. */
  readonly scopes: readonly string[];
  /** Where codes may be sent, exactly; one that begins with `/` stands below the pool's own address. */
  readonly redirectUris?: readonly string[];
  /** Where a sign-out may lead, exactly. */
  readonly logoutUris?: readonly string[];
}

export interface PersonOptions {
  readonly username: string;
  /** Made at the start where it is not given. */
  readonly password?: string;
  /** `USERNAME@example.com` where it is not given. */
  readonly email?: string;
  readonly groups?: readonly string[];
  /** Custom attributes by name: `{ role: "viewer" }` becomes the claim `custom:role`. */
  readonly custom?: Readonly<Record<string, string>>;
}

/** In seconds. */
export interface Lifetimes {
  readonly access: number;
  readonly id: number;
  readonly refresh: number;
}

export interface Client {
  readonly id: string;
  readonly kind: "machine" | "web";
  /** Undefined: a public client. */
  readonly secret: string | undefined;
  readonly scopes: readonly string[];
  readonly redirectUris: readonly string[];
  readonly logoutUris: readonly string[];
}

export interface Person {
  readonly username: string;
  readonly sub: string;
  readonly password: string;
  readonly email: string;
  readonly groups: readonly string[];
  readonly custom: Readonly<Record<string, string>>;
}

/** Cognito's own defaults. */
export const DEFAULT_LIFETIMES: Lifetimes = { access: 3600, id: 3600, refresh: 30 * 24 * 3600 };

/** A client with what was not given made up. */
export function makeClient(options: ClientOptions, randomBytes: RandomBytes): Client {
  if (options.kind === "machine" && options.public) throw new Error(`client ${options.id}: a machine client needs a secret`);
  return {
    id: options.id,
    kind: options.kind,
    secret: options.public ? undefined : (options.secret ?? randomSecret(randomBytes)),
    scopes: options.scopes,
    redirectUris: options.redirectUris ?? [],
    logoutUris: options.logoutUris ?? [],
  };
}

/** A person with what was not given made up. */
export function makePerson(options: PersonOptions, randomBytes: RandomBytes): Person {
  return {
    username: options.username,
    sub: randomUuid(randomBytes),
    password: options.password ?? randomPassword(randomBytes),
    email: options.email ?? `${options.username}@example.com`,
    groups: options.groups ?? [],
    custom: options.custom ?? {},
  };
}
