/**
 * What a drill of connections plays on: a gateway with a core for itself, in front of an upstream that keeps streams open.
 * All others (the drill, the upstream, whoever attacks) share the other core, each in a process of its own.
 */
import { execFileSync, fork } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { digestApiKey, makeApiKey } from "../../src/contract/api-key.ts";
import { startIssuer, type Issuer } from "../../src/demo/issuer/issuer.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { GATEWAY_CORE, LOAD_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned, type Program } from "../stage/pinned.ts";

const MAIN = join(import.meta.dirname, "../../src/main.ts");
const POOL = "us-east-2_Drills001";
/** For a look inside: `SALLYPORT_DRILL_FLAGS="--cpu-prof --cpu-prof-dir=/tmp/profiles"`. */
const GATEWAY_FLAGS = (process.env["SALLYPORT_DRILL_FLAGS"] ?? "").split(" ").filter(Boolean);

export interface Stage {
  readonly port: number;
  readonly upstream: Upstream;
  /** A machine's token. */
  readonly token: (lifetimeSeconds: number) => string;
  /** A key of an account of its own. */
  readonly newKey: (account: string) => { readonly id: string; readonly key: string };
  readonly revoke: (id: string) => void;
  /** The gateway's process. */
  readonly gateway: Program;
  /** Open sockets of the gateway's process (Linux). */
  readonly sockets: () => number;
  readonly close: () => Promise<void>;
}

export interface StageOptions {
  /** Routes of the service: YAML. */
  readonly routes: string;
  /** `listen.connections` of the gateway file. */
  readonly connections: string;
}

/** Resolves when the gateway serves. */
export async function openStage({ routes, connections }: StageOptions): Promise<Stage> {
  leaveGatewayItsCore();
  const issuer = await startIssuer({ now: Date.now, randomBytes, pools: [{ id: POOL }] });
  const upstream = await openUpstream();
  const folder = mkdtempSync(join(tmpdir(), "sallyport-drill-"));
  const port = await freePort();
  mkdirSync(join(folder, "services"));
  writeFileSync(join(folder, "sallyport.yaml"), gatewayFile(port, connections));
  writeFileSync(join(folder, "services/things.yaml"), serviceFile(upstream.origin, issuer, routes));
  const gateway = await startGateway(folder, port);
  const store = openSqliteKeys(join(folder, "data/keys.db"), { side: "command", create: true });
  const pool = issuer.pool(POOL);
  return {
    port,
    upstream,
    token: (lifetimeSeconds) => pool.machineToken({ clientId: "drill", scopes: ["things/all"], lifetimeSeconds }),
    newKey(account) {
      const { id, key } = makeApiKey("thk", randomBytes);
      store.createAccount({ service: "things", id: account, kind: "service", role: "owner", enabled: true });
      store.createKey({ service: "things", id, account, scopes: ["all"], digest: digestApiKey(key), createdAt: Date.now() });
      return { id, key };
    },
    revoke: (id) => void store.revokeKey("things", id, Date.now()),
    gateway,
    sockets: () => socketsOf(gateway),
    async close() {
      store.close();
      await Promise.all([gateway.stop(), issuer.close(), upstream.close()]);
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function gatewayFile(port: number, connections: string): string {
  return `version: 1
listen: { host: 127.0.0.1, port: ${port}, connections: ${connections} }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/things.yaml]
`;
}

function serviceFile(upstream: string, issuer: Issuer, routes: string): string {
  const { iss, jwks } = issuer.pool(POOL);
  return `version: 1
service: things
upstream: { url: "${upstream}" }
connections: { perCaller: 10000 }
roles: { owner: ["*"] }
authenticators:
  machines:
    jwt: { issuer: "${iss}", jwks: "${jwks}", use: access, caller: machine, clients: any }
    scopes: { things/all: ["*"] }
  key:
    apiKey: { header: x-api-key, prefix: thk }
    scopes: { all: ["*"] }
routes:
${routes}`;
}

/** From now on this process and whatever it starts. */
function leaveGatewayItsCore(): void {
  execFileSync("taskset", ["--all-tasks", "--cpu-list", "--pid", String(LOAD_CORE), String(process.pid)], { stdio: "ignore" });
}

async function startGateway(folder: string, port: number): Promise<Program> {
  const gateway = startPinned({
    core: GATEWAY_CORE,
    command: process.execPath,
    arguments: [...GATEWAY_FLAGS, MAIN, "serve", "--config", "sallyport.yaml"],
    cwd: folder,
    environment: { NODE_ENV: "production" },
  });
  await answering(port);
  return gateway;
}

export interface Upstream {
  readonly origin: string;
  /** How many streams and WebSockets are open. */
  readonly open: () => Promise<number>;
  readonly close: () => Promise<unknown>;
}

async function openUpstream(): Promise<Upstream> {
  const child = fork(join(import.meta.dirname, "stage-upstream.ts"));
  const [port] = (await once(child, "message")) as [number];
  const origin = `http://127.0.0.1:${port}`;
  return {
    origin,
    open: async () => Number(await (await fetch(`${origin}/count`)).text()),
    async close() {
      const ended = once(child, "exit");
      child.kill();
      await ended;
    },
  };
}

function socketsOf({ pid }: Program): number {
  const inodes = new Set(readdirSync(`/proc/${pid}/fd`).flatMap((fd) => socketInode(`/proc/${pid}/fd/${fd}`)));
  const tables = ["tcp", "tcp6"].flatMap((table) => readFileSync(`/proc/${pid}/net/${table}`, "utf8").split("\n").slice(1));
  return tables.filter((line) => inodes.has(line.trim().split(/\s+/)[9] ?? "") && !isListening(line)).length;
}

/** A file that was closed meanwhile is none. */
function socketInode(path: string): string[] {
  try {
    const inode = /^socket:\[(\d+)\]$/.exec(readlinkSync(path))?.[1];
    return inode === undefined ? [] : [inode];
  } catch {
    return [];
  }
}

/** `st` of proc(5): 0A is LISTEN. */
function isListening(line: string): boolean {
  return line.trim().split(/\s+/)[3] === "0A";
}
