/** Notices that policy files changed. Polls, since ConfigMap links and network mounts send no events. */
import { readdir, stat } from "node:fs/promises";
import { foldersOf, stateOfFile, stateOfFolder, type States } from "./seen.ts";

export interface Watch {
  /** From now on these files, and the folders that they stand in. `seen`: in which state they were when they were read. */
  watch(files: readonly string[], seen?: States): void;
  close(): void;
}

/** A look wakes other threads of the process a dozen times: where nothing changes, only every second one is taken. */
const QUIET = 2;

/** Told of a change. False: ask again at the next look, for they are being read already. */
export type Changed = () => boolean;

/**
 * Looks every `everyMs` while something changes, and half as often otherwise. Calls `changed` once for each time that two looks
 * in a row find the same state, and another one than before and than what was read: half a file can be a policy too, with half
 * of its rules. The first look at a new list counts as a look: the files may have changed since they were read.
 */
export function watchFiles(everyMs: number, changed: Changed): Watch {
  let files: readonly string[] = [];
  let read: string | undefined;
  let last: string | undefined;
  let unsettled: string | undefined;
  let looking = false;
  let closed = false;
  let timer: NodeJS.Timeout | undefined;
  const judge = (watched: readonly string[], state: string): void => {
    const isSettled = state === read || state === unsettled;
    unsettled = state;
    if (watched !== files || state === last || !isSettled) return;
    last = state === read || changed() ? state : undefined;
  };
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    clearTimeout(timer);
    const watched = files;
    const state = await stateOf(watched);
    looking = false;
    judge(watched, state);
    if (!closed) timer = setTimeout(() => void look(), state === last ? QUIET * everyMs : everyMs).unref();
  };
  return {
    watch: (next, seen) => {
      read = seen && wordsOf(next, seen);
      // Looks in the meantime held the files against an older reading.
      last = undefined;
      if (next.join("\n") === files.join("\n")) return;
      files = next;
      void look();
    },
    close: () => {
      closed = true;
      clearTimeout(timer);
    },
  };
}

async function stateOf(files: readonly string[]): Promise<string> {
  const states = [
    ...files.map(async (file) => [file, stateOfFile(await stat(file).catch(() => undefined))] as const),
    ...foldersOf(files).map(async (folder) => {
      const names = await readdir(folder).catch(() => undefined);
      return [folder, stateOfFolder(folder, names, files)] as const;
    }),
  ];
  return wordsOf(files, new Map(await Promise.all(states)));
}

function wordsOf(files: readonly string[], states: States): string {
  return [...files, ...foldersOf(files)].map((path) => `${path} ${states.get(path)}`).join("\n");
}
