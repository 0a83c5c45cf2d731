/** A gateway file, its folder, or a git revision of it → a policy to compare. */
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join, relative, resolve } from "node:path";
import { type Expanded, loadExpanded } from "../policy/load.ts";
import { UsageError } from "./command.ts";
import type { Named } from "./mistakes.ts";
import { fileNamed } from "./named-file.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** `name` is a file, a folder that holds `sallyport.yaml`, or else a revision under which `config` is looked up. Throws UsageError where it is none of them. */
export function loadNamed(name: string, config: string, environment: Environment): Named<Expanded> {
  return { name, loaded: loadedFrom(name, config, environment) };
}

function loadedFrom(name: string, config: string, environment: Environment): Expanded {
  const path = fileNamed(name);
  if (path !== undefined) return loadExpanded({ configPath: path, environment, offline: true });
  const folder = mkdtempSync(join(tmpdir(), "sallyport-revision-"));
  try {
    return loadExpanded({ configPath: extracted(name, config, folder), environment, offline: true });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Writes the gateway file's folder as the revision has it; the path of the gateway file there. */
function extracted(revision: string, config: string, folder: string): string {
  const home = existingFolder(dirname(resolve(config)));
  const top = git(home, "rev-parse", "--show-toplevel").toString().trim();
  const commit = commitNamed(home, revision);
  const below = relative(top, dirname(resolve(config)));
  const listing = git(top, "ls-tree", "-rz", commit, "--", below === "" ? "." : `${below}/`).toString();
  for (const line of listing.split("\0")) {
    const [, hash = "", path = ""] = /^100\d{3} blob ([0-9a-f]+)\t(.+)$/s.exec(line) ?? [];
    if (!/\.(?:ya?ml|json)$/.test(path)) continue;
    const target = join(folder, relative(below, path));
    mkdirSync(dirname(target), { recursive: true });
    writeFileSync(target, git(top, "cat-file", "blob", hash));
  }
  const file = join(folder, basename(config));
  if (!existsSync(file)) throw new UsageError(`"${revision}" has no ${join(below, basename(config))}`);
  return file;
}

function existingFolder(folder: string): string {
  return existsSync(folder) || dirname(folder) === folder ? folder : existingFolder(dirname(folder));
}

/** What begins with a dash would be an option of git's. */
function commitNamed(home: string, revision: string): string {
  if (revision === "" || revision.startsWith("-")) throw new UsageError(`"${revision}" is neither a file nor a revision`);
  return git(home, "rev-parse", "--verify", "--quiet", "--end-of-options", `${revision}^{commit}`).toString().trim();
}

const MOST_BYTES = 64 * 1024 * 1024;

function git(folder: string, ...words: readonly string[]): Buffer {
  try {
    return execFileSync("git", ["-C", folder, ...words], { maxBuffer: MOST_BYTES, stdio: ["ignore", "pipe", "pipe"] });
  } catch (error) {
    const missing = error instanceof Error && "code" in error && error.code === "ENOENT";
    if (missing) throw new UsageError("git is needed to compare revisions, and is not installed");
    throw new UsageError(
      words[0] === "rev-parse"
        ? `"${words.at(-1)!.replace("^{commit}", "")}" is neither a file nor a revision that git knows here`
        : "git could not read the revision",
    );
  }
}
