/** Requests made by chance, near the lines of a generated policy and beside them. */
import fc from "fast-check";
import type { RequestSketch } from "../../../src/contract/policy-tests.ts";
import type { GeneratedPolicy, GeneratedService } from "./policies.ts";

/** Numbers choose among what the policy has. */
export interface RequestDraft {
  readonly service: number;
  readonly place: number;
  readonly route: number;
  /** In place of the route's own. */
  readonly method: string | undefined;
  /** What stands for the placeholders, in their order. */
  readonly values: readonly string[];
  readonly twist: keyof typeof TWISTS;
  readonly query: string;
  readonly tenants: readonly string[];
  readonly origin: string | undefined;
  readonly preflight: boolean;
  readonly host: "own" | "upper" | "other";
  readonly address: string;
  /** The client's own identity headers, which mean nothing. */
  readonly spoofs: boolean;
  readonly websocket: boolean;
}

/** What becomes of a path that fits a line. */
const TWISTS = {
  none: (path: string) => path,
  slash: (path: string) => `${path}/`,
  cut: (path: string) => path.slice(0, path.lastIndexOf("/")) || "/",
  longer: (path: string) => `${path}/more`,
  double: (path: string) => `/${path}`,
  dots: (path: string) => `${path}/../one`,
  upper: (path: string) => path.replace(/\/[a-z]/g, (start) => start.toUpperCase()),
  encoded: (path: string) => path.replace(/[a-z](?=[^/]*$)/, (letter) => `%${letter.charCodeAt(0).toString(16)}`),
  parameter: (path: string) => `${path};x=1`,
  absolute: (path: string) => path,
} as const;

const mostly = <T>(usual: T, arbitrary: fc.Arbitrary<T>, weight = 6): fc.Arbitrary<T> =>
  fc.oneof({ weight, arbitrary: fc.constant(usual) }, { weight: 2, arbitrary });

const VALUES = ["t1", "t1", "t1", "t2", "t2", "c1", "word", "some", "One", "caf%C3%A9", "a%2Fb", "x;y", "t1%20"];
const QUERIES = [
  "?page=1",
  "?debug=1",
  "?tenant=t1",
  "?tenant=t2",
  "?tenant=t1&tenant=t2",
  "?Tenant%5B%5D=t1&page=2",
  "?page=1&DEBUG",
  "?page=1;tenant=t2",
  "?tenant=t%20one",
];

export const requestDraft: fc.Arbitrary<RequestDraft> = fc.record({
  service: fc.nat(2),
  place: fc.nat(3),
  route: fc.nat(8),
  method: mostly<string | undefined>(
    undefined,
    fc.constantFrom("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"),
    10,
  ),
  values: fc.array(fc.constantFrom(...VALUES), { minLength: 3, maxLength: 3 }),
  twist: mostly<keyof typeof TWISTS>("none", fc.constantFrom(...(Object.keys(TWISTS) as (keyof typeof TWISTS)[]))),
  query: mostly("", fc.constantFrom(...QUERIES)),
  tenants: mostly<readonly string[]>([], fc.constantFrom(["t1"], ["t1"], ["t2"], ["t1", "t1"], ["t1", "t2"], ["not a tenant"])),
  origin: mostly<string | undefined>(undefined, fc.constantFrom("https://app.example", "https://other.example", "null")),
  preflight: mostly(false, fc.boolean()),
  host: mostly<RequestDraft["host"]>("own", fc.constantFrom("upper", "other")),
  address: fc.constantFrom("192.0.2.1", "192.0.2.1", "10.1.2.3", "2001:db8::7", "198.51.100.9"),
  spoofs: fc.boolean(),
  websocket: mostly(false, fc.boolean(), 20),
});

/** The request that the draft makes under the policy. */
export function requestOf({ services }: GeneratedPolicy, draft: RequestDraft): RequestSketch {
  const service = services[draft.service % services.length]!;
  const names = Object.keys(service.routes);
  const [lineMethod = "", pattern = ""] = names[draft.route % names.length]!.split(" ");
  const websocket = draft.websocket && lineMethod === "GET" && !draft.preflight;
  const method = draft.preflight ? "OPTIONS" : websocket ? "GET" : (draft.method ?? lineMethod);
  const host = hostOf(service, draft);
  const path = TWISTS[draft.twist](service.prefixes[draft.place % service.prefixes.length]! + filled(pattern, draft.values)) + draft.query;
  return {
    method,
    target: draft.twist === "absolute" ? `http://${host}${path}` : path,
    headers: new Map([["host", [host]], ...headersOf(draft, lineMethod)]),
    address: draft.address,
    websocket,
  };
}

function headersOf({ tenants, origin, preflight, spoofs }: RequestDraft, lineMethod: string): readonly [string, readonly string[]][] {
  const page = preflight ? (origin ?? "https://app.example") : origin;
  return [
    ...(tenants.length > 0 ? [["x-tenant", tenants] as [string, readonly string[]]] : []),
    ...(page === undefined ? [] : [["origin", [page]] as [string, readonly string[]]]),
    ...(preflight ? [["access-control-request-method", [lineMethod]] as [string, readonly string[]]] : []),
    ...(spoofs ? SPOOFS : []),
  ];
}

const SPOOFS: readonly [string, readonly string[]][] = [
  ["x-auth-subject", ["root"]],
  ["x-auth-tenant", ["t2"]],
  ["x-user", ["root"]],
];

function hostOf({ hosts = ["gateway.example"] }: GeneratedService, { place, host, values }: RequestDraft): string {
  if (host === "other") return "elsewhere.example";
  const tenant = /^[a-z0-9]+$/.test(values[2]!) ? values[2]! : "t1";
  const own = hosts[place % hosts.length]!.replace("{org}", tenant);
  return host === "upper" ? `${own.toUpperCase()}:8080` : own;
}

function filled(pattern: string, values: readonly string[]): string {
  let next = 0;
  return pattern.replaceAll(/\{[a-z]+(\.\.\.)?\}/g, (_placeholder, rest?: string) => {
    const value = values[next++ % values.length]!;
    return rest === undefined ? value : `deep/${value}`;
  });
}
