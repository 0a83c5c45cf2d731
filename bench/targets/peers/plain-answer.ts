/** node:http giving every request the same answer: what an answer costs at the least. */
import { createServer } from "node:http";
import type { PeerSetting } from "../node-peers.ts";

const { port, answer } = JSON.parse(process.argv[2] ?? "") as PeerSetting;
if (answer === undefined) throw new Error("there is nothing to answer");
const { status, headers, body } = answer;

createServer((_request, response) => {
  response.writeHead(status, [...headers]);
  response.end(body);
}).listen(port, "127.0.0.1", 8192);
