/** Makes the shipped policy run on one machine for trying out: loopback doors, a key store of its own, accounts with keys. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { digestApiKey, makeApiKey } from "../contract/api-key.ts";
import type { ErrorCode } from "../contract/errors.ts";
import type { Door, Policy, Service } from "../contract/policy.ts";
import type { KeyWriter } from "../contract/stores.ts";
import type { Loaded } from "../policy/load.ts";
import { openSqliteKeys } from "../stores/sqlite-keys.ts";
import { startDemo, type Demo, type DemoOptions } from "./demo.ts";
import { printDemo, type MovedDoor } from "./print-demo.ts";

export interface PrepareOptions extends DemoOptions {
  /** Path of the shipped gateway file. */
  readonly shippedPolicy: string;
  /** What a client reads of a refusal. */
  readonly refusalText: (code: ErrorCode, decisionId: string, service: Service | undefined) => { readonly body: string };
}

export interface PreparedDemo {
  /** What the shipped policy needs, beside the environment that there is. */
  readonly environment: Readonly<Record<string, string>>;
  /** The loaded policy with its doors on loopback and its keys in the demo's store. */
  readonly adapt: (loaded: Loaded) => Loaded;
  /** What to print once the gateway listens. */
  readonly introduction: (ports: Ports) => string;
  readonly close: () => Promise<void>;
}

interface Ports {
  readonly gateway: number;
  readonly health?: number;
  readonly admin?: number;
}

const LOOPBACK = "127.0.0.1";

/** Starts issuer and stand-ins; the key store is a file in a folder that goes when the demo is closed. */
export async function prepareDemo(options: PrepareOptions): Promise<PreparedDemo> {
  const demo = await startDemo(options);
  const folder = mkdtempSync(join(tmpdir(), "sallyport-demo-"));
  const store = join(folder, "keys.db");
  const configPath = copyPolicy(options.shippedPolicy, folder, store);
  const doors = new Map<Door["port"], Door["port"]>();
  let shipped: Policy | undefined;
  let keys: ReadonlyMap<string, string> | undefined;
  for (const port of [8080, 8081, 9090]) doors.set(port, await freePort(port));

  const onLoopback = <Some extends Door>(door: Some): Some => ({ ...door, host: LOOPBACK, port: doors.get(door.port) ?? door.port });
  const adaptPolicy = (policy: Policy): Policy => {
    shipped = policy;
    keys ??= seedKeys(demo, policy, store, options);
    const { gateway } = policy;
    const { listen, health, admin } = gateway;
    return {
      ...policy,
      gateway: {
        ...gateway,
        listen: onLoopback(listen),
        ...(health && { health: onLoopback(health) }),
        ...(admin && { admin: onLoopback(admin) }),
        stores: { ...gateway.stores, keys: { kind: "sqlite", path: store } },
      },
    };
  };
  return {
    environment: demo.environment,
    adapt: (loaded) => (loaded.kind === "policy" ? { ...loaded, policy: adaptPolicy(loaded.policy) } : loaded),
    introduction: (ports) =>
      printDemo(demo, {
        gatewayUrl: `http://${LOOPBACK}:${ports.gateway}`,
        adminUrl: `http://${LOOPBACK}:${ports.admin}`,
        keys: keys ?? new Map(),
        moved: shipped ? movedDoors(shipped, ports) : [],
        configPath,
        refusalBody: (name, code) => {
          const service = shipped?.services.find((one) => one.name === name);
          return options.refusalText(code, "…", service).body;
        },
      }),
    close: async () => {
      await demo.close();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** The shipped policy with the demo's own key store, for commands in another terminal; the path of its gateway file. */
function copyPolicy(shippedPolicy: string, folder: string, store: string): string {
  const configPath = join(folder, "sallyport.yaml");
  const text = readFileSync(shippedPolicy, "utf8");
  writeFileSync(configPath, text.replace(/sqlite:\S+/, `sqlite:${store}`));
  cpSync(join(dirname(shippedPolicy), "services"), join(folder, "services"), { recursive: true });
  return configPath;
}

function movedDoors({ gateway: { listen, health, admin } }: Policy, ports: Ports): readonly MovedDoor[] {
  const doors = [
    { door: "the gateway", wanted: listen.port, port: ports.gateway },
    { door: "the health door", wanted: health?.port, port: ports.health },
    { door: "the admin door", wanted: admin?.port, port: ports.admin },
  ];
  return doors.flatMap(({ door, wanted, port }) =>
    wanted === undefined || port === undefined || wanted === port ? [] : [{ door, wanted, port }],
  );
}

/** Makes the accounts and their keys; the key strings are only in the introduction, the store has digests. */
function seedKeys(demo: Demo, policy: Policy, path: string, { now, randomBytes }: DemoOptions): ReadonlyMap<string, string> {
  const store = openSqliteKeys(path, { side: "command", create: true });
  try {
    return new Map(demo.seeds.map((seed) => [seed.id, seedKey(store, policy, seed, { now, randomBytes })]));
  } finally {
    store.close();
  }
}

function seedKey(
  store: KeyWriter,
  policy: Policy,
  { service, account, scopes }: Demo["seeds"][number],
  { now, randomBytes }: DemoOptions,
): string {
  const authenticator = policy.services.find(({ name }) => name === service)?.authenticators.find(({ kind }) => kind === "apiKey");
  if (authenticator?.kind !== "apiKey") throw new Error(`the shipped policy has no API keys for ${service}`);
  const { id, key } = makeApiKey(authenticator.prefix, randomBytes);
  store.createAccount({ service, enabled: true, ...account });
  store.createKey({ service, id, account: account.id, scopes, digest: digestApiKey(key), createdAt: now() });
  return key;
}

/** The port itself where it is free, else 0, which stands for any free one. */
function freePort(port: number): Promise<number> {
  return new Promise((resolve) => {
    const probe = createServer();
    probe.once("error", () => resolve(0));
    probe.listen(port, LOOPBACK, () => probe.close(() => resolve(port)));
  });
}
