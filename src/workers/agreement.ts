/** What all workers serve with: it changes in all of them, or in none. */
import { piecesOf, withoutTables } from "../loading/pieces.ts";
import type { Log } from "../observability/log.ts";
import type { DoorCertificate } from "../policy/certificate-files.ts";
import type { SoundFiles } from "../policy/sound.ts";
import { WorkerGone } from "./asker.ts";
import type { Renewal } from "./messages.ts";
import type { Place } from "./place.ts";
import type { WorkerProcess } from "./child.ts";
import { Turns } from "./turns.ts";

export interface Agreed {
  readonly policy: SoundFiles;
  readonly shadow?: SoundFiles;
  readonly certificate?: DoorCertificate;
}

/** Who takes longer is stuck: it serves nobody either. */
const BUILD_MS = 30_000;
const CHANGE_MS = 5_000;

export class Agreement {
  readonly #places: readonly Place[];
  readonly #log: Log;
  readonly #turns = new Turns();
  #agreed: Agreed;

  constructor(places: readonly Place[], log: Log, agreed: Agreed) {
    this.#places = places;
    this.#log = log;
    this.#agreed = agreed;
  }

  /** The place's new worker is one of them when this resolves; it does not listen yet. */
  join(place: Place, worker: WorkerProcess): Promise<void> {
    return this.#turns.join(async () => {
      const { policy, shadow, certificate } = this.#agreed;
      if (shadow) await compareWith(worker, shadow);
      await handOver(worker, policy);
      await worker.ask("build", { place: place.number, ...(certificate && { certificate }) }, BUILD_MS);
      place.decidesBy(policy.revision);
    });
  }

  /** Puts another policy in force. Rejects where a worker says that it cannot; then nothing has changed in any. */
  swap(policy: SoundFiles): Promise<void> {
    return this.#turns.change(async () => {
      await this.#prepare(policy);
      this.#agreed = { ...this.#agreed, policy };
      await this.#inAll(async (worker, place) => {
        await worker.ask("commit", undefined, CHANGE_MS);
        place.decidesBy(policy.revision);
      });
    });
  }

  useShadow(shadow: SoundFiles): Promise<void> {
    return this.#turns.change(async () => {
      this.#agreed = { ...this.#agreed, shadow };
      await this.#inAll((worker) => compareWith(worker, shadow));
    });
  }

  useCertificate(renewal: Renewal): Promise<void> {
    return this.#turns.change(async () => {
      this.#agreed = { ...this.#agreed, certificate: renewal.certificate };
      await this.#inAll((worker) => worker.ask("useCertificate", renewal, CHANGE_MS));
    });
  }

  /** Of those that are gone meanwhile nobody need think, as long as one is left: who takes their place begins with what counts then. */
  async #prepare(policy: SoundFiles): Promise<void> {
    const members = this.#members();
    const tried = await Promise.allSettled(
      members.map(async ([worker]) => {
        await handOver(worker, policy);
        await worker.ask("prepare", undefined, BUILD_MS);
      }),
    );
    const failures = tried.filter((one) => one.status === "rejected").map(({ reason }) => reason as Error);
    const cannot = failures.find((error) => !(error instanceof WorkerGone));
    const failure = cannot ?? (failures.length === members.length ? failures[0] : undefined);
    if (!failure) return;
    await this.#inAll((worker) => worker.ask("discard", undefined, CHANGE_MS));
    throw failure;
  }

  /** A worker that does not come along is ended: the one in its place will. */
  async #inAll(change: (worker: WorkerProcess, place: Place) => Promise<void>): Promise<void> {
    await Promise.all(
      this.#members().map(async ([worker, place]) => {
        try {
          await change(worker, place);
        } catch (error) {
          if (error instanceof WorkerGone) return;
          this.#log.error({ worker: place.number, cause: String(error) }, "a worker cannot follow a change");
          worker.kill();
        }
      }),
    );
  }

  #members(): readonly (readonly [WorkerProcess, Place])[] {
    return this.#places.flatMap((place) => (place.member ? [[place.member, place] as const] : []));
  }
}

async function compareWith(worker: WorkerProcess, shadow: SoundFiles): Promise<void> {
  await handOver(worker, shadow);
  await worker.ask("compare", undefined, BUILD_MS);
}

async function handOver(worker: WorkerProcess, policy: SoundFiles): Promise<void> {
  await worker.ask("receive", withoutTables(policy), CHANGE_MS);
  for (const routes of piecesOf(policy)) await worker.ask("receiveRoutes", routes, CHANGE_MS);
}
