/** What a person reads when the demo has started. */
import { demoCalls, issuerCalls, type DemoCall, type RunningGateway } from "./calls.ts";
import { PIE_POOL, STACKFLOW_POOL } from "./cast.ts";
import type { Demo } from "./demo.ts";
import type { Issuer } from "./issuer/issuer.ts";
import type { Person } from "./issuer/pool-options.ts";

/** The whole text, which is a shell script too: all but the calls is comment, so that any part of it may be pasted. */
export function printDemo(demo: Demo, gateway: RunningGateway): string {
  return [
    "# Sallyport demo: everything is on 127.0.0.1, and gone when it stops.",
    callsText(demoCalls(demo, gateway)),
    machinesText(demo),
    peopleText(demo),
    adminText(demo, gateway),
  ].join("\n\n");
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
      return `${system}# ${outcomeOf(call)}: ${call.title}\n${credential}${call.shortCurl}`;
    })
    .join("\n\n");
}

function outcomeOf(call: DemoCall): string {
  return call.expectedCode === undefined ? `allowed, ${call.expectedStatus}` : `refused, ${call.expectedStatus} ${call.expectedCode}`;
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

function adminText({ environment }: Demo, { adminUrl }: RunningGateway): string {
  return `## Admin door\n\n#   ${adminUrl}/\n#   token: ${environment["ADMIN_TOKEN"]}\n`;
}
