/** How long the gateway takes to be ready, and how large it is where it is installed. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
import { beginningsIn } from "../report/built-sources.ts";
import type { InstallSize } from "../report/results.ts";
import type { Stage } from "../stage/stage.ts";
import { MAIN, startGateway } from "../targets/sallyport.ts";

/** Milliseconds, of so many starts one after the other; one before it counts. */
export async function measureStarts(stage: Stage, count: number): Promise<readonly number[]> {
  const taken: number[] = [];
  for (let index = 0; index <= count; index++) {
    const gateway = await startGateway({ name: "sallyport-start" }, stage);
    taken.push(gateway.readyMs);
    await gateway.stop();
  }
  return taken.slice(1);
}

/** Of what is built, packages and all. */
export function measureSize(): InstallSize {
  const folder = dirname(MAIN);
  const files = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const sources = files.flatMap((file) => beginningsIn(readFileSync(file, "utf8"))).map(({ source }) => source);
  const packages = new Set(sources.flatMap((source) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(source)?.[0] ?? []));
  return { packages: packages.size, programMb: bytes / 2 ** 20 };
}
