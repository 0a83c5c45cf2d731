/** The doors for operators and probes, as far as the policy has them. */
import type { Gateway } from "../contract/policy.ts";
import { startAdminDoor } from "./door.ts";
import { startHealthDoor } from "./health.ts";
import type { Sources } from "./sources.ts";

export interface OpenDoors {
  readonly ports: { readonly admin?: number; readonly health?: number };
  close(): Promise<void>;
}

/** Rejects when a port cannot be had; then nothing stays open. */
export async function openDoors({ health, admin }: Pick<Gateway, "health" | "admin">, sources: Sources): Promise<OpenDoors> {
  const healthDoor = health && (await startHealthDoor(health, sources));
  try {
    const adminDoor = admin && (await startAdminDoor(admin, sources));
    return {
      ports: { ...(adminDoor && { admin: adminDoor.port }), ...(healthDoor && { health: healthDoor.port }) },
      close: async () => {
        await Promise.all([healthDoor?.close(), adminDoor?.close()]);
      },
    };
  } catch (error) {
    await healthDoor?.close();
    throw error;
  }
}
