/** A test file: callers, requests, and what the policy must say of them. */
import * as z from "zod";
import { ERRORS, type ErrorCode } from "../../contract/errors.ts";
import { type Reading, value, wrong } from "../reading.ts";
import { block, exactlyOne, instant, list, meaningful, optional, unwritten, words } from "../schema/parts.ts";

export interface RequestLine {
  readonly method: string;
  readonly target: string;
}

const METHOD = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/;

function readRequestLine(text: string): Reading<RequestLine> {
  const space = text.indexOf(" ");
  const method = text.slice(0, Math.max(0, space));
  const target = text.slice(space + 1);
  return METHOD.test(method) && target !== ""
    ? value({ method, target })
    : wrong("this is no request", { repair: "write `GET /path?query`" });
}

const requestLine = meaningful(readRequestLine, { title: "request", examples: ["GET /v2/health"], standIn: () => "GET /" });

const texts = z.union([words, list(words)]);

const detailedRequest = block({
  method: optional(words, "The method.", "GET"),
  path: words.describe("The path as sent, percent-encoding and all; a query may follow it."),
  query: optional(
    z.union([words, z.record(z.string(), texts)]),
    "The query: as sent, without `?`, or names and values.",
    unwritten("none"),
  ),
  headers: optional(z.record(z.string(), texts), "Headers as sent; never a credential: name a caller with `as`.", unwritten("none")),
  origin: optional(words, "The header `Origin`."),
  host: optional(words, "The header `Host`.", "gateway.example"),
  address: optional(words, "The client's IP address.", "192.0.2.1"),
  websocket: optional(z.boolean(), "The request asks for an upgrade to WebSocket.", false),
});

const request = z.union([requestLine, detailedRequest]);
export type RequestFile = z.output<typeof request>;

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
const headersTold = z.record(z.string(), z.union([words, z.null()]));

const detailedExpectation = block({
  allow: optional(z.union([z.literal(true), words]), "The request is allowed; by the line with this access word."),
  deny: optional(z.enum(CODES), "The request is refused with this code."),
  preflight: optional(z.literal(true), "The request is a preflight, and answered."),
  status: optional(z.int().min(200).max(599), "Status of the refusal, the service's own where it sets one."),
  rule: optional(words, "Access word of the line that decided."),
  route: optional(words, "The line that decided: `METHOD /path`, as written in the table."),
  tenant: optional(z.union([words, z.null()]), "Tenant that the upstream is told; `null`: none."),
  path: optional(words, "Path and query at the upstream."),
  upstream: optional(headersTold, "Identity headers that the upstream is told; `null`: not that one."),
  cors: optional(z.union([z.literal("none"), headersTold]), "CORS headers of the answer; `null`: not that one; `none`: not one of them."),
}).check(exactlyOne(["allow", "deny", "preflight"]));

const expectation = z.union([z.enum(["allow", "preflight"]), detailedExpectation]);
export type ExpectationFile = z.output<typeof expectation>;

const account = block({
  id: optional(words, "Its id.", unwritten("the caller's name")),
  kind: optional(z.enum(["service", "person"]), "What it is.", "service"),
  role: optional(words, "Its role.", unwritten("none")),
  tenant: optional(words, "Its tenant.", unwritten("none")),
  enabled: optional(z.boolean(), "Whether it is in use.", true),
});

const caller = block({
  extends: optional(words, "A caller before this one, whose keys hold where this one has none; claims and account are merged."),
  service: optional(words, "The service that the credential is for.", unwritten("that of `extends`")),
  by: optional(words, "Authenticator of the service.", unwritten("that of `extends`")),
  claims: optional(
    z.record(z.string(), z.unknown()),
    "Claims of a token. The standard ones that the authenticator needs are filled in; `null` takes one away.",
  ),
  account: optional(account, "Owner of an API key or access key."),
  scopes: optional(z.array(words), "Scopes of an API key or access key."),
  secret: optional(words, "Id of a bearer secret."),
  expired: optional(z.boolean(), "The token's or key's end has passed.", false),
  revoked: optional(z.boolean(), "The key was revoked.", false),
});
export type CallerFile = z.output<typeof caller>;

const test = block({
  name: words.describe("The guarantee, in a sentence."),
  as: optional(words, "Who asks: one of `callers`.", unwritten("nobody")),
  request: optional(request, "`METHOD /path?query`, or its parts."),
  requests: optional(list(request), "Several requests that must all have the same outcome."),
  expect: expectation.describe("`allow`, `preflight`, `{ allow: RULE }` or `{ deny: CODE }`, with what else must hold."),
}).check(exactlyOne(["request", "requests"]));
export type TestFile = z.output<typeof test>;

/** A whole test file. */
export const tests = block({
  version: z.literal(1).describe("Version of the format."),
  now: optional(instant, "The time at which the tests happen.", unwritten("the time at which they are run")),
  callers: optional(z.record(z.string(), caller), "Who asks, by name.", unwritten("nobody")),
  tests: list(test).describe("The tests."),
});
export type TestsFile = z.output<typeof tests>;

/** A caller in a file of its own. */
export const callerFile = caller;
