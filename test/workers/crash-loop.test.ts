/** A fleet whose workers end all the time: started again with more and more time between, and told of. */
import t from "tap";
import { createLog } from "../../src/observability/log.ts";
import type { SoundFiles } from "../../src/policy/sound.ts";
import { Fleet } from "../../src/workers/fleet.ts";
import type { Answer, OrderName } from "../../src/workers/messages.ts";
import type { End, WorkerProcess } from "../../src/workers/child.ts";
import { until } from "../journey/things.ts";

const POLICY: SoundFiles = {
  path: "sallyport.yaml",
  revision: "first",
  gateway: { version: 1, listen: { port: 8080 }, services: ["*.yaml"] },
  services: [],
};

class ShortLived implements WorkerProcess {
  readonly pid = 1;
  readonly #end = Promise.withResolvers<End>();
  readonly ended = this.#end.promise;

  present(): Promise<void> {
    return Promise.resolve();
  }

  ask<Name extends OrderName>(): Promise<Answer<Name>> {
    return Promise.resolve(undefined as Answer<Name>);
  }

  kill(): void {
    this.#end.resolve({ code: null, signal: "SIGKILL", stuck: false });
  }

  release(): void {
    this.#end.resolve({ code: 0, signal: null, stuck: false });
  }
}

t.test("each end is noted with the time until the next start, and a fleet that stops starts nobody any more", async (t) => {
  const lines: Record<string, unknown>[] = [];
  const log = createLog("info", { write: (line) => void lines.push(JSON.parse(line) as Record<string, unknown>) });
  const started: ShortLived[] = [];
  const startProcess = (): WorkerProcess => {
    const worker = new ShortLived();
    started.push(worker);
    return worker;
  };
  const fleet = new Fleet({ count: 1, startProcess, log, monotonicNow: () => 0 }, { policy: POLICY });
  await fleet.start();
  for (let count = 1; count <= 3; count += 1) {
    started.at(-1)?.kill();
    await until(() => started.length === count + 1 && fleet.servingCount() === 1);
  }
  t.same(
    lines.map(({ delayMs }) => delayMs),
    [0, 100, 200],
  );
  t.same([...fleet.ended()], [["died", 3]]);
  t.match(fleet.states(), [{ worker: 1, state: "serving", revision: "first", replaced: 3 }]);

  started.at(-1)?.kill();
  await until(() => lines.length === 4);
  t.match(fleet.states(), [{ state: "waiting" }]);
  await fleet.stop(0);
  t.equal(started.length, 4);
});
