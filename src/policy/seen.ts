/** The state of files as they were right before they were read: a change since then is noticed, and nothing else. */
import { readdirSync, statSync, type Stats } from "node:fs";
import { dirname, extname, resolve } from "node:path";

/** Absolute paths of files and folders, and the state of each. */
export type States = ReadonlyMap<string, string>;

/** What tells one content of a file from another, without reading it; of a file that is not there too. */
export function stateOfFile(stat: Pick<Stats, "mtimeMs" | "size" | "ino"> | undefined): string {
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : "gone";
}

/** How policy files are called, whether or not there is one. */
const YAML_ENDINGS = [".yaml", ".yml"];

/**
 * What tells that files came to a folder or left it which may be of the policy: YAML, and those whose names end, from the last
 * dot on, as that of one of `files` in the folder does. A key store, or what an editor leaves behind, makes no other policy.
 */
export function stateOfFolder(folder: string, names: readonly string[] | undefined, files: readonly string[]): string {
  if (!names) return "gone";
  const endings = new Set([...YAML_ENDINGS, ...files.filter((file) => dirname(file) === folder).map((file) => extname(file))]);
  const alike = names.filter((name) => endings.has(extname(name)));
  return alike.toSorted().join("/");
}

export function foldersOf(files: readonly string[]): readonly string[] {
  return [...new Set(files.map((file) => dirname(file)))];
}

/** Files to be read, in the order of reading. */
export class SeenFiles {
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, readonly string[] | undefined>();

  /** Before it is read. */
  add(path: string): void {
    const file = resolve(path);
    if (this.#files.has(file)) return;
    this.#addFolder(dirname(file));
    this.#files.set(file, stateOfFile(attempt(() => statSync(file))));
  }

  #addFolder(folder: string): void {
    if (this.#folders.has(folder)) return;
    this.#folders.set(
      folder,
      attempt(() => readdirSync(folder)),
    );
  }

  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  get states(): States {
    const { files } = this;
    const folders = [...this.#folders].map(([folder, names]) => [folder, stateOfFolder(folder, names, files)] as const);
    return new Map([...this.#files, ...folders]);
  }
}

function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
