/** How long the gateway takes to be ready, and how large it is where it is installed. */
import { readdirSync, readFileSync, statSync } from "node:fs";
import { dirname, join } from "node:path";
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

/** Of what is built, packages and all; the build itself lists these. */
export function measureSize(): InstallSize {
  const folder = dirname(MAIN);
  const { components } = JSON.parse(readFileSync(join(folder, "sbom.cdx.json"), "utf8")) as { readonly components: readonly object[] };
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const bytes = files.reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0);
  return { packages: components.length, programMb: bytes / 2 ** 20 };
}
