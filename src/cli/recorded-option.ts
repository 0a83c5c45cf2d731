/** The decision that `explain --decision` means: out of the log, or from the admin door of a gateway that runs. */
import { isIPv6 } from "node:net";
import { readRecorded, type Recorded } from "../assurance/replay/recorded.ts";
import type { Policy } from "../contract/policy.ts";
import { type Call, text, UsageError } from "./command.ts";
import { DecisionLog } from "./decision-log.ts";

const TOKEN_VARIABLE = "SALLYPORT_ADMIN_TOKEN";
const DECISION_ID = /^[A-Za-z0-9_-]{1,64}$/;
const PATIENCE_MS = 5_000;

/** Undefined, with everything said, where there is no such decision. Throws UsageError where nobody can be asked. */
export async function recordedDecision(call: Call, policy: Policy, id: string): Promise<Recorded | undefined> {
  if (!DECISION_ID.test(id)) throw new UsageError("--decision takes the id of a decision, as in the header x-decision-id");
  const file = text(call, "decisions");
  const found = file === undefined ? await askAdminDoor(call, policy, id) : await findInLog(call, file, id);
  if (found) return found;
  const place = file === undefined ? "the gateway does not remember" : `${file === "-" ? "standard input" : file} does not have`;
  call.terminal.err(`sallyport: ${place} a decision ${id}${file === undefined ? ": give the log that has it, with --decisions" : ""}\n`);
  return undefined;
}

async function findInLog({ terminal }: Call, file: string, id: string): Promise<Recorded | undefined> {
  for await (const record of new DecisionLog([file], terminal).read()) if (record.decision === id) return record;
  return undefined;
}

/* ── a gateway that runs ──────────────────────────────────────────────── */

async function askAdminDoor(call: Call, policy: Policy, id: string): Promise<Recorded | undefined> {
  const token = call.terminal.environment[TOKEN_VARIABLE];
  if (token === undefined || token === "")
    throw new UsageError(`give a log with --decisions FILE, or an admin token in ${TOKEN_VARIABLE} to ask the gateway's admin door`);
  const door = text(call, "admin") ?? doorOf(policy);
  if (!URL.canParse("/api", door)) throw new UsageError(`--admin takes the address of an admin door: http://127.0.0.1:9090`);
  const answer = await get(new URL(`/api/decisions/${id}`, door), token);
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw new UsageError(`the admin door at ${door} answered ${answer.status}${ANSWERS.get(answer.status) ?? ""}`);
  return readRecorded(await answer.text());
}

const ANSWERS: ReadonlyMap<number, string> = new Map([
  [401, `: ${TOKEN_VARIABLE} is no token of its`],
  [421, ": call it by its IP address, localhost or the host of its configuration"],
  [429, ": too many wrong tokens"],
]);

async function get(url: URL, token: string): Promise<Response> {
  try {
    return await fetch(url, { headers: { authorization: `Bearer ${token}` }, redirect: "error", signal: AbortSignal.timeout(PATIENCE_MS) });
  } catch {
    throw new UsageError(`the admin door at ${url.origin} does not answer`);
  }
}

/** As the policy says; a door on all addresses has loopback too. */
function doorOf({ gateway: { admin } }: Policy): string {
  if (!admin) throw new UsageError("the policy has no admin door: give a log with --decisions FILE, or --admin URL");
  const host = admin.host === "0.0.0.0" || admin.host === "::" ? "127.0.0.1" : admin.host;
  return `http://${isIPv6(host) ? `[${host}]` : host}:${admin.port}`;
}
