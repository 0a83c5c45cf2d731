/** Throughput of the whole policy beside that of the peers, and of one kind of request beside another. */
import { TOKEN_CACHE_LIFE_MS } from "../../src/pipeline/authenticate/token-cache.ts";
import type { LaneRounds } from "../report/results.ts";
import { ask } from "../stage/ask.ts";
import type { Shot } from "../stage/load.ts";
import { goodShot, PATH, TENANT, type Stage } from "../stage/stage.ts";
import { haproxy } from "../targets/haproxy.ts";
import { nginx } from "../targets/nginx.ts";
import { bareHttpProxy, expressStack, plainAnswer, rawHop } from "../targets/node-peers.ts";
import { makeKey, sallyport, type Shape } from "../targets/sallyport.ts";
import type { Running } from "../targets/target.ts";
import { LANES } from "./lane-names.ts";
import { runRounds, type Heat, type Lane, type Priming, type RoundsOptions } from "./rounds.ts";
import { withTargets, type Open } from "./targets.ts";

export interface ComparisonOptions extends RoundsOptions {
  /** How many cached tokens take turns. */
  readonly manyTokens: number;
  /** Without the lanes that take long to prepare, and the floor that no line names. */
  readonly quick: boolean;
}

/**
 * A small cache, and tokens that fill it five times: `sizeOf` in token-cache.ts counts some 2.4 KB for each of these, and for
 * twice as many as it holds the gateway knows that they came before.
 */
const SMALL_CACHE = { size: "3MB", tokens: 7_000 };
/** Of each load that a line holds against another of ours. */
const PROCESSES = 3;
/** Beside the life of an entry, so that none is left. */
const MOMENT_MS = 500;

/** Starts everybody, proves them correct, takes the rounds, and stops everybody. */
export function compare(stage: Stage, options: ComparisonOptions): Promise<readonly LaneRounds[]> {
  return withTargets(stage, async (open) => {
    const gateway = await open(sallyport({ name: "sallyport" }));
    const door = await open(haproxy);
    const heats = [await peerHeat(stage, open, gateway, door), await refusalHeat(stage, open, gateway)];
    return runRounds(options.quick ? heats : [...heats, ...(await slowHeats(stage, open, door, options))], options);
  });
}

async function peerHeat(stage: Stage, open: Open, gateway: Running, door: Running): Promise<Heat> {
  const good = goodShot(stage.issuer.token(TENANT));
  const post: Shot = { ...good, method: "POST", path: PATH, bodyBytes: 1024 };
  const hop = await open(rawHop);
  return [
    { name: LANES.sallyport, running: gateway, shot: good },
    { name: LANES.haproxy, running: door, shot: good },
    { name: LANES.rawHop, running: hop, shot: good },
    { name: LANES.bareHttpProxy, running: await open(bareHttpProxy), shot: good },
    { name: LANES.expressStack, running: await open(expressStack), shot: good },
    { name: LANES.apiKey, running: gateway, shot: withKey(good, makeKey("sallyport", stage)) },
    { name: LANES.post, running: gateway, shot: post },
    { name: LANES.rawHopPost, running: hop, shot: post },
  ];
}

async function refusalHeat(stage: Stage, open: Open, gateway: Running): Promise<Heat> {
  const good = goodShot(stage.issuer.token(TENANT));
  const refusal: Shot = { ...good, headers: withoutCredential(good), status: 401 };
  return [
    { name: LANES.refusal, running: gateway, shot: refusal },
    { name: LANES.plainAnswer, running: await open(plainAnswer(await ask(gateway.port, refusal))), shot: refusal },
  ];
}

async function slowHeats(stage: Stage, open: Open, door: Running, options: ComparisonOptions): Promise<readonly Heat[]> {
  const good = goodShot(stage.issuer.token(TENANT));
  const tokens = await stage.issuer.pool(options.manyTokens, TENANT);
  const unknown: Shot = { ...good, turns: turnsOf(stage, "unknown.txt", tokens.slice(0, SMALL_CACHE.tokens)) };
  const many: Shot = { ...good, turns: turnsOf(stage, "many.txt", tokens) };
  const forgetful = await open(sallyport({ name: "sallyport-small-cache", tokenCache: SMALL_CACHE.size }));
  const oneLoad = await onSeveral(open, { name: "sallyport-one-load" }, { name: LANES.oneLoad, shot: good });
  const manyRoutes = await onSeveral(open, { name: "sallyport-10000", routes: 10_000 }, { name: LANES.manyRoutes, shot: good });
  const manyTokens = await onSeveral(
    open,
    { name: "sallyport-many-tokens", tokenCache: "512MB" },
    { name: LANES.manyTokens, shot: many, primed: cachedTokens(tokens.length) },
  );
  return [
    [{ name: LANES.nginx, running: await open(nginx), shot: good }],
    [
      { name: LANES.unknownTokens, running: forgetful, shot: unknown },
      { name: LANES.haproxyUnknownTokens, running: door, shot: unknown },
    ],
    [...oneLoad, ...manyRoutes, ...manyTokens],
  ];
}

async function onSeveral(open: Open, shape: Shape, lane: Omit<Lane, "running">): Promise<readonly Lane[]> {
  const lanes: Lane[] = [];
  for (let number = 1; number <= PROCESSES; number++) {
    lanes.push({ ...lane, running: await open(sallyport({ ...shape, name: `${shape.name}-${number}` })) });
  }
  return lanes;
}

/** So many tokens that are all in the cache while a round lasts. */
export function cachedTokens(count: number): Priming {
  return { requests: count, forgottenAfterMs: TOKEN_CACHE_LIFE_MS + MOMENT_MS };
}

/** Tokens that take turns. */
export function turnsOf(stage: Stage, file: string, tokens: readonly string[]): NonNullable<Shot["turns"]> {
  return { header: "authorization", prefix: "Bearer ", file: stage.tokenFile(file, tokens) };
}

function withoutCredential({ headers }: Shot): Shot["headers"] {
  const { authorization: _, ...others } = headers;
  return others;
}

function withKey(shot: Shot, key: string): Shot {
  return { ...shot, headers: { ...withoutCredential(shot), "x-api-key": key } };
}
