/** The files of a policy → the policy, or everything that is wrong with them. */
import type { PolicyFiles } from "../contract/policy-files.ts";
import type { Policy, Route, Service, SourcePlace } from "../contract/policy.ts";
import { atOnce } from "../contract/steps.ts";
import { compilePolicy } from "./compile/policy.ts";
import { readDrafts } from "./drafts.ts";
import type { Drafts, InvalidFiles, LoadOptions, ReadFiles } from "./outcome.ts";
import { routeOrigins, type RouteOrigins } from "./origins.ts";
import type { GatewayFile } from "./schema/gateway.ts";
import type { ServiceFile } from "./schema/service.ts";
import { type SoundFiles, soundService } from "./sound.ts";
import { positionOf } from "./source.ts";
import { holdsStandIn, nodeAt, type Path, spanAt } from "./tree.ts";
import type { Draft } from "./validate.ts";
import { writtenFile } from "./written.ts";

export type Loaded = InvalidFiles | LoadedPolicy;

export interface LoadedPolicy extends ReadFiles {
  readonly kind: "policy";
  readonly policy: Policy;
}

/** A policy with what only those ask for who look at the files themselves. */
export interface ExpandedPolicy extends LoadedPolicy, Pick<Drafts, "unset" | "surroundings"> {
  readonly originsOf: (route: Route) => RouteOrigins;
  /** Whether a stand-in stands in this place of the gateway file, or below it. */
  readonly standsIn: (path: Path) => boolean;
  /** Where something stands in a service's file. */
  readonly placeIn: (service: Service, path: Path) => SourcePlace;
  /** The files as they are written. */
  readonly written: PolicyFiles;
}

export type Expanded = InvalidFiles | ExpandedPolicy;

/** Files without a mistake: what is to be compiled of them, and the policy that this gives. */
export interface ReadPolicy extends ReadFiles {
  readonly kind: "sound";
  readonly sound: SoundFiles;
  readonly expanded: () => ExpandedPolicy;
}

/** Reads, checks and compiles. All or nothing; nothing in the files makes it throw. */
export function loadPolicy(options: LoadOptions): Loaded {
  const read = readPolicy(options);
  if (read.kind === "invalid") return read;
  return { kind: "policy", policy: atOnce(compilePolicy(read.sound)), files: read.files, seen: read.seen };
}

/** As `loadPolicy`, and tells which of the files each rule came from. */
export function loadExpanded(options: LoadOptions): Expanded {
  const read = readPolicy(options);
  return read.kind === "invalid" ? read : read.expanded();
}

/** Reads and checks; whoever wants the policy compiles what is sound. */
export function readPolicy(options: LoadOptions): InvalidFiles | ReadPolicy {
  const drafts = readDrafts(options);
  if (drafts.kind === "invalid") return drafts;
  const { gateway, services, revision, files, seen } = drafts;
  const sound: SoundFiles = {
    path: options.configPath,
    revision,
    gateway: gateway.content as GatewayFile,
    services: services.map(soundService),
  };
  return { kind: "sound", sound, files, seen, expanded: () => expandedOf(drafts, atOnce(compilePolicy(sound))) };
}

function expandedOf({ gateway, services, files, seen, unset, surroundings }: Drafts, policy: Policy): ExpandedPolicy {
  const draftOf = (service: Service) => services[policy.services.indexOf(service)]!;
  return {
    kind: "policy",
    policy,
    files,
    seen,
    unset,
    surroundings,
    originsOf: (route) => routeOrigins(route, gateway.content as GatewayFile, draftOf(route.service).content as ServiceFile),
    standsIn: (path) => holdsStandIn(nodeAt(gateway.tree, path)),
    placeIn: (service, path) => placeOf(draftOf(service), path),
    written: { gateway: writtenFile(gateway), ofService: (service) => writtenFile(draftOf(service)) },
  };
}

function placeOf({ source, tree }: Draft<ServiceFile>, path: Path): SourcePlace {
  return { file: source.file, ...positionOf(source, spanAt(tree, path, "key").start) };
}
