/** The facts of a line of the decision log, narrowed; undefined where they are none of ours. */
import type { NoFacts, RecordedFacts, RecordedKey, RecordedProof } from "../../contract/recorded.ts";
import { fieldsOf, flagOf, given, numberOf, textOf, textsOf, wordOf, type Fields } from "./narrow.ts";

export function recordedFacts(value: unknown): RecordedFacts | NoFacts | undefined {
  const fields = fieldsOf(value);
  if (!fields) return undefined;
  const none = wordOf(fields["none"], ["edge", "size"]);
  if (none) return { none };
  const [host, target] = [textOf(fields["host"]), textOf(fields["target"])];
  const proof = fields["proof"] === undefined ? undefined : recordedProof(fieldsOf(fields["proof"]));
  const isWhole = host !== undefined && target !== undefined && (fields["proof"] === undefined || proof !== undefined);
  if (!isWhole) return undefined;
  return {
    host,
    target,
    ...given("verdict", textOf(fields["verdict"])),
    ...given("fields", textsOf(fields["fields"])),
    ...given("origin", textOf(fields["origin"])),
    ...given("readable", flagOf(fields["readable"])),
    ...given("preflightMethod", textOf(fields["preflightMethod"])),
    ...(fields["websocket"] === true && { websocket: true }),
    ...given("headers", headerValues(fieldsOf(fields["headers"]))),
    ...given("names", textsOf(fields["names"])),
    ...(fields["certificate"] === false && { certificate: false }),
    ...given("proof", proof),
    ...given("trusts", textsOf(fields["trusts"])),
  };
}

function headerValues(fields: Fields | undefined): RecordedFacts["headers"] {
  return fields && Object.fromEntries(Object.entries(fields).map(([name, values]) => [name, textsOf(values) ?? []]));
}

function recordedProof(fields: Fields | undefined): RecordedProof | undefined {
  const kind = fields?.["kind"];
  switch (fields && kind) {
    case "none":
    case "ambiguous":
    case "unavailable":
      return { kind: kind as "none" };
    case "invalid":
      return invalidProof(fields!);
    case "jwt":
      return tokenProof(fields!);
    case "secret":
      return secretProof(fields!);
    case "key":
      return keyProof(fields!);
    default:
      return undefined;
  }
}

function invalidProof(fields: Fields): RecordedProof | undefined {
  const code = wordOf(fields["code"], ["TOKEN_INVALID", "KEY_INVALID", "SIGNATURE_INVALID"]);
  return code && { kind: "invalid", code };
}

function tokenProof(fields: Fields): RecordedProof | undefined {
  const [iss, claims, others] = [textOf(fields["iss"]), fieldsOf(fields["claims"]), textsOf(fields["others"])];
  return iss === undefined || !claims || !others ? undefined : { kind: "jwt", iss, claims, others };
}

function secretProof(fields: Fields): RecordedProof | undefined {
  const [authenticator, id] = [textOf(fields["authenticator"]), textOf(fields["id"])];
  return authenticator === undefined || id === undefined ? undefined : { kind: "secret", authenticator, id };
}

function keyProof(fields: Fields): RecordedProof | undefined {
  const [authenticator, trust, key] = [textOf(fields["authenticator"]), textOf(fields["trust"]), recordedKey(fieldsOf(fields["key"]))];
  return authenticator === undefined || trust === undefined || !key ? undefined : { kind: "key", authenticator, trust, key };
}

function recordedKey(fields: Fields | undefined): RecordedKey | undefined {
  const account = fieldsOf(fields?.["account"]);
  if (!fields || !account) return undefined;
  const [id, service, scopes] = [textOf(fields["id"]), textOf(fields["service"]), textsOf(fields["scopes"])];
  const [owner, role, enabled] = [textOf(account["id"]), textOf(account["role"]), flagOf(account["enabled"])];
  const kind = wordOf(account["kind"], ["service", "person"]);
  if (id === undefined || service === undefined || !scopes) return undefined;
  if (owner === undefined || role === undefined || enabled === undefined || !kind) return undefined;
  return {
    id,
    service,
    scopes,
    ...given("expiresAt", numberOf(fields["expiresAt"])),
    ...given("revokedAt", numberOf(fields["revokedAt"])),
    account: { id: owner, kind, role, enabled, ...given("tenant", textOf(account["tenant"])) },
  };
}
