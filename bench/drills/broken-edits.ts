/** What happens to the files of a policy while a gateway runs: each of these leaves something that is no policy. */
import { mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface BrokenEdit {
  readonly what: string;
  readonly make: (folder: string) => void;
  /** Where a person looks: `FILE:LINE`, found once the edit is made. */
  readonly place: (folder: string) => string;
  /** What they have to read there. */
  readonly word: string;
}

export const GATEWAY = "sallyport.yaml";
export const SERVICE = "services/things.yaml";
/** The line of the gateway file that names the service. */
const NAMED = "services: [";
const KIBIBYTE = 1024;
/** More than a policy file may have. */
const HUGE_BYTES = 9 * KIBIBYTE * KIBIBYTE;

/* ── how they are made ────────────────────────────────────────────────── */

/** In place of `old`, `current` is written; the mistake is where `at` then stands, which is `current` where nothing is said. */
function replaced(what: string, old: string, current: string, word: string, at = current): BrokenEdit {
  return written(what, SERVICE, (text) => text.replace(old, () => current), word, at);
}

/** Whatever stood in the file, what `edit` makes of it stands there now. */
function written(what: string, file: string, edit: (text: string) => string | Buffer, word: string, at: string): BrokenEdit {
  const make = (folder: string): void => {
    const path = join(folder, file);
    const before = readFileSync(path, "utf8");
    const after = edit(before);
    if (after === before) throw new Error(`${what}: nothing is edited`);
    writeFileSync(path, after);
  };
  return { what, make, word, place: (folder) => `${file}:${lineOf(join(folder, file), at)}` };
}

/** Something becomes of a file that the gateway file names: the place is where it is named. */
function gone(what: string, make: (folder: string) => void, word: string): BrokenEdit {
  return { what, make, word, place: (folder) => `${GATEWAY}:${lineOf(join(folder, GATEWAY), NAMED)}` };
}

/** Something becomes of the gateway file, which no line names. */
function gatewayGone(what: string, make: (folder: string) => void, word: string): BrokenEdit {
  return { what, make, word, place: () => `${GATEWAY}:1` };
}

function lineOf(path: string, words: string): number {
  const text = readFileSync(path, "utf8");
  const index = text.indexOf(words);
  if (index === -1) throw new Error(`${path} has no ${words}`);
  return text.slice(0, index).split("\n").length;
}

/** The text up to these words and with them. */
function cutAfter(words: string): (text: string) => string {
  return (text) => text.slice(0, text.indexOf(words) + words.length);
}

/* ── half-written ─────────────────────────────────────────────────────── */

const halfWritten: readonly BrokenEdit[] = [
  written("half-written: nothing yet", SERVICE, () => "", "empty", ""),
  written("half-written: in the first key", SERVICE, cutAfter("ver"), "ver", "ver"),
  written("half-written: up to the service's name", SERVICE, cutAfter("service: thi"), "upstream", "version"),
  written("half-written: in the upstream's address", SERVICE, cutAfter("http://127"), "not closed", "upstream"),
  written("half-written: in a list", SERVICE, cutAfter("origins: ["), "not closed", "cors"),
  written("half-written: in the authenticators", SERVICE, cutAfter("authenticators:\n"), "authenticators", "authenticators"),
  written("half-written: before the first route", SERVICE, cutAfter("routes:\n"), "routes", "routes"),
  written("half-written: in a route's key", SERVICE, cutAfter("  GET /al"), "GET /al", "GET /al"),
  written("half-written: in a route's rule", SERVICE, cutAfter("GET /refused:"), "GET /refused", "GET /refused"),
  written("half-written: the gateway file, in its services", GATEWAY, cutAfter("services: [serv"), "not closed", NAMED),
  gone("filled up with zeros, as after a crash", (folder) => writeFileSync(join(folder, SERVICE), "version: 1\n\0\0\0\0"), "NUL"),
  gone("cut inside a character", (folder) => writeFileSync(join(folder, SERVICE), Buffer.from("service: \u00e9").subarray(0, -1)), "UTF-8"),
];

/* ── gone, renamed, replaced ──────────────────────────────────────────── */

const moved: readonly BrokenEdit[] = [
  gone("deleted: the service", (folder) => rmSync(join(folder, SERVICE)), "does not exist"),
  gatewayGone("deleted: the gateway file", (folder) => rmSync(join(folder, GATEWAY)), "does not exist"),
  gone("deleted: the folder of services", (folder) => rmSync(join(folder, "services"), { recursive: true }), "does not exist"),
  gone("renamed: the service", (folder) => renameSync(join(folder, SERVICE), join(folder, "services/thing.yaml")), "thing.yaml"),
  gatewayGone("renamed: the gateway file", (folder) => renameSync(join(folder, GATEWAY), join(folder, "sally.yaml")), "does not exist"),
  gone("renamed: the folder of services", (folder) => renameSync(join(folder, "services"), join(folder, "service")), "does not exist"),
  gone("a folder in its place", (folder) => inPlaceOf(folder, (path) => mkdirSync(path)), "folder"),
  gone("a link to itself in its place", (folder) => inPlaceOf(folder, (path) => symlinkSync(path, path)), "leads nowhere"),
  gone("a link to nothing in its place", (folder) => inPlaceOf(folder, (path) => symlinkSync("nothing.yaml", path)), "leads nowhere"),
  gone("a link out of the folder in its place", (folder) => inPlaceOf(folder, (path) => symlinkSync(tmpdir(), path)), "leads out"),
  gone("nine megabytes", (folder) => writeFileSync(join(folder, SERVICE), Buffer.alloc(HUGE_BYTES, "# more\n")), "larger"),
  written("the gateway file in place of the service", SERVICE, () => "version: 1\nservices: [things.yaml]\n", "services", "services"),
];

function inPlaceOf(folder: string, make: (path: string) => void): void {
  rmSync(join(folder, SERVICE));
  make(join(folder, SERVICE));
}

/* ── mistakes of somebody who types ───────────────────────────────────── */

const mistyped: readonly BrokenEdit[] = [
  replaced("a key misspelt", "upstream:", "upstraem:", "upstraem"),
  replaced("a rule of a route misspelt", "GET /allowed: public", "GET /allowed: { acces: public }", "acces"),
  replaced("a method that HTTP has not", "GET /allowed", "GTE /allowed", "GTE"),
  replaced("a path without its slash", "GET /allowed", "GET allowed", "GET allowed"),
  replaced("a placeholder left open", "GET /allowed", "GET /{allowed", "{allowed"),
  replaced(
    "the same route twice",
    "GET /refused: a.b",
    "GET /refused: a.b\n  GET /refused: public",
    "GET /refused",
    "GET /refused: public",
  ),
  replaced("a tab before a route", "  GET /allowed", "\tGET /allowed", "tab"),
  replaced("an upstream without a scheme", "http://127", "127", "127", "upstream"),
  replaced("the metadata service as upstream", /* of the clouds */ "127.0.0.1", "169.254.169.254", "169.254.169.254"),
  replaced("an origin with a path", "https://app.example", "https://app.example/path", "https://app.example/path"),
  replaced("a variable that is not set", "0123456789abcdef0123456789abcdef", "${NOT_SET_ANYWHERE}", "NOT_SET_ANYWHERE"),
  replaced("a merge conflict left in", "routes:\n", "<<<<<<< ours\nroutes:\n=======\n", "<<<<<<<", "<<<<<<<"),
  replaced("a second document behind the first", "routes:\n", "---\nroutes:\n", "document", "---"),
  replaced("another version", "version: 1", "version: 2", "version"),
  replaced("an alias of an alias of an alias", "service: things", "a: &a [x, x]\nb: &b [*a, *a]\nservice: things", "a", "a: &a"),
  written("a port that is none", GATEWAY, (text) => text.replace(/port: \d+/, "port: 80800"), "80800", "80800"),
];

export const BROKEN_EDITS: readonly BrokenEdit[] = [...halfWritten, ...moved, ...mistyped];
