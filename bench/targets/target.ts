/** What is measured: the gateway, its peers, and the floors that show what the machine can do at all. */
import type { Program } from "../stage/pinned.ts";
import type { Stage } from "../stage/stage.ts";

export interface Target {
  readonly name: string;
  /** `by policy`: it must refuse what the gateway refuses before it is timed. */
  readonly answers: "by policy" | "everybody" | "one answer";
  /** On the gateway's core; resolves when it answers. */
  readonly start: (stage: Stage) => Promise<Running>;
}

export interface Running extends Program {
  readonly port: number;
}
