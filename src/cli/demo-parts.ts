/** `demo issuer` and `demo stand-ins`: the surroundings of `serve --demo` as processes of their own, for containers. */
import { randomBytes } from "node:crypto";
import { PIE, STACKFLOW } from "../demo/cast.ts";
import { text, UsageError, type Call, type Command } from "./command.ts";
import { failureWords } from "./listen-failure.ts";

const LOOPBACK = "127.0.0.1";
const HOST_OPTION = { host: { type: "string" } } as const;
const hostHelp = (width: number): string =>
  `  ${"--host H".padEnd(width)}address to listen on (default ${LOOPBACK}); another one
${" ".repeat(width + 2)}only where no stranger reaches it`;

/** Parts of the demo that run until a signal ends them. */
export const demoPartCommands: readonly Command[] = [
  {
    name: "demo issuer",
    summary: "runs the demo's token issuer alone, and prints its clients and people",
    usage: "[--host H] [--port N] [--gateway URL]",
    help: `${hostHelp(15)}
  --port N       port to listen on (default 4000); tokens name the issuer as
                 http://${LOOPBACK}:N
  --gateway URL  where the printed calls go (default http://${LOOPBACK}:8080)

Secrets and signing keys are made anew at each start.

  sallyport demo issuer --port 4000`,
    options: { ...HOST_OPTION, port: { type: "string" }, gateway: { type: "string" } },
    positionals: [0, 0],
    run: runIssuer,
  },
  {
    name: "demo stand-ins",
    summary: "runs the demo's three stand-in services alone",
    usage: "[--host H] [--pie-port N] [--registry-port N] [--stackflow-port N]",
    help: `${hostHelp(20)}
  --pie-port N        port of PIE (default 4101)
  --registry-port N   port of the model registry (default 4102)
  --stackflow-port N  port of StackFlow (default 4103)

They ask nobody who they are: only the gateway should reach them.

  sallyport demo stand-ins`,
    options: { ...HOST_OPTION, "pie-port": { type: "string" }, "registry-port": { type: "string" }, "stackflow-port": { type: "string" } },
    positionals: [0, 0],
    run: runStandIns,
  },
];

function runIssuer(call: Call): Promise<number> {
  const options = { host: hostOf(call), port: portOf(call, "port", 4000), pools: [PIE, STACKFLOW] };
  const gatewayUrl = text(call, "gateway") ?? `http://${LOOPBACK}:8080`;
  return run(call, "--port", async () => {
    const { startIssuer } = await import("../demo/issuer/issuer.ts");
    const { printIssuer } = await import("../demo/print-demo.ts");
    const issuer = await startIssuer({ ...options, now: Date.now, randomBytes });
    return { part: issuer, introduction: printIssuer(issuer, gatewayUrl) };
  });
}

function runStandIns(call: Call): Promise<number> {
  const ports = {
    pie: portOf(call, "pie-port", 4101),
    registry: portOf(call, "registry-port", 4102),
    stackflow: portOf(call, "stackflow-port", 4103),
  };
  return run(call, "--pie-port, --registry-port or --stackflow-port", async () => {
    const { startStandIns } = await import("../demo/stand-ins/stand-ins.ts");
    const part = await startStandIns({ host: hostOf(call), ports, now: Date.now, randomBytes });
    return { part, introduction: `PIE ${part.pie.url}, model registry ${part.registry.url}, StackFlow ${part.stackflow.url}\n` };
  });
}

interface Started {
  readonly part: { close(): Promise<void> };
  readonly introduction: string;
}

/** Exit code 1 when it cannot start: a port is taken. `place` is where ports are written. */
async function run({ terminal }: Call, place: string, start: () => Promise<Started>): Promise<number> {
  try {
    const { part, introduction } = await start();
    terminal.out(introduction);
    await untilSignal();
    await part.close();
    return 0;
  } catch (error) {
    terminal.err(`sallyport: ${failureWords(error, () => place)}\n`);
    return 1;
  }
}

function hostOf(call: Call): string {
  return text(call, "host") ?? LOOPBACK;
}

function portOf(call: Call, option: string, fallback: number): number {
  const words = text(call, option);
  if (words === undefined) return fallback;
  const port = /^\d{1,5}$/.test(words) ? Number(words) : Number.NaN;
  if (port <= 65_535) return port;
  throw new UsageError(`--${option}: ${JSON.stringify(words)} is no port; write a number from 0 to 65535`);
}

/** Resolves at SIGTERM or SIGINT; a second signal ends the process as it would any other. */
function untilSignal(): Promise<void> {
  return new Promise((resolve) => {
    const stop = (): void => {
      process.off("SIGTERM", stop);
      process.off("SIGINT", stop);
      resolve();
    };
    process.on("SIGTERM", stop);
    process.on("SIGINT", stop);
  });
}
