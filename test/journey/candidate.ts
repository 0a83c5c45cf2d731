/** A policy beside the one in force, in a folder of its own. */
import { mkdirSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { shippedFiles } from "./systems.ts";

/** The shipped policy, with these files in place of its own. */
export function writeCandidate(folder: string, files: Readonly<Record<string, string>>): void {
  for (const [path, text] of Object.entries({ ...shippedFiles(), ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
}
