/** The attackers of the slow drill, in a thread of their own, so that what they cost does not count as the gateway's slowness. */
import { connect, type Socket } from "node:net";
import { workerData } from "node:worker_threads";

export interface Attack {
  readonly name: keyof typeof ATTACKS;
  readonly port: number;
}

interface Attacker {
  /** Connections that are held at any time; a closed one is opened anew at its next turn. */
  readonly connections: number;
  readonly begin: (socket: Socket) => void;
  /** Called once a round on each. */
  readonly go?: (socket: Socket) => void;
}

/** Each connection has its turn once a round; turns are spread evenly, so that the attack has a rate and no bursts. */
const ROUND_MS = 200;
const TURN_MS = 5;

export const ATTACKS = {
  "slow heads": {
    connections: 300,
    begin: (socket) => socket.write("GET /a HTTP/1.1\r\nHost: gw\r\nx-"),
    go: (socket) => socket.write("a"),
  },
  "slow bodies": {
    connections: 300,
    begin: (socket) => socket.write("POST /in HTTP/1.1\r\nHost: gw\r\nContent-Length: 100000\r\n\r\n"),
    go: (socket) => socket.write("a"),
  },
  "slow readers": {
    connections: 30,
    begin: (socket) => socket.pause().write("GET /large HTTP/1.1\r\nHost: gw\r\n\r\n"),
    go: (socket) => socket.read(16),
  },
  "idle flood": { connections: 900, begin: () => {} },
  aborts: {
    connections: 20,
    begin: (socket) => socket.write("GET /events HTTP/1.1\r\nHost: gw\r\n\r\n"),
    go: (socket) => socket.resetAndDestroy(),
  },
} satisfies Readonly<Record<string, Attacker>>;

function attack({ name, port }: Attack): void {
  const attacker: Attacker = ATTACKS[name];
  const held: Socket[] = [];
  const startedAt = performance.now();
  let turns = 0;
  setInterval(() => {
    const due = Math.floor(((performance.now() - startedAt) * attacker.connections) / ROUND_MS);
    for (; turns < due; turns++) takeTurn(held, turns % attacker.connections, port, attacker);
  }, TURN_MS);
}

/** A connection that was closed is opened anew. */
function takeTurn(held: Socket[], index: number, port: number, attacker: Attacker): void {
  const socket = held[index];
  if (socket === undefined || socket.destroyed) held[index] = open(port, attacker);
  else attacker.go?.(socket);
}

function open(port: number, attacker: Attacker): Socket {
  const socket = connect({ port, host: "127.0.0.1", noDelay: true }).on("error", () => {});
  return socket.once("connect", () => attacker.begin(socket));
}

if (workerData !== null) attack(workerData as Attack);
