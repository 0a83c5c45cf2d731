/** `serve`: runs the gateway until it is told to stop; `serve --demo` with everything around it to try it out. */
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { LogLevel } from "../contract/policy.ts";
import { loadApart } from "../loading/apart.ts";
import type { Job } from "../loading/pieces.ts";
import { createLog, standardError, type Log } from "../observability/log.ts";
import { formatDiagnostic } from "../policy/diagnostic.ts";
import type { Loaded } from "../policy/load.ts";
import type { Running } from "../start.ts";
import { configPath, flag, text, UsageError, type Call, type Command } from "./command.ts";
import { flushedAtExit } from "./flushed-at-exit.ts";
import { releaseWhenIdle } from "./idle-memory.ts";
import { doorOf, failureWords } from "./listen-failure.ts";
import { fileNamed } from "./named-file.ts";
import { severalWorkers, workersOf, type Compiled, type Start } from "./several-workers.ts";

const WATCH_MS = 250;
const SHIPPED_POLICY = join(dirname(fileURLToPath(import.meta.url)), "../../config/sallyport.yaml");

export const serve: Command = {
  name: "serve",
  summary: "runs the gateway",
  usage: "[--config FILE] [--workers N] [--shadow FILE] [--demo]",
  help: `  --config FILE  the gateway file (default config/sallyport.yaml)
  --workers N    so many processes answer requests (default 1); with several,
                 \`stores.counters\` must be \`memory-per-worker\`, since each
                 counts limits for itself
  --shadow FILE  another gateway file, or a folder that holds a sallyport.yaml:
                 decides every request too, and is not obeyed; where it would
                 say something else, metrics and decision log tell
  --demo         the shipped policy on 127.0.0.1, with an issuer and three
                 stand-in services; prints calls to paste

The policy is loaded again when its files change, and on SIGHUP; a bad file
changes nothing. SIGTERM, SIGINT and SIGQUIT stop it: requests under way may
finish within the grace period, a second signal ends them at once. The demo
ends at SIGHUP too.

Exit code 0: it was stopped. 1: the policy is not valid, or a port is taken.

  sallyport serve --config /etc/sallyport/sallyport.yaml
  sallyport serve --workers 4
  sallyport serve --shadow candidate/sallyport.yaml`,
  options: { workers: { type: "string" }, shadow: { type: "string" }, demo: { type: "boolean" } },
  positionals: [0, 0],
  run: (call) => (flag(call, "demo") ? serveDemo(call) : serveConfigured(call)),
};

/** At the start nothing else has to be done meanwhile; later, everything. */
type Load = (when: "start" | "later") => Promise<Loaded>;

function serveConfigured(call: Call): Promise<number> {
  const workers = workersOf(call);
  const several = workers > 1 ? severalWorkers(workers) : undefined;
  const options = { configPath: configPath(call), environment: { ...call.terminal.environment }, workers };
  const load = loading(() => ({ options: { ...options, certificatesAt: Date.now() }, provenAt: Date.now() }), several?.compiled);
  const shadow = shadowOf(call, several?.compiled);
  return serveLoaded(call, load, {
    start: several?.start ?? startAlone,
    log: (level) => flushedAtExit(createLog(level)),
    started: () => undefined,
    atHangUp: "reload",
    ...(shadow && { shadow }),
  });
}

/** A door that is open already keeps its certificate. */
function loading(job: () => Job, compiled?: Compiled): Load {
  return async (when) => {
    const asked = job();
    if (when === "start") return (await import("../loading/here.ts")).loadHere(asked, compiled);
    const { certificatesAt: _, ...options } = asked.options;
    return loadApart({ ...asked, options }, compiled).finally(releaseWhenIdle);
  };
}

// The other commands need none of what the gateway brings along, and are the quicker for it.
async function startAlone(): Promise<Start> {
  return (await import("../start.ts")).start;
}

/** Loads the policy that `--shadow` names; its doors are not opened, nor its tests run. */
function shadowOf(call: Call, compiled: Compiled | undefined): Load | undefined {
  const name = text(call, "shadow");
  if (name === undefined) return undefined;
  const environment = { ...call.terminal.environment };
  return loading(() => ({ options: { configPath: fileNamed(name) ?? name, environment } }), compiled);
}

