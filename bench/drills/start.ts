/**
 * `npm run build && npm run drill -- start`: how soon the built program serves the shipped policy after it was started,
 * and what it holds once it stands still.
 */
import { randomBytes } from "node:crypto";
import { cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { startDemo } from "../../src/demo/demo.ts";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned } from "../stage/pinned.ts";

const ROOT = join(import.meta.dirname, "../..");
const MAIN = process.env["SALLYPORT_MAIN"] ?? join(ROOT, "dist/main.js");
const RUNS = Number(process.env["RUNS"] ?? 15);
const SETTLE_MS = Number(process.env["SETTLE"] ?? 2_000);
const LONGEST_START_MS = 400;
const MOST_IDLE_MB = 100;

interface Measured {
  readonly readyMs: number;
  readonly idleMb: number;
  readonly cpuMs: number;
}

/** Prints the figures; resolves with the exit code: 1 when a bound is broken, 2 when nothing is built. */
export async function run(): Promise<number> {
  if (!existsSync(MAIN)) {
    console.error("dist/main.js is not there: npm run build");
    return 2;
  }
  const demo = await startDemo({ now: Date.now, randomBytes });
  const folder = mkdtempSync(join(tmpdir(), "sallyport-start-"));
  cpSync(join(ROOT, "config"), join(folder, "config"), { recursive: true });
  try {
    // The first one warms the caches of the system, and the program's own.
    await startOnce(folder, demo.environment);
    const runs: Measured[] = [];
    for (let round = 0; round < RUNS; round++) runs.push(await startOnce(folder, demo.environment));
    return report(runs);
  } finally {
    await demo.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

async function startOnce(folder: string, environment: Readonly<Record<string, string>>): Promise<Measured> {
  const [front, health, admin] = [await freePort(), await freePort(), await freePort()];
  const file = join(folder, "config/sallyport.yaml");
  const text = readFileSync(join(ROOT, "config/sallyport.yaml"), "utf8");
  writeFileSync(
    file,
    text.replace("port: 8080", `port: ${front}`).replace("port: 8081", `port: ${health}`).replace("port: 9090", `port: ${admin}`),
  );
  const startedAt = performance.now();
  const program = startPinned({
    core: GATEWAY_CORE,
    command: process.execPath,
    arguments: [MAIN, "serve"],
    cwd: folder,
    environment: { ...environment, NODE_ENV: "production" },
  });
  try {
    await answering(health, "/ready", (status) => status === 200);
    const readyMs = performance.now() - startedAt;
    const cpuMs = program.cpuMs();
    await pause(SETTLE_MS);
    return { readyMs, idleMb: program.residentMb(), cpuMs };
  } finally {
    await program.stop();
  }
}

function report(runs: readonly Measured[]): number {
  const ready = sorted(runs.map(({ readyMs }) => readyMs));
  const idle = sorted(runs.map(({ idleMb }) => idleMb));
  const cpu = sorted(runs.map(({ cpuMs }) => cpuMs));
  console.log(`start to ready: ${words(ready, "ms")}; bound ${LONGEST_START_MS} ms; processor time ${words(cpu, "ms")}`);
  console.log(`memory ${SETTLE_MS / 1000} s later: ${words(idle, "MB")}; bound ${MOST_IDLE_MB} MB`);
  return middle(ready) <= LONGEST_START_MS && middle(idle) <= MOST_IDLE_MB ? 0 : 1;
}

function words(values: readonly number[], unit: string): string {
  return `median ${middle(values).toFixed(0)} ${unit} (${values[0]?.toFixed(0)} to ${values.at(-1)?.toFixed(0)})`;
}

function sorted(values: readonly number[]): readonly number[] {
  return values.toSorted((left, right) => left - right);
}

function middle(values: readonly number[]): number {
  return values[Math.floor(values.length / 2)] ?? 0;
}
