/** `serve`: runs the gateway until it is told to stop; `serve --demo` with everything around it to try it out. */
import { randomBytes } from "node:crypto";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { createLog, type Log } from "../observability/log.ts";
import { formatDiagnostic } from "../policy/diagnostic.ts";
import { loadPolicy, type Loaded, type LoadOptions } from "../policy/load.ts";
import { loadProved } from "../proved.ts";
import type { Running } from "../start.ts";
import { configPath, flag, text, UsageError, type Call, type Command } from "./command.ts";
import { releaseStartMemory } from "./start-memory.ts";

const WATCH_MS = 500;
const SHIPPED_POLICY = join(dirname(fileURLToPath(import.meta.url)), "../../config/sallyport.yaml");

export const serve: Command = {
  name: "serve",
  summary: "Runs the gateway",
  usage: "[--config FILE] [--demo]",
  help: `--config FILE  the gateway file (default config/sallyport.yaml)
--demo         runs the shipped policy on 127.0.0.1 with an issuer and three stand-in
               services, and prints calls to paste

The policy is loaded again when its files change, and on SIGHUP; a bad file changes nothing.
SIGTERM and SIGINT stop it: requests under way may finish within the grace period, a second
signal ends them at once.

Example: sallyport serve --config /etc/sallyport/sallyport.yaml`,
  options: { demo: { type: "boolean" } },
  positionals: [0, 0],
  run: (call) => (flag(call, "demo") ? serveDemo(call) : serveConfigured(call)),
};

type Load = (more?: Pick<LoadOptions, "certificatesAt">) => Loaded;

function serveConfigured(call: Call): Promise<number> {
  const load: Load = (more) => loadProved({ configPath: configPath(call), environment: call.terminal.environment, ...more }, Date.now());
  return serveLoaded(call, load, () => undefined);
}

async function serveDemo(call: Call): Promise<number> {
  if (text(call, "config") !== undefined) throw new UsageError("--demo runs the shipped policy; leave --config out");
  const { prepareDemo } = await import("../demo/prepare.ts");
  const demo = await prepareDemo({ now: Date.now, randomBytes });
  const load = (): Loaded =>
    demo.adapt(loadPolicy({ configPath: SHIPPED_POLICY, environment: { ...call.terminal.environment, ...demo.environment } }));
  try {
    return await serveLoaded(call, load, (running) => call.terminal.out(demo.introduction(running.ports)));
  } finally {
    await demo.close();
  }
}

/** Loads, starts, and waits for the end. Exit code 1 when the policy is bad or a door cannot be opened. */
async function serveLoaded(call: Call, load: Load, started: (running: Running) => void): Promise<number> {
  const loaded = load({ certificatesAt: Date.now() });
  if (loaded.kind === "invalid") return explainBadPolicy(call, loaded);
  const log = createLog(loaded.policy.gateway.log.level);
  try {
    // The other commands need none of what the gateway brings along, and are the quicker for it.
    const { start } = await import("../start.ts");
    await releaseStartMemory();
    const running = await start({
      loaded,
      load: () => load(),
      log,
      now: Date.now,
      monotonicNow: () => performance.now(),
      randomBytes,
      watchMs: WATCH_MS,
    });
    started(running);
    await untilStopped(running, log);
    return 0;
  } catch (error) {
    call.terminal.err(`sallyport: ${error instanceof Error ? error.message : String(error)}\n`);
    return 1;
  }
}

function explainBadPolicy(call: Call, { diagnostics }: Extract<Loaded, { kind: "invalid" }>): number {
  const { colour } = call.terminal;
  const texts = diagnostics.map((diagnostic) => formatDiagnostic(diagnostic, { colour }));
  call.terminal.err(
    `${texts.join("\n\n")}\n\nsallyport: the policy has ${diagnostics.length} mistake${diagnostics.length === 1 ? "" : "s"}; nothing was started\n`,
  );
  return 1;
}

/** Resolves when the gateway has stopped. The first signal asks for it, the second insists. */
function untilStopped(running: Running, log: Log): Promise<void> {
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
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
    process.on("SIGHUP", () => void running.reload());
  });
}
