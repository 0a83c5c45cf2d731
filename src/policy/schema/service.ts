/** The service file: one upstream system, who may call it, and its route table. */
import * as z from "zod";
import { ACCESS_WORDS, readHost, readPermission, readServiceName } from "../names.ts";
import { readPrefix, readRouteKey } from "../pattern.ts";
import { type Reading, value, wrong } from "../reading.ts";
import { readUpstreamUrl } from "../urls.ts";
import { nearest } from "../suggest.ts";
import { accept } from "./accept.ts";
import { authenticator } from "./authenticator.ts";
import { body, cors, errors, header, limits, roles, timeouts } from "./blocks.ts";
import {
  block,
  cidr,
  exactlyOne,
  keyText,
  list,
  meaningful,
  messageSize,
  name,
  optional,
  permission,
  timeout,
  unavailable,
  unwritten,
  words,
} from "./parts.ts";
import { readName } from "../names.ts";
import { shown } from "./example.ts";

type AccessWord = { readonly word: (typeof ACCESS_WORDS)[number] } | { readonly permission: string };

function readAccess(text: string): Reading<AccessWord> {
  const word = ACCESS_WORDS.find((known) => known === text);
  if (word) return value({ word });
  const reading = readPermission(text);
  if (reading.kind === "value") return value({ permission: reading.value });
  const meant = nearest(text, ACCESS_WORDS);
  return meant === undefined ? reading : wrong(reading.message, { repair: `did you mean \`${meant}\`?` });
}

const accessWord = meaningful(readAccess, {
  title: "access word",
  examples: ["public", "authenticated", "denied", "models.read"],
  standIn: () => "denied",
}).register(shown, { example: "notes.read" });

const access = z.union([
  accessWord,
  block({
    anyOf: optional(list(permission), "One of these permissions is enough."),
    allOf: optional(list(permission), "All of these permissions are needed."),
  }).check(exactlyOne(["anyOf", "allOf"])),
]);
export type AccessFile = z.output<typeof access>;

const query = block({
  deny: optional(list(words), "Query parameters that a request must not have."),
  allow: optional(list(words), "The only query parameters that a request may have."),
})
  .check(exactlyOne(["deny", "allow"]))
  .register(shown, { example: "{ deny: [debug] }" });

const webSocket = block({
  maxMessage: optional(messageSize, "Largest message that either side may send; a larger one closes the connection.", "1MB"),
  idle: optional(timeout, "How long either side may stay silent, to pings too.", unwritten("the route's `timeouts.idle`")),
});

const detailedRule = block({
  access: access.describe("`public`, `authenticated`, `denied`, a permission, `{ anyOf: […] }` or `{ allOf: […] }`."),
  authenticators: optional(list(name), "Which of the service's authenticators count here.", unwritten("all of the service's")),
  tenant: optional(
    z.enum(["unchecked", "crossTenantOnly"]),
    "`unchecked`: the request's tenant does not matter here. `crossTenantOnly`: only callers who may cross tenants.",
  ),
  limits: optional(limits, "Limits of this route; one of the same name stands in for the service's or the gateway's."),
  from: optional(list(cidr), "Client addresses that are allowed.", unwritten("all")),
  query: optional(query, "Query parameters, after decoding, repeats included."),
  body: optional(body, "What the request body may be; keys that are not here come from the service. A GET may carry a body only with it."),
  timeouts: optional(timeouts, "Time-outs; keys that are not here come from the service."),
  encodedSlash: optional(z.enum(["keep"]), "`keep`: `%2F` inside a segment is passed on; otherwise such a request is refused."),
  websocket: optional(
    z.union([z.boolean(), webSocket]),
    "Lets the upgrade to WebSocket through: `true`, or a map that bounds it otherwise than `true` does.",
    false,
  ),
});

const rule = z.union([accessWord.transform((word) => ({ access: word })), detailedRule]).meta({
  title: "rule",
  description: "Who may call it: `public`, `authenticated`, `denied` or a permission; or a map with `access` and what else holds here.",
});
export type RuleFile = z.output<typeof detailedRule>;

const identity = block({
  subject: optional(header, "Tells who is calling.", "x-auth-subject"),
  kind: optional(header, "Tells `person`, `machine`, `key` or `secret`.", "x-auth-kind"),
  tenant: optional(header, "Tells the tenant.", "x-auth-tenant"),
  permissions: optional(header, "Tells the permissions.", "x-auth-permissions"),
  role: optional(header, "Tells the role; told only where this names a header."),
});

