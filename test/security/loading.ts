/** Policies that are loaded, or are not, and why not. */
import { randomBytes } from "node:crypto";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import { loadPolicy, type Loaded } from "../../src/policy/load.ts";
import { gateFiles, type GateShape } from "./gate.ts";

/** A good secret is in SECRET, nothing in EMPTY; MISSING is not set. */
export const ENVIRONMENT = {
  UPSTREAM: "http://127.0.0.1:9",
  ADMIN_TOKEN: randomBytes(24).toString("hex"),
  SECRET: randomBytes(24).toString("hex"),
  EMPTY: "",
};

/** Loads policy files from a folder that is gone afterwards. */
export function loadFiles(files: Readonly<Record<string, string>>, environment: Readonly<Record<string, string>> = ENVIRONMENT): Loaded {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-loading-"));
  try {
    for (const [path, text] of Object.entries(files)) {
      mkdirSync(dirname(join(folder, path)), { recursive: true });
      writeFileSync(join(folder, path), text);
    }
    return loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Messages of all mistakes; none where it loads. */
export function mistakes(shape: Pick<GateShape, "services" | "gateway">): readonly string[] {
  return messagesOf(loadFiles(gateFiles(shape)));
}

export function messagesOf(loaded: Loaded): readonly string[] {
  return loaded.kind === "policy" ? [] : loaded.diagnostics.map(({ message }) => message);
}

/** Fails unless each service is refused for exactly one mistake, in these words. */
export function refusals(t: Test, rows: Readonly<Record<string, readonly [service: string, words: RegExp]>>): void {
  for (const [name, [service, words]] of Object.entries(rows)) {
    const found = mistakes({ services: { shop: service } });
    t.equal(found.length, 1, `${name}: one mistake: ${found.join("; ")}`);
    t.match(found[0], words, name);
  }
}

export function loadsFine(t: Test, service: string, name: string): void {
  t.same(mistakes({ services: { shop: service } }), [], name);
}

/** A service of this upstream. */
export const upstream = (url: string): string => `upstream: { url: ${JSON.stringify(url)} }\nroutes:\n  GET /x: public\n`;
/** A service of this issuer. */
export const issuer = (iss: string, jwks?: string): string =>
  `authenticators: { a: { jwt: { issuer: ${JSON.stringify(iss)}, ${jwks === undefined ? "" : `jwks: ${JSON.stringify(jwks)}, `}clients: any } } }\nroutes:\n  GET /x: authenticated\n`;
/** A service with one open route. */
export const OPEN = "routes:\n  GET /x: public\n";
