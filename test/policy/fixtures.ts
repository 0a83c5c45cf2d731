/** Policies for tests: files in a folder of their own, loaded as the gateway loads them. */
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { Test } from "tap";
import type { Policy, Route, Service } from "../../src/contract/policy.ts";
import { formatDiagnostic } from "../../src/policy/diagnostic.ts";
import { type Loaded, loadPolicy } from "../../src/policy/load.ts";

export type Files = Readonly<Record<string, string | Uint8Array>>;

export interface Loading {
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly offline?: boolean;
}

export const GATEWAY = `version: 1
listen: { port: 8080 }
services:
  - services/*.yaml
`;

/** Head and authenticators of a service `shop`, to which a test adds the rest. */
export const SHOP = `version: 1
service: shop
upstream: { url: "http://shop:8080" }
authenticators:
  people:
    jwt: { issuer: https://issuer.example, clients: any }
    groups: { staff: [orders.read] }
`;

export const ROUTES = `routes:
  GET /orders: orders.read
`;

/** Writes the files (the gateway file too, unless there is one) and gives their folder, which goes when the test ends. */
export function writeFiles(t: Test, files: Files): string {
  const folder = mkdtempSync(join(tmpdir(), "sallyport-policy-"));
  t.teardown(() => rmSync(folder, { recursive: true, force: true }));
  for (const [path, content] of Object.entries({ "sallyport.yaml": GATEWAY, ...files })) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), content);
  }
  return folder;
}

export function load(t: Test, files: Files, loading: Loading = {}): Loaded {
  return loadFolder(writeFiles(t, files), loading);
}

export function loadFolder(folder: string, { environment = {}, offline = false }: Loading = {}): Loaded {
  return loadPolicy({ configPath: join(folder, "sallyport.yaml"), environment, offline });
}

/** The policy; a bad one fails the test with its diagnostics. */
export function policyOf(loaded: Loaded): Policy {
  if (loaded.kind === "invalid") throw new Error(loaded.diagnostics.map((one) => formatDiagnostic(one, { colour: false })).join("\n"));
  return loaded.policy;
}

/** The only service of a policy of one service file. */
export function serviceOf(t: Test, text: string, loading: Loading = {}): Service {
  return policyOf(load(t, { "services/shop.yaml": text }, loading)).services[0]!;
}

export function routeOf(service: Service, name: string): Route {
  const route = service.routes.find((one) => one.name === name);
  if (!route) throw new Error(`no route ${name}`);
  return route;
}

/** `line:column message` of each mistake. */
export function mistakes(loaded: Loaded): readonly string[] {
  return loaded.kind === "policy" ? [] : loaded.diagnostics.map((one) => `${one.line}:${one.column} ${one.message}`);
}
