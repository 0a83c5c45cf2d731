/**
 * Stage 1: refuses what is malformed or ambiguous and brings the request into the facts that decide.
 * Nothing behind this stage reads the raw request target.
 */
import type { Socket } from "node:net";
import type { Denial, RequestFacts } from "../../contract/decision.ts";
import type { ErrorCode } from "../../contract/errors.ts";
import type { AddressSet } from "../../contract/policy.ts";
import { readPlace } from "../../decision/target.ts";
import type { DoorRequest } from "../door-request.ts";
import { clientAddress, plainAddress } from "./address.ts";

/** More header fields than any real client sends; Node would drop those past its own bound in silence. */
const MOST_FIELDS = 100;

export type Arrival = { readonly kind: "facts"; readonly facts: RequestFacts } | { readonly kind: "refused"; readonly denial: Denial };

/** `target` is the request target as sent; `upgrade` tells that Node took the request for an upgrade. */
export function arrive(request: DoorRequest, target: string, upgrade: boolean, trusted: AddressSet): Arrival {
  const fault = protocolFault(request);
  if (fault) return fault;
  const place = readPlace(request.method ?? "", target, fieldValues(request, "host"));
  if (place.kind === "refused") return place;
  const header = (name: string) => fieldValues(request, name);
  const { headers } = request;
  const facts: RequestFacts = {
    method: request.method ?? "",
    path: place.path,
    query: place.query,
    host: place.host,
    address: clientOf(request, trusted),
    origin: headers.origin,
    preflightMethod: headers["access-control-request-method"],
    websocket: upgrade,
    header,
  };
  return { kind: "facts", facts };
}

/** The client's address, also of a request that is refused. */
export function clientOf(request: DoorRequest, trusted: AddressSet): string {
  return clientAddress(peerOf(request.socket), trusted.cidrs.length === 0 ? [] : fieldValues(request, "x-forwarded-for"), trusted);
}

/** The address at the other end, in its plain form: asked for once for each connection. */
const PEER = Symbol("peer address");

function peerOf(socket: Socket & { [PEER]?: string }): string {
  const known = socket[PEER];
  if (known !== undefined) return known;
  const address = socket.remoteAddress ?? "";
  return (socket[PEER] = plainAddress(address) ?? address);
}

/** Version and framing (RFC 9112 sections 2.3, 6 and 7): only what every reader reads alike. */
function protocolFault(request: DoorRequest): Arrival | undefined {
  const { headers, httpVersion } = request;
  if (httpVersion !== "1.1" && httpVersion !== "1.0") return refused("PROTOCOL_UNSUPPORTED", `HTTP/${httpVersion}`);
  if (request.rawHeaders.length > 2 * MOST_FIELDS) return refused("HEADERS_TOO_LARGE", "too many header fields");
  const coding = headers["transfer-encoding"];
  if (coding !== undefined && (coding !== "chunked" || httpVersion === "1.0"))
    return refused("REQUEST_INVALID", "a transfer coding other than chunked");
  if (coding !== undefined && headers["content-length"] !== undefined)
    return refused("REQUEST_INVALID", "both Content-Length and Transfer-Encoding");
  const expectation = headers.expect;
  if (expectation !== undefined && expectation.toLowerCase() !== "100-continue")
    return refused("EXPECTATION_FAILED", "an expectation other than 100-continue");
  return undefined;
}

/** Every value of a field, in order, none joined or dropped. */
function fieldValues(request: DoorRequest, name: string): readonly string[] {
  const { rawHeaders } = request;
  const values: string[] = [];
  for (let index = 0; index < rawHeaders.length; index += 2) {
    if (rawHeaders[index]!.length === name.length && rawHeaders[index]!.toLowerCase() === name) values.push(rawHeaders[index + 1]!);
  }
  return values;
}

function refused(code: ErrorCode, reason: string): Arrival {
  return { kind: "refused", denial: { outcome: "deny", code, reason } };
}
