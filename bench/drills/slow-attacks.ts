/** The attackers of the slow drill: a process of its own, of less weight than the client that is measured beside it. */
import { connect, type Socket } from "node:net";
import { setPriority } from "node:os";

/** What comes back of an attack when it is over. */
export interface Fought {
  readonly turnsPerSecond: number;
}

interface Attacker {
  /** Of one turn, for the drill's output. */
  readonly turn: string;
  /** Connections that are held at any time; a closed one is opened anew at its next turn. */
  readonly connections: number;
  /** Over all connections, which have their turns one after the other: a rate, and no bursts. */
  readonly turnsPerSecond: number;
  /** What a connection begins with. */
  readonly begin: (socket: Socket) => void;
  /** A connection's turn. */
  readonly go?: (socket: Socket) => void;
  /** Until it goes at its rate. Answers that are not read must fill the system's buffers first, which is a matter of bandwidth. */
  readonly settleMs?: number;
}

const GET = "GET /open HTTP/1.1\r\nHost: gw\r\n";
/** Ninety fields, just below the most that a head may have, of fifteen kilobytes. */
const LONG_HEAD = `${GET}${Array.from({ length: 90 }, (_, index) => `x-${index}: ${"a".repeat(155)}\r\n`).join("")}\r\n`;
/** Two thousand fields. */
const LONGER_HEAD = `${GET}${Array.from({ length: 2_000 }, (_, index) => `x-${index}: 1\r\n`).join("")}\r\n`;
const PIPELINED = 50;

export const ATTACKS = {
  "slow heads": {
    turn: "a byte of a head",
    connections: 300,
    turnsPerSecond: 1_500,
    begin: (socket) => socket.write(`${GET}x-`),
    go: (socket) => socket.write("a"),
  },
  "slow bodies": {
    turn: "a byte of a body",
    connections: 300,
    turnsPerSecond: 1_500,
    begin: (socket) => socket.write("POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 100000\r\n\r\n"),
    go: (socket) => socket.write("a"),
  },
  "slow readers": {
    turn: "16 bytes read of 64 MB",
    connections: 30,
    turnsPerSecond: 150,
    begin: (socket) => socket.pause().write("GET /large HTTP/1.1\r\nHost: gw\r\n\r\n"),
    go: (socket) => socket.read(16),
    settleMs: 2_500,
  },
  "idle flood": { turn: "a connection that was closed opened anew", connections: 900, turnsPerSecond: 900, begin: () => {} },
  "header flood": {
    turn: "a head of 15 KB in 90 fields, or of 2,000 fields",
    connections: 20,
    turnsPerSecond: 100,
    begin: (socket) => socket.resume(),
    go: (socket) => socket.write(Math.random() < 0.5 ? LONG_HEAD : LONGER_HEAD),
  },
  "pipelining flood": {
    turn: `${PIPELINED} requests at once`,
    connections: 20,
    turnsPerSecond: 20,
    begin: (socket) => socket.resume(),
    go: (socket) => socket.write(`${GET}\r\n`.repeat(PIPELINED)),
  },
  aborts: {
    turn: "a stream begun or broken off",
    connections: 100,
    turnsPerSecond: 400,
    begin: (socket) => socket.write("GET /events HTTP/1.1\r\nHost: gw\r\n\r\n"),
    go: (socket) => socket.resetAndDestroy(),
  },
} satisfies Readonly<Record<string, Attacker>>;

export type AttackName = keyof typeof ATTACKS;

export function attackerOf(name: AttackName): Attacker {
  return ATTACKS[name];
}

const TICK_MS = 5;
/** The least weight that the system has. */
const LEAST_PRIORITY = 19;

/** Until it is told to stop, or whoever started it is gone. */
function attack(name: AttackName, port: number): void {
  setPriority(LEAST_PRIORITY);
  const attacker = attackerOf(name);
  const held: Socket[] = [];
  const startedAt = performance.now();
  const due = (): number => Math.floor(((performance.now() - startedAt) * attacker.turnsPerSecond) / 1000);
  let turns = 0;
  setInterval(() => {
    for (const until = due(); turns < until; turns++) takeTurn(held, turns % attacker.connections, port, attacker);
  }, TICK_MS);
  process.once("message", () => {
    const fought: Fought = { turnsPerSecond: (turns * 1000) / (performance.now() - startedAt) };
    process.send?.(fought, () => process.exit());
  });
  process.once("disconnect", () => process.exit());
}

/** A connection that was closed is opened anew. */
function takeTurn(held: Socket[], index: number, port: number, attacker: Attacker): void {
  const socket = held[index];
  if (socket === undefined || socket.destroyed) held[index] = open(port, attacker);
  else attacker.go?.(socket);
}

/** From another address than the good client's. */
function open(port: number, attacker: Attacker): Socket {
  const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2", noDelay: true }).on("error", () => {});
  return socket.once("connect", () => attacker.begin(socket));
}

const [, program, name, port] = process.argv;
if (program === import.meta.filename) attack(name as AttackName, Number(port));
