/** A policy whose parts are well, for a test to make one of them ill. */
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:net";
import type { AddressInfo } from "node:net";
import { createServer as createTlsServer, type TlsOptions } from "node:tls";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Test } from "tap";
import { examine } from "../../src/doctor/doctor.ts";
import type { Area, Finding } from "../../src/doctor/finding.ts";
import { guardedLookup, JWKS_FETCH_LIMITS, jwksAnswer } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { forbiddenHost } from "../../src/policy/addresses.ts";
import { type Answer, answerOf } from "../cli/run-command.ts";
import { load, policyOf, writeFiles } from "../policy/fixtures.ts";

export interface Patient {
  readonly upstream?: string;
  readonly jwks?: string;
  /** More of the block `listen`. */
  readonly listen?: string;
  /** More of the gateway file, of the service file, and of its authenticators. */
  readonly gateway?: string;
  readonly service?: string;
  readonly authenticators?: string;
}

export interface Examination extends Patient {
  readonly now?: number;
  readonly timeoutMs?: number;
}

/** Nothing is asked of the network by a policy of these files but what the patient names. */
export function filesOf(t: Test, patient: Patient) {
  const { upstream = "http://127.0.0.1:9", jwks, listen = "", gateway = "", service = "", authenticators = "" } = patient;
  const folder = mkdtempSync(join(tmpdir(), "sallyport-doctor-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  const stores = gateway.includes("stores:") ? "" : `stores: { keys: "sqlite:${join(folder, "keys.db")}" }\n`;
  const issuer = jwks === undefined ? "" : `  people:\n    jwt: { issuer: https://issuer.example, jwks: "${jwks}", clients: any }\n`;
  const block = issuer + authenticators === "" ? "" : `authenticators:\n${issuer}${authenticators}`;
  const route = block === "" ? "  GET /: public\n" : "  GET /: authenticated\n";
  return {
    "sallyport.yaml": `version: 1\nlisten: { port: 8080${listen} }\n${stores}${gateway}services: [services/*.yaml]\n`,
    "services/shop.yaml": `version: 1\nservice: shop\nupstream: { url: "${upstream}" }\n${service}${block}routes:\n${route}`,
  };
}

export async function findings(t: Test, { now = Date.now(), timeoutMs = 2_000, ...patient }: Examination): Promise<readonly Finding[]> {
  const policy = policyOf(load(t, filesOf(t, patient)));
  const fetch = jwksAnswer(guardedLookup(forbiddenHost));
  const limits = { ...JWKS_FETCH_LIMITS, timeoutMs };
  return examine(policy, { fetchJwks: (url) => fetch(url, new AbortController().signal, limits), now: () => now, timeoutMs });
}

/** The findings of one area, as `verdict: words → repair`. */
export async function found(t: Test, area: Area, examination: Examination): Promise<readonly string[]> {
  const all = await findings(t, examination);
  return all
    .filter((one) => one.area === area)
    .map(({ verdict, words, repair }) => `${verdict}: ${words}${repair === undefined ? "" : ` → ${repair}`}`);
}

export async function doctor(
  t: Test,
  patient: Patient,
  environment: Record<string, string> = {},
  ...argv: readonly string[]
): Promise<Answer> {
  const config = join(writeFiles(t, filesOf(t, patient)), "sallyport.yaml");
  return answerOf(["doctor", "--config", config, ...argv], { environment });
}

/** A port that takes connections and says nothing; `received` counts the bytes that came. */
export async function listening(t: Test): Promise<{ readonly url: string; readonly received: () => number }> {
  let received = 0;
  const server = createServer((socket) => {
    socket.on("data", (chunk) => void (received += chunk.length));
    socket.on("error", () => undefined);
  });
  return { url: `http://127.0.0.1:${await portOf(t, server)}`, received: () => received };
}

/** The address of a TLS server under the name `localhost`. */
export async function tlsListening(t: Test, options: TlsOptions): Promise<string> {
  const server = createTlsServer(options, (socket) => socket.on("error", () => undefined));
  server.on("tlsClientError", () => undefined);
  return `https://localhost:${await portOf(t, server)}`;
}

async function portOf(t: Test, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}
