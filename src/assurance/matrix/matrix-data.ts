/** The matrix for machines: JSON and CSV. */
import type { Stance } from "../classes/caller.ts";
import type { CallerClass } from "../classes/verdicts.ts";
import { grantsWords } from "./columns.ts";
import type { Cell, ServiceMatrix } from "./matrix.ts";
import type { Who } from "./who.ts";

export function matrixJson(services: readonly ServiceMatrix[]): object {
  return {
    services: services.map(({ service, classes, rows }) => ({
      service: service.name,
      classes: classes.map(({ stance, grants }) => ({ ...stanceJson(stance), grants })),
      routes: rows.map(({ route, paths, cells }) => ({
        route: route.name,
        paths,
        rule: route.rule,
        source: route.source,
        cells: cells.map(cellJson),
      })),
    })),
  };
}

export function whoJson({ route, paths, reached, ways }: Who): object {
  return {
    service: route.service.name,
    route: route.name,
    paths,
    rule: route.rule,
    source: route.source,
    reached,
    from: route.from?.cidrs ?? null,
    callers: ways.map(({ stance, roles, tenants, opening }) => ({
      ...proverJson(stance),
      roles: roles ?? null,
      tenants,
      grants: opening,
    })),
  };
}

/** A role of `""` is any that the service does not know. */
function stanceJson(stance: Stance): object {
  return { ...proverJson(stance), ...(stance.role !== undefined && { role: stance.role }) };
}

/** The stance but for its role. */
export function proverJson({ kind, authenticator, secret }: Stance): object {
  return { kind, ...(kind !== "nobody" && { authenticator }), ...(secret !== undefined && { secret }) };
}

function cellJson(cell: Cell): object {
  return cell.kind === "refused" ? { access: "refused", code: cell.code } : { access: cell.kind };
}

const HEADINGS = ["service", "method", "path", "rule", "caller", "authenticator", "secret", "role", "grants", "access", "code"];

/** One line for each route, place and class (RFC 4180). */
export function matrixCsv(services: readonly ServiceMatrix[]): string {
  const lines = services.flatMap(({ service, classes, rows }) =>
    rows.flatMap(({ route, paths, cells }) =>
      paths.flatMap((path) =>
        classes.map((one, index) => [service.name, route.method, path, route.rule, ...classFields(one), ...cellFields(cells[index]!)]),
      ),
    ),
  );
  return [HEADINGS, ...lines].map((fields) => `${fields.map(quoted).join(",")}\r\n`).join("");
}

function classFields({ stance, grants }: CallerClass): readonly string[] {
  return [
    stance.kind,
    stance.authenticator,
    stance.secret ?? "",
    stance.role === "" ? "(any other)" : (stance.role ?? ""),
    grantsWords(grants),
  ];
}

function cellFields(cell: Cell): readonly string[] {
  return cell.kind === "refused" ? ["refused", cell.code] : [cell.kind, ""];
}

/** What a spreadsheet would take for a formula is made a text. */
function quoted(field: string): string {
  const safe = /^[=+\-@\t\r]/.test(field) ? `'${field}` : field;
  return /[",\r\n]/.test(safe) ? `"${safe.replaceAll('"', '""')}"` : safe;
}
