/** One user pool: who is in it, and the tokens that it makes. */
import { machineAccessClaims, personAccessClaims, personIdClaims, type SignIn, type TokenClaims, type TokenFrame } from "./claims.ts";
import type { SigningKeys } from "./keys.ts";
import { DEFAULT_LIFETIMES, makeClient, makePerson } from "./pool-options.ts";
import type { Client, Lifetimes, Person, PersonOptions, PoolOptions } from "./pool-options.ts";
import { randomUuid } from "../random.ts";
import { Tickets, type Clock } from "./tickets.ts";

/** What every token that is asked for by hand may have otherwise. */
interface TokenOverrides {
  /** Epoch milliseconds; now by default. */
  readonly issuedAt?: number;
  readonly lifetimeSeconds?: number;
  /** Put over the claims as they are, whatever their type; undefined takes a claim away. */
  readonly claims?: TokenClaims;
}

export interface MachineTokenRequest extends TokenOverrides {
  /** Need not be a client of the pool: what is asked for by hand is signed as asked. */
  readonly clientId: string;
  readonly scopes: readonly string[];
}

export interface PersonTokensRequest extends TokenOverrides {
  /** Of a person of the pool. */
  readonly username: string;
  readonly clientId: string;
  /** `openid email profile` by default. */
  readonly scopes?: readonly string[];
  /** In place of the person's own. */
  readonly groups?: readonly string[];
  /** In place of the person's own: `{ role: "viewer" }` becomes `custom:role`. */
  readonly custom?: Readonly<Record<string, string>>;
}

export interface PersonTokens {
  readonly idToken: string;
  readonly accessToken: string;
  readonly refreshToken: string;
}

/** What a refresh token stands for. */
export interface RefreshGrant {
  readonly clientId: string;
  readonly signIn: SignIn;
}

const PERSON_SCOPES = ["openid", "email", "profile"];

export class Pool {
  readonly id: string;
  readonly lifetimes: Lifetimes;
  readonly keys: SigningKeys;
  readonly refreshTokens: Tickets<RefreshGrant>;
  readonly #options: PoolOptions;
  readonly #clock: Clock;
  readonly #origin: () => string;
  readonly #clients = new Map<string, Client>();
  readonly #people = new Map<string, Person>();

  /** `origin` answers the server's address, which is known once it listens. */
  constructor(options: PoolOptions, keys: SigningKeys, clock: Clock, origin: () => string) {
    this.id = options.id;
    this.keys = keys;
    this.lifetimes = { ...DEFAULT_LIFETIMES, ...options.lifetimes };
    this.refreshTokens = new Tickets(clock, this.lifetimes.refresh * 1000);
    this.#options = options;
    this.#clock = clock;
    this.#origin = origin;
    for (const client of options.clients ?? []) this.#clients.set(client.id, makeClient(client, clock.randomBytes));
    for (const person of options.people ?? []) this.addPerson(person);
  }

  /** The pool's own address: `http://127.0.0.1:PORT/POOLID`. */
  get address(): string {
    return `${this.#origin()}/${this.id}`;
  }

  /** Value of `iss` in every token. */
  get iss(): string {
    return this.#options.iss ?? this.address;
  }

  /** Where the key set is. */
  get jwks(): string {
    return `${this.address}/.well-known/jwks.json`;
  }

  get people(): readonly Person[] {
    return [...this.#people.values()];
  }

  client(id: string): Client | undefined {
    return this.#clients.get(id);
  }

  get clients(): readonly Client[] {
    return [...this.#clients.values()];
  }

  person(username: string): Person | undefined {
    return this.#people.get(username);
  }

  addPerson(options: PersonOptions): Person {
    const person = makePerson(options, this.#clock.randomBytes);
    this.#people.set(person.username, person);
    return person;
  }

  /** Redirect addresses of a client, whole. */
  redirectUris(client: Client): readonly string[] {
    return client.redirectUris.map((uri) => (uri.startsWith("/") ? this.address + uri : uri));
  }

  /** An access token as client credentials give it. */
  machineToken(request: MachineTokenRequest): string {
    const frame = this.#frame(request.clientId, this.lifetimes.access, request);
    return this.#sign(machineAccessClaims(frame, request.scopes), request);
  }

  /** ID, access and refresh token as a person's sign-in gives them. Throws when the pool has no such person. */
  personTokens(request: PersonTokensRequest): PersonTokens {
    const person = this.person(request.username);
    if (!person) throw new Error(`pool ${this.id} has no person ${request.username}`);
    const asked = { ...person, groups: request.groups ?? person.groups, custom: request.custom ?? person.custom };
    const signIn = this.signIn(asked, request.scopes ?? PERSON_SCOPES, request.issuedAt);
    return {
      ...this.tokensOf(signIn, request.clientId, request),
      refreshToken: this.refreshTokens.issue({ clientId: request.clientId, signIn }),
    };
  }

  /** Begins a sign-in of a person, now or at the instant given (epoch milliseconds). */
  signIn(person: Person, scopes: readonly string[], at: number = this.#clock.now()): SignIn {
    const { randomBytes } = this.#clock;
    return { person, scopes, authTime: seconds(at), originJti: randomUuid(randomBytes), eventId: randomUuid(randomBytes) };
  }

  /** ID and access token of a sign-in. */
  tokensOf(signIn: SignIn, clientId: string, overrides: TokenOverrides = {}): Omit<PersonTokens, "refreshToken"> {
    const access = personAccessClaims(this.#frame(clientId, this.lifetimes.access, overrides), signIn);
    const id = personIdClaims(this.#frame(clientId, this.lifetimes.id, overrides), signIn);
    return { idToken: this.#sign(id, overrides), accessToken: this.#sign(access, overrides) };
  }

  /** A JWS over whatever it is given, signed RS256 by the pool's newest key: for tokens that no issuer should make. */
  sign(header: object | string, claims: object | string): string {
    return this.keys.signRaw(header, claims);
  }

  /** The header that the pool's tokens have. */
  get header(): { readonly kid: string; readonly alg: "RS256" } {
    return { kid: this.keys.kid, alg: "RS256" };
  }

  #frame(clientId: string, lifetimeSeconds: number, overrides: TokenOverrides): TokenFrame {
    const iat = seconds(overrides.issuedAt ?? this.#clock.now());
    const exp = iat + (overrides.lifetimeSeconds ?? lifetimeSeconds);
    return { iss: this.iss, clientId, jti: randomUuid(this.#clock.randomBytes), iat, exp };
  }

  #sign(claims: TokenClaims, overrides: TokenOverrides): string {
    // The signer refuses claims of the wrong type, which a test may want.
    return overrides.claims ? this.sign(this.header, { ...claims, ...overrides.claims }) : this.keys.signClaims(claims);
  }
}

function seconds(epochMs: number): number {
  return Math.floor(epochMs / 1000);
}
