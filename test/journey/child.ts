/** The program itself as a process of its own, for what only a process can show: signals, exit codes, memory. */
import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import { collectGateway, collectLog } from "../security/log-sink.ts";
import type { Ports } from "./things.ts";

export const ROOT = join(import.meta.dirname, "../..");
/** What is run as a process: the sources, or the built program where this variable names its file. */
export const PROGRAM = process.env["SALLYPORT_TEST_PROGRAM"] ?? join(ROOT, "src/main.ts");

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>;
  /** The working folder; the system's folder for temporary files where nothing is given. */
  readonly folder?: string;
  /** The program's file, where it is another one. */
  readonly main?: string;
}

export interface Program {
  readonly process: ChildProcess;
  /** All that it has written so far. */
  readonly out: () => string;
  readonly err: () => string;
  /** Its log lines so far. */
  readonly log: () => readonly Record<string, unknown>[];
  /** Resolves with the output once it holds this; rejects when the program ends without. */
  readonly says: (text: string | RegExp) => Promise<string>;
  /** Resolves with its exit code, or the signal that ended it. */
  readonly ended: Promise<number | NodeJS.Signals>;
}

/** Runs `sallyport ARGS`; whatever is left of it ends with the test. The environment is only what is given. */
export function runProgram(t: Test, args: readonly string[], options: ProgramOptions = {}): Program {
  const [command, before] = bareNode();
  const child = spawn(command, [...before, options.main ?? PROGRAM, ...args], {
    cwd: options.folder ?? tmpdir(),
    env: { PATH: process.env["PATH"], ...options.environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  if (args[0] === "serve") followGateway(child, args, options.environment);
  const [out, err] = [collect(child.stdout), collect(child.stderr)];
  const ended = new Promise<number | NodeJS.Signals>((resolve) => child.once("close", (code, signal) => resolve(code ?? signal ?? 0)));
  t.teardown(async () => {
    child.kill("SIGKILL");
    await ended;
  });
  const says = async (text: string | RegExp): Promise<string> => {
    while (!found(out(), text)) {
      const over = await Promise.race([once(child.stdout, "data").then(() => undefined), ended]);
      if (over !== undefined && !found(out(), text)) throw new Error(`it ended (${over}) without saying ${String(text)}: ${out()}${err()}`);
    }
    return out();
  };
  return { process: child, out, err, log: () => jsonLines(out()), says, ended };
}

/** The demo prints credentials for people, and logs beside that. */
function followGateway(
  { stdout, stderr }: ChildProcess,
  args: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): void {
  collectGateway(environment);
  stderr?.on("data", (chunk) => collectLog(String(chunk)));
  if (!args.includes("--demo")) stdout?.on("data", (chunk) => collectLog(String(chunk)));
}

/** How to run Node as users do: the test runner adds hooks of its own to whatever it starts, which cost time and memory. */
export function bareNode(): readonly [command: string, args: readonly string[]] {
  return ["/usr/bin/env", ["-u", "NODE_OPTIONS", process.execPath]];
}

function collect(stream: NodeJS.ReadableStream): () => string {
  let text = "";
  stream.setEncoding("utf8");
  stream.on("data", (chunk) => (text += String(chunk)));
  return () => text;
}

function found(output: string, text: string | RegExp): boolean {
  return typeof text === "string" ? output.includes(text) : text.test(output);
}

function jsonLines(output: string): Record<string, unknown>[] {
  const whole = output.slice(0, output.lastIndexOf("\n") + 1).split("\n");
  return whole.filter((line) => line.startsWith("{")).map((line) => JSON.parse(line) as Record<string, unknown>);
}

/** A folder of policy files that goes with the test. */
export function writeFolder(t: Test, files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-child-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

export interface ServingProgram extends Program {
  readonly ports: Ports;
  readonly folder: string;
}

/** `serve` on free ports, with policy files made for these; resolves when it serves. */
export async function serveProgram(
  t: Test,
  filesFor: (ports: Ports) => Readonly<Record<string, string>>,
  environment: Readonly<Record<string, string>>,
  main?: string,
): Promise<ServingProgram> {
  const ports = await freePorts();
  const folder = writeFolder(t, filesFor(ports));
  const program = runProgram(t, ["serve", "--config", "sallyport.yaml"], { folder, environment, ...(main !== undefined && { main }) });
  await program.says('"msg":"serving"');
  return { ...program, ports, folder };
}

/** Three ports of loopback that were free a moment ago. */
export async function freePorts(): Promise<Ports> {
  const servers = await Promise.all([1, 2, 3].map(() => openServer()));
  const [front, health, admin] = servers.map((server) => (server.address() as AddressInfo).port) as [number, number, number];
  await Promise.all(servers.map((server) => new Promise((closed) => server.close(closed))));
  return { front, health, admin };
}

function openServer(): Promise<ReturnType<typeof createServer>> {
  const server = createServer();
  return new Promise((resolve) => server.listen(0, "127.0.0.1", () => resolve(server)));
}

/** Memory of a process that is in use now, in MB (Linux). */
export function residentMb(program: Program): number {
  return memoryOf(program, "VmRSS");
}

/** The most memory that the process ever had in use, in MB (Linux). */
export function peakMb(program: Program): number {
  return memoryOf(program, "VmHWM");
}

function memoryOf({ process: { pid } }: Program, name: string): number {
  const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  if (!line) throw new Error(`the system does not tell ${name}`);
  return Math.round(Number(line[1]) / 1024);
}
