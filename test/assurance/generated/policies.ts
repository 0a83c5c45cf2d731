/** Whole policies made by chance: up to three services under hosts and prefixes, with all kinds of rules. */
import fc from "fast-check";
import {
  access,
  authenticators,
  fittingRule,
  grants,
  maybe,
  present,
  roles,
  type SmallAuthenticator,
  type SmallRule,
  type SmallService,
} from "../fixtures/small-policies.ts";

export interface GeneratedRule extends SmallRule {
  readonly from?: readonly string[];
  readonly query?: { readonly deny: readonly string[] } | { readonly allow: readonly string[] };
  readonly encodedSlash?: "keep";
  readonly websocket?: true;
}

export interface GeneratedService extends Omit<SmallService, "prefix" | "tenant" | "routes"> {
  readonly name: string;
  readonly hosts?: readonly string[];
  /** `""` for a service without prefix. */
  readonly prefixes: readonly string[];
  readonly stripPrefix?: true;
  readonly identity?: Readonly<Record<string, string>>;
  /** Those of its authenticators that stand in the gateway file. */
  readonly shared: readonly string[];
  readonly tenant?: SmallService["tenant"] & { readonly host?: string };
  readonly cors?: object;
  readonly errors?: object;
  readonly routes: Readonly<Record<string, GeneratedRule>>;
}

export interface GeneratedPolicy {
  /** Blocks of the gateway file that hold where a service has none. */
  readonly defaults: { readonly cors?: object; readonly errors?: object };
  readonly services: readonly GeneratedService[];
}

/* ── parts ────────────────────────────────────────────────────────────── */

export const SERVICES = ["shop", "depot", "desk"];
export const ROUTES = [
  "GET /",
  "GET /one",
  "GET /one/",
  "POST /one",
  "OPTIONS /one",
  "GET /{x}",
  "PUT /{x}",
  "PATCH /two/{x}/parts",
  "GET /files/{rest...}",
  "GET /of/{tid}/three",
  "GET /of/{tid}/{rest...}",
  "GET /of/some/{y}",
  "POST /of/{tid}/{y}",
  "DELETE /of/{tid}/{y}",
];
/** Every service has it, so that its tenant block has a placeholder to name. */
export const ANCHOR = "GET /of/{tid}/anchor";

const seldom = <T>(arbitrary: fc.Arbitrary<T>) => fc.oneof({ weight: 4, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary });

interface Mount {
  readonly hosts?: readonly string[];
  readonly prefixes: readonly string[];
}

const mountOf = (name: string) =>
  fc.constantFrom<Mount>(
    { prefixes: [`/${name}`] },
    { prefixes: [`/${name}`, `/${name}/v2`] },
    { prefixes: [`/shop/${name}`] },
    { prefixes: [""] },
    { hosts: ["common.example"], prefixes: [`/${name}`] },
    { hosts: [`${name}.example`], prefixes: [""] },
    { hosts: [`{org}.${name}.example`], prefixes: [""] },
    { hosts: [`{org}.${name}.example`, `${name}.example`], prefixes: ["/api"] },
  );

const iam = fc.record({
  sigv4: fc.constant({ region: "eu-west-1", service: "things" }),
  scopes: maybe(fc.record({ s1: grants })),
  tenant: maybe(fc.constantFrom<SmallAuthenticator["tenant"]>("account", { fixed: "t1" })),
  crossTenant: seldom(fc.constant({ role: "r2" })),
});

/** Authenticators of the gateway file: the same wherever a service takes them. */
const SHARED: Readonly<Record<string, SmallAuthenticator>> = {
  partners: {
    bearer: [{ id: "p1", value: "a-secret-of-partners-1", access: ["a.x", "b.x"] }],
    tenant: { fixed: "t2" },
  },
  staff: {
    jwt: { issuer: "https://staff.example", caller: "person", clients: "any" },
    groups: { g1: ["a.x"], g2: ["*"] },
    tenant: { claim: "tid" },
    crossTenant: { group: "g2" },
  },
};

const tenant = fc.record({
  path: maybe(fc.constant("tid")),
  query: maybe(fc.constant("tenant")),
  header: maybe(fc.constant("x-tenant")),
  host: fc.constant("org"),
  required: fc.boolean(),
});

const ruleAccess = fc.oneof(
  { weight: 10, arbitrary: access },
  { weight: 2, arbitrary: fc.constant("public") },
  { weight: 1, arbitrary: fc.constant("denied") },
);
const NAMES = ["machines", "people", "everyone", "key", "token", "iam", ...Object.keys(SHARED)];

const rule = fc.record({
  access: ruleAccess,
  authenticators: seldom(fc.subarray(NAMES)),
  tenant: seldom(fc.constantFrom("unchecked", "crossTenantOnly")),
  from: seldom(fc.constantFrom(["10.0.0.0/8"], ["192.0.2.0/24", "2001:db8::/32"])),
  query: seldom(fc.constantFrom({ deny: ["debug"] }, { allow: ["page", "tenant"] }, { allow: ["page"] })),
  encodedSlash: seldom(fc.constant("keep" as const)),
  websocket: seldom(fc.constant(true as const)),
});

const cors = fc.record({
  origins: fc.constant(["https://app.example"]),
  methods: seldom(fc.constant(["GET", "POST"])),
  headers: seldom(fc.constant(["content-type", "authorization"])),
  expose: seldom(fc.constant(["x-page"])),
  credentials: seldom(fc.constant(true)),
  maxAge: seldom(fc.constant("10m")),
  otherOrigins: fc.constantFrom("refuse", "noHeaders"),
});

