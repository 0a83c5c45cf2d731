/** Blocks that stand in more than one place: limits, bodies, time-outs, CORS, errors, roles. */
import * as z from "zod";
import { ERRORS, type ErrorCode } from "../../contract/errors.ts";
import { readGroup, readHeaderName, readListedHeader, readMediaType, readName, readScope, readTenant } from "../names.ts";
import { readMethod } from "../pattern.ts";
import { readRate } from "../quantities.ts";
import { value, wrong } from "../reading.ts";
import { readOrigin } from "../urls.ts";
import { block, duration, grants, keyText, list, meaningful, name, optional, size, timeout, unwritten } from "./parts.ts";

export const header = meaningful(readHeaderName, { title: "header name", examples: ["x-api-key"], standIn: (word) => `x-${word}` });
const method = meaningful(readMethod, { title: "method", examples: ["GET", "POST"], standIn: () => "GET" });

const limit = block({
  by: z
    .enum(["caller", "address", "tenant", "apiKey"])
    .describe(
      "Whom it counts. `caller` is the account for API keys, the subject for tokens, the secret with the address for shared secrets, and the address where nobody is proved.",
    ),
  rate: meaningful(readRate, {
    title: "rate",
    examples: ["100/minute"],
    standIn: () => "100/minute",
    pattern: "[0-9]+/(?:second|minute|hour|day)",
  }).describe("How many in which window: `N/second`, `N/minute`, `N/hour` or `N/day`. Never more than N in any window of that length."),
  methods: optional(list(method), "Methods that count; HEAD counts as GET.", unwritten("all")),
  authenticators: optional(list(name), "Authenticators whose callers count.", unwritten("all")),
  of: optional(
    z.enum(["failures"]),
    "`failures`: counts only what is refused with 401: no credential, or none that is good; past the rate it is 429 instead. With `by: address`. A credential that proves good is never refused by it.",
  ),
});

export const limits = z.record(keyText(readName, "perCaller"), limit);
export type LimitsFile = z.output<typeof limits>;

export const body = block({
  max: optional(size, "Largest request body; `none` for no bound.", "5MB"),
  types: optional(
    list(meaningful(readMediaType, { title: "media type", examples: ["application/json", "image/*"], standIn: () => "application/json" })),
    "Media types that a request body may have; without parameters.",
    unwritten("all"),
  ),
});
export type BodyFile = z.output<typeof body>;

export const timeouts = block({
  connect: optional(timeout, "Until the connection to the upstream stands.", "2s"),
  headers: optional(timeout, "From the end of the request until the head of the upstream's answer.", "30s"),
  idle: optional(
    timeout,
    "Until the next kilobyte of a request's body or its end; between two pieces of an answer; until the client has read what waits for it.",
    "60s",
  ),
  total: optional(timeout, "For the whole exchange.", "none"),
});
export type TimeoutsFile = z.output<typeof timeouts>;

const origin = meaningful(readOrigin, {
  title: "origin",
  examples: ["https://app.example.com"],
  standIn: (word) => `https://${word}.invalid`,
});
const listedHeader = meaningful(readListedHeader, { title: "header name", examples: ["content-type"], standIn: (word) => word });

export const cors = block({
  origins: list(origin).describe("Origins whose pages may call the service: exactly as browsers send them, no wildcards."),
  methods: optional(list(method), "What a preflight is told.", unwritten("the table's methods for the path")),
  headers: optional(z.array(listedHeader), "Request headers that pages may set.", unwritten("none")),
  expose: optional(z.array(listedHeader), "Response headers that pages may read.", unwritten("none")),
  credentials: optional(z.boolean(), "Pages may send credentials.", false),
  maxAge: optional(duration, "How long browsers may remember a preflight."),
  otherOrigins: optional(
    z.enum(["refuse", "noHeaders"]),
    "`refuse`: any request of another origin is 403. `noHeaders`: it goes on without CORS headers; its preflights are 403 all the same.",
    "noHeaders",
  ),
});
export type CorsFile = z.output<typeof cors>;

const CODES = Object.keys(ERRORS) as [ErrorCode, ...ErrorCode[]];
const message = meaningful(
  (text) => (/^[^\p{Cc}]{1,300}$/u.test(text) ? value(text) : wrong("a message is one line of at most 300 characters")),
  {
    title: "text",
    examples: [],
    standIn: (word) => word,
  },
);

export const errors = block({
  format: optional(
    z.enum(["problem", "detail", "envelope", "coded"]),
    'Body of a refusal: `problem` (RFC 9457), `detail` ({"detail", "status_code"}), `envelope` ({"success", "message"}), `coded` ({"error", "code", "requestId"}).',
    "problem",
  ),
  codes: optional(
    z.partialRecord(
      z.enum(CODES),
      block({
        status: optional(z.int().min(400).max(599), "HTTP status in place of the code's own."),
        message: optional(message, "Public words in place of the code's own."),
      }),
      { error: (issue) => ((issue.code as string) === "unrecognized_keys" ? CODES.join(" ") : undefined) },
    ),
    "Status and message of single codes.",
  ),
});
export type ErrorsFile = z.output<typeof errors>;

export const roles = z.record(
  keyText((text) => (text.trim() === "" ? wrong("a role needs a name") : value(text)), "reader"),
  grants,
);

export const scopes = z.record(keyText(readScope, "orders/read"), grants);
export const groups = z.record(keyText(readGroup, "staff"), grants);
export const tenantName = meaningful(readTenant, { title: "tenant", examples: ["acme"], standIn: (word) => word });
export const alias = z.record(z.string(), tenantName);
