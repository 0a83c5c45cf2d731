/** How long the gateway takes to be ready, and how large it is where it is installed. */
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { PROJECT } from "../report/files.ts";
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

/** What is read of package-lock.json. */
interface LockFile {
  readonly packages: Readonly<Record<string, { readonly dev?: boolean }>>;
}

/** Of what is built, and of the packages that `npm ci --omit=dev` installs. */
export function measureSize(): InstallSize {
  const { packages: locked } = JSON.parse(readFileSync(join(PROJECT, "package-lock.json"), "utf8")) as LockFile;
  const packages = Object.entries(locked)
    .filter(([path, { dev }]) => path.startsWith("node_modules/") && dev !== true)
    .map(([path]) => join(PROJECT, path));
  const bytes = packages.reduce((sum, path) => sum + bytesBelow(path), 0);
  return { packages: packages.length, packagesMb: bytes / 2 ** 20, programMb: bytesBelow(dirname(MAIN)) / 2 ** 20 };
}

/** Packages within a package are listed by themselves. */
function bytesBelow(folder: string): number {
  return readdirSync(folder, { withFileTypes: true })
    .filter(({ name }) => name !== "node_modules")
    .map((entry) => ({ entry, path: join(folder, entry.name) }))
    .reduce((sum, { entry, path }) => sum + (entry.isDirectory() ? bytesBelow(path) : lstatSync(path).size), 0);
}
