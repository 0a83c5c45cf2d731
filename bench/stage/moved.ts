/** Bodies of many megabytes, one at a time. */
import { fileURLToPath } from "node:url";
import { runPinned } from "./helper.ts";
import { LOAD_CORE, watchIdle } from "./machine.ts";
import { headOf } from "./request.ts";
import { CLIENT_HEADERS, TENANT } from "./stage.ts";

export type Direction = "down" | "up";

export interface MoverOptions {
  readonly port: number;
  /** Head of the request, as it is written. */
  readonly request: string;
  readonly direction: Direction;
  readonly bytes: number;
}

export interface MoverAnswer {
  readonly ms: number;
}

export interface MovedFigures {
  readonly mbPerSecond: number;
  readonly loadIdle: number;
}

export interface Body {
  readonly direction: Direction;
  readonly bytes: number;
  readonly token: string;
}

const MOVER = fileURLToPath(new URL("./mover.ts", import.meta.url));

/** Asks for a file of the upstream, or sends as much. Rejects when the answer is not 200, or not whole. */
export async function move({ direction, bytes, token }: Body, port: number): Promise<MovedFigures> {
  const shot = { path: filePath(bytes), headers: { ...CLIENT_HEADERS, authorization: `Bearer ${token}` } };
  const request = headOf(direction === "down" ? shot : { ...shot, method: "POST", bodyBytes: bytes }, port);
  const idle = watchIdle(LOAD_CORE);
  const { ms } = (await runPinned(MOVER, { port, request, direction, bytes } satisfies MoverOptions)) as MoverAnswer;
  return { mbPerSecond: bytes / 2 ** 20 / (ms / 1000), loadIdle: idle() };
}

/** Where the upstream has a file of that many bytes, and where one may be sent. */
export function filePath(bytes: number): string {
  return `/v2/clients/${TENANT}/files/${bytes}`;
}
