/** Tables of expectations: a row for each route, a column for each caller, and one mark where they meet. */
import type { Sallyport } from "./harness.ts";
import type { Carried, Systems } from "./systems.ts";

/** Marks of all columns in their order, and the route as the table of the system names it: `GET /models/{model_id}`. */
export type Row = readonly [marks: string, route: string];

export interface Asking {
  readonly ask: Systems["ask"];
  /** What each caller carries, in the order of the columns. */
  readonly columns: readonly Carried[];
  /** Stands before each route's path. */
  readonly prefix: string;
  /** What to put in the place of `{name}`. */
  readonly values: Readonly<Record<string, string>>;
  /** Verdict of each mark. */
  readonly legend: Readonly<Record<string, string>>;
}

/** The same rows with the marks that the gateway earns; a verdict that has no mark stands there in words. */
export async function askedRows(rows: readonly Row[], asking: Asking): Promise<Row[]> {
  const marks = new Map(Object.entries(asking.legend).map(([mark, verdict]) => [verdict, mark]));
  const asked: Row[] = [];
  for (const [, route] of rows) {
    let earned = "";
    for (const column of asking.columns) {
      const { verdict } = await asking.ask(lineOf(route, asking), column);
      earned += marks.get(verdict) ?? ` ${verdict} `;
    }
    asked.push([earned, route]);
  }
  return asked;
}

function lineOf(route: string, { prefix, values }: Asking): string {
  const [method, pattern = ""] = route.split(" ");
  const path = pattern.replaceAll(/\{(\w+)(?:\.\.\.)?\}/g, (_placeholder, name: string) => {
    const value = values[name];
    if (value === undefined) throw new Error(`${route}: nothing stands for {${name}}`);
    return value;
  });
  return `${method} ${prefix}${path}`;
}

/** Names of all routes that the running policy has for a service, sorted: a table of expectations must have them all. */
export function routesOf(sallyport: Sallyport, service: string): string[] {
  const found = sallyport.running.policy().services.find(({ name }) => name === service);
  return (found?.routes ?? []).map((route) => route.name).sort();
}

export function routesIn(rows: readonly Row[]): string[] {
  return rows.map(([, route]) => route).sort();
}
