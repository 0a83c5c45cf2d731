/** The shipped policy's own line for signatures: `iam` of the model registry. */
import { createHash, randomBytes } from "node:crypto";
import t from "tap";
import { makeAccessKey } from "../../src/contract/access-key.ts";
import { createSealing, sealingKey } from "../../src/contract/sealing.ts";
import { openSqliteKeys } from "../../src/stores/sqlite-keys.ts";
import { presign, sign, type Draft } from "../authenticate/fixtures/sigv4-signer.ts";
import type { SignedMessage } from "../authenticate/fixtures/sigv4-vectors.ts";
import { startSallyport } from "../journey/harness.ts";
import { converse, type Answer } from "./raw-socket.ts";
import { bytesOf } from "./sigv4-fixture.ts";
import { startWitness } from "./witness.ts";

const NOWHERE = "http://127.0.0.1:9/pool";
const HOST = ["Host", "registry.example"] as const;
const sealing = randomBytes(24).toString("base64");

const environment = (registry: string): Record<string, string> => ({
  PIE_URL: "http://127.0.0.1:9",
  PIE_ISSUER: NOWHERE,
  STACKFLOW_URL: "http://127.0.0.1:9",
  STACKFLOW_ISSUER: `${NOWHERE}2`,
  STACKFLOW_APP_CLIENT: "web",
  STACKFLOW_MACHINE_CLIENT: "machine",
  STACKFLOW_MACHINE_TENANT: "t1",
  REGISTRY_URL: registry,
  REGISTRY_AUTH_TOKEN: randomBytes(24).toString("hex"),
  ACCESS_KEY_SEALING_SECRET: sealing,
});

t.test("S1 the shipped registry takes signatures of execute-api in us-east-2, and an owner's role is what a key may do", async (t) => {
  const witness = await startWitness(t);
  const { running, keyStore } = await startSallyport(t, { environment: environment(witness.url) });
  const store = openSqliteKeys(keyStore, { side: "command", create: true });
  t.teardown(() => store.close());
  const service = "model-registry";
  const { id, secret } = makeAccessKey(randomBytes);
  store.createAccount({ service, id: "publisher", kind: "service", role: "writer", enabled: true });
  const sealedSecret = createSealing([sealingKey(sealing)]).seal(secret, { service, id }, randomBytes);
  store.createAccessKey({ service, id, account: "publisher", scopes: [], sealedSecret, createdAt: Date.now() });
  const signer = { id, secret, region: "us-east-2", service: "execute-api" };
  const draft = (more: Partial<Draft>): Draft => ({ headers: [HOST], at: Date.now(), ...more });
  const send = async (message: SignedMessage): Promise<Answer> => (await converse(running.ports.gateway, bytesOf(message))).answers[0]!;

  t.equal((await send(sign(draft({ target: "/api/tracks" }), signer))).status, 200);
  t.equal((await send(presign(draft({ target: "/api/tracks?offset=2" }), signer))).status, 200);
  t.equal(witness.take().at(-1)?.target, "/api/tracks?offset=2");
  const body = '{"url":"https://example.com/model"}';
  const headers = [
    HOST,
    ["Content-Type", "application/json"],
    ["X-Amz-Content-Sha256", createHash("sha256").update(body).digest("hex")],
  ] as const;
  const publish = draft({ method: "POST", target: "/api/artifact/model", headers, body });
  t.equal((await send(sign(publish, signer))).status, 200);
  t.equal(witness.take().at(-1)?.body, body);

  t.equal((await send(sign(draft({ method: "DELETE", target: "/api/reset" }), signer))).status, 403, "a writer may not reset");
  const forged = await send(sign(draft({ target: "/api/tracks" }), { ...signer, secret: "another" }));
  t.equal(forged.status, 403);
  t.same(JSON.parse(forged.body), { detail: "Invalid authentication credentials", status_code: 403 });
  t.same(witness.take(), []);
});
