/** Which files a policy may consist of: those in the gateway file's folder, and nothing that a link leads out of it. */
import { existsSync, readdirSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, normalize, resolve, sep } from "node:path";
import { nearest } from "./suggest.ts";

export type Inclusion =
  | { readonly kind: "files"; readonly files: readonly string[] }
  | { readonly kind: "wrong"; readonly message: string; readonly repair?: string };

/** The files that one line of `services:` means, sorted; `*` stands for any part of a file's name. */
export function included(folder: string, pattern: string): Inclusion {
  const wrong = wrongPath(pattern);
  if (wrong) return wrong;
  if (dirname(pattern).includes("*")) return { kind: "wrong", message: "`*` may stand in a file's name only", repair: "name the folder" };
  if (!basename(pattern).includes("*")) return { kind: "files", files: [join(folder, pattern)] };
  const files = matching(join(folder, dirname(pattern)), basename(pattern));
  return files.length > 0
    ? { kind: "files", files }
    : { kind: "wrong", message: "no file matches this", repair: "the path counts from the gateway file's folder" };
}

/** The file that a line names, which must be one path below the folder. */
export function includedFile(folder: string, path: string): Inclusion {
  return wrongPath(path) ?? { kind: "files", files: [join(folder, path)] };
}

/** The file beside it that was probably meant by a path where none is. */
export function neighbourHint(path: string): string | undefined {
  if (existsSync(path)) return undefined;
  const others = namesIn(dirname(path)).filter((name) => name !== basename(path));
  const meant = nearest(basename(path), others);
  return meant === undefined ? undefined : `did you mean \`${join(dirname(path), meant)}\`?`;
}

function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder).filter((name) => !name.startsWith("."));
  } catch {
    return [];
  }
}

function wrongPath(path: string): Extract<Inclusion, { kind: "wrong" }> | undefined {
  const inside = !isAbsolute(path) && !normalize(path).startsWith(`..${sep}`) && normalize(path) !== "..";
  if (inside) return undefined;
  return {
    kind: "wrong",
    message: "only files in the gateway file's folder can be included",
    repair: "write a path that counts from that folder",
  };
}

function matching(folder: string, pattern: string): readonly string[] {
  const parts = pattern.split("*");
  return namesIn(folder)
    .filter((name) => matches(name, parts))
    .toSorted()
    .map((name) => join(folder, name));
}

/** The parts of the pattern stand in the name in their order, the first at its beginning and the last at its end. */
function matches(name: string, parts: readonly string[]): boolean {
  const [first = "", ...others] = parts;
  const last = others.pop() ?? "";
  if (!name.startsWith(first) || !name.endsWith(last) || name.length < first.length + last.length) return false;
  let position = first.length;
  for (const part of others) {
    const found = name.indexOf(part, position);
    if (found === -1 || found + part.length > name.length - last.length) return false;
    position = found + part.length;
  }
  return true;
}

/** Whether the file, all links followed, lies in the folder, all links followed; true where it does not exist. */
export function staysInside(folder: string, path: string): boolean {
  try {
    return realpathSync(path).startsWith(realpathSync(resolve(folder)) + sep);
  } catch {
    return true;
  }
}
