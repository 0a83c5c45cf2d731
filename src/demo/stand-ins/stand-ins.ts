/** The three stand-in services together. */
import { modelRegistry } from "./model-registry.ts";
import { pie } from "./pie.ts";
import { startStandIn, type StandIn, type StandInWorld } from "./service.ts";
import { stackflow } from "./stackflow.ts";

export interface StandInsOptions extends StandInWorld {
  /** Address to listen on; 127.0.0.1 by default. */
  readonly host?: string;
  /** Free ones by default. */
  readonly ports?: { readonly pie?: number; readonly registry?: number; readonly stackflow?: number };
}

export interface StandIns {
  readonly pie: StandIn;
  readonly registry: StandIn;
  readonly stackflow: StandIn;
  close(): Promise<void>;
}

/** Starts all three. Rejects when a port is taken; then none stays open. */
export async function startStandIns(options: StandInsOptions): Promise<StandIns> {
  const { ports = {}, host } = options;
  const starts = [
    startStandIn(pie, options, ports.pie, host),
    startStandIn(modelRegistry, options, ports.registry, host),
    startStandIn(stackflow, options, ports.stackflow, host),
  ] as const;
  const results = await Promise.allSettled(starts);
  const close = async (): Promise<void> => {
    await Promise.all(results.filter((result) => result.status === "fulfilled").map(({ value }) => value.close()));
  };
  try {
    const [pieStandIn, registry, stackflowStandIn] = await Promise.all(starts);
    return { pie: pieStandIn, registry, stackflow: stackflowStandIn, close };
  } catch (error) {
    await close();
    throw error;
  }
}