async function serveDemo(call: Call): Promise<number> {
  if (text(call, "config") !== undefined) throw new UsageError("--demo runs the shipped policy; leave --config out");
  if (text(call, "shadow") !== undefined) throw new UsageError("--demo runs the shipped policy alone; leave --shadow out");
  if (text(call, "workers") !== undefined) throw new UsageError("--demo runs in one process; leave --workers out");
  const [{ prepareDemo }, { refusalText }] = await Promise.all([import("../demo/prepare.ts"), import("../pipeline/answer.ts")]);
  const demo = await prepareDemo({ now: Date.now, randomBytes, shippedPolicy: SHIPPED_POLICY, refusalText });
  const options = { configPath: SHIPPED_POLICY, environment: { ...call.terminal.environment, ...demo.environment } };
  const load = loading(() => ({ options }));
  try {
    return await serveLoaded(call, async (when) => demo.adapt(await load(when)), {
      start: startAlone,
      log: (level) => flushedAtExit(createLog(level, standardError)),
      started: ({ ports }) => call.terminal.out(demo.introduction(ports)),
      atHangUp: "stop",
    });
  } finally {
    await demo.close();
  }
}

/** In what the demo differs from a gateway in service. */
interface Manner {
  /** Loads what starts it. */
  readonly start: () => Promise<Start>;
  readonly log: (level: LogLevel) => Log;
  readonly started: (running: Running) => void;
  /** A demo goes with its terminal. */
  readonly atHangUp: "reload" | "stop";
  readonly shadow?: Load;
}

/** Loads, starts, and waits for the end. Exit code 1 when the policy is bad or a door cannot be opened. */
async function serveLoaded(call: Call, load: Load, manner: Manner): Promise<number> {
  const starting = manner.start();
  const { shadow: loadShadow } = manner;
  const [loaded, shadow] = await Promise.all([load("start"), loadShadow?.("start")]);
  if (loaded.kind === "invalid") return explainBadPolicy(call, "policy", loaded);
  if (shadow?.kind === "invalid") return explainBadPolicy(call, "shadow policy", shadow);
  const log = manner.log(loaded.policy.gateway.log.level);
  try {
    const start = await starting;
    const running = await start({
      loaded,
      load: () => load("later"),
      ...(loadShadow && shadow && { shadowPolicy: { loaded: shadow, load: () => loadShadow("later") } }),
      log,
      now: Date.now,
      monotonicNow: () => performance.now(),
      randomBytes,
      watchMs: WATCH_MS,
    });
    // Whoever reads that it has started may tell it to stop at once.
    const stopped = untilStopped(running, log, manner.atHangUp);
    manner.started(running);
    releaseWhenIdle();
    await stopped;
    return 0;
  } catch (error) {
    call.terminal.err(`sallyport: ${failureWords(error, doorOf(loaded.policy, configPath(call)))}\n`);
    return 1;
  }
}

function explainBadPolicy(call: Call, which: string, { diagnostics }: Extract<Loaded, { kind: "invalid" }>): number {
  const { colour } = call.terminal;
  const texts = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { colour }));
  call.terminal.err(
    `${texts.join("\n\n")}\n\nsallyport: the ${which} has ${diagnostics.length} mistake${diagnostics.length === 1 ? "" : "s"}; nothing was started\n`,
  );
  return 1;
}

/** Resolves when the gateway has stopped. The first signal asks for it, the second insists. */
function untilStopped(running: Running, log: Log, atHangUp: Manner["atHangUp"]): Promise<void> {
  return new Promise((resolve, reject) => {
    let asked = false;
    const stop = (signal: NodeJS.Signals): void => {
      if (asked) {
        running.cut();
        return;
      }
      asked = true;
      log.info({ signal }, "stopping");
      running.stop().then(resolve, reject);
    };
    for (const signal of ["SIGTERM", "SIGINT", "SIGQUIT"] as const) process.on(signal, stop);
    process.on("SIGHUP", (signal) => (atHangUp === "stop" ? stop(signal) : void running.reload()));
  });
}
