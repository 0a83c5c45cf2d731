/** What an operator may name in place of a gateway file. */
import { existsSync, statSync } from "node:fs";
import { join } from "node:path";

/** The gateway file that a path means: itself, or `sallyport.yaml` in the folder; undefined where nothing is there. */
export function fileNamed(name: string): string | undefined {
  if (!existsSync(name)) return undefined;
  return statSync(name).isDirectory() ? join(name, "sallyport.yaml") : name;
}