const upstream = block({
  url: meaningful(readUpstreamUrl, { title: "URL", examples: ["http://pie:8080"], standIn: (word) => `http://${word}.invalid` }).describe(
    "Where requests go: scheme, host, perhaps a port and a path that is put before every request's.",
  ),
  verify: optional(z.enum(["on", "off"]), "`off`: the certificate of an https upstream is not verified.", "on"),
  connections: optional(
    z.int().min(1).max(65_535).register(shown, { example: "2000" }),
    "How many requests may be under way to it at once, each on a connection of its own; one more gets `UPSTREAM_UNAVAILABLE`. WebSockets do not count here.",
    2_000,
  ),
  identity: optional(
    identity,
    "Names of the headers that tell the upstream who is calling. They are taken off every client's request, on every route of every service.",
  ),
  forward: optional(
    list(z.enum(["credential", "cookies"])),
    "What of the client's own is passed on, though it could identify it. Without `cookies` the service sets none either: its `Set-Cookie` is dropped.",
    unwritten("none"),
  ),
  targets: unavailable("upstream.targets", "url"),
  health: unavailable("upstream.health"),
  login: unavailable("upstream.login"),
});

const tenant = block({
  path: optional(words, "Placeholder of the routes that names the tenant.").register(shown, { example: "tenant_id" }),
  query: optional(words, "Query parameter that names the tenant."),
  header: optional(header, "Header that names the tenant."),
  host: optional(words, "Placeholder of `hosts` that names the tenant."),
  required: optional(z.boolean(), "A caller who has no single tenant must name one.", false),
});

const host = meaningful(readHost, {
  title: "host",
  examples: ["api.example.com", "{tenant}.example.com"],
  standIn: (word) => `${word}.invalid`,
});
const prefix = meaningful(readPrefix, { title: "path", examples: ["/v2"], standIn: (word) => `/${word}` });

export const service = block({
  version: z.literal(1).describe("Version of the format."),
  service: meaningful(readServiceName, { title: "name", examples: ["pie"], standIn: (word) => word }).describe(
    "Name of the service, for logs, limits, accounts and keys.",
  ),
  hosts: optional(
    list(host),
    "Hosts under which the service is reached: exact names, or `{placeholder}.example.com` for any first label.",
    unwritten("every host"),
  ),
  prefix: optional(
    z.union([prefix, list(prefix)]),
    "Path before every route, or several; `GET /` under `/v2` is `/v2/`.",
    unwritten("none"),
  ),
  stripPrefix: optional(z.boolean(), "Takes the prefix off before the request goes on.", false),
  upstream: upstream.describe("Where the service is, and what it is told."),
  roles: optional(roles, "Role → permissions, for accounts that own keys and for authenticators with a role."),
  authenticators: optional(
    z.record(keyText(readName, "people"), z.union([z.literal("shared"), authenticator])),
    "Ways to prove a caller, by name. The word `shared` in place of a map takes the gateway file's authenticator of that name.",
  ),
  tenant: optional(
    tenant,
    "Where a request names the tenant that it is about. All places that name one must agree, and it must be one of the caller's.",
  ),
  cors: optional(cors, "Which pages may call the service; without it `Origin` means nothing."),
  limits: optional(limits, "Limits that span all routes of the service."),
  connections: optional(
    block({
      perCaller: optional(
        z.int().min(1).max(1_000_000).register(shown, { example: "1000" }),
        "How many exchanges one caller may have open at once: WebSockets, streams, and requests that are not answered to their end. One more is `RATE_LIMITED`. Callers are counted as by a limit `by: caller`.",
        1_000,
      ),
    }),
    "How much of the service one caller may keep open.",
  ),
  errors: optional(errors, "How refusals look."),
  body: optional(body, "What request bodies may be."),
  timeouts: optional(timeouts, "How long things may take."),
  accept: optional(
    accept,
    "Findings of `sallyport check` in this file that are meant, each with its reason. The gateway does not look at them.",
  ),
  routes: z
    .record(keyText(readRouteKey, "GET /notes"), rule)
    .register(shown, { example: "{ GET /notes: notes.read }" })
    .describe("The route table: `METHOD /path: rule`. What no line names is 404."),
});

export type ServiceFile = z.output<typeof service>;
