/** The body that a request declares, what its route's rule says to one, and what only the body itself could show. */
import type { RequestFacts } from "../../contract/decision.ts";
import type { Route } from "../../contract/policy.ts";
import { sketchedBody } from "../sketched-body.ts";
import type { Detail } from "./explain.ts";

export function bodyDetails(request: RequestFacts, route: Route): readonly Detail[] {
  const framing = sketchedBody(request);
  if (request.websocket || framing.kind !== "body") return [];
  const { lengthBytes } = framing;
  const length = lengthBytes === undefined ? "of a length that is not declared" : `${lengthBytes} bytes`;
  const types = request.header("content-type");
  return [
    { about: "body", is: `${length}, ${types.length === 0 ? "without content-type" : types.join(", ")}` },
    ...ruleWords(request, route).map((is) => ({ about: "body rule", is })),
  ];
}

function ruleWords({ method }: RequestFacts, { body: { maxBytes, types, explicit } }: Route): readonly string[] {
  if (isBare(method) && !explicit) return [`none for a ${method}, unless the line says \`body\``];
  const words = [...(maxBytes === undefined ? [] : [`at most ${maxBytes} bytes`]), ...(types ? [`of ${types.join(" or ")}`] : [])];
  return words.length === 0 ? [] : [words.join(", ")];
}

/** A method that has a body only where the route says so. */
function isBare(method: string): boolean {
  return method === "GET" || method === "HEAD";
}

/** Why a request that passes here may still be refused for its body. */
export function bodyDoubts(request: RequestFacts, { body: { maxBytes, types, explicit } }: Route): readonly Detail[] {
  const framing = sketchedBody(request);
  if (request.websocket || framing.kind === "refused") return [];
  if (framing.kind === "body")
    return framing.lengthBytes !== undefined || maxBytes === undefined
      ? []
      : [{ about: "not known", is: `how long the body is; past ${maxBytes} bytes it is BODY_TOO_LARGE` }];
  const mayHaveOne = request.header("content-length").length === 0 && (explicit || !isBare(request.method));
  if (!mayHaveOne || types === undefined) return [];
  return [{ about: "not known", is: `the body: none is declared here; one that is not ${types.join(" or ")} is BODY_TYPE_NOT_ALLOWED` }];
}
