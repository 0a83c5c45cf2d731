/** What coverage found, as machines read it, and the parts of it that people ask for. */
import type { Route } from "../../../contract/policy.ts";
import type { ApiDocument, Operation } from "../model.ts";
import type { ApiCoverage, OperationCoverage } from "./coverage.ts";

type OfKind<Kind extends OperationCoverage["kind"]> = Extract<OperationCoverage, { kind: Kind }>;

export function ofKind<Kind extends OperationCoverage["kind"]>(operations: readonly OperationCoverage[], kind: Kind): OfKind<Kind>[] {
  return operations.filter((one): one is OfKind<Kind> => one.kind === kind);
}

/** Those that a line decides, `denied` ones too. */
export function decided(operations: readonly OperationCoverage[]): readonly Exclude<OperationCoverage, { kind: "uncovered" }>[] {
  return operations.filter((one) => one.kind !== "uncovered");
}

/** Whether document and route let different callers in. */
export function differs({ difference: { wider, narrower } }: OfKind<"reached">): boolean {
  return wider.length + narrower.length > 0;
}

/** The shape is described in docs/openapi.md. */
export function coverageJson({ service, operations, percent, lone }: ApiCoverage, { unread }: ApiDocument): object {
  return {
    service: service.name,
    operations: operations.length,
    percent,
    uncovered: ofKind(operations, "uncovered").map(({ operation, reason, methods, partly }) => {
      return { ...operationJson(operation), reason, methods, partly: partly.map(routeJson) };
    }),
    wildcard: decided(operations)
      .filter(({ wildcard }) => wildcard)
      .map(decidedJson),
    denied: ofKind(operations, "denied").map(decidedJson),
    differing: ofKind(operations, "reached")
      .filter(differs)
      .map((one) => ({ ...decidedJson(one), ...one.difference })),
    routesWithoutOperation: lone.map(({ route, methods, within }) => {
      return { ...routeJson(route), methods, within: within ? nameOf(within) : null };
    }),
    unread,
  };
}

function decidedJson({ operation, route }: { readonly operation: Operation; readonly route: Route }): object {
  return { ...operationJson(operation), route: routeJson(route) };
}

function operationJson(operation: Operation): object {
  return { operation: nameOf(operation), place: operation.place };
}

function routeJson({ name, rule, source: { file, line, column } }: Route): object {
  return { route: name, rule, source: { file, line, column } };
}

function nameOf({ method, path }: Operation): string {
  return `${method} ${path}`;
}
