/** A small OpenID provider with Cognito's shapes, on loopback, for demo and tests. */
import type { AddressInfo } from "node:net";
import Fastify, { type FastifyInstance } from "fastify";
import { Codes } from "./codes.ts";
import { discovery } from "./discovery.ts";
import { keyDoors } from "./key-doors.ts";
import { SigningKeys } from "./keys.ts";
import type { Person, PoolOptions } from "./pool-options.ts";
import type { PoolServer } from "./pool-server.ts";
import { Pool } from "./pool.ts";
import { signIn } from "./sign-in.ts";
import { Tickets, type Clock } from "./tickets.ts";
import { tokenEndpoint } from "./token-endpoint.ts";
import { tryPage } from "./try-page.ts";

export interface IssuerOptions extends Clock {
  readonly pools: readonly PoolOptions[];
  /** Address to listen on; 127.0.0.1 by default, which is what the issuer calls itself in any case. */
  readonly host?: string;
  /** A free one by default. */
  readonly port?: number;
}

export interface Issuer {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  readonly pools: readonly Pool[];
  /** The pool of that id. Throws when there is none. */
  pool(id: string): Pool;
  close(): Promise<void>;
}

const SESSION_LIFETIME_MS = 60 * 60 * 1000;

/** Starts the issuer. Rejects when the port is taken. */
export async function startIssuer(options: IssuerOptions): Promise<Issuer> {
  const app = Fastify({ forceCloseConnections: true });
  const origin = (): string => `http://127.0.0.1:${(app.server.address() as AddressInfo).port}`;
  const pools = await Promise.all(options.pools.map((pool) => makePool(pool, options, origin)));
  readFormsAsText(app);
  for (const pool of pools) openDoors(app, pool, options);
  await app.listen({ host: options.host ?? "127.0.0.1", port: options.port ?? 0 });
  return { url: origin(), pools, pool: (id) => poolOf(pools, id), close: () => app.close() };
}

async function makePool(options: PoolOptions, { now, randomBytes }: Clock, origin: () => string): Promise<Pool> {
  return new Pool(options, await SigningKeys.make(randomBytes), { now, randomBytes }, origin);
}

/** Bodies of other types come as no body at all, so that the doors answer in their own words. */
function readFormsAsText(app: FastifyInstance): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser("application/x-www-form-urlencoded", { parseAs: "string" }, (_request, body, done) => done(null, body));
  app.addContentTypeParser("*", (_request, _payload, done) => done(null, undefined));
}

function openDoors(app: FastifyInstance, pool: Pool, { now, randomBytes }: Clock): void {
  const clock = { now, randomBytes };
  const server: PoolServer = { pool, clock, codes: new Codes(pool, clock), sessions: new Tickets<Person>(clock, SESSION_LIFETIME_MS) };
  void app.register(
    (scope, _options, done) => {
      for (const door of [discovery, tokenEndpoint, signIn, tryPage, keyDoors]) door(scope, server);
      done();
    },
    { prefix: `/${pool.id}` },
  );
}

function poolOf(pools: readonly Pool[], id: string): Pool {
  const pool = pools.find((candidate) => candidate.id === id);
  if (!pool) throw new Error(`the issuer has no pool ${id}`);
  return pool;
}
