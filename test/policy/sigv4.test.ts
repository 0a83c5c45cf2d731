import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import t, { type Test } from "tap";
import { sealingKey } from "../../src/contract/sealing.ts";
import { loadExpanded } from "../../src/policy/load.ts";

const FIRST = "the first sealing secret, which is long enough";
const SECOND = "the second sealing secret, also long enough";

interface Files {
  /** The block of the gateway file, in one line. */
  readonly stores: string;
  readonly sigv4?: string;
  readonly environment?: Readonly<Record<string, string>>;
  readonly offline?: boolean;
}

function load(t: Test, { stores, sigv4 = "{ region: us-east-2, service: execute-api }", environment = {}, offline = false }: Files) {
  const folder = t.testdir();
  mkdirSync(join(folder, "services"));
  writeFileSync(join(folder, "sallyport.yaml"), `version: 1\nlisten: { port: 0 }\nstores: ${stores}\nservices: [services/*.yaml]\n`);
  const authenticators = `authenticators:\n  iam: { sigv4: ${sigv4} }\n`;
  const service = `version: 1\nservice: shop\nupstream: { url: "http://shop" }\nroles: { reader: [orders.read] }\n${authenticators}routes:\n  GET /: orders.read\n`;
  writeFileSync(join(folder, "services/shop.yaml"), service);
  const loaded = loadExpanded({ configPath: join(folder, "sallyport.yaml"), environment, offline });
  if (loaded.kind === "invalid") throw new Error(loaded.diagnostics.map(({ message }) => message).join("\n"));
  return loaded;
}

t.test(
  "a signature's authenticator has AWS's window, holds no body and takes its role from the account unless told otherwise",
  async (t) => {
    const [iam] = load(t, { stores: "{}" }).policy.services[0]!.authenticators;
    const expected = {
      kind: "sigv4",
      region: "us-east-2",
      service: "execute-api",
      windowMs: 900_000,
      maxHeldBodyBytes: 0,
      hasGrants: false,
    };
    t.match(iam, { ...expected, role: { kind: "account" } });
    const told = load(t, { stores: "{}", sigv4: "{ region: r, service: s, window: 5m, holdBody: 1MB }" });
    t.match(told.policy.services[0]!.authenticators[0], { windowMs: 300_000, maxHeldBodyBytes: 1024 ** 2 });
  },
);

t.test("one sealing secret or several: only the keys that they give are in the policy", async (t) => {
  const environment = { A: FIRST, B: SECOND };
  const keysOf = (stores: string) => load(t, { stores, environment }).policy.gateway.stores.sealing;
  t.same(keysOf('{ sealing: "${A}" }'), [sealingKey(FIRST)]);
  t.same(keysOf('{ sealing: ["${A}", "${B}"] }'), [sealingKey(FIRST), sealingKey(SECOND)]);
  t.same(keysOf('{ sealing: ["${A}", "${C?}"] }'), [sealingKey(FIRST)]);
  t.equal(keysOf('{ sealing: "${C?}" }'), undefined);
});

t.test("a command that serves nothing knows a sealing secret from what only stands in for one", async (t) => {
  const standsIn = (environment: Record<string, string>) =>
    load(t, { stores: '{ sealing: ["${A}"] }', environment, offline: true }).standsIn;
  t.equal(standsIn({})(["stores", "sealing"]), true);
  t.equal(standsIn({ A: FIRST })(["stores", "sealing"]), false);
  t.equal(standsIn({})(["stores", "keys"]), false);
});
