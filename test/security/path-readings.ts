/** How an upstream may read the path that it is sent: the list of section 2.1, each alone and two after one another. */

export interface UpstreamReading {
  readonly name: string;
  /** What the upstream takes a path, or one segment of it, for. */
  readonly read: (path: string) => string;
}

const SINGLE: readonly UpstreamReading[] = [
  { name: "removes dot segments", read: removeDotSegments },
  { name: "decodes", read: decode },
  { name: "decodes twice", read: (path) => decode(decode(path)) },
  { name: "takes \\ for /", read: (path) => path.replaceAll("\\", "/") },
  { name: "cuts path parameters off", read: (path) => path.replaceAll(/;[^/]*/g, "") },
  { name: "collapses //", read: (path) => path.replaceAll(/\/{2,}/g, "/") },
  { name: "drops control characters", read: (path) => path.replaceAll(/[\u0000-\u001f\u007f-\u009f]/g, "") },
  { name: "ends at NUL, # or ?", read: (path) => path.replace(/[\u0000#?].*$/s, "") },
  { name: "ignores case", read: (path) => path.toLowerCase() },
];

const PAIRS: readonly UpstreamReading[] = SINGLE.flatMap((first) =>
  SINGLE.filter((second) => second !== first).map((second) => ({
    name: `${first.name}, then ${second.name}`,
    read: (path: string) => second.read(first.read(path)),
  })),
);

/** Every reading that must lead to the route that the gateway found; the plain one first, which proves the judge. */
export const READINGS: readonly UpstreamReading[] = [{ name: "takes it as it is", read: (path) => path }, ...SINGLE, ...PAIRS];

/** The readings of an upstream that wants `%2F` inside a segment: it splits first, and then reads each segment by itself. */
export const SEGMENT_READINGS: readonly UpstreamReading[] = READINGS.map(({ name, read }) => ({
  name: `splits, then ${name}`,
  read: (path) => path.split("/").map(readSegmentWith(read)).join("/"),
}));

/** A slash that a segment holds once it is read stays in it: it is no separator any more. */
function readSegmentWith(read: (path: string) => string): (segment: string) => string {
  return (segment) => read(segment).replaceAll("/", INNER_SLASH);
}

const INNER_SLASH = "\u2215";

/** Percent-decoding as most servers do it: what is no valid encoding stays, what is no UTF-8 becomes U+FFFD. */
export function decode(text: string): string {
  return text.replaceAll(/(?:%[0-9A-Fa-f]{2})+/g, (run) => Buffer.from(run.replaceAll("%", ""), "hex").toString());
}

/** RFC 3986 section 5.2.4. */
export function removeDotSegments(path: string): string {
  const output: string[] = [];
  const segments = path.split("/");
  for (const [index, segment] of segments.entries()) {
    const isLast = index === segments.length - 1;
    if (segment === ".." && output.length > 1) output.pop();
    if (segment !== "." && segment !== "..") output.push(segment);
    else if (isLast) output.push("");
  }
  return output.join("/");
}
