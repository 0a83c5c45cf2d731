/**
 * `npm run drill -- files`: the files of a running gateway are broken in forty ways, one after the other, while clients ask without a
 * pause. Each time the policy before stays in force, the admin door names the place, and the next good policy counts.
 */
import { once } from "node:events";
import { cpSync, existsSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Worker } from "node:worker_threads";
import { BROKEN_EDITS, GATEWAY, type BrokenEdit } from "./broken-edits.ts";
import { revisionText, STATE, type Asking, type Judged } from "./reload-asker.ts";
import { MAIN, openReloadStage, type ReloadStage } from "./reload-stage.ts";

/** The gateway looks at its files four times a second. */
const LONGEST_MS = 5_000;
const LOOK_MS = 50;

export async function run(): Promise<number> {
  if (!existsSync(MAIN)) throw new Error(`there is no ${MAIN}: run \`npm run build\` first`);
  const stage = await openReloadStage((upstream) => revisionText(0, upstream), "/allowed");
  const kept = `${stage.folder}.kept`;
  cpSync(join(stage.folder, GATEWAY), kept);
  try {
    const state = new Int32Array(new SharedArrayBuffer(12));
    const asker = new Worker(new URL("reload-asker.ts", import.meta.url), { workerData: { port: stage.port, state } satisfies Asking });
    const judged = once(asker, "message") as Promise<[Judged]>;
    let placed = 0;
    for (const [index, edit] of BROKEN_EDITS.entries()) {
      placed += (await isPlaced(stage, edit)) ? 1 : 0;
      await mend(stage, kept, state, index + 1);
    }
    Atomics.store(state, STATE.stop, 1);
    return report((await judged)[0], placed, await rejected(stage));
  } finally {
    await stage.close();
    rmSync(kept, { force: true });
  }
}

/** Makes the edit, waits until the gateway has noticed, and looks for place and word in what it says. */
async function isPlaced(stage: ReloadStage, { what, make, place, word }: BrokenEdit): Promise<boolean> {
  make(stage.folder);
  const diagnostics = await noticed(stage, "rejected");
  const wanted = place(stage.folder);
  const told = diagnostics.find((text) => text.startsWith(`${wanted}:`) && text.includes(word));
  console.log(`${told === undefined ? "NOT PLACED" : "ok"}  ${what}\n      ${(told ?? diagnostics.join(" | ")).split("\n")[0]}`);
  if (told === undefined) console.log(`      wanted ${wanted} and \`${word}\``);
  return told !== undefined;
}

/** Puts a good policy of the next revision in the place of what is broken. */
async function mend(stage: ReloadStage, kept: string, state: Int32Array<SharedArrayBuffer>, revision: number): Promise<void> {
  Atomics.store(state, STATE.written, revision);
  stage.restore(kept, revisionText(revision, stage.upstream));
  await noticed(stage, "loaded");
  Atomics.store(state, STATE.inForce, revision);
}

/** Resolves with what the gateway says of its last reload, once that is of the kind. */
async function noticed(stage: ReloadStage, kind: string): Promise<readonly string[]> {
  for (let waited = 0; waited < LONGEST_MS; waited += LOOK_MS) {
    await pause(LOOK_MS);
    const last = await stage.lastReload();
    if (last.kind === kind) return last.diagnostics;
  }
  throw new Error(`after ${LONGEST_MS / 1000} seconds nothing is ${kind}`);
}

function rejected(stage: ReloadStage): Promise<number> {
  return stage.metric('sallyport_policy_reloads_total{result="rejected"}');
}

function report({ answers, errors, mixes, late, slowestMs }: Judged, placed: number, counted: number): number {
  const edits = BROKEN_EDITS.length;
  console.log(`${edits} broken edits under load: ${placed} placed diagnostics, ${counted} counted as rejected`);
  console.log(`${answers} answers: ${errors} errors, ${mixes + late} wrong; slowest ${slowestMs.toFixed(0)} ms`);
  return placed === edits && counted >= edits && answers > edits && errors + mixes + late === 0 ? 0 : 1;
}
