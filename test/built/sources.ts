/** Each source built for itself, with the parts that all of them share, in the way in which the program is built. */
import { globSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { buildFiles } from "../../build.ts";

const ROOT = join(import.meta.dirname, "../..");
/** As deep as `dist/`: sources look for files around them. */
const FOLDER = join(ROOT, ".built");

/** How the URLs of sources begin. */
export const SOURCES = `${pathToFileURL(join(ROOT, "src")).href}/`;

export async function buildSources(): Promise<void> {
  const sources = globSync("src/**/*.ts", { cwd: ROOT });
  await buildFiles(FOLDER, Object.fromEntries(sources.map((file) => [file.replace(/\.ts$/, ""), file])));
}

/** What is built of the source with this URL. */
export function builtFile(url: string): string {
  return join(FOLDER, "src", url.slice(SOURCES.length).replace(/\.ts$/, ".js"));
}
