/** `npm run drill -- NAME`: runs one drill, which prints its figures. Exit code 1: a bound is broken; 2: wrong use. */
const DRILLS: ReadonlyMap<string, () => Promise<{ readonly run: () => Promise<number> }>> = new Map([
  ["jwks", () => import("./jwks.ts")],
  ["streams", () => import("./streams.ts")],
  ["slow", () => import("./slow.ts")],
  ["aborts", () => import("./aborts.ts")],
  ["start", () => import("./start.ts")],
  ["files", () => import("./files.ts")],
  ["reload", () => import("./reload.ts")],
]);

const load = DRILLS.get(process.argv[2] ?? "");
if (load === undefined) {
  process.stderr.write(`name one of the drills: ${[...DRILLS.keys()].join(", ")}\n`);
  process.exitCode = 2;
} else {
  const { run } = await load();
  process.exitCode = await run();
}
