/** All that stands round what is measured: a folder (gone when the bench ends), an issuer, an upstream. */
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startIssuer, type Issuer } from "./issuer.ts";
import type { Shot } from "./load.ts";
import { startUpstream, type Upstream } from "./upstream.ts";

export interface Stage {
  readonly folder: string;
  readonly issuer: Issuer;
  readonly upstream: Upstream;
  /** Writes one credential a line; resolves with the file's path. */
  readonly tokenFile: (name: string, tokens: readonly string[]) => string;
  readonly close: () => Promise<void>;
}

export const TENANT = "sealink";
export const ORIGIN = "https://app.example";
/** What everybody is asked for. */
export const PATH = `/v2/clients/${TENANT}/models/m-1`;

export async function openStage(fileBytes: readonly number[]): Promise<Stage> {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-bench-"));
  process.once("exit", () => rmSync(folder, { recursive: true, force: true }));
  const [issuer, upstream] = [await startIssuer(), await startUpstream(folder, fileBytes)];
  return {
    folder,
    issuer,
    upstream,
    tokenFile: (name, tokens) => {
      const file = join(folder, name);
      writeFileSync(file, `${tokens.join("\n")}\n`);
      return file;
    },
    close: async () => {
      issuer.close();
      await upstream.stop();
    },
  };
}

/** What a browser's page sends beside its credential; with `Host` and the credential ten in all. */
export const CLIENT_HEADERS: Readonly<Record<string, string>> = {
  accept: "application/json, text/plain, */*",
  "accept-encoding": "gzip, deflate, br",
  "accept-language": "en-GB,en;q=0.9",
  origin: ORIGIN,
  referer: `${ORIGIN}/models`,
  "sec-fetch-mode": "cors",
  "user-agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0.0.0 Safari/537.36",
  "x-request-id": "b7f0e5a2-6f0c-4c62-9a53-1d0a3c1f9f77",
};

/** A GET that every target must answer with 200. */
export function goodShot(token: string): Shot {
  return { path: PATH, headers: { ...CLIENT_HEADERS, authorization: `Bearer ${token}` }, status: 200 };
}
