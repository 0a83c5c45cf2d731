/**
 * Where a run of tests puts all that its gateways say (logs, refusals, metrics), and the secrets that were about, so that the
 * final pass can look for these in all of it. Does nothing where no folder is named.
 */
import { appendFileSync, writeFileSync } from "node:fs";
import { subscribe } from "node:diagnostics_channel";
import type { ClientRequest, IncomingMessage } from "node:http";
import { join } from "node:path";
import { Writable } from "node:stream";
import { credentialParts, isSecret } from "./credential-parts.ts";

/** Names the folder to the tests' processes. */
export const SINK_VARIABLE = "SALLYPORT_TEST_LOGS";

/** What a process leaves there at its end: the test file, how many gateways it started, and the secrets that were about. */
export interface Witnessed {
  readonly test: string;
  readonly gateways: number;
  readonly secrets: readonly string[];
}

const folder = process.env[SINK_VARIABLE];
const secrets = new Set<string>();
let gateways = 0;

function collect(kind: "log" | "refusals" | "metrics", text: string): void {
  if (folder !== undefined) appendFileSync(join(folder, `${process.pid}.${kind}`), text);
}

/** What a gateway of a test logged. */
export function collectLog(text: string): void {
  collect("log", text);
}

/** A gateway of this test is filled with these variables. */
export function collectGateway(environment: Readonly<Record<string, string>>): void {
  gateways += 1;
  for (const [name, value] of Object.entries(environment)) if (!isPlain(name, value) && isSecret(value)) secrets.add(value);
}

/** Addresses, and names of clients and tenants, are no secrets. */
function isPlain(name: string, value: string): boolean {
  return /(?:_CLIENT|_TENANT|ISSUER|_ISS)$/.test(name) || /^[a-z]+:|^[./]/.test(value);
}

/** An answer as a client read it; that of an upstream is the upstream's matter. */
export function collectAnswer(status: number, cacheControl: string | undefined, body: string): void {
  if (status >= 400 && cacheControl === "no-store") collect("refusals", `${body}\n`);
}

/** What the metrics say of a gateway that is about to stop. */
export async function collectMetrics(adminUrl: string): Promise<void> {
  if (folder === undefined) return;
  const text = await fetch(`${adminUrl}/metrics`).then(
    (answer) => answer.text(),
    () => "",
  );
  collect("metrics", text);
}

/** A log's destination that is nothing but collected. */
export const logSink = new Writable({
  write(chunk, _encoding, done) {
    collectLog(String(chunk));
    done();
  },
});

function collectSecrets(name: string, value: unknown): void {
  for (const one of Array.isArray(value) ? value : [value]) for (const part of credentialParts(name, String(one))) secrets.add(part);
}

/** Whatever credential any client in this process sends, and any server in it receives. */
if (folder !== undefined) {
  subscribe("http.client.request.start", (message) => {
    const { request } = message as { readonly request: ClientRequest };
    for (const [name, value] of Object.entries(request.getHeaders())) collectSecrets(name, value);
    collectSecrets(":path", request.path);
  });
  subscribe("http.server.request.start", (message) => {
    const { rawHeaders, url } = (message as { readonly request: IncomingMessage }).request;
    for (let at = 0; at < rawHeaders.length; at += 2) collectSecrets(rawHeaders[at]!, rawHeaders[at + 1]);
    collectSecrets(":path", url);
  });
  process.on("exit", () => {
    const witnessed: Witnessed = { test: process.argv[1] ?? "", gateways, secrets: [...secrets] };
    writeFileSync(join(folder, `${process.pid}.json`), JSON.stringify(witnessed));
  });
}
