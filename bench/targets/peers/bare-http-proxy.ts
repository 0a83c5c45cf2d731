/** @fastify/http-proxy as its documentation begins. */
import httpProxy from "@fastify/http-proxy";
import { fastify } from "fastify";
import type { PeerSetting } from "../node-peers.ts";

const { port, upstream } = JSON.parse(process.argv[2] ?? "") as PeerSetting;
const app = fastify();
await app.register(httpProxy, { upstream });
await app.listen({ host: "127.0.0.1", port, backlog: 8192 });
