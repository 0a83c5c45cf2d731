/** What a service and the gateway set for all their routes. */
import type { Authenticator, Grants, Secret } from "../../contract/authenticators.ts";
import type { Cors, Gateway, Policy, Service } from "../../contract/policy.ts";
import { listWords } from "../../contract/quantity-words.ts";
import { type Context, flag, limitSetting } from "./route-settings.ts";
import type { Effect, Setting } from "./setting.ts";

export function serviceSettings(service: Service, context: Context): readonly Setting[] {
  return [
    ...upstreamSettings(service),
    ...corsSettings(service.cors),
    set("told beyond the table", toldBeyond(service)),
    amount("open exchanges of one caller", service.maxOpenPerCaller, "wider"),
    word("answers", answerWords(service), "neutral"),
    ...service.addressLimits.map((limit) => limitSetting(limit, "for paths of no route: limit", context)),
  ];
}

/** Permissions that no line names, by what gives them: the upstream is told of those too, and may act on them. */
function toldBeyond({ authenticators, roles, routes }: Service): readonly string[] {
  const named = new Set(routes.flatMap(({ access }) => (access.kind === "permissions" ? access.names : [])));
  const beyond = (what: string, grants: Grants): readonly string[] =>
    [...grants].filter((permission) => !named.has(permission)).map((permission) => `${permission} by ${what}`);
  return [
    ...[...roles].flatMap(([role, grants]) => beyond(`role ${role}`, grants)),
    ...authenticators.flatMap((one) => grantsOf(one).flatMap(([what, grants]) => beyond(`${what} of ${one.name}`, grants))),
  ];
}

function grantsOf(one: Authenticator): readonly (readonly [what: string, grants: Grants])[] {
  return [
    ...[...one.scopes].map(([scope, grants]) => [`scope ${scope}`, grants] as const),
    ...[...one.groups].map(([group, grants]) => [`group ${group}`, grants] as const),
    ...one.groupPatterns.map(({ prefix, suffix, grants }) => [`group ${prefix}{tenant}${suffix}`, grants] as const),
    ...(one.kind === "bearer" ? one.secrets.map(({ id, grants }) => [`secret ${id}`, grants] as const) : []),
  ];
}

function upstreamSettings({ upstream, stripPrefix }: Service): readonly Setting[] {
  const { identity, forward } = upstream;
  return [
    word("upstream", `${upstream.origin}${upstream.basePath}`, "neutral"),
    flag("upstream unverified", !upstream.verifyTls),
    word("prefix", stripPrefix ? "taken off" : "kept", "neutral"),
    amount("connections to the upstream", upstream.maxConnections, "neutral"),
    ...Object.entries(identity).map(([meaning, header]) => word(`${meaning} told in`, String(header), "neutral")),
    flag("credential forwarded", forward.credential),
    flag("cookies forwarded", forward.cookies),
  ];
}

/** Without the block no page of another origin can read an answer. */
function corsSettings(cors: Cors | undefined): readonly Setting[] {
  return [
    set("origins", [...(cors?.origins ?? [])]),
    set("CORS methods", cors?.methods ?? ["the table's"]),
    set("CORS headers", cors?.headers ?? []),
    set("CORS exposed headers", cors?.exposed ?? []),
    flag("CORS credentials", cors?.credentials === true),
    word("CORS max age", cors?.maxAgeSeconds === undefined ? "none" : `${cors.maxAgeSeconds}s`, "neutral"),
    flag("other origins let through", cors?.otherOrigins !== "refuse"),
  ];
}

function answerWords({ errors }: Service): string {
  const overrides = [...errors.overrides].map(
    ([code, { status, message }]) => `${code}: ${[status, message].filter((one) => one !== undefined).join(" ")}`,
  );
  return [errors.format, ...overrides.toSorted()].join("; ");
}

export function gatewaySettings({ gateway, addressLimits }: Policy, context: Context): readonly Setting[] {
  return [
    ...doorSettings(gateway),
    {
      aspect: "trusted proxies",
      words: listWords(gateway.trustProxy.cidrs) || "none",
      measure: { kind: "networks", cidrs: gateway.trustProxy.cidrs },
    },
    word("key store", `${gateway.stores.keys.kind} ${gateway.stores.keys.path}`, "mixed"),
    ...addressLimits.map((limit) => limitSetting(limit, "for requests of no service: limit", context)),
  ];
}

function doorSettings({ listen, health, admin }: Gateway): readonly Setting[] {
  const { tls } = listen;
  return [
    word("front door", `${listen.host}:${listen.port}`, "neutral"),
    word("TLS", tls ? `${tls.minVersion} or later` : "none", "mixed"),
    word("client certificates", tls?.clients ? (tls.clients.required ? "required" : "asked for") : "not asked for", "neutral"),
    ...(health ? [word("health door", `${health.host}:${health.port}`, "neutral")] : []),
    ...(admin ? [word("admin door", `${admin.host}:${admin.port}`, "mixed"), ...admin.tokens.flatMap(adminTokenSettings)] : []),
  ];
}

function adminTokenSettings({ id, digest, until = Infinity }: Secret): readonly Setting[] {
  return [
    { ...word(`admin token ${id}`, "there", "mixed"), presence: "wider" },
    {
      isDetail: true,
      aspect: `value of admin token ${id}`,
      words: "kept secret",
      measure: { kind: "set", values: [Buffer.from(digest).toString("hex")], more: "mixed" },
    },
    {
      isDetail: true,
      ...amount(`end of admin token ${id}`, until, "wider"),
      words: until === Infinity ? "none" : new Date(until).toISOString(),
    },
  ];
}

function word(aspect: string, words: string, change: Effect): Setting {
  return { aspect, words, measure: { kind: "word", change } };
}

function amount(aspect: string, value: number, more: Effect): Setting {
  return { aspect, words: String(value), measure: { kind: "amount", amount: value, more } };
}

function set(aspect: string, values: readonly string[]): Setting {
  const sorted = values.toSorted();
  return { aspect, words: listWords(sorted) || "none", measure: { kind: "set", values: sorted, more: "wider" } };
}
