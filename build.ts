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
/** On what terms each package is in the program, and which those are: the second is read by what looks for known weaknesses. */
const NOTICES = "third-party-notices.txt";
const COMPONENTS = "sbom.cdx.json";

interface Package {
  readonly folder: string;
  readonly name: string;
  readonly version: string;
  /** SPDX. */
  readonly license: string;
}

/** What was there before is gone. Rejects where a source or a package cannot be read. */
export async function buildProgram(folder: string): Promise<void> {
  const metafile = await buildFiles(folder, {});
  const packages = packagesOf(metafile);
  writeFileSync(join(folder, NOTICES), packages.map(noticeOf).join(`\n${"-".repeat(80)}\n\n`));
  writeFileSync(join(folder, COMPONENTS), `${JSON.stringify(componentsOf(packages), null, 2)}\n`);
}

/** The same of any entries, by the names of their files, and of those that the program has; without what is said of packages. */
export async function buildFiles(folder: string, entries: Readonly<Record<string, string>>): Promise<Metafile> {
  rmSync(folder, { recursive: true, force: true });
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: { ...ENTRIES, ...entries },
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
  return metafile;
}

/** Those of which something is in the program, each version once. */
function packagesOf({ inputs }: Metafile): readonly Package[] {
  const folders = Object.keys(inputs).flatMap((file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []);
  const packages = [...new Set(folders)].map((folder) => {
    const about = JSON.parse(readFileSync(join(ROOT, folder, "package.json"), "utf8")) as Omit<Package, "folder">;
    return { ...about, folder };
  });
  const byUrl = new Map(packages.map((one) => [packageUrl(one), one]));
  return [...byUrl.keys()].toSorted().map((url) => byUrl.get(url)!);
}

/** Each licence asks to go where its package goes. */
function noticeOf({ folder, name, version, license }: Package): string {
  const file = readdirSync(join(ROOT, folder)).find((one) => /^licen[cs]e/i.test(one));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(ROOT, folder, file), "utf8");
  return `${name} ${version}\n\n${text.trim()}\n`;
}

/** CycloneDX 1.5. Nothing in it changes from build to build. */
function componentsOf(packages: readonly Package[]): object {
  const components = packages.map((one) => {
    const { name, version, license } = one;
    return { type: "library", "bom-ref": packageUrl(one), name, version, licenses: [{ expression: license }], purl: packageUrl(one) };
  });
  return { bomFormat: "CycloneDX", specVersion: "1.5", version: 1, components };
}

/** Package URL specification, type npm. */
function packageUrl({ name, version }: Package): string {
  return `pkg:npm/${name.replace("@", "%40")}@${version}`;
}

if (import.meta.main) await buildProgram(join(ROOT, "dist"));
