/** The final pass over a run of tests: no secret that was about may stand in anything that a gateway said. */
import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { Witnessed } from "./log-sink.ts";
import { secretsIn } from "./secret-search.ts";

export interface Verdict {
  readonly holds: boolean;
  /** For people, a line each. */
  readonly words: readonly string[];
}

export interface Expected {
  /** So many test files at least had a gateway, or something is wrong with the collecting. */
  readonly gatewayFiles: number;
}

interface Said {
  readonly log: Buffer;
  readonly refusals: Buffer;
  readonly metrics: Buffer;
}

const MOST_SHOWN = 20;

/** Looks through all that a run has left in the folder. A run that left nothing, or what nobody can search, does not hold. */
export function finalPass(folder: string, expected: Expected): Verdict {
  const names = readdirSync(folder);
  const witnesses = names.filter((name) => name.endsWith(".json")).map((name) => witnessOf(folder, name));
  const all = new Set(witnesses.flatMap(({ secrets }) => secrets));
  const faults = [...unfinished(names), ...witnesses.flatMap(faultsOf), ...faultsOfRun(witnesses, all, expected)];
  const found = witnesses.flatMap(({ test, said }) =>
    Object.entries(said).flatMap(([kind, text]) =>
      secretsIn(text as Buffer, [...all]).map(
        (secret) => `${secret.slice(0, 8)}… (${secret.length} characters) in the ${kind} of ${basename(test)}`,
      ),
    ),
  );
  const size = (kind: keyof Said): string =>
    `${(witnesses.reduce((sum, { said }) => sum + said[kind].length, 0) / 1024 ** 2).toFixed(1)} MB`;
  const summary = `${all.size} secrets looked for in all that the gateways of ${withGateways(witnesses).length} test files said (${size("log")} of logs, ${size("refusals")} of refusals, ${size("metrics")} of metrics): ${found.length} found`;
  return { holds: faults.length === 0 && found.length === 0, words: [summary, ...faults, ...found.slice(0, MOST_SHOWN)] };
}

interface Witness extends Witnessed {
  readonly said: Said;
}

function witnessOf(folder: string, name: string): Witness {
  const read = (kind: string): Buffer => {
    try {
      return readFileSync(join(folder, name.replace(/json$/, kind)));
    } catch {
      return Buffer.alloc(0);
    }
  };
  const witnessed = JSON.parse(readFileSync(join(folder, name), "utf8")) as Witnessed;
  return { ...witnessed, said: { log: read("log"), refusals: read("refusals"), metrics: read("metrics") } };
}

function withGateways(witnesses: readonly Witness[]): readonly Witness[] {
  return witnesses.filter(({ gateways }) => gateways > 0);
}

/** A process that was killed took its secrets along. */
function unfinished(names: readonly string[]): readonly string[] {
  const ended = new Set(names.filter((name) => name.endsWith(".json")).map((name) => name.slice(0, -".json".length)));
  const open = new Set(names.map((name) => name.slice(0, name.indexOf("."))).filter((process) => !ended.has(process)));
  return [...open].map((process) => `process ${process} ended without telling its secrets`);
}

/** Every gateway logs that it serves. What stands in the log must be found in it, wherever it stands. */
function faultsOf({ test, gateways, said }: Witness): readonly string[] {
  if (gateways === 0) return [];
  if (said.log.length === 0) return [`${basename(test)} had ${gateways} gateways, and nothing of their logs was collected`];
  const ids = [...said.log.toString("latin1").matchAll(/"decision":"([\w-]{12,})"/g)].map(([, id]) => id!);
  const marks = [...new Set([ids.at(0), ids.at(ids.length >> 1), ids.at(-1)])].filter((id) => id !== undefined);
  const seen = new Set(secretsIn(said.log, marks));
  return marks.filter((id) => !seen.has(id)).map((id) => `the search does not see ${id} in the log of ${basename(test)}`);
}

function faultsOfRun(witnesses: readonly Witness[], secrets: ReadonlySet<string>, { gatewayFiles }: Expected): readonly string[] {
  if (gatewayFiles === 0) return [];
  const files = withGateways(witnesses).length;
  const faults: string[] = [];
  if (files < gatewayFiles)
    faults.push(`only ${files} test files had a gateway whose log was collected, and ${gatewayFiles} were expected`);
  if (secrets.size === 0) faults.push("no secret was collected");
  for (const kind of ["log", "refusals", "metrics"] as const)
    if (witnesses.every(({ said }) => said[kind].length === 0)) faults.push(`nothing was collected of kind ${kind}`);
  return faults;
}
