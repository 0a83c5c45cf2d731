/** A client that reads slowly: when the upstream waits for it, and when nobody does any more. */
import { EventEmitter } from "node:events";
import type { ServerResponse } from "node:http";
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { ClientReading } from "../../src/pipeline/forward/client-reading.ts";

const IDLE_MS = 20;
const WELL_BEYOND_MS = 10 * IDLE_MS;

/** What is told of a client, in order. */
function watched(idleMs?: number) {
  const told: string[] = [];
  const connected: { socket: object | null } = { socket: {} };
  const response = Object.assign(new EventEmitter(), connected);
  const side = { hold: () => told.push("hold"), goOn: () => told.push("go on"), notRead: () => told.push("not read") };
  return { told, response, reading: new ClientReading(response as unknown as ServerResponse, idleMs, side) };
}

t.test("one that catches up holds nobody up", async (t) => {
  const { told, response, reading } = watched(IDLE_MS);
  reading.isBehind();
  reading.isBehind();
  t.same(told, ["hold"]);
  response.emit("drain");
  await pause(WELL_BEYOND_MS);
  t.same(told, ["hold", "go on"]);
});

t.test("one that has read nothing for its time is given up, while the answer comes and at its end", async (t) => {
  const behind = watched(IDLE_MS);
  behind.reading.isBehind();
  const atTheEnd = watched(IDLE_MS);
  atTheEnd.reading.ends();
  await pause(WELL_BEYOND_MS);
  t.same(behind.told, ["hold", "not read"]);
  t.same(atTheEnd.told, ["not read"]);
});

t.test("one that caught up before, and leaves the end unread, is given up too", async (t) => {
  const { told, response, reading } = watched(IDLE_MS);
  reading.isBehind();
  response.emit("drain");
  reading.ends();
  await pause(WELL_BEYOND_MS);
  t.same(told, ["hold", "go on", "not read"]);
});

t.test("the time of one whose answer waits behind another does not run, nor that of one who has it all", async (t) => {
  const waiting = watched(IDLE_MS);
  waiting.response.socket = null;
  waiting.reading.ends();
  const whole = watched(IDLE_MS);
  whole.reading.ends();
  whole.reading.over();
  await pause(WELL_BEYOND_MS);
  t.same([waiting.told, whole.told], [[], []]);
  waiting.reading.over();
});

t.test("without an idle time nobody is given up", async (t) => {
  const { told, reading } = watched();
  reading.ends();
  await pause(WELL_BEYOND_MS);
  t.same(told, []);
});
