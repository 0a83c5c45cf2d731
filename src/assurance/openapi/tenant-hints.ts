/** Parameters whose names look as if they named a tenant. */
import type { Parameter } from "./model.ts";
import type { Line } from "./lines.ts";
import { headerKey } from "../../contract/header-key.ts";

export interface TenantHint {
  readonly place: Parameter["in"];
  /** Of a placeholder, as the table has it. */
  readonly name: string;
  readonly lines: number;
}

const TENANT =
  /^(?:x)?(?:tenant|org|organi[sz]ation|account|customer|client|company|workspace|realm)s?(?:id|uuid|key|name|slug|code|number|handle)?$/;

/** The most frequent first. */
export function tenantHints(lines: readonly Line[]): readonly TenantHint[] {
  const hints = new Map<string, TenantHint>();
  for (const { place, name } of lines.flatMap(namesIn)) {
    const key = `${place} ${name}`;
    hints.set(key, { place, name, lines: (hints.get(key)?.lines ?? 0) + 1 });
  }
  return [...hints.values()].toSorted((left, right) => right.lines - left.lines);
}

function namesIn({ operations, placeholders }: Line): readonly { readonly place: Parameter["in"]; readonly name: string }[] {
  const inPath = [...placeholders].filter(([name]) => isTenantLike(name)).map(([, name]) => ({ place: "path" as const, name }));
  const elsewhere = operations
    .flatMap(({ parameters }) => parameters)
    .filter((parameter) => parameter.in !== "path" && isTenantLike(parameter.name))
    .map((parameter) => ({ place: parameter.in, name: parameter.in === "header" ? parameter.name.toLowerCase() : parameter.name }));
  return [...new Map([...inPath, ...elsewhere].map((one) => [`${one.place} ${one.name}`, one])).values()];
}

function isTenantLike(name: string): boolean {
  return TENANT.test(headerKey(name).replaceAll(/[^a-z0-9]/g, ""));
}
