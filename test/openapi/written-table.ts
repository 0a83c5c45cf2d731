/** Tables that people wrote, and what `sallyport coverage` says of a document against them. */
import { writeFileSync } from "node:fs";
import type { Test } from "tap";
import type { Answer } from "../cli/run-command.ts";
import { workshop } from "./fixtures.ts";

export const HEAD = `version: 1
service: api
upstream: { url: "http://api:8080" }
authenticators:
  token:
    jwt: { issuer: https://issuer.example, clients: any }
    scopes: { read: [read], write: [read, write], all: ["*"], one: [one], two: [two] }
`;

export interface Wish {
  readonly document: unknown;
  /** What stands before the routes; `HEAD` unless it is given. */
  readonly head?: string;
  /** Lines of the table. */
  readonly routes: readonly string[];
  /** More of the service file. */
  readonly more?: string;
  readonly args?: readonly string[];
}

export interface Report {
  readonly percent: number;
  readonly uncovered: readonly { operation: string; reason: string; methods: string[]; partly: { route: string }[] }[];
  readonly wildcard: readonly { operation: string; route: { route: string } }[];
  readonly denied: readonly { operation: string }[];
  readonly differing: readonly { operation: string; wider: string[]; narrower: string[] }[];
  readonly routesWithoutOperation: readonly { route: string; methods: string[]; within: string | null }[];
}

export async function coverage(t: Test, { document, head = HEAD, routes, more = "", args = [] }: Wish): Promise<Answer> {
  const shop = workshop(t);
  shop.write(document);
  writeFileSync(shop.serviceFile, `${head}${more}routes:\n${routes.map((line) => `  ${line}\n`).join("")}`);
  shop.policy();
  return shop.coverage(...args);
}

export async function report(t: Test, wish: Wish): Promise<Report & { code: number }> {
  const { out, code, err } = await coverage(t, { ...wish, args: [...(wish.args ?? []), "--json"] });
  t.equal(err, "");
  return { ...(JSON.parse(out) as Report), code };
}
