/** The attack catalogue's classes and how many rows each has: what the tests are held against. */

export interface AttackClass {
  readonly letter: string;
  readonly title: string;
  readonly rows: number;
}

export const CATALOGUE: readonly AttackClass[] = [
  { letter: "P", title: "path confusion", rows: 25 },
  { letter: "M", title: "methods", rows: 9 },
  { letter: "H", title: "headers", rows: 18 },
  { letter: "D", title: "framing and desync", rows: 16 },
  { letter: "J", title: "tokens", rows: 21 },
  { letter: "K", title: "API keys and static tokens", rows: 12 },
  { letter: "S", title: "AWS Signature Version 4", rows: 12 },
  { letter: "C", title: "CORS", rows: 14 },
  { letter: "R", title: "rate limiting", rows: 13 },
  { letter: "X", title: "exhaustion", rows: 10 },
  { letter: "F", title: "request forgery and configuration", rows: 8 },
  { letter: "L", title: "secrets and leaks", rows: 7 },
  { letter: "W", title: "WebSocket, events and long streams", rows: 10 },
];

/** `P1`, `P2`, … of all classes. */
export const ALL_ROWS: readonly string[] = CATALOGUE.flatMap(({ letter, rows }) =>
  Array.from({ length: rows }, (_, index) => `${letter}${index + 1}`),
);

/** The rows that a test's name begins with: `R3 R4 what …` is about both. */
export function rowsInName(name: string): readonly string[] {
  const known = new Set(ALL_ROWS);
  const rows: string[] = [];
  for (const word of name.split(" ")) {
    if (!known.has(word)) break;
    rows.push(word);
  }
  return rows;
}
