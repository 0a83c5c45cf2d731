/** What the drill of reloads plays on: the built gateway on one core, a policy that is rewritten, and an upstream that tells what it was told. */
import { randomBytes } from "node:crypto";
import { cpSync, mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned, type Program } from "../stage/pinned.ts";

/** Another build may be named. */
export const MAIN = process.env["SALLYPORT_MAIN"] ?? join(import.meta.dirname, "../../dist/main.js");

export interface LastReload {
  readonly kind: string;
  readonly diagnostics: readonly string[];
}

export interface ReloadStage {
  readonly port: number;
  readonly folder: string;
  /** `http://127.0.0.1:PORT` */
  readonly upstream: string;
  readonly gateway: Program;
  /** Puts this text in the place of the service's file, in one step. */
  readonly write: (service: string) => void;
  /** Resolves when the files count, with how long that took in milliseconds; undefined where the gateway had noticed before. Rejects where they do not count. */
  readonly reload: () => Promise<number | undefined>;
  /** Whatever has become of the files: this gateway file, and this service, and nothing else. */
  readonly restore: (gatewayFile: string, service: string) => void;
  readonly lastReload: () => Promise<LastReload>;
  /** The value of a metric of the gateway. */
  readonly metric: (name: string) => Promise<number>;
  readonly close: () => Promise<void>;
}

/** `serviceFor` makes the first service file for an upstream. Resolves when the gateway serves it. */
export async function openReloadStage(serviceFor: (upstream: string) => string, ready: string): Promise<ReloadStage> {
  const echo = await openEcho();
  const upstream = `http://127.0.0.1:${(echo.address() as AddressInfo).port}`;
  const folder = mkdtempSync(join(tmpdir(), "sallyport-reload-"));
  const [port, admin] = [await freePort(), await freePort()];
  const token = randomBytes(24).toString("hex");
  const file = join(folder, "services/things.yaml");
  const write = (service: string): void => {
    writeFileSync(`${file}.new`, service);
    renameSync(`${file}.new`, file);
  };
  mkdirSync(join(folder, "services"));
  writeFileSync(join(folder, "sallyport.yaml"), gatewayFile(port, admin));
  write(serviceFor(upstream));
  const gateway = startPinned({
    core: GATEWAY_CORE,
    command: process.execPath,
    arguments: [MAIN, "serve", "--config", "sallyport.yaml"],
    environment: { NODE_ENV: "production", ADMIN_TOKEN: token },
    cwd: folder,
  });
  await answering(port, ready);
  const adminUrl = `http://127.0.0.1:${admin}`;
  return {
    port,
    folder,
    upstream,
    gateway,
    write,
    restore(kept, service) {
      rmSync(join(folder, "services"), { recursive: true, force: true });
      mkdirSync(join(folder, "services"));
      write(service);
      cpSync(kept, join(folder, "sallyport.yaml"));
    },
    lastReload: () => lastReload(adminUrl, token),
    reload: () => reload(adminUrl, token),
    metric: (name) => metric(adminUrl, token, name),
    async close() {
      await gateway.stop();
      echo.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function gatewayFile(port: number, admin: number): string {
  return `version: 1
listen: { host: 127.0.0.1, port: ${port} }
admin: { port: ${admin}, tokens: [{ id: drill, value: "\${ADMIN_TOKEN}" }] }
stores: { keys: "sqlite:data/keys.db", counters: memory }
services: [services/things.yaml]
`;
}

/** Tells path and headers of each request. */
async function openEcho(): Promise<Server> {
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify({ path: request.url, headers: request.headers }));
  });
  server.keepAliveTimeout = 60_000;
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return server;
}

async function reload(adminUrl: string, token: string): Promise<number | undefined> {
  const startedAt = performance.now();
  const answer = await fetch(`${adminUrl}/api/reload`, { method: "POST", headers: { authorization: `Bearer ${token}` } });
  const outcome = (await answer.json()) as { readonly kind: string };
  if (outcome.kind === "rejected") throw new Error(`a reload came to nothing: ${JSON.stringify(outcome)}`);
  return outcome.kind === "loaded" ? performance.now() - startedAt : undefined;
}

async function lastReload(adminUrl: string, token: string): Promise<LastReload> {
  const answer = await fetch(`${adminUrl}/api/status`, { headers: { authorization: `Bearer ${token}` } });
  return ((await answer.json()) as { readonly lastReload: LastReload }).lastReload;
}

async function metric(adminUrl: string, token: string, name: string): Promise<number> {
  const answer = await fetch(`${adminUrl}/metrics`, { headers: { authorization: `Bearer ${token}` } });
  const line = new RegExp(`^${RegExp.escape(name)} (\\S+)$`, "m").exec(await answer.text());
  if (!line) throw new Error(`the gateway has no metric ${name}`);
  return Number(line[1]);
}
