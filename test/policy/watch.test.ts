/** Which changes of files are noticed, and how often. */
import { appendFileSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { SeenFiles } from "../../src/policy/seen.ts";
import { type Watch, watchFiles } from "../../src/policy/watch.ts";
import { writeFiles } from "./fixtures.ts";

interface Watched {
  readonly watch: Watch;
  readonly file: string;
  readonly folder: string;
  readonly calls: () => number;
  /** Resolves with the next call. */
  readonly next: () => Promise<void>;
}

function watched(t: Test, answers: readonly boolean[] = []): Watched {
  const folder = writeFiles(t, { "services/a.yaml": "a" });
  let calls = 0;
  let told = Promise.withResolvers<void>();
  const watch = watchFiles(5, () => {
    calls += 1;
    told.resolve();
    told = Promise.withResolvers();
    return answers[calls - 1] ?? true;
  });
  // The look-out itself keeps no process alive.
  const alive = setInterval(() => undefined, 1_000);
  t.teardown(() => {
    clearInterval(alive);
    watch.close();
  });
  return { watch, folder, file: join(folder, "services/a.yaml"), calls: () => calls, next: () => told.promise };
}

function seen(...files: readonly string[]): SeenFiles {
  const all = new SeenFiles();
  for (const file of files) all.add(file);
  return all;
}

t.test("files that are as they were when they were read have not changed; the next change is the first one told", async (t) => {
  const { watch, file, calls, next } = watched(t);
  const { files, states } = seen(file);
  watch.watch(files, states);
  const told = next();
  await new Promise((resolve) => setTimeout(resolve, 25));
  t.equal(calls(), 0);
  appendFileSync(file, "b");
  await told;
  t.equal(calls(), 1);
});

t.test("a change between the reading and the first look is told", async (t) => {
  const { watch, file, next } = watched(t);
  const { files, states } = seen(file);
  appendFileSync(file, "b");
  const told = next();
  watch.watch(files, states);
  await told;
});

t.test("a file that is still being written is not read: two looks in a row must find the same", async (t) => {
  const { watch, file, calls, next } = watched(t);
  const { files, states } = seen(file);
  watch.watch(files, states);
  for (let part = 0; part < 50; part++) {
    appendFileSync(file, "b");
    // Between two looks something is always added.
    await new Promise((resolve) => setTimeout(resolve, 1));
  }
  const before = calls();
  const told = before === 0 ? next() : undefined;
  await told;
  t.ok(before <= 2, `${before} times, where each look found another state`);
});

t.test("files of which nobody knows how they were count as changed", async (t) => {
  const { watch, file, next } = watched(t);
  const told = next();
  watch.watch([file]);
  await told;
});

t.test("a file that comes beside the others, one that goes, and one put in the place of another are changes", async (t) => {
  const { watch, file, folder, next } = watched(t);
  for (const change of [
    () => writeFileSync(join(folder, "services/b.yaml"), "b"),
    () => renameSync(join(folder, "services/b.yaml"), join(folder, "b.yaml")),
    () => renameSync(join(folder, "b.yaml"), file),
  ]) {
    const { files, states } = seen(file, join(folder, "services/*.yaml"));
    watch.watch(files, states);
    const told = next();
    change();
    await told;
  }
  t.pass();
});

t.test("what comes beside them under another ending is no change, as of a key store or an editor", async (t) => {
  const { watch, file, folder, calls, next } = watched(t);
  const { files, states } = seen(file);
  watch.watch(files, states);
  for (const name of ["keys.db", "keys.db-wal", "a.yaml~", ".a.yaml.swp", "4913"]) {
    writeFileSync(join(folder, "services", name), "");
    await new Promise((resolve) => setTimeout(resolve, 15));
    t.equal(calls(), 0, name);
  }
  for (const [count, name] of ["b.yaml", "c.yml"].entries()) {
    const told = next();
    writeFileSync(join(folder, "services", name), "b");
    await told;
    t.equal(calls(), count + 1, name);
  }
});

t.test("files that are again as they were before the reading that is under way have changed", async (t) => {
  const { watch, file, folder, next } = watched(t);
  const other = join(folder, "services/b.yaml");
  const before = seen(file);
  watch.watch(before.files, before.states);
  let told = next();
  writeFileSync(other, "b");
  await told;
  const during = seen(file);
  renameSync(other, join(folder, "b.yaml"));
  // A look in between finds the state of the reading before.
  await new Promise((resolve) => setTimeout(resolve, 25));
  told = next();
  watch.watch(during.files, during.states);
  await told;
});

t.test("whoever is busy reading is told again at the next look, unless what was read is what is there", async (t) => {
  const { watch, file, calls, next } = watched(t, [false, false]);
  const { files, states } = seen(file);
  watch.watch(files, states);
  let told = next();
  appendFileSync(file, "b");
  await told;
  told = next();
  await told;
  t.equal(calls(), 2, "told once more");
  const now = seen(file);
  watch.watch(now.files, now.states);
  told = next();
  appendFileSync(file, "c");
  await told;
  t.equal(calls(), 3, "what was read meanwhile is no change");
});
