/** Programs that are measured, or that measure: each on the core that it was given. */
import { spawn, type ChildProcess } from "node:child_process";
import { closeSync, openSync, readFileSync, writeFileSync } from "node:fs";
import { request } from "node:http";
import { createServer } from "node:net";
import { setTimeout as pause } from "node:timers/promises";

export interface Program {
  readonly pid: number;
  /** Resident, in MB. */
  readonly residentMb: () => number;
  /** The most that was resident since `forgetPeak`, in MB. */
  readonly peakMb: () => number;
  readonly forgetPeak: () => void;
  /** Processor time that it has taken, in milliseconds. */
  readonly cpuMs: () => number;
  /** It takes no processor time, and answers nobody, until it goes on. */
  readonly standStill: () => void;
  readonly goOn: () => void;
  readonly stop: () => Promise<void>;
}

export interface Command {
  readonly core: number;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly cwd?: string;
  /** File for what it says on standard output, which is thrown away otherwise. */
  readonly log?: string;
}

/** Starts a program on its core. What it says on standard error is shown when it ends before it is told to. */
export function startPinned({ core, command, arguments: rest, environment, cwd, log }: Command): Program {
  const output = log === undefined ? undefined : openSync(log, "w");
  const child = spawn("taskset", ["-c", String(core), command, ...rest], {
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin`, ...environment },
    stdio: ["ignore", output ?? "ignore", "pipe"],
    ...(cwd !== undefined && { cwd }),
  });
  if (output !== undefined) closeSync(output);
  watch(child, command);
  const pid = child.pid ?? 0;
  return {
    pid,
    residentMb: () => statusMb(pid, "VmRSS"),
    peakMb: () => statusMb(pid, "VmHWM"),
    forgetPeak: () => writeFileSync(`/proc/${pid}/clear_refs`, "5"),
    cpuMs: () => cpuMs(pid),
    standStill: () => child.kill("SIGSTOP"),
    goOn: () => child.kill("SIGCONT"),
    stop: () => stop(child),
  };
}

const MOST_STOP_MS = 10_000;
const stopping = new WeakSet<ChildProcess>();
const running = new Set<ChildProcess>();
// However the bench ends, nothing of it goes on.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});
for (const signal of ["SIGINT", "SIGTERM"] as const) {
  process.once(signal, () => {
    console.error("interrupted: nothing is written");
    process.exit(130);
  });
}

function watch(child: ChildProcess, command: string): void {
  let said = "";
  running.add(child);
  child.stderr?.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  child.once("exit", (code) => {
    running.delete(child);
    if (!stopping.has(child)) throw new Error(`${command} ended by itself with exit code ${code}:\n${said}`);
  });
}

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null) return;
  stopping.add(child);
  const ended = new Promise((resolve) => child.once("exit", resolve));
  child.kill("SIGTERM");
  // Whoever stands still does not hear it.
  child.kill("SIGCONT");
  const insist = setTimeout(() => child.kill("SIGKILL"), MOST_STOP_MS);
  await ended;
  clearTimeout(insist);
}

function statusMb(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1] ?? 0) / 1024;
}

/** proc(5): fields 14 and 15 of /proc/PID/stat, in ticks of 10 ms. */
function cpuMs(pid: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[11]) + Number(fields[12])) * 10;
}

/** The system may give a port again before anybody listens on it. */
const given = new Set<number>();

/** A port that nobody listened on just now, another one each time. */
export async function freePort(): Promise<number> {
  for (;;) {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    await new Promise((resolve) => server.close(resolve));
    const port = typeof address === "object" && address ? address.port : 0;
    if (given.has(port)) continue;
    given.add(port);
    return port;
  }
}

/** Resolves when something answers there, whatever it says; with how long that took. Rejects after ten seconds. */
export async function answering(port: number, path = "/", good: (status: number) => boolean = () => true): Promise<number> {
  const startedAt = performance.now();
  while (performance.now() - startedAt < 10_000) {
    const status = await statusOf(port, path).catch(() => 0);
    if (status > 0 && good(status)) return performance.now() - startedAt;
    await pause(2);
  }
  throw new Error(`nothing answers on port ${port}`);
}

function statusOf(port: number, path: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    sent.on("error", reject).end();
  });
}
