/**
 * `npm run build`: the program as it ships, in `dist/`: the sources and the packages that they use, in a few files instead of
 * five hundred, since finding and reading files is most of a start. Nothing is renamed or shortened; types are not looked at.
 */
import { readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { build, type Metafile } from "esbuild";

const ROOT = import.meta.dirname;
/**
 * What is started by its file's name, beside that which everything else is split into: those who start it look for it in their own
 * folder. Sources look for files beyond `src/` two folders up, and all that is not the door itself stands as deep here.
 */
const PARTS = "parts";
const ENTRIES = {
  main: "src/main.ts",
  [`${PARTS}/thread`]: "src/loading/thread.ts",
  [`${PARTS}/worker`]: "src/cli/worker.ts",
};
/** Packages that are no ES modules ask for Node's own ones by `require`. */
const REQUIRE = 'import { createRequire as createNodeRequire } from "node:module";\nconst require = createNodeRequire(import.meta.url);';
const NOTICES = "third-party-notices.txt";

/** What was there before is gone. Rejects where a source or a package cannot be read. */
export async function buildProgram(folder: string): Promise<void> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: ENTRIES,
    outdir: folder,
    bundle: true,
    splitting: true,
    chunkNames: `${PARTS}/[name]-[hash]`,
    platform: "node",
    target: "node24",
    format: "esm",
    banner: { js: REQUIRE },
    legalComments: "none",
    metafile: true,
    logLevel: "warning",
  });
  writeFileSync(join(folder, NOTICES), noticesOf(metafile));
}

/** The licences of all packages of which something is in the program: each asks to go where its package goes. */
function noticesOf({ inputs }: Metafile): string {
  const packages = new Set(Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []));
  return [...packages]
    .toSorted()
    .map(noticeOf)
    .join(`\n${"-".repeat(80)}\n\n`);
}

function noticeOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Record<string, string>;
  const file = readdirSync(join(ROOT, folder)).find((one) => /^licen[cs]e/i.test(one));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(ROOT, folder, file), "utf8");
  return `${name} ${version}\n\n${text.trim()}\n`;
}

if (import.meta.main) await buildProgram(join(ROOT, "dist"));
