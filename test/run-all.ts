/**
 * `npm test`: runs the tests, with tap's own arguments behind `--`, and then the final pass over all that their gateways said.
 * The exit code is tap's, or 1 where the pass found a secret or had nothing to look at.
 */
import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { finalPass } from "./security/final-pass.ts";
import { SINK_VARIABLE } from "./security/log-sink.ts";

/** Of more than sixty. */
const GATEWAY_FILES = 50;

const folder = mkdtempSync(join(tmpdir(), "sallyport-test-logs-"));
process.once("exit", () => rmSync(folder, { recursive: true, force: true }));

const asked = process.argv.slice(2);
const isWhole = !asked.some((one) => one.endsWith(".ts"));
const tap = spawn("npx", ["--no-install", "tap", ...asked], {
  cwd: join(import.meta.dirname, ".."),
  env: { ...process.env, [SINK_VARIABLE]: folder },
  stdio: "inherit",
});
// The terminal tells tap too; it ends by itself, and so does this.
process.on("SIGINT", () => {});
process.on("SIGTERM", () => tap.kill("SIGTERM"));
const [code] = (await once(tap, "close")) as [number | null];
const { holds, words } = finalPass(folder, { gatewayFiles: isWhole ? GATEWAY_FILES : 0 });
console.log(`# final pass ${holds ? "holds" : "FAILED"}: ${words.join("\n#   ")}`);
process.exitCode = code === 0 && !holds ? 1 : (code ?? 1);
