/** Operations → lines of the route table. What no line can say is left out, so that nothing covers it. */
import { looseSegment } from "../../decision/path.ts";
import { type ApiSegment, apiSegments } from "./coverage/api-path.ts";
import type { Grammar, PatternSegment } from "./grammar.ts";
import type { ApiDocument, Operation } from "./model.ts";
import { translate } from "./path-template.ts";
import { isAtHome } from "./place-of-service.ts";
import { denied, isSameRule, type Rule, ruleOf } from "./rule.ts";
import type { MappedScheme } from "./schemes.ts";

export interface Line {
  /** `GET /users/{id}`. */
  readonly key: string;
  readonly operations: readonly Operation[];
  readonly rule: Rule;
  /** The document's names of placeholders → the line's. */
  readonly placeholders: ReadonlyMap<string, string>;
}

export interface LeftOut {
  readonly operation: Operation;
  readonly reason: string;
}

export interface Lines {
  readonly lines: readonly Line[];
  readonly leftOut: readonly LeftOut[];
}

/** A line for each shape of path and method. */
export function linesOf(document: ApiDocument, schemes: ReadonlyMap<string, MappedScheme>, grammar: Grammar): Lines {
  const table = new Table(grammar);
  for (const operation of document.operations) {
    const rule = isAtHome(operation, document)
      ? ruleOf(operation, schemes)
      : denied(`it has a server of its own: ${operation.servers?.[0]?.url ?? ""}`);
    table.add(operation, rule);
  }
  return table.finish();
}

type Growing = { -readonly [Name in keyof Line]: Line[Name] } & { readonly segments: readonly PatternSegment[] };

interface Unsaid extends LeftOut {
  readonly rule: Rule;
  /** Where requests may meet another line, since no line of its own stands before it. */
  readonly segments: readonly ApiSegment[] | undefined;
}

class Table {
  readonly #grammar: Grammar;
  readonly #lines = new Map<string, Growing>();
  readonly #leftOut: Unsaid[] = [];
  /** Method and path so far, as a careless reader takes it → as it was spelled first. */
  readonly #spellings = new Map<string, string>();

  constructor(grammar: Grammar) {
    this.#grammar = grammar;
  }

  /** HEAD follows GET, in the same line. */
  add(operation: Operation, rule: Rule): void {
    const translated = translate(operation.path);
    if (translated.kind === "unsayable") return this.#leaveOut(operation, rule, translated.reason);
    const method = operation.method === "HEAD" ? "GET" : operation.method;
    const key = `${method} ${translated.pattern}`;
    const route = this.#grammar.route(key);
    if (route.kind === "wrong") return this.#leaveOut(operation, rule, route.reason);
    const rival = this.#rivalOf(method, route.segments);
    if (rival !== undefined) return this.#leaveOut(operation, rule, `a careless reader takes its path for one under ${rival}`);
    const shape = shapeOf(method, route.segments);
    const line = this.#lines.get(shape);
    if (line) join(line, operation, rule);
    else this.#lines.set(shape, { key, operations: [operation], rule, placeholders: translated.placeholders, segments: route.segments });
  }

  finish(): Lines {
    for (const [shape, { operations, rule }] of this.#lines) {
      if (operations.some(({ method }) => method !== "HEAD")) continue;
      this.#lines.delete(shape);
      for (const operation of operations) this.#leaveOut(operation, rule, "HEAD follows GET, and there is no GET here");
    }
    const lines = [...this.#lines.values()];
    return { lines, leftOut: this.#leftOut.map((one) => fallen(one, lines)) };
  }

  #leaveOut(operation: Operation, rule: Rule, reason: string): void {
    this.#leftOut.push({ operation, rule, reason, segments: apiSegments(operation.path) });
  }

  /** Literals that differ only in case or in form cannot stand side by side: the first spelling counts. */
  #rivalOf(method: string, segments: readonly PatternSegment[]): string | undefined {
    const seen: [string, string][] = [];
    let [loose, exact] = [method, ""];
    for (const segment of segments) {
      loose += `/${segment.kind === "literal" ? `=${looseSegment(segment.text)}` : segment.kind}`;
      exact += `/${segment.kind === "literal" ? segment.text : "{}"}`;
      const first = this.#spellings.get(loose) ?? exact;
      if (first !== exact) return first;
      seen.push([loose, exact]);
    }
    for (const [key, spelling] of seen) this.#spellings.set(key, spelling);
    return undefined;
  }
}

function shapeOf(method: string, segments: readonly PatternSegment[]): string {
  return JSON.stringify([method, segments.map((segment) => (segment.kind === "literal" ? segment.text : [segment.kind]))]);
}

/** Two operations in one line: a rule that is right for one only must not open the other. */
function join(line: Growing, operation: Operation, rule: Rule): void {
  const [first] = line.operations;
  const other = `${operation.method} ${operation.path}`;
  if (!isSameRule(line.rule, rule))
    line.rule = denied(`${first?.method} ${first?.path} and ${other} are one line here, and ask for different things`);
  else line.rule = { ...line.rule, reasons: [...new Set([...line.rule.reasons, ...rule.reasons, ...sameShape(first, operation)])] };
  line.operations = [...line.operations, operation];
}

/** Requests of an operation without a line can meet a line with a placeholder there: that must not let more callers in. */
function fallen({ operation, rule, reason, segments }: Unsaid, lines: readonly Growing[]): LeftOut {
  const method = operation.method === "HEAD" ? "GET" : operation.method;
  const under = lines.filter(({ key, segments: pattern }) => key.startsWith(`${method} `) && segments && fallsUnder(segments, pattern));
  for (const line of under) {
    if (line.rule.kind === "denied" || isSameRule(line.rule, rule)) continue;
    line.rule = denied(`${operation.method} ${operation.path} has no line of its own, would meet this one, and asks for something else`);
  }
  const words = under.length === 0 ? "" : `; its requests meet ${under.map(({ key }) => key).join(", ")}`;
  return { operation, reason: `${reason}${words}` };
}

function fallsUnder(segments: readonly ApiSegment[], pattern: readonly PatternSegment[]): boolean {
  const isOfManySegments = segments.at(-1)?.kind === "rest";
  if (isOfManySegments ? pattern.length < segments.length : pattern.length !== segments.length) return false;
  return pattern.every((part, index) => {
    const segment = segments[index];
    return part.kind !== "literal" || (segment?.kind === "literal" && segment.text === part.text);
  });
}

function sameShape(first: Operation | undefined, { method, path }: Operation): readonly string[] {
  return first?.path === path ? [] : [`${method} ${path} is the same line`];
}
