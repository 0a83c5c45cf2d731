/** Loads a policy in this thread, for a start that has nothing else to do: a thread of its own would only take time. */
import type { Policy } from "../contract/policy.ts";
import { atOnce } from "../contract/steps.ts";
import { compilePolicy } from "../policy/compile/policy.ts";
import { type Loaded, type ReadPolicy, readPolicy } from "../policy/load.ts";
import type { InvalidFiles } from "../policy/outcome.ts";
import type { SoundFiles } from "../policy/sound.ts";
import type { Job } from "./pieces.ts";

/** As `loadApart`, to the same end. */
export async function loadHere(job: Job, compiled?: (policy: Policy, sound: SoundFiles) => void): Promise<Loaded> {
  const read = await readJob(job);
  if (read.kind === "invalid") return read;
  const { sound, files, seen } = read;
  const policy = atOnce(compilePolicy(sound));
  compiled?.(policy, sound);
  return { kind: "policy", policy, files, seen };
}

/** What runs a policy's tests is loaded only where they count. */
export async function readJob({ options, provenAt }: Job): Promise<InvalidFiles | ReadPolicy> {
  const read = readPolicy(options);
  if (provenAt === undefined || read.kind === "invalid" || read.sound.gateway.tests !== "required") return read;
  const { proved } = await import("../proved.ts");
  return proved(read, options.configPath, provenAt);
}
