/** Routes, services, tokens, subjects of limits, connections, headers: one of them grows, the rest is as in the comparison. */
import type { GrowthTable } from "../../report/results.ts";
import type { Shot } from "../../stage/load.ts";
import { goodShot, TENANT } from "../../stage/stage.ts";
import { rawHop } from "../../targets/node-peers.ts";
import { sallyport } from "../../targets/sallyport.ts";
import { cachedTokens, turnsOf } from "../comparison.ts";
import { growthOf, type GrowthOptions, type Point } from "./points.ts";

const MANY_CONNECTIONS = 1_000;
const MANY_CONNECTIONS_SECONDS = 15;

export function growthOfRoutes(options: GrowthOptions): Promise<GrowthTable> {
  const points = [10, 1_000, 10_000].map((at) => ({
    at,
    target: sallyport({ name: `sallyport-routes-${at}`, routes: at }),
    shot: good(options),
  }));
  return growthOf("routes", points, options);
}

export function growthOfServices(options: GrowthOptions): Promise<GrowthTable> {
  const points = [1, 100].map((at) => ({ at, target: sallyport({ name: `sallyport-services-${at}`, services: at }), shot: good(options) }));
  return growthOf("services", points, options);
}

export async function growthOfTokens(options: GrowthOptions): Promise<GrowthTable> {
  const counts = [1, 10_000, 100_000];
  const tokens = await options.stage.issuer.pool(Math.max(...counts), TENANT);
  const points = counts.map((at) => ({
    at,
    target: sallyport({ name: `sallyport-tokens-${at}`, tokenCache: "512MB" }),
    shot: { ...good(options), turns: turnsOf(options.stage, `tokens-${at}.txt`, tokens.slice(0, at)) },
    primed: cachedTokens(at),
  }));
  return growthOf("cached tokens", points, options);
}

/** The last is what the counters hold at the most (`MOST_BUCKETS` in start.ts), but for the addresses that prove the gateway correct. */
export function growthOfLimitKeys(options: GrowthOptions): Promise<GrowthTable> {
  const points = [1, 1_000, 100_000, 999_900].map((at) => ({
    at,
    target: sallyport({ name: `sallyport-keys-${at}`, limitBy: "address", trustProxy: ["127.0.0.1"] }),
    shot: { ...good(options), clients: at },
    primed: { requests: at },
  }));
  return growthOf("subjects of a limit", points, options);
}

export function growthOfConnections(options: GrowthOptions): Promise<GrowthTable> {
  const points = [16, 64, 256, 1_024, 5_000].map((at) => ({
    at,
    target: sallyport({ name: `sallyport-connections-${at}` }),
    shot: good(options),
    connections: at,
    ...(at >= MANY_CONNECTIONS && { seconds: MANY_CONNECTIONS_SECONDS }),
  }));
  return growthOf("connections", points, options);
}

/** Beside the raw hop: a header costs it something too. */
export function growthOfHeaders(options: GrowthOptions): Promise<GrowthTable> {
  const points = [10, 20, 40, 80].flatMap((at): readonly Point[] => {
    const shot = withHeaders(good(options), at);
    return [sallyport({ name: `sallyport-headers-${at}` }), rawHop].map((target) => ({ at, target, shot }));
  });
  return growthOf("request headers", points, options);
}

function good({ stage }: GrowthOptions): Shot {
  return goodShot(stage.issuer.token(TENANT));
}

/** In all, with `Host`. */
function withHeaders(shot: Shot, count: number): Shot {
  const missing = count - 1 - Object.keys(shot.headers).length;
  const more = Array.from({ length: missing }, (_, index) => [`x-application-${index}`, `a value of this call, ${index}`] as const);
  return { ...shot, headers: { ...shot.headers, ...Object.fromEntries(more) } };
}
