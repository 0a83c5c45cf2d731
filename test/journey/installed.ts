/** The program as it is installed: built, with the shipped policy beside it, and not one package. */
import { cpSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { buildProgram } from "../../build.ts";
import { ROOT } from "./child.ts";

export interface Installed {
  readonly folder: string;
  /** The program's file. */
  readonly main: string;
}

/** In a folder of its own, which goes with the test. */
export async function install(t: Test): Promise<Installed> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-installed-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  await buildProgram(join(folder, "dist"));
  cpSync(join(ROOT, "config"), join(folder, "config"), { recursive: true });
  cpSync(join(ROOT, "package.json"), join(folder, "package.json"));
  return { folder, main: join(folder, "dist/main.js") };
}
