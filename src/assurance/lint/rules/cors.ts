/** L305, L306: pages over http, and pages that could call and may not say who they are. */
import type { Authenticator } from "../../../contract/authenticators.ts";
import type { Cors, Service } from "../../../contract/policy.ts";
import { isLoopback } from "../near.ts";
import { blockSpot, type Observation, quoted, type ServiceRule, type ServiceSubject } from "../observation.ts";

export const cors: ServiceRule = (subject) => {
  const rules = subject.service.cors;
  return rules ? [...openOrigins(subject, rules), ...silentPages(subject, rules)] : [];
};

function openOrigins(subject: ServiceSubject, { origins, credentials }: Cors): readonly Observation[] {
  return [...origins].flatMap((origin, index): readonly Observation[] => {
    const url = URL.parse(origin);
    if (url?.protocol !== "http:" || isLoopback(url.hostname)) return [];
    const { file, path } = blockSpot(subject, "cors", "origins", index);
    const message = `pages of \`${origin}\` come over http${credentials ? ", and may send credentials" : ""}`;
    return [{ code: "L305", file, path, message }];
  });
}

function silentPages(subject: ServiceSubject, { headers }: Cors): readonly Observation[] {
  const carrying = credentialHeaders(subject.service);
  const listed = new Set(headers.map((name) => name.toLowerCase()));
  if (!carrying || carrying.some((header) => listed.has(header))) return [];
  const message = `\`headers\` lists none of those that carry a credential: ${quoted(carrying)}`;
  return [{ code: "L306", ...blockSpot(subject, "cors"), part: "key", message }];
}

/** Undefined: no header is needed. */
function credentialHeaders({ authenticators, routes }: Service): readonly string[] | undefined {
  const isNeeded = authenticators.length > 0 && routes.some(({ access }) => access.kind !== "public" && access.kind !== "denied");
  if (!isNeeded || authenticators.some(({ kind }) => kind === "mtls")) return undefined;
  return [...new Set(authenticators.map(headerOf))];
}

function headerOf(authenticator: Authenticator): string {
  return authenticator.kind === "apiKey" ? authenticator.header.toLowerCase() : "authorization";
}
