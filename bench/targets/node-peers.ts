/** Peers that are programs of Node: what is measured is one file each, under `peers/`. */
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { writeFileSync } from "node:fs";
import { SCOPE } from "../stage/issuer.ts";
import { GATEWAY_CORE } from "../stage/machine.ts";
import { answering, freePort, startPinned } from "../stage/pinned.ts";
import { ORIGIN, type Stage } from "../stage/stage.ts";
import type { Running, Target } from "./target.ts";

/** What a peer is told in its one argument, as JSON. */
export interface PeerSetting {
  readonly port: number;
  /** `http://127.0.0.1:PORT`. */
  readonly upstream: string;
  readonly issuer: string;
  readonly publicKeyFile: string;
  readonly scope: string;
  readonly origin: string;
  /** For `plain-answer`. */
  readonly answer?: Answer;
}

/** An answer, byte for byte but for `Date`. */
export interface Answer {
  readonly status: number;
  /** Names and values in turn. */
  readonly headers: readonly string[];
  readonly body: string;
}

/** node:http and undici's `dispatch`, all headers passed on, no rule. */
export const rawHop: Target = { name: "raw-hop", answers: "everybody", start: (stage) => startPeer("raw-hop", stage) };
/** @fastify/http-proxy with its defaults, no rule. */
export const bareHttpProxy: Target = {
  name: "bare-http-proxy",
  answers: "everybody",
  start: (stage) => startPeer("bare-http-proxy", stage),
};
/** Express with http-proxy-middleware, jsonwebtoken and express-rate-limit. */
export const expressStack: Target = { name: "express-stack", answers: "by policy", start: (stage) => startPeer("express-stack", stage) };

/** node:http giving one answer, the gateway's refusal, without looking at the request. */
export function plainAnswer(answer: Answer): Target {
  return { name: "plain-answer", answers: "one answer", start: (stage) => startPeer("plain-answer", stage, answer) };
}

async function startPeer(name: string, { folder, issuer, upstream }: Stage, answer?: Answer): Promise<Running> {
  const port = await freePort();
  const publicKeyFile = join(folder, "issuer-for-peers.pem");
  writeFileSync(publicKeyFile, issuer.publicPem);
  const setting: PeerSetting = {
    port,
    upstream: `http://127.0.0.1:${upstream.port}`,
    issuer: issuer.iss,
    publicKeyFile,
    scope: SCOPE,
    origin: ORIGIN,
    ...(answer !== undefined && { answer }),
  };
  const file = fileURLToPath(new URL(`./peers/${name}.ts`, import.meta.url));
  const program = startPinned({
    core: GATEWAY_CORE,
    command: process.execPath,
    arguments: [file, JSON.stringify(setting)],
    environment: { NODE_ENV: "production" },
  });
  await answering(port);
  return { ...program, port };
}
