/** `npm run bench:profile`: where the time of a request goes. */
import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { join, relative } from "node:path";
import { CONNECTIONS, WARM_UP_ORDERS } from "./parts/rounds.ts";
import { sourceLookup } from "./report/built-sources.ts";
import { medianOf } from "./report/figures.ts";
import { PROJECT, revision, writeProfile } from "./report/files.ts";
import { asText } from "./report/formats.ts";
import type { ProfileResults } from "./report/results.ts";
import { functionsOf, stagesOf, type CpuProfile, type Window } from "./report/self-time.ts";
import { functionsTable, stagesTable } from "./report/tables.ts";
import { fire } from "./stage/load.ts";
import { machineFacts, requirePrograms } from "./stage/machine.ts";
import { goodShot, openStage, TENANT, type Stage } from "./stage/stage.ts";
import { startGateway, type Shape } from "./targets/sallyport.ts";

const WARM_UP_SECONDS = 10;
const SECONDS = 10;
const SAMPLE_MICROSECONDS = 250;
const ROUNDS = 3;
const FUNCTIONS = 40;

interface Loaded {
  readonly requests: number;
  readonly cpuMicroseconds: number;
  readonly window: Window;
}

/** The load of the comparison, so many times; each on the monotonic clock, which the profiler uses too. */
async function load(stage: Stage, shape: Shape, rounds: number): Promise<readonly Loaded[]> {
  const gateway = await startGateway(shape, stage);
  const shot = goodShot(stage.issuer.token(TENANT));
  const setting = { port: gateway.port, connections: CONNECTIONS, folder: stage.folder };
  await fire(shot, { ...setting, seconds: WARM_UP_SECONDS, orders: WARM_UP_ORDERS });
  const loads: Loaded[] = [];
  for (let round = 0; round < rounds; round++) {
    const [from, cpuBefore] = [microseconds(), gateway.cpuMs()];
    const { requests } = await fire(shot, { ...setting, seconds: SECONDS });
    loads.push({ requests, cpuMicroseconds: ((gateway.cpuMs() - cpuBefore) * 1000) / requests, window: { from, to: microseconds() } });
  }
  await gateway.stop();
  return loads;
}

function microseconds(): number {
  return Number(process.hrtime.bigint() / 1000n);
}

async function profiled(stage: Stage): Promise<{ readonly profile: CpuProfile; readonly load: Loaded }> {
  const folder = join(stage.folder, "profile");
  const nodeArguments = ["--cpu-prof", `--cpu-prof-dir=${folder}`, `--cpu-prof-interval=${SAMPLE_MICROSECONDS}`];
  const [one] = await load(stage, { name: "sallyport-profiled", nodeArguments }, 1);
  const file = readdirSync(folder).find((name) => name.endsWith(".cpuprofile"));
  if (file === undefined || one === undefined) throw new Error("the gateway left no profile");
  return { profile: JSON.parse(readFileSync(join(folder, file), "utf8")) as CpuProfile, load: one };
}

requirePrograms();
execFileSync("npm", ["run", "-s", "build"], { cwd: PROJECT, stdio: ["ignore", "inherit", "inherit"] });
const stage = await openStage([]);
const plain = await load(stage, { name: "sallyport-plain" }, ROUNDS);
const { profile, load: under } = await profiled(stage);
await stage.close();
const sourceAt = sourceLookup();
const results: ProfileResults = {
  takenAt: new Date().toISOString(),
  revision: revision(),
  machine: machineFacts(),
  cpuMicroseconds: medianOf(plain.map(({ cpuMicroseconds }) => cpuMicroseconds)),
  requests: under.requests,
  stages: stagesOf(profile, under.window, sourceAt),
  functions: functionsOf(profile, under.window, FUNCTIONS, sourceAt),
};
console.log(`${asText(functionsTable(results))}\n\n${asText(stagesTable(results))}\n`);
console.error(`written: ${relative(process.cwd(), writeProfile(results))}`);