const errors = fc.record({
  format: fc.constantFrom("problem", "detail", "envelope", "coded"),
  codes: fc.dictionary(
    fc.constantFrom("TOKEN_INVALID", "KEY_INVALID", "TENANT_MISMATCH", "ROUTE_NOT_FOUND", "ORIGIN_NOT_ALLOWED"),
    fc.record({ status: fc.constantFrom(400, 403, 404, 410) }),
    { maxKeys: 2 },
  ),
});

/* ── services ─────────────────────────────────────────────────────────── */

const serviceNamed = (name: string): fc.Arbitrary<GeneratedService> =>
  fc
    .record({
      mount: mountOf(name),
      stripPrefix: seldom(fc.constant(true as const)),
      identity: seldom(fc.constantFrom({ tenant: "x-tenant" }, { subject: "x-user", role: "x-role" })),
      roles,
      authenticators,
      iam: seldom(iam),
      shared: fc.subarray(Object.keys(SHARED), { maxLength: 1 }),
      tenant: maybe(tenant),
      cors: seldom(cors),
      errors: seldom(errors),
      routes: fc.dictionary(fc.constantFrom(...ROUTES), rule, { minKeys: 1, maxKeys: 8 }),
    })
    .map(({ mount, iam: signed, ...drawn }) =>
      repairedService({ ...drawn, ...mount, name, authenticators: { ...drawn.authenticators, ...(signed && { iam: signed }) } }),
    );

/** As `repairedService` takes it: what is undefined is not there. */
export interface DrawnService extends Omit<
  GeneratedService,
  "hosts" | "stripPrefix" | "identity" | "tenant" | "cors" | "errors" | "authenticators" | "routes"
> {
  readonly hosts?: readonly string[] | undefined;
  readonly stripPrefix?: true | undefined;
  readonly identity?: Readonly<Record<string, string>> | undefined;
  readonly authenticators: Readonly<Record<string, object>>;
  readonly tenant?: object | undefined;
  readonly cors?: object | undefined;
  readonly errors?: object | undefined;
  readonly routes: Readonly<Record<string, object>>;
}

/** Brings what was drawn into a form that loads. */
export function repairedService(drawn: DrawnService): GeneratedService {
  const shared = drawn.shared.map((name): [string, object] => [name, SHARED[name]!]);
  const all = [...Object.entries(drawn.authenticators), ...shared].map(([name, one]) => [name, present(one)]);
  const places = placesOf(drawn);
  const service = present({
    ...drawn,
    authenticators: Object.fromEntries(all) as object,
    tenant: places,
    cors: drawn.cors && present(drawn.cors),
  }) as unknown as GeneratedService;
  const everyHostNames = places !== undefined && "host" in places && service.hosts!.every((host) => host.startsWith("{"));
  const routes = Object.entries({ ...service.routes, [ANCHOR]: { access: "authenticated" } }).map(
    ([name, one]): [string, GeneratedRule] => [name, fitted(service, name, one, everyHostNames)],
  );
  return { ...service, routes: Object.fromEntries(routes) };
}

function placesOf({ tenant: drawn, hosts = [] }: DrawnService): Record<string, unknown> | undefined {
  if (!drawn) return undefined;
  const { host, ...elsewhere } = present(drawn) as { host?: string };
  const places: Record<string, unknown> = { ...elsewhere, ...(hosts.some((one) => one.startsWith(`{${host}}`)) && { host }) };
  const isNamed = ["path", "query", "header", "host"].some((place) => place in places);
  return isNamed ? places : { ...places, path: "tid" };
}

/** A public line cannot name a tenant, and only a GET can be upgraded. */
function fitted(service: GeneratedService, name: string, wanted: GeneratedRule, everyHostNames: boolean): GeneratedRule {
  const namesTenant = service.tenant?.path !== undefined && name.includes(`{${service.tenant.path}}`);
  const open = wanted.access === "public" && namesTenant ? { ...wanted, access: "authenticated" } : wanted;
  const { websocket, ...plain } = open;
  const possible: GeneratedRule = websocket && name.startsWith("GET ") ? { ...plain, websocket } : plain;
  const { from, query, encodedSlash } = possible;
  const own = possible.access === "denied" ? {} : present({ from, query, encodedSlash, websocket: possible.websocket });
  return { ...fittingRule(service as SmallService, name, present(possible) as unknown as GeneratedRule, everyHostNames), ...own };
}

/* ── policies ─────────────────────────────────────────────────────────── */

export const generatedPolicy: fc.Arbitrary<GeneratedPolicy> = fc
  .record({
    defaults: fc.record({ cors: seldom(cors), errors: seldom(errors) }),
    services: fc.tuple(serviceNamed(SERVICES[0]!), maybe(serviceNamed(SERVICES[1]!)), maybe(serviceNamed(SERVICES[2]!))),
  })
  .map(({ defaults, services }) =>
    repairedPolicy({
      defaults: present({ cors: defaults.cors && present(defaults.cors), errors: defaults.errors }),
      services: services.filter((one) => one !== undefined),
    }),
  );

/** No two services stand under the same host and prefix. */
export function repairedPolicy({ defaults, services }: GeneratedPolicy): GeneratedPolicy {
  const taken = new Set<string>();
  const settled = services.map((service) => {
    const places = (service.hosts ?? [""]).flatMap((host) => service.prefixes.map((prefix) => `${host} ${prefix}`));
    const own = places.some((place) => taken.has(place)) ? { ...service, prefixes: [`/at-${service.name}`] } : service;
    for (const place of places) taken.add(place);
    return own;
  });
  return { defaults, services: settled };
}
