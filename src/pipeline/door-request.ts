/** A request as the front door's server makes it, with those of its header fields that are asked for by name. */
import { IncomingMessage } from "../contract/node-http.ts";
import { rememberInOrder } from "./remember.ts";

/** What Node's server, the framework and the pipeline ask for. All other fields are in `rawHeaders` alone. */
const USUAL = ["host", "connection", "origin", "access-control-request-method", "content-length"] as const;
const RARE = ["transfer-encoding", "te", "expect", "upgrade"] as const;

/** Values as Node joins them. */
export type AskedHeaders = { readonly [Name in (typeof USUAL | typeof RARE)[number]]?: string | undefined };

const LENGTH = USUAL.indexOf("content-length");
const ANOTHER = -1;
const IS_RARE = -2;

/** Place of a field among the usual ones. */
const placeOf = rememberInOrder((name) => {
  const lowered = name.toLowerCase();
  if (RARE.some((rare) => rare === lowered)) return IS_RARE;
  const place = USUAL.findIndex((usual) => usual === lowered);
  return place === -1 ? ANOTHER : place;
});

/** Always the same fields: V8 looks up each one anew where no two requests have the same. */
class UsualHeaders {
  readonly host: string | undefined;
  readonly connection: string | undefined;
  readonly origin: string | undefined;
  readonly "access-control-request-method": string | undefined;

  constructor([host, connection, origin, requestMethod]: readonly (string | undefined)[]) {
    this.host = host;
    this.connection = connection;
    this.origin = origin;
    this["access-control-request-method"] = requestMethod;
  }
}

/** Where the name stands, Node waits for a body. */
class UsualHeadersOfBody extends UsualHeaders {
  readonly "content-length": string | undefined;

  constructor(values: readonly (string | undefined)[]) {
    super(values);
    this["content-length"] = values[LENGTH];
  }
}

/** Undefined where a field comes twice, or a rare one comes. */
function usualHeaders(raw: readonly string[]): AskedHeaders | undefined {
  const values: (string | undefined)[] = [undefined, undefined, undefined, undefined, undefined];
  for (let at = 0; at < raw.length; at += 2) {
    const place = placeOf(raw[at]!, at >> 1);
    if (place === ANOTHER) continue;
    if (place === IS_RARE || values[place] !== undefined) return undefined;
    values[place] = raw[at + 1]!;
  }
  return values[LENGTH] === undefined ? new UsualHeaders(values) : new UsualHeadersOfBody(values);
}

/**
 * Node makes an object of all header fields of each request, for the few that it asks for itself: a twentieth of what a
 * request costs. This one has the few; an upgrade, of which a library reads more, has what Node makes.
 */
export class DoorRequest extends IncomingMessage {
  declare readonly headers: AskedHeaders;
  #headers: AskedHeaders | undefined;

  static {
    const { get: allOf } = Object.getOwnPropertyDescriptor(IncomingMessage.prototype, "headers")!;
    Object.defineProperty(this.prototype, "headers", {
      get(this: DoorRequest): AskedHeaders {
        return (this.#headers ??= usualHeaders(this.rawHeaders) ?? (allOf!.call(this) as AskedHeaders));
      },
    });
  }
}
