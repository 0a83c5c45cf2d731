/** The state of files as they were right before they were read: a change since then is noticed, and nothing else. */
import { readdirSync, statSync, type Stats } from "node:fs";
import { dirname, resolve } from "node:path";

/** Absolute paths of files and folders, and the state of each. */
export type States = ReadonlyMap<string, string>;

/** What tells one content of a file from another, without reading it; of a file that is not there too. */
export function stateOfFile(stat: Pick<Stats, "mtimeMs" | "size" | "ino"> | undefined): string {
  return stat ? `${stat.mtimeMs} ${stat.size} ${stat.ino}` : "gone";
}

/** What tells that files came to a folder or left it. */
export function stateOfFolder(names: readonly string[] | undefined): string {
  return names ? names.toSorted().join("/") : "gone";
}

export function foldersOf(files: readonly string[]): readonly string[] {
  return [...new Set(files.map((file) => dirname(file)))];
}

/** Files to be read, in the order of reading. */
export class SeenFiles {
  readonly #files = new Map<string, string>();
  readonly #folders = new Map<string, string>();

  /** Before it is read. */
  add(path: string): void {
    const file = resolve(path);
    if (this.#files.has(file)) return;
    this.#addFolder(dirname(file));
    this.#files.set(file, stateOfFile(attempt(() => statSync(file))));
  }

  #addFolder(folder: string): void {
    if (!this.#folders.has(folder)) this.#folders.set(folder, stateOfFolder(attempt(() => readdirSync(folder))));
  }

  get files(): readonly string[] {
    return [...this.#files.keys()];
  }

  get states(): States {
    return new Map([...this.#files, ...this.#folders]);
  }
}

function attempt<Result>(look: () => Result): Result | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
