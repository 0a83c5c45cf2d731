/** What the HTTP doors of one pool share. */
import type { Codes } from "./codes.ts";
import type { Person } from "./pool-options.ts";
import type { Pool } from "./pool.ts";
import type { Clock, Tickets } from "./tickets.ts";

export interface PoolServer {
  readonly pool: Pool;
  readonly clock: Clock;
  readonly codes: Codes;
  /** People who signed in a moment ago, by session cookie. */
  readonly sessions: Tickets<Person>;
}
