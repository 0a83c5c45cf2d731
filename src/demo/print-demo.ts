/** What a person reads when the demo has started. */
import { demoCalls, issuerCalls, type DemoCall, type RunningGateway } from "./calls.ts";
import { PIE_POOL, STACKFLOW_POOL } from "./cast.ts";
import type { Demo } from "./demo.ts";
import type { Issuer } from "./issuer/issuer.ts";
import type { Person } from "./issuer/pool-options.ts";

/** What 80 columns leave behind the mark of a comment. */
const WIDEST_BODY = 76;

/** A door that is not where it would have been. */
export interface MovedDoor {
  readonly door: string;
  readonly wanted: number;
  readonly port: number;
}

export interface PrintedGateway extends RunningGateway {
  readonly moved: readonly MovedDoor[];
  /** A gateway file for commands about the accounts and keys of this demo. */
  readonly configPath: string;
}

/** The whole text, which is a shell script too: all but the calls is comment, so that any part of it may be pasted. */
export function printDemo(demo: Demo, gateway: PrintedGateway): string {
  return [
    ["# Sallyport demo: everything is on 127.0.0.1, and gone when it stops.", ...gateway.moved.map(movedText)].join("\n"),
    `# Used by the calls of docs/demo.md\nGATEWAY=${gateway.gatewayUrl}`,
    callsText(demoCalls(demo, gateway)),
    machinesText(demo),
    peopleText(demo),
    keysText(gateway),
    adminText(demo, gateway),
  ].join("\n\n");
}

function movedText({ door, wanted, port }: MovedDoor): string {
  return `# Port ${wanted} is taken by another program: ${door} is on port ${port} instead.`;
}

/** The part of it that concerns the issuer alone, where that is a process of its own; a shell script too. */
export function printIssuer(issuer: Issuer, gatewayUrl: string): string {
  const calls = callsText(issuerCalls(issuer, gatewayUrl));
  return ["# Sallyport demo: the issuer.", calls, machinesText({ issuer }), peopleText({ issuer })].join("\n\n") + "\n";
}

/** A credential is set where it is first needed. */
function callsText(calls: readonly DemoCall[]): string {
  return calls
    .map((call, index) => {
      const before = calls[index - 1];
      const system = before?.system === call.system ? "" : `## ${call.system}\n\n`;
      const credential = before?.credential.name === call.credential.name ? "" : `${call.credential.name}=${call.credential.value}\n`;
      return `${system}# ${outcomeOf(call)}: ${call.title}\n${bodyText(call)}${credential}${call.shortCurl}`;
    })
    .join("\n\n");
}

function outcomeOf(call: DemoCall): string {
  return `${call.expectedCode === undefined ? "allowed" : "refused"}, ${call.expectedStatus}`;
}

/** What the refused client reads; not every service's format has room for the code, but the log has it. */
function bodyText({ expectedBody, expectedCode }: DemoCall): string {
  if (expectedBody === undefined || expectedCode === undefined) return "";
  const body = expectedBody.length <= WIDEST_BODY ? expectedBody : expectedBody.replaceAll(',"', ',\n#    "');
  return `#   ${body}\n${expectedBody.includes(expectedCode) ? "" : `#   and ${expectedCode} in the log\n`}`;
}

function machinesText({ issuer }: Pick<Demo, "issuer">): string {
  const pools = issuer.pools.map((pool) => {
    const machines = pool.clients.filter(({ kind }) => kind === "machine");
    return `#   ${pool.address}/oauth2/token\n${machines.map(({ id, secret }) => `#   ${id.padEnd(22)} ${secret}`).join("\n")}`;
  });
  return `## Machine clients and their secrets, for client credentials (docs/demo.md)\n\n${pools.join("\n#\n")}`;
}

function peopleText({ issuer }: Pick<Demo, "issuer">): string {
  const pools = [
    { system: "PIE", pool: issuer.pool(PIE_POOL), token: "access" },
    { system: "StackFlow", pool: issuer.pool(STACKFLOW_POOL), token: "ID" },
  ];
  return pools
    .map(({ system, pool, token }) => {
      const people = pool.people.map((person) => `#   ${person.username.padEnd(6)} ${person.password}   ${factsOf(person)}`);
      return `## Sign in as a person of ${system}, and copy the ${token} token\n\n#   ${pool.address}/try\n${people.join("\n")}`;
    })
    .join("\n\n");
}

function factsOf(person: Person): string {
  return [...person.groups, ...Object.values(person.custom)].join(", ");
}

function keysText({ configPath }: PrintedGateway): string {
  return `## Accounts and keys, while the demo runs

CONFIG=${configPath}
#   npm run -s sallyport -- accounts list --config "$CONFIG"
#   npm run -s sallyport -- keys list --config "$CONFIG"
#   npm run -s sallyport -- keys revoke KEY --config "$CONFIG"`;
}

function adminText({ environment }: Demo, { adminUrl }: RunningGateway): string {
  return `## Admin door\n\n#   ${adminUrl}/\n#   token: ${environment["ADMIN_TOKEN"]}\n`;
}
