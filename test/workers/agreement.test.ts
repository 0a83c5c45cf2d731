/** All or nothing, whatever single workers do: held against workers that are no processes. */
import t from "tap";
import { createLog } from "../../src/observability/log.ts";
import type { SoundFiles } from "../../src/policy/sound.ts";
import { Agreement } from "../../src/workers/agreement.ts";
import { WorkerFault, WorkerGone } from "../../src/workers/asker.ts";
import type { Answer, Given, OrderName } from "../../src/workers/messages.ts";
import { Place } from "../../src/workers/place.ts";
import type { WorkerProcess } from "../../src/workers/child.ts";

const soundOf = (revision: string): SoundFiles => ({
  path: "sallyport.yaml",
  revision,
  gateway: { version: 1, listen: { port: 8080 }, services: ["*.yaml"] },
  services: [],
});

/** Notes what it is asked, and does it as the test says. */
class FakeWorker implements WorkerProcess {
  readonly pid = 1;
  readonly ended = new Promise<never>(() => undefined);
  readonly asked: string[] = [];
  /** Policies that it decided by, in order. */
  readonly inForce: string[] = [];
  killed = false;
  answerTo: (name: OrderName) => Promise<void> = () => Promise.resolve();
  #received = "";

  present(): Promise<void> {
    return Promise.resolve();
  }

  async ask<Name extends OrderName>(name: Name, given: Given<Name>): Promise<Answer<Name>> {
    this.asked.push(name);
    if (name === "receive") this.#received = (given as SoundFiles).revision;
    await this.answerTo(name);
    if (name === "build" || name === "commit") this.inForce.push(this.#received);
    return undefined;
  }

  kill(): void {
    this.killed = true;
  }

  release(): void {
    this.kill();
  }
}

interface Some {
  readonly agreement: Agreement;
  readonly workers: readonly FakeWorker[];
  readonly places: readonly Place[];
}

async function some(count = 3): Promise<Some> {
  const places = Array.from({ length: count }, (_, index) => new Place(index + 1));
  const agreement = new Agreement(places, createLog("silent"), { policy: soundOf("first") });
  const workers = await Promise.all(places.map((place) => join(agreement, place)));
  return { agreement, workers, places };
}

async function join(agreement: Agreement, place: Place): Promise<FakeWorker> {
  const worker = new FakeWorker();
  place.starts(worker);
  await agreement.join(place, worker);
  return worker;
}

const failing =
  (wanted: OrderName, error: Error) =>
  (name: OrderName): Promise<void> =>
    name === wanted ? Promise.reject(error) : Promise.resolve();

t.test("no worker goes over before all of them can", async (t) => {
  const { agreement, workers } = await some();
  const held = Promise.withResolvers<void>();
  workers[2]!.answerTo = (name) => (name === "prepare" ? held.promise : Promise.resolve());
  const swapping = agreement.swap(soundOf("second"));
  await new Promise((resolve) => setImmediate(resolve));
  t.notOk(workers.some(({ asked }) => asked.includes("commit")));
  held.resolve();
  await swapping;
  for (const { inForce } of workers) t.same(inForce, ["first", "second"]);
});

t.test("one that cannot leaves the old policy in force in all of them", async (t) => {
  const { agreement, workers, places } = await some();
  workers[1]!.answerTo = failing("prepare", new WorkerFault({ message: "it does not fit" }));
  await t.rejects(agreement.swap(soundOf("second")), { message: "it does not fit" });
  for (const { inForce, asked, killed } of workers) {
    t.same(inForce, ["first"]);
    t.equal(asked.at(-1), "discard");
    t.notOk(killed);
  }
  const late = await join(agreement, places[0]!);
  t.same(late.inForce, ["first"], "and so does one that comes later");
});

t.test("one that dies meanwhile holds up nobody, and who takes its place begins with the new policy", async (t) => {
  const { agreement, workers, places } = await some();
  workers[0]!.answerTo = failing("prepare", new WorkerGone("it ended"));
  places[0]!.empties(0);
  await agreement.swap(soundOf("second"));
  t.same(workers[1]!.inForce, ["first", "second"]);
  t.same((await join(agreement, places[0]!)).inForce, ["second"]);
});

t.test("a policy that ends every worker is not taken", async (t) => {
  const { agreement, workers, places } = await some(2);
  for (const worker of workers) worker.answerTo = failing("prepare", new WorkerGone("it ended"));
  await t.rejects(agreement.swap(soundOf("second")), WorkerGone);
  t.same((await join(agreement, places[0]!)).inForce, ["first"]);
});

t.test("one that does not go over, when all said that they can, is ended", async (t) => {
  const { agreement, workers } = await some();
  workers[1]!.answerTo = failing("commit", new WorkerFault({ message: "not after all" }));
  await agreement.swap(soundOf("second"));
  t.same(
    workers.map(({ killed }) => killed),
    [false, true, false],
  );
});

t.test("one that joins while a change is on its way begins with what it brings", async (t) => {
  const { agreement, workers, places } = await some(2);
  const held = Promise.withResolvers<void>();
  workers[1]!.answerTo = (name) => (name === "prepare" ? held.promise : Promise.resolve());
  const swapping = agreement.swap(soundOf("second"));
  places[0]!.empties(0);
  const joining = join(agreement, places[0]!);
  await new Promise((resolve) => setImmediate(resolve));
  held.resolve();
  await swapping;
  t.same((await joining).inForce, ["second"]);
});

t.test("one that is still being built when a change comes goes over with the others", async (t) => {
  const { agreement, places } = await some(2);
  places[0]!.empties(0);
  const slow = new FakeWorker();
  const held = Promise.withResolvers<void>();
  slow.answerTo = (name) => (name === "build" ? held.promise : Promise.resolve());
  places[0]!.starts(slow);
  const joining = agreement.join(places[0]!, slow);
  const swapping = agreement.swap(soundOf("second"));
  held.resolve();
  await Promise.all([joining, swapping]);
  t.same(slow.inForce, ["first", "second"]);
});
