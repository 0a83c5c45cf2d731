/** Files without a mistake → the one immutable policy. */
import { headerKey } from "../../contract/header-key.ts";
import type { Policy, Service } from "../../contract/policy.ts";
import type { Steps } from "../../contract/steps.ts";
import type { SoundFiles } from "../sound.ts";
import { hostTable, type Mountable, methodTrees } from "../table.ts";
import type { Issuers } from "./authenticator.ts";
import { compileGateway } from "./gateway.ts";
import { addLimits, addressLimits } from "./limits.ts";
import { compileService, IDENTITY } from "./service.ts";

/** Pauses after every few routes: see `contract/steps.ts`. */
export function* compilePolicy({ gateway, path, services: files, revision }: SoundFiles): Steps<Policy> {
  const issuers: Issuers = new Map();
  const mountable: Mountable[] = [];
  for (const sound of files) {
    const { service, routes } = yield* compileService(sound, gateway, issuers);
    mountable.push({ service, hosts: sound.file.hosts ?? [], methods: yield* methodTrees(routes) });
  }
  const services = mountable.map(({ service }) => service);
  return {
    revision,
    gateway: compileGateway(gateway, path),
    services,
    hosts: hostTable(mountable),
    strippedHeaders: strippedHeaders(services),
    addressLimits: addressLimits(addLimits(new Map(), gateway.defaults?.limits, "gateway")),
  };
}

function strippedHeaders(services: readonly Service[]): ReadonlySet<string> {
  const names = services.flatMap((service) => [
    ...Object.values(service.upstream.identity),
    ...service.authenticators.flatMap((one) => (one.kind === "apiKey" ? [one.header] : [])),
    ...(service.tenant?.header === undefined ? [] : [service.tenant.header]),
  ]);
  return new Set([...Object.values(IDENTITY), ...names].map((name) => headerKey(String(name))));
}
