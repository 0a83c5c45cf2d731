/** `serve --workers N` as a process of its own, and how to reach each of its workers. */
import http from "node:http";
import type { Test } from "tap";
import type { GatewayStatus } from "../../src/admin/sources.ts";
import { ask, type Answer } from "../forward/harness.ts";
import { freePorts, runProgram, writeFolder, type ServingProgram } from "../journey/child.ts";
import { startThingsIssuer, thingsFiles, type ThingsIssuer, type ThingsShape } from "../journey/things.ts";

export interface Status extends Pick<GatewayStatus, "workers"> {
  readonly revision: string;
  readonly lastReload: { readonly kind: string; readonly diagnostics: readonly string[] };
}

export interface Workers {
  readonly program: ServingProgram;
  readonly issuer: ThingsIssuer;
  readonly port: number;
  readonly status: () => Promise<Status>;
  readonly metrics: () => Promise<string>;
  /** Answer of the admin door. */
  readonly admin: (path: string, method?: string) => Promise<Answer>;
  /** A connection to each worker, kept open, by how the worker's decision ids begin. */
  readonly connections: () => Promise<ReadonlyMap<string, http.Agent>>;
}

/** Starts `count` workers with the service `things`; limits are counted by each. `more` follows the command. */
export async function serveWorkers(t: Test, count: number, shape: ThingsShape, more: readonly string[] = []): Promise<Workers> {
  const issuer = await startThingsIssuer(t);
  const ports = await freePorts();
  const folder = writeFolder(t, countedByEach(thingsFiles(shape, ports)));
  const args = ["serve", "--config", "sallyport.yaml", "--workers", String(count), ...more];
  const started = runProgram(t, args, { folder, environment: issuer.environment });
  await started.says('"msg":"serving"');
  const headers = { authorization: `Bearer ${issuer.environment["ADMIN_TOKEN"]}` };
  const admin = (path: string, method = "GET") => ask(ports.admin, path, { headers, method });
  return {
    program: { ...started, ports, folder },
    issuer,
    port: ports.front,
    status: async () => JSON.parse(String((await admin("/api/status")).body)) as Status,
    metrics: async () => String((await admin("/metrics")).body),
    admin,
    connections: () => connectTo(t, ports.front, count),
  };
}

export function countedByEach(files: Record<string, string>): Record<string, string> {
  const gateway = files["sallyport.yaml"] ?? "";
  return { ...files, "sallyport.yaml": gateway.replace("counters: memory", "counters: memory-per-worker") };
}

async function connectTo(t: Test, port: number, count: number): Promise<ReadonlyMap<string, http.Agent>> {
  const connections = new Map<string, http.Agent>();
  while (connections.size < count) {
    const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
    t.teardown(() => agent.destroy());
    const worker = workerOf(await ask(port, "/nothing", { agent }));
    if (connections.has(worker)) agent.destroy();
    else connections.set(worker, agent);
  }
  return connections;
}

/** Which worker it was: its decision ids all begin alike. */
export function workerOf({ headers }: Pick<Answer, "headers">): string {
  return String(headers["x-decision-id"]).split("-")[0] ?? "";
}

/** The number of a metric, over all that follows its name. */
export function sumOf(metrics: string, name: string): number {
  const lines = metrics.split("\n").filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `));
  return lines.reduce((sum, line) => sum + Number(line.slice(line.lastIndexOf(" "))), 0);
}

/** Whether there is a process of this number. */
export function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
