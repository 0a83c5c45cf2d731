/** Variables that were not set here, and for which words stand in that rules compare with a request. */
import type { Authenticator } from "../../contract/authenticators.ts";
import type { Policy } from "../../contract/policy.ts";

/** Those of the names whose stand-in (`standInOf`) is compared with something of requests or tokens; secrets are told apart by their ids. */
export function standInsCompared(policy: Policy, names: readonly string[], standInOf: (name: string) => string): readonly string[] {
  const texts = new Set<string>();
  for (const { authenticators, roles, tenant, cors, prefixes } of policy.services)
    collect([authenticators.map(withoutSecrets), roles, tenant, cors, prefixes], texts);
  for (const host of [...policy.hosts.exact.keys(), ...policy.hosts.suffix.keys()]) texts.add(host);
  return names.filter((name) => [...texts].some((text) => text.includes(standInOf(name))));
}

function withoutSecrets(authenticator: Authenticator): object {
  return authenticator.kind === "bearer" ? { ...authenticator, secrets: authenticator.secrets.map(({ id }) => id) } : authenticator;
}

function collect(value: unknown, texts: Set<string>): void {
  if (typeof value === "string") texts.add(value);
  else if (value instanceof Map) collect([...value.keys(), ...value.values()], texts);
  else if (value instanceof Set || Array.isArray(value)) for (const item of value) collect(item, texts);
  else if (typeof value === "object" && value !== null) collect(Object.values(value), texts);
}
