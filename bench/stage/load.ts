/** Load of a fixed number of connections, each with one request after the other, by wrk on the load's core. */
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { promisify } from "node:util";
import { LOAD_CORE, watchIdle } from "./machine.ts";
import { headOf, turned } from "./request.ts";

export interface Shot {
  readonly method?: "GET" | "POST";
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly bodyBytes?: number;
  /** Credentials that take turns, one a line of the file: `HEADER: PREFIX LINE`. */
  readonly turns?: { readonly header: string; readonly prefix: string; readonly file: string };
  /** So many clients take turns: each says another `X-Forwarded-For`. */
  readonly clients?: number;
  /** The status that every answer must have; under load it is seen that all are refusals, or none. */
  readonly status: number;
}

export interface LoadOptions {
  readonly port: number;
  readonly connections: number;
  readonly seconds: number;
  readonly folder: string;
  /**
   * The fields of the head come in this many orders, as from as many kinds of clients; one where nothing is said. Code that a
   * process has compiled for one order alone is compiled anew when another comes: a warm-up lets it know several.
   */
  readonly orders?: number;
}

export interface LoadFigures {
  readonly requests: number;
  readonly perSecond: number;
  /** Milliseconds. */
  readonly p50: number;
  readonly p99: number;
  /** The load core's idle share: below a fifth, the load and not the gateway was measured. */
  readonly loadIdle: number;
}

/** A prime, so that it has no factor in common with any count of clients. */
const CLIENT_STEP = 611_953;

const run = promisify(execFile);

/** Rejects when any answer has another status, or a connection breaks. */
export async function fire(shot: Shot, { port, connections, seconds, folder, orders = 1 }: LoadOptions): Promise<LoadFigures> {
  const script = join(folder, "load.lua");
  writeFileSync(script, luaOf(shot, port, orders));
  const idle = watchIdle(LOAD_CORE);
  const wrk = ["-t", "1", "-c", String(connections), "-d", `${seconds}s`, "--timeout", "30s", "-s", script];
  const { stdout } = await run("taskset", ["-c", String(LOAD_CORE), "wrk", ...wrk, `http://127.0.0.1:${port}${shot.path}`]);
  const loadIdle = idle();
  const line = stdout.split("\n").find((one) => one.startsWith("figures "));
  const [requests = 0, microseconds = 1, p50 = 0, p99 = 0, broken = 0, wrong = 0] = (line ?? "").split(" ").slice(1).map(Number);
  if (line === undefined || broken > 0 || wrong > 0 || requests === 0)
    throw new Error(`${shot.path} on port ${port}: ${requests} answers, ${wrong} not ${shot.status}, ${broken} broken\n${stdout}`);
  return { requests, perSecond: requests / (microseconds / 1e6), p50: p50 / 1000, p99: p99 / 1000, loadIdle };
}

/** Where a request has what changes from one to the next. */
const CHANGING = "@@";

/** wrk would write the fields in another order each time that it starts. */
function luaOf(shot: Shot, port: number, orders: number): string {
  const { turns, clients, bodyBytes = 0 } = shot;
  const added =
    turns === undefined ? clients !== undefined && { "x-forwarded-for": CHANGING } : { [turns.header]: turns.prefix + CHANGING };
  const heads = Array.from({ length: orders }, (_, by) => {
    const head = headOf({ ...shot, headers: turned({ ...shot.headers, ...added }, by) }, port);
    return `{${head.split(CHANGING).map(quoted).join(", ")}}`;
  });
  return [
    `local heads, body = { ${heads.join(", ")} }, string.rep("x", ${bodyBytes})`,
    "local function written(at, value) local head = heads[at % #heads + 1]; return head[1] .. value .. (head[2] or '') .. body end",
    ...(turns !== undefined ? turnsLua(turns.file) : clients !== undefined ? clientsLua(clients) : plainLua(orders)),
    doneLua(shot.status),
  ].join("\n");
}

/** One that never changes costs the load's core least. */
function plainLua(orders: number): readonly string[] {
  if (orders === 1) return ['wrk.format = function() return written(0, "") end'];
  return ["local at = 0", 'request = function() at = at + 1; return written(at, "") end'];
}

function turnsLua(file: string): readonly string[] {
  return [
    "local requests, at = {}, 0",
    `init = function() for line in io.lines(${quoted(file)}) do requests[#requests + 1] = written(#requests, line) end end`,
    "request = function() at = at % #requests + 1; return requests[at] end",
  ];
}

/** Each client comes once before any comes again, and those who follow one another are far apart. */
function clientsLua(count: number): readonly string[] {
  return [
    "local at = 0",
    `request = function() at = (at + ${CLIENT_STEP}) % ${count}`,
    '  return written(at, string.format("10.%d.%d.%d", at / 65536, at / 256 % 256, at % 256)) end',
  ];
}

/** wrk knows 2xx and 3xx from the rest by itself; to look at each status in Lua would cost the load's core as much as the request. */
function doneLua(status: number): string {
  return `done = function(summary, latency)
  local errors = summary.errors
  local broken = errors.connect + errors.read + errors.write + errors.timeout
  local wrong = ${status < 400 ? "errors.status" : "summary.requests - errors.status"}
  print(string.format("figures %d %d %d %d %d %d", summary.requests, summary.duration, latency:percentile(50), latency:percentile(99), broken, wrong))
end`;
}

function quoted(text: string): string {
  return JSON.stringify(text);
}
