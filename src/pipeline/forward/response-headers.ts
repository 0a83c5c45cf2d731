/** The upstream's headers, made into the client's. */
import type { Mount, Service } from "../../contract/policy.ts";
import { connectionNames, isReservedInAnswer, rememberByName } from "./header-fates.ts";
import { mapLocation } from "./location.ts";

type Fate = "pass" | "drop" | "length" | "trailer" | "vary" | "location";

interface KnownName {
  readonly lowered: string;
  readonly fate: Fate;
}

export interface AnswerContext {
  /** Headers of the gateway's own, lower case; they replace the upstream's of the same name, but `vary` is added to. */
  readonly own: Readonly<Record<string, string>>;
  readonly mount: Mount;
  /** The host that the upstream was told. */
  readonly publicHost: string;
  /** Value of the upstream's `Connection`. */
  readonly connection: string | undefined;
  readonly status: number;
  /** The client can be sent trailers: HTTP/1.1, and the answer may have a body. */
  readonly takesTrailers: boolean;
}

export interface ResponseHeaders {
  /** Flat list for `writeHead`: order and repeats as the upstream sent them, then the gateway's own. */
  head(raw: readonly Buffer[], context: AnswerContext): string[];
  /** Pairs for `addTrailers`. */
  trailers(raw: readonly Buffer[]): [string, string][];
}

/** Compiles what becomes of each header of one service's answers. */
export function compileResponseHeaders(service: Service): ResponseHeaders {
  const keepsCookies = service.upstream.forward.cookies;
  const known = rememberByName((name): KnownName => {
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
      return "pass";
  }
}

/** What is written last, because it depends on all headers. */
interface Late {
  readonly varies: string[];
  readonly trailers: string[];
  hasLength: boolean;
}

function copyHead(raw: readonly Buffer[], context: AnswerContext, known: (name: string) => KnownName): string[] {
  const named = connectionNames(context.connection, (name) => name.toLowerCase());
  const headers: string[] = [];
  const late: Late = { varies: [], trailers: [], hasLength: false };
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index] as Buffer);
    const { lowered, fate } = known(name);
    if (fate === "drop" || named?.has(lowered) || replaced(lowered, context.own)) continue;
    const value = text(raw[index + 1] as Buffer);
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
    case "location":
      headers.push(name, mapLocation(value, context.mount, context.publicHost));
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

function replaced(name: string, own: Readonly<Record<string, string>>): boolean {
  return name !== "vary" && Object.hasOwn(own, name);
}

function addOwn(headers: string[], varies: string[], own: Readonly<Record<string, string>>): void {
  for (const name in own) {
    if (name !== "vary") headers.push(name, own[name] as string);
  }
  const vary = mergedVary(varies, own["vary"]);
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
function copyTrailers(raw: readonly Buffer[], known: (name: string) => KnownName): [string, string][] {
  const trailers: [string, string][] = [];
  for (let index = 0; index < raw.length; index += 2) {
    const name = text(raw[index] as Buffer);
    if (known(name).fate === "pass") trailers.push([name, text(raw[index + 1] as Buffer)]);
  }
  return trailers;
}

function text(bytes: Buffer): string {
  return bytes.toString("latin1");
}
