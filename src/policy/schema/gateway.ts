/** The gateway file: one process, its doors, its stores, and what all services share. */
import * as z from "zod";
import { readListenHost, readName } from "../names.ts";
import { readSize, readWait } from "../quantities.ts";
import { type Reading, value, wrong } from "../reading.ts";
import { accept } from "./accept.ts";
import { authenticator } from "./authenticator.ts";
import { shown } from "./example.ts";
import { body, cors, errors, limits, roles, timeouts } from "./blocks.ts";
import {
  block,
  cidr,
  duration,
  instant,
  keyText,
  list,
  meaningful,
  name,
  optional,
  sealingSecret,
  secret,
  unavailable,
  unwritten,
  words,
} from "./parts.ts";

const listenHost = meaningful(readListenHost, { title: "address", examples: ["127.0.0.1", "0.0.0.0", "::"], standIn: () => "127.0.0.1" });
const port = z.int().min(0).max(65535).register(shown, { example: "8080" });

const adminToken = block({
  id: name.describe("Names the token in logs."),
  value: secret.describe("The secret: at least 16 characters."),
  until: optional(instant, "It is refused from this instant on."),
});

function readKeyStore(text: string): Reading<string> {
  const scheme = /^[a-z]+(?=:)/.exec(text)?.[0];
  if (scheme === "postgres" || scheme === "postgresql")
    return wrong("`postgres:` is not available in this version", { repair: "write `sqlite:data/keys.db`" });
  const path = /^sqlite:([^?#]+)$/.exec(text)?.[1];
  return path === undefined
    ? wrong("this is no key store", { repair: "write `sqlite:` and the path of a file: `sqlite:data/keys.db`" })
    : value(path);
}

function readCounterStore(text: string): Reading<"memory" | "memory-per-worker"> {
  if (/^rediss?:/.test(text)) return wrong("`redis:` is not available in this version", { repair: "write `memory`" });
  return text === "memory" || text === "memory-per-worker" ? value(text) : wrong("this is no counter store", { repair: "write `memory`" });
}

function readCacheSize(text: string): Reading<number> {
  const reading = readSize(text);
  if (reading.kind === "wrong" || reading.value >= LEAST_CACHE_BYTES) return reading;
  return wrong("this is too little for a cache", { repair: "write `1MB` or more" });
}

const LEAST_CACHE_BYTES = 1024 ** 2;

const stores = block({
  keys: optional(
    meaningful(readKeyStore, { title: "store", examples: ["sqlite:data/keys.db"], standIn: () => "sqlite:data/keys.db" }),
    "Where accounts and API keys are kept; the path counts from the working folder.",
    "sqlite:data/keys.db",
  ),
  counters: optional(
    meaningful(readCounterStore, { title: "store", examples: ["memory"], standIn: () => "memory" }),
    "Where limits are counted; `memory` counts within one process only. With several workers (`serve --workers N`) each counts for itself, which must be said: `memory-per-worker`; every limit then allows up to N times as much.",
    "memory",
  ),
  sealing: optional(
    z.union([sealingSecret, list(sealingSecret)]),
    "Secret under which the secrets of access keys are sealed in the store, at least 32 characters; without it no signature (`sigv4`) can be checked. Of several the first seals and all open, so that a rotation loses no key.",
  ),
  tokens: optional(
    meaningful(readCacheSize, { title: "size", examples: ["64MB"], standIn: () => "64MB" }),
    "Memory that proved tokens may take, so that their signatures need not be verified again within a minute; about 20,000 tokens in 64MB.",
    "64MB",
  ),
  onStoreFailure: unavailable("stores.onStoreFailure"),
});

const defaults = block({
  body: optional(body, "What request bodies may be."),
  timeouts: optional(timeouts, "How long things may take."),
  limits: optional(limits, "Limits of the whole gateway; these add up with a service's, by name."),
  errors: optional(errors, "How refusals look."),
  cors: optional(cors, "Which pages may call."),
  roles: optional(roles, "Role → permissions."),
});

const certificatePath = meaningful(readCertificatePath, { title: "path", examples: ["/etc/sallyport/tls.crt"], standIn: (word) => word });

function readCertificatePath(text: string): Reading<string> {
  if (text.includes("-----BEGIN") || text.includes("\n"))
    return wrong("this is what belongs into a file", { repair: "write it to a file, and the file's path here" });
  return text.trim() === "" ? wrong("this is empty") : value(text);
}

const tls = block({
  cert: certificatePath.describe(
    "File (PEM) of the door's certificate, followed by those that lead to its issuer. Looked at again when it changes. Paths count from this folder.",
  ),
  key: certificatePath.describe("File (PEM) of the certificate's private key, without passphrase. Looked at again when it changes."),
  minVersion: optional(z.literal([1.2, 1.3]), "Oldest version of TLS that is taken.", 1.2),
  clientCa: optional(
    certificatePath,
    "File (PEM) of the authorities whose client certificates are proved, for `mtls` authenticators. Looked at again when it changes.",
    unwritten("no client is asked for a certificate"),
  ),
  clientCertificates: optional(
    z.enum(["request", "require"]),
    "`request`: a client may come without a certificate, which `mtls` authenticators then miss; `require`: every handshake needs one that is good.",
    "request",
  ),
});

const most = z.int().min(1).max(1_000_000).register(shown, { example: "10000" });
const wait = meaningful(readWait, { title: "duration", examples: ["10s"], standIn: () => "10s", pattern: "[0-9]+(?:ms|s|m|h|d)" });

const connections = block({
  total: optional(most, "How many may be open at once; one more is closed as soon as it opens.", 10_000),
  perAddress: optional(most, "How many of these one address may have, IPv6 by its /64. The peers of `trustProxy` may have more.", 1_000),
  headers: optional(
    wait,
    "How long the head of a request may take, counted from its first byte or from the connection's beginning.",
    "10s",
  ),
  idle: optional(
    wait,
    "How long a connection may stand still: between two requests, or with an answer that the client does not read.",
    "72s",
  ),
});

export const gateway = block({
  version: z.literal(1).describe("Version of the format."),
  listen: block({
    host: optional(listenHost, "Address of the front door.", "0.0.0.0"),
    port: port.describe("Port of the front door; 0 lets the system choose."),
    tls: optional(tls, "TLS of the front door, 1.2 and up, with HTTP/1.1.", unwritten("plain HTTP")),
    connections: optional(connections, "How many connections there may be, and how long they may keep the gateway waiting."),
  }).describe("The front door."),
  health: optional(
    block({ host: optional(listenHost, "Address of the health door.", "0.0.0.0"), port: port.describe("Port of the health door.") }),
    "A door that answers `/live` and `/ready` and nothing else, for kubelets and balancers.",
  ),
  admin: optional(
    block({
      host: optional(listenHost, "Address of the admin door.", "127.0.0.1"),
      port: port.describe("Port of the admin door."),
      tokens: list(adminToken).describe("Who may use the admin door; metrics and health need no token."),
    }),
    "Metrics, API and page: never on the public door.",
  ),
  trustProxy: optional(z.array(cidr), "Load balancers whose `X-Forwarded-For` is believed.", []),
  stores: optional(stores, "Where keys and counters are kept."),
  log: optional(
    block({
      level: optional(z.enum(["debug", "info", "warn", "error", "silent"]), "What is logged.", "info"),
      decisions: optional(z.enum(["refusals", "all"]), "Which decisions are logged.", "refusals"),
      facts: optional(
        z.boolean(),
        "Logged decisions hold what it takes to decide them once more (`replay`, `explain --decision`): of a request what rules read, of a token the claims that rules read; never a credential.",
        false,
      ),
    }),
    "What the log holds.",
  ),
  shutdown: optional(
    block({ grace: optional(duration, "How long requests under way may go on after SIGTERM.", "30s") }),
    "How the gateway stops.",
  ),
  values: optional(words, "A file in this folder with a map of typed values for `${NAME}`; environment variables come before it."),
  tests: optional(
    z.enum(["required"]),
    "`required`: `serve` and a reload take this policy only where the test files `tests/*.yaml` in this folder are green.",
    unwritten("the tests are run by `sallyport test` alone"),
  ),
  authenticators: optional(
    z.record(keyText(readName, "people"), authenticator),
    "Authenticators that services take with the word `shared`.",
  ),
  defaults: optional(
    defaults,
    "Hold where a service has no block of that name; a service's block replaces it whole, except `limits`, which add up by name.",
  ),
  accept: optional(
    accept,
    "Findings of `sallyport check` in this file that are meant, each with its reason. The gateway does not look at them.",
  ),
  services: list(words)
    .register(shown, { example: "[services/*.yaml]" })
    .describe("The services' files; paths count from this folder, `*` stands for any part of a file's name."),
});

export type GatewayFile = z.output<typeof gateway>;
