/** Notices that policy files changed. Polls, since ConfigMap links and network mounts send no events. */
import { readdir, stat } from "node:fs/promises";
import { dirname } from "node:path";

export interface Watch {
  /** From now on these files, and the folders that they stand in. */
  watch(files: readonly string[]): void;
  close(): void;
}

/**
 * Calls `changed` once for each time that a look finds another state than the look before. The first look
 * at a new list counts as a change too: the files may have changed since they were read.
 */
export function watchFiles(everyMs: number, changed: () => void): Watch {
  let files: readonly string[] = [];
  let last: string | undefined;
  let looking = false;
  const look = async (): Promise<void> => {
    if (looking) return;
    looking = true;
    const watched = files;
    const state = await stateOf(watched);
    looking = false;
    if (watched !== files) return;
    if (state === last) return;
    last = state;
    changed();
  };
  const timer = setInterval(() => void look(), everyMs);
  timer.unref();
  return {
    watch: (next) => {
      if (next.join("\n") === files.join("\n")) return;
      files = next;
      last = undefined;
      void look();
    },
    close: () => clearInterval(timer),
  };
}

async function stateOf(files: readonly string[]): Promise<string> {
  const folders = [...new Set(files.map((file) => dirname(file)))];
  const states = await Promise.all([...files.map(stateOfFile), ...folders.map(namesIn)]);
  return states.join("\n");
}

async function stateOfFile(file: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(file);
    return `${file} ${mtimeMs} ${size} ${ino}`;
  } catch {
    return `${file} gone`;
  }
}

async function namesIn(folder: string): Promise<string> {
  try {
    return (await readdir(folder)).toSorted().join("/");
  } catch {
    return `${folder} gone`;
  }
}
