/** The claims of Cognito's tokens, in Cognito's shapes. Times are whole seconds since the epoch. */
import type { Person } from "./pool-options.ts";

/** What every token of a pool says. */
export interface TokenFrame {
  readonly iss: string;
  readonly clientId: string;
  readonly jti: string;
  readonly iat: number;
  readonly exp: number;
}

/** One sign-in of a person: all tokens that come of it, refreshed ones too, share these. */
export interface SignIn {
  readonly person: Person;
  readonly scopes: readonly string[];
  readonly authTime: number;
  readonly originJti: string;
  readonly eventId: string;
  /** Of the authorization request (OpenID Connect Core §3.1.2.1); the ID token carries it back. */
  readonly nonce?: string;
}

export type TokenClaims = Record<string, unknown>;

/** An access token by client credentials: `sub` is the client, and there is no username. */
export function machineAccessClaims(frame: TokenFrame, scopes: readonly string[]): TokenClaims {
  return {
    sub: frame.clientId,
    token_use: "access",
    scope: scopes.join(" "),
    auth_time: frame.iat,
    iss: frame.iss,
    exp: frame.exp,
    iat: frame.iat,
    version: 2,
    jti: frame.jti,
    client_id: frame.clientId,
  };
}

/** A person's access token. */
export function personAccessClaims(frame: TokenFrame, signIn: SignIn): TokenClaims {
  return {
    sub: signIn.person.sub,
    ...groupsOf(signIn.person),
    iss: frame.iss,
    client_id: frame.clientId,
    origin_jti: signIn.originJti,
    event_id: signIn.eventId,
    token_use: "access",
    scope: signIn.scopes.join(" "),
    auth_time: signIn.authTime,
    exp: frame.exp,
    iat: frame.iat,
    jti: frame.jti,
    username: signIn.person.username,
  };
}

/** A person's ID token. */
export function personIdClaims(frame: TokenFrame, signIn: SignIn): TokenClaims {
  return {
    sub: signIn.person.sub,
    ...groupsOf(signIn.person),
    email_verified: true,
    iss: frame.iss,
    "cognito:username": signIn.person.username,
    ...(signIn.nonce === undefined ? {} : { nonce: signIn.nonce }),
    origin_jti: signIn.originJti,
    aud: frame.clientId,
    event_id: signIn.eventId,
    token_use: "id",
    auth_time: signIn.authTime,
    exp: frame.exp,
    iat: frame.iat,
    jti: frame.jti,
    email: signIn.person.email,
    ...customAttributes(signIn.person),
  };
}

/** What the userInfo endpoint answers about a person. */
export function userInfo(person: Person): TokenClaims {
  return {
    sub: person.sub,
    email_verified: "true", // a string there, a boolean in ID tokens: as Cognito has it
    ...customAttributes(person),
    email: person.email,
    username: person.username,
  };
}

/** Cognito leaves the claim out for people without groups. */
function groupsOf(person: Person): TokenClaims {
  return person.groups.length === 0 ? {} : { "cognito:groups": [...person.groups] };
}

function customAttributes(person: Person): TokenClaims {
  return Object.fromEntries(Object.entries(person.custom).map(([name, value]) => [`custom:${name}`, value]));
}
