/** What went wrong on the way to an upstream: for the client a code, for the operator a reason without addresses. */

export type UpstreamCode = "UPSTREAM_UNREACHABLE" | "UPSTREAM_TIMEOUT";

export class UpstreamFault extends Error {
  override readonly name = "UpstreamFault";
  readonly code: UpstreamCode;
  /** No upstream can have acted on the request: it never left, or went down a kept connection that had been given up. */
  readonly unheard: boolean;

  constructor(code: UpstreamCode, reason: string, unheard = false) {
    super(`upstream: ${reason}`);
    this.code = code;
    this.unheard = unheard;
  }
}

export function badAnswer(what: string): UpstreamFault {
  return new UpstreamFault("UPSTREAM_UNREACHABLE", `bad response (${what})`);
}

export function timedOut(what: string): UpstreamFault {
  return new UpstreamFault("UPSTREAM_TIMEOUT", what);
}

/** The system's own time-out is one too, and waiting as long again would not help. */
export function brokenConnection(error: Error | undefined, unheard: boolean): UpstreamFault {
  const code = codeOf(error) ?? "closed";
  return code === "ETIMEDOUT" ? timedOut(code) : new UpstreamFault("UPSTREAM_UNREACHABLE", code, unheard);
}

function codeOf(error: Error | undefined): string | undefined {
  if (error === undefined) return undefined;
  return "code" in error && typeof error.code === "string" ? error.code : error.name;
}
