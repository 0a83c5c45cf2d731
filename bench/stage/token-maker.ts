/** A thread that makes many tokens. */
import { createPrivateKey } from "node:crypto";
import { parentPort, workerData } from "node:worker_threads";
import { makeToken, SCOPE } from "./issuer.ts";

const { pem, iss, client, count } = workerData as { pem: string; iss: string; client: string; count: number };
const key = createPrivateKey(pem);
const tokens = Array.from({ length: count }, () => makeToken(key, iss, client, SCOPE));
parentPort?.postMessage(tokens, []);
