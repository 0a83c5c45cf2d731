/** The gateway as it ships: built, started by its command, with the same rules as the peers. */
import { execFileSync } from "node:child_process";
import { randomUUID } from "node:crypto";
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { SCOPE } from "../stage/issuer.ts";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned } from "../stage/pinned.ts";
import { ORIGIN, TENANT, type Stage } from "../stage/stage.ts";
import type { Running, Target } from "./target.ts";

export const MAIN = fileURLToPath(new URL("../../dist/main.js", import.meta.url));
/** No load comes near them: the counters count, and refuse nobody. Addresses are many, and must not be forgotten while a load lasts. */
const RATES = { caller: "100000000/minute", address: "100000000/hour" };

export interface Shape {
  /** Under which its files stand. */
  readonly name: string;
  /** Routes in all, the ten of the service among them. */
  readonly routes?: number;
  /** Services in all. */
  readonly services?: number;
  /** As the policy writes it: `256MB`. */
  readonly tokenCache?: string;
  /** By whom the one counter counts. */
  readonly limitBy?: "caller" | "address";
  readonly trustProxy?: readonly string[];
  /** Also allowed requests; refusals are logged anyhow. */
  readonly logs?: "refusals" | "all";
  /** For Node, before the program. */
  readonly nodeArguments?: readonly string[];
}

export interface RunningGateway extends Running {
  /** Milliseconds from the start of the process until its health door said that it is ready. */
  readonly readyMs: number;
}

/** A gateway whose policy is of this shape. */
export function sallyport(shape: Shape): Target {
  return { name: shape.name, answers: "by policy", start: (stage) => startGateway(shape, stage) };
}

/** Resolves when it is ready. Its log goes to a file, `SHAPE/log`. */
export async function startGateway(shape: Shape, stage: Stage): Promise<RunningGateway> {
  const doors = { front: await freePort(), health: await freePort(), admin: await freePort() };
  const config = writePolicy(shape, stage, doors);
  const startedAt = performance.now();
  const program = startPinned({
    core: GATEWAY_CORE,
    command: process.execPath,
    arguments: [...(shape.nodeArguments ?? []), MAIN, "serve", "--config", config],
    environment: { NODE_ENV: "production" },
    log: join(stage.folder, shape.name, "log"),
  });
  await answering(doors.health, "/ready", (status) => status === 200);
  return { ...program, port: doors.front, readyMs: performance.now() - startedAt };
}

type Doors = Readonly<Record<"front" | "health" | "admin", number>>;

function writePolicy(shape: Shape, stage: Stage, doors: Doors): string {
  const folder = join(stage.folder, shape.name);
  mkdirSync(join(folder, "services"), { recursive: true });
  writeFileSync(join(folder, "services", "a.yaml"), serviceText(shape, stage));
  for (let index = 1; index < (shape.services ?? 1); index++) {
    writeFileSync(join(folder, "services", `s${index}.yaml`), otherService(index, stage));
  }
  const path = join(folder, "sallyport.yaml");
  writeFileSync(path, gatewayText(shape, folder, doors));
  return path;
}

/** The doors and stores are those of the shipped gateway file. */
function gatewayText(shape: Shape, folder: string, doors: Doors): string {
  const { tokenCache, limitBy = "caller", trustProxy = [], logs = "refusals" } = shape;
  return `version: 1
listen: { host: 127.0.0.1, port: ${doors.front}, connections: { total: 20000, perAddress: 20000 } }
health: { host: 127.0.0.1, port: ${doors.health} }
admin: { port: ${doors.admin}, tokens: [{ id: bench, value: "${randomUUID()}" }] }
trustProxy: [${trustProxy.join(", ")}]
log: { decisions: ${logs} }
stores:
  keys: "sqlite:${join(folder, "keys.db")}"
  counters: memory
${tokenCache === undefined ? "" : `  tokens: ${tokenCache}\n`}defaults:
  body: { max: 2GB }
  timeouts: { connect: 2s, headers: 30s, idle: 60s, total: none }
  limits:
    all: { by: ${limitBy}, rate: ${RATES[limitBy]} }
    failures: { by: address, rate: ${RATES.caller}, of: failures }
services: [services/*.yaml]
`;
}

function serviceText({ routes = 10 }: Shape, { upstream, issuer }: Stage): string {
  const more = Array.from({ length: Math.max(0, routes - 10) }, (_, index) => `  GET /clients/{client}/r${index}/{id}: models.read`);
  return `version: 1
service: models
prefix: /v2
upstream: { url: "http://127.0.0.1:${upstream.port}", connections: 20000 }
connections: { perCaller: 20000 }
cors: { origins: ["${ORIGIN}"], credentials: true }
authenticators:
  machines:
    jwt: { issuer: "${issuer.iss}", jwks: "${issuer.jwks}", use: access, caller: machine, clients: [${TENANT}] }
    scopes: { ${SCOPE}: [models.read, models.write] }
    tenant: { claim: client_id }
  keys:
    apiKey: { header: x-api-key, prefix: bench }
    scopes: { ${SCOPE}: [models.read, models.write] }
    tenant: account
roles: { caller: ["*"] }
tenant: { path: client }
errors: { format: envelope }
routes:
  GET /health: public
  GET /models: { access: models.read, tenant: unchecked }
  GET /clients/{client}: models.read
  GET /clients/{client}/models: models.read
  POST /clients/{client}/models: models.write
  GET /clients/{client}/models/{model}: models.read
  POST /clients/{client}/models/{model}: models.write
  DELETE /clients/{client}/models/{model}: models.write
  GET /clients/{client}/files/{file}: models.read
  POST /clients/{client}/files/{file}: models.write
${more.join("\n")}
`;
}

function otherService(index: number, { upstream }: Stage): string {
  const routes = Array.from({ length: 10 }, (_, route) => `  GET /thing${route}/{id}: public`);
  return `version: 1
service: s${index}
prefix: /s${index}
upstream: { url: "http://127.0.0.1:${upstream.port}" }
routes:
${routes.join("\n")}
`;
}

/** A key of the gateway of that name, which need not run. */
export function makeKey(name: string, stage: Stage): string {
  const config = join(stage.folder, name, "sallyport.yaml");
  const call = (...words: string[]): string =>
    execFileSync(process.execPath, [MAIN, ...words, "--config", config], { encoding: "utf8", env: { ...process.env, NO_COLOR: "1" } });
  call("accounts", "create", "bench", "--service", "models", "--role", "caller", "--tenant", TENANT);
  const made = call("keys", "create", "--service", "models", "--account", "bench", "--scopes", SCOPE, "--json");
  return (JSON.parse(made) as { readonly secret: string }).secret;
}
