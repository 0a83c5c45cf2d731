/** Memory that was needed to start, and is not needed to run. */
import { Session } from "node:inspector/promises";

/**
 * Gives back what loading the program and its policy took: about a quarter of the process. V8 keeps the room that it made
 * for all that came into being at once, and without requests nothing makes it look again. Takes some 80 ms, in which
 * nothing else is done: before the door opens.
 */
export async function releaseStartMemory(): Promise<void> {
  const session = new Session();
  session.connect();
  try {
    await session.post("HeapProfiler.collectGarbage");
  } finally {
    session.disconnect();
  }
}
