/** Who can call one route, for a terminal. */
import { openingWords, proverWords, roleWords } from "../classes/caller.ts";
import { wrapped } from "./matrix-text.ts";
import type { Reachable, Way, Who } from "./who.ts";

const TITLES = {
  any: "for every tenant that a request may name",
  own: "for their own tenant only",
  unnamed: "only in requests that name no tenant",
} as const;

/** One block: the route and its rule, then those who can call it, by whose data they reach. */
export function whoText(who: Who, width: number): string {
  const { route, paths } = who;
  const head = paths.map((path) => `${route.method} ${path}\n`).join("");
  const rule = `  rule  ${route.rule}\n  line  ${route.source.file}:${route.source.line}\n`;
  return `${head}${rule}\n${bodyText(who, width)}`;
}

function bodyText({ route, reached, ways }: Who, width: number): string {
  if (!reached) return "No request reaches it: other routes stand before it.\n";
  if (route.access.kind === "public") return "Everybody, without a credential.\n";
  if (ways.length === 0) return "Nobody can call it.\n";
  const namesTenants = ways.some(({ tenants }) => tenants !== "any") || route.tenant === "match";
  const parts = (["any", "own", "unnamed"] as const).map((tenants) => part(tenants, ways, width, namesTenants));
  const from = route.from ? `From ${route.from.cidrs.join(", ")} only.\n` : "";
  return `${parts.filter((text) => text !== "").join("\n")}${from}`;
}

function part(tenants: Reachable, ways: readonly Way[], width: number, isTitled: boolean): string {
  const own = ways.filter((way) => way.tenants === tenants);
  if (own.length === 0) return "";
  const title =
    isTitled && (tenants !== "any" || ways.length > own.length) ? `These can call it ${TITLES[tenants]}:\n` : "These can call it:\n";
  const lines = own.flatMap((way) => wrapped(wayWords(way), width - 4).map((line, index) => `${index === 0 ? "  " : "    "}${line}\n`));
  return title + lines.join("");
}

/** `people, group admin, role viewer or agent`. */
export function wayWords({ stance, roles, opening }: Pick<Way, "stance" | "opening"> & { readonly roles?: readonly string[] }): string {
  const grants = openingWords(opening);
  return [
    proverWords(stance),
    ...(grants === undefined ? [] : [grants]),
    ...(roles ? [`role ${roles.map(roleWords).join(" or ")}`] : []),
    ...(grants === undefined && !roles && stance.kind !== "nobody" ? ["any credential"] : []),
  ].join(", ");
}
