/** A generated policy as files. */
import type { Policy } from "../../../src/contract/policy.ts";
import { policyOf } from "../../decision/policy.ts";
import type { SmallAuthenticator } from "../fixtures/small-policies.ts";
import type { GeneratedPolicy, GeneratedService } from "./policies.ts";

/** What the policy is to meet outside. */
export interface Outside {
  readonly upstream: string;
  /** Address of an issuer's key set. */
  readonly jwks: (issuer: string) => string;
}

const NOTHING: Outside = { upstream: "http://upstream:8080", jwks: (issuer) => `${issuer}/jwks.json` };

export const SEALING = "sealing-secret-of-generated-policies";

/** The files by their path. */
export function filesOf(policy: GeneratedPolicy, outside: Outside): Readonly<Record<string, string>> {
  const services = policy.services.map((service): [string, string] => [
    `services/${service.name}.yaml`,
    `version: 1\nservice: ${service.name}\n${serviceText(service, outside)}`,
  ]);
  return { "sallyport.yaml": gatewayText(policy, outside), ...Object.fromEntries(services) };
}

/** Compiled, without anything outside. Throws the diagnostics. */
export function compiled(policy: GeneratedPolicy): Policy {
  const services = policy.services.map((service): [string, string] => [service.name, serviceText(service, NOTHING)]);
  return policyOf(Object.fromEntries(services), gatewayText(policy, NOTHING));
}

/** JSON is YAML. */
function text(blocks: object): string {
  const lines = Object.entries(blocks).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`);
  return lines.join("");
}

function gatewayText({ defaults, services }: GeneratedPolicy, outside: Outside): string {
  const shared = services.flatMap((service) => service.shared.map((name) => [name, service.authenticators[name]!] as const));
  const written = shared.map(([name, one]) => [name, authenticatorFile(one, name, outside)]);
  return text({
    version: 1,
    listen: { host: "127.0.0.1", port: 8080 },
    trustProxy: ["127.0.0.1"],
    stores: { keys: "sqlite:data/keys.db", counters: "memory", sealing: SEALING },
    log: { level: "debug", decisions: "all" },
    ...(written.length > 0 && { authenticators: Object.fromEntries(written) as object }),
    ...(Object.keys(defaults).length > 0 && { defaults }),
    services: services.map(({ name }) => `services/${name}.yaml`),
  });
}

function serviceText(service: GeneratedService, outside: Outside): string {
  const { hosts, prefixes, stripPrefix, identity, roles, tenant, cors, errors, routes } = service;
  const authenticators = Object.entries(service.authenticators).map(([name, one]) => [
    name,
    service.shared.includes(name) ? "shared" : authenticatorFile(one, service.name, outside),
  ]);
  return text({
    upstream: { url: outside.upstream, ...(identity && { identity }) },
    ...(hosts && { hosts }),
    ...(prefixes[0] !== "" && { prefix: prefixes }),
    ...(stripPrefix && { stripPrefix }),
    roles,
    authenticators: Object.fromEntries(authenticators) as object,
    ...(tenant && { tenant }),
    ...(cors && { cors }),
    ...(errors && { errors }),
    routes,
  });
}

/** With the address of its keys; secrets are of the one place where they stand. */
function authenticatorFile({ jwt, bearer, ...rest }: SmallAuthenticator, owner: string, { jwks }: Outside): object {
  return {
    ...rest,
    ...(jwt && { jwt: { ...jwt, jwks: jwks(jwt.issuer), algorithms: ["ES256"] } }),
    ...(bearer && { bearer: bearer.map((one) => ({ ...one, value: secretOf(owner, one.id) })) }),
  };
}

/** Value of a shared secret; `owner` is the service, or the authenticator's name where it stands in the gateway file. */
export function secretOf(owner: string, id: string): string {
  return `a-secret-of-${owner}-${id}`;
}
