/** The upstream's headers, made into the client's. */
import type { Mount, Service } from "../../contract/policy.ts";
import { connectionNames, isReservedInAnswer } from "./header-fates.ts";
import { rememberInOrder } from "../remember.ts";
import { mapLocation } from "./location.ts";

/** `limit`: passes where the gateway says nothing of limits itself. */
type Fate = "pass" | "drop" | "limit" | "length" | "trailer" | "vary" | "location";

interface KnownName {
  readonly lowered: string;
  readonly fate: Fate;
}

export interface AnswerContext {
  /**
   * Headers of the gateway's own: names, in lower case, and values in turn. Decision id, CORS and limits take the place of
   * the upstream's; `vary` is added to.
   */
  readonly own: readonly string[];
  readonly mount: Mount;
  /** The host that the upstream was told. */
  readonly publicHost: () => string;
  /** Value of the upstream's `Connection`. */
  readonly connection: string | undefined;
  readonly status: number;
  /** The client can be sent trailers: HTTP/1.1, and the answer may have a body. */
  readonly takesTrailers: boolean;
}

export interface ResponseHeaders {
  /** Flat list for `writeHead`: order and repeats as the upstream sent them, then the gateway's own. */
  head(raw: readonly string[], context: AnswerContext): string[];
  /** Pairs for `addTrailers`. */
  trailers(raw: readonly string[]): [string, string][];
}

/** Compiles what becomes of each header of one service's answers. */
export function compileResponseHeaders(service: Service): ResponseHeaders {
  const keepsCookies = service.upstream.forward.cookies;
  const known = rememberInOrder((name): KnownName => {
    const lowered = name.toLowerCase();
    return { lowered, fate: fateOf(lowered, keepsCookies) };
  });
  return {
    head: (raw, context) => copyHead(raw, context, known),
    trailers: (raw) => copyTrailers(raw, known),
  };
}

function fateOf(name: string, keepsCookies: boolean): Fate {
  if (isReservedInAnswer(name)) return "drop";
  switch (name) {
    case "set-cookie":
      return keepsCookies ? "pass" : "drop";
    case "content-length":
      return "length";
    case "trailer":
      return "trailer";
    case "vary":
      return "vary";
    case "location":
    case "content-location":
      return "location";
    default:
      return name.startsWith("ratelimit-") || name.startsWith("x-ratelimit-") ? "limit" : "pass";
  }
}

/** What is written last, because it depends on all headers. */
interface Late {
  readonly varies: string[];
  readonly trailers: string[];
  hasLength: boolean;
}

function copyHead(raw: readonly string[], context: AnswerContext, known: (name: string, place: number) => KnownName): string[] {
  const named = connectionNames(context.connection, (name) => name.toLowerCase());
  const headers: string[] = [];
  const late: Late = { varies: [], trailers: [], hasLength: false };
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    const { lowered, fate } = known(name, index >> 1);
    if (fate === "drop" || named?.has(lowered)) continue;
    const value = raw[index + 1] as string;
    if (fate === "pass") headers.push(name, value);
    else addSpecial(headers, late, fate, name, value, context);
  }
  addTrailerNames(headers, late, context);
  addOwn(headers, late.varies, context.own);
  return headers;
}

function addSpecial(
  headers: string[],
  late: Late,
  fate: Exclude<Fate, "pass" | "drop">,
  name: string,
  value: string,
  context: AnswerContext,
): void {
  switch (fate) {
    case "limit":
      if (!context.own.includes(name.toLowerCase())) headers.push(name, value);
      return;
    case "location":
      headers.push(name, mapLocation(value, context.mount, context.publicHost()));
      return;
    case "vary":
      late.varies.push(value);
      return;
    case "trailer":
      late.trailers.push(value);
      return;
    case "length":
      late.hasLength = true;
      // RFC 9110 section 8.6: none in a 204.
      if (context.status !== 204) headers.push(name, value);
      return;
  }
}

/** Trailers need chunked framing, which an answer with a length has not. */
function addTrailerNames(headers: string[], late: Late, context: AnswerContext): void {
  if (late.hasLength || !context.takesTrailers) return;
  for (const names of late.trailers) headers.push("Trailer", names);
}

function addOwn(headers: string[], varies: readonly string[], own: readonly string[]): void {
  let ownVary: string | undefined;
  for (let index = 0; index < own.length; index += 2) {
    const name = own[index] as string;
    if (name === "vary") ownVary = own[index + 1];
    else headers.push(name, own[index + 1] as string);
  }
  const vary = mergedVary(varies, ownVary);
  if (vary !== undefined) headers.push("Vary", vary);
}

function mergedVary(varies: readonly string[], own: string | undefined): string | undefined {
  if (varies.length === 0) return own;
  const theirs = varies.join(", ");
  if (own === undefined) return theirs;
  const names = new Set(
    theirs
      .toLowerCase()
      .split(",")
      .map((name) => name.trim()),
  );
  return names.has("*") || names.has(own.toLowerCase()) ? theirs : `${theirs}, ${own}`;
}

/** RFC 9110 section 6.5.1: a trailer never becomes a header, and none of ours may arrive as one. */
function copyTrailers(raw: readonly string[], known: (name: string, place: number) => KnownName): [string, string][] {
  const trailers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = raw[index] as string;
    if (known(name, index >> 1).fate === "pass") trailers.push([name, raw[index + 1] as string]);
  }
  return trailers;
}
