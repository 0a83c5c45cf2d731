/** What the figures were taken on, and what must be there to take them. */
import { execFileSync } from "node:child_process";
import { readFileSync } from "node:fs";
import { cpus, release, totalmem } from "node:os";

/** Gateway and peers have one core for themselves, load and upstream the other. */
export const GATEWAY_CORE = 0;
export const LOAD_CORE = 1;

/** Programs, and the Debian packages that they are in. */
const PROGRAMS: Readonly<Record<string, string>> = {
  wrk: "wrk",
  nginx: "nginx",
  haproxy: "haproxy",
  taskset: "util-linux",
};

/** Throws, and says what to do, where a program is not there that the bench measures with. */
export function requirePrograms(): void {
  const missing = Object.entries(PROGRAMS).flatMap(([program, debian]) => (isThere(program) ? [] : [debian]));
  if (missing.length > 0) throw new Error(`programs are missing that it measures with:\n\n  apt-get install ${missing.join(" ")}\n`);
}

function isThere(program: string): boolean {
  try {
    execFileSync("sh", ["-c", `PATH="$PATH:/usr/sbin" command -v ${program}`], { stdio: "ignore" });
    return true;
  } catch {
    return false;
  }
}

/** Of which the gateway and its peers are made. */
const MEASURED_PACKAGES = [
  "fastify",
  "undici",
  "@fastify/http-proxy",
  "express",
  "http-proxy-middleware",
  "jsonwebtoken",
  "express-rate-limit",
];

export interface MachineFacts {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly kernel: string;
  readonly versions: Readonly<Record<string, string>>;
}

/** For the results: whoever reads them later must know what they are of. */
export function machineFacts(): MachineFacts {
  return {
    processor: cpus()[0]?.model ?? "unknown",
    cores: cpus().length,
    memoryGb: Math.round(totalmem() / 2 ** 30),
    kernel: /^[\d.]*\d/.exec(release())?.[0] ?? "unknown",
    versions: {
      node: process.version.slice(1),
      haproxy: versionIn("haproxy -v"),
      nginx: versionIn("nginx -v 2>&1"),
      wrk: versionIn("wrk -v 2>&1"),
      ...packageVersions(),
    },
  };
}

/** The exact ones of package.json. */
function packageVersions(): Readonly<Record<string, string>> {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  const { dependencies, devDependencies } = JSON.parse(text) as Readonly<Record<string, Readonly<Record<string, string>>>>;
  const all = { ...dependencies, ...devDependencies };
  return Object.fromEntries(MEASURED_PACKAGES.map((name) => [name, all[name] ?? "unknown"]));
}

function versionIn(command: string): string {
  const said = execFileSync("sh", ["-c", `PATH="$PATH:/usr/sbin"; ${command} || true`], { encoding: "utf8" });
  return /\d+\.\d+[\w.+-]*/.exec(said)?.[0] ?? "unknown";
}

/** Clock ticks of one core since boot (proc(5), /proc/stat). */
interface CoreTicks {
  readonly idle: number;
  readonly total: number;
}

function ticksOf(core: number): CoreTicks {
  const line = readFileSync("/proc/stat", "utf8")
    .split("\n")
    .find((one) => one.startsWith(`cpu${core} `));
  const ticks = (line ?? "").split(/\s+/).slice(1, 9).map(Number);
  const [, , , idle = 0, waiting = 0] = ticks;
  return { idle: idle + waiting, total: ticks.reduce((sum, one) => sum + one, 0) };
}

/** Starts to watch a core; the function returned tells its idle share since, from 0 to 1. */
export function watchIdle(core: number): () => number {
  const before = ticksOf(core);
  return () => {
    const after = ticksOf(core);
    return after.total === before.total ? 1 : (after.idle - before.idle) / (after.total - before.total);
  };
}
