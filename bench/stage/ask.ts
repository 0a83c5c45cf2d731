/** One request, to see what a target makes of it. */
import { request } from "node:http";
import type { Answer } from "../targets/node-peers.ts";
import type { Shot } from "./load.ts";
import { type Stage, goodShot, PATH, TENANT } from "./stage.ts";
import type { Running, Target } from "../targets/target.ts";

/** Headers that Node writes by itself. */
const WRITTEN_ANYWAY = new Set(["date", "connection", "keep-alive"]);

export function ask(port: number, { method = "GET", path, headers }: Pick<Shot, "method" | "path" | "headers">): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const sent = request({ host: "127.0.0.1", port, path, method, headers, agent: false }, (response) => {
      let body = "";
      response.setEncoding("utf8");
      response.on("data", (chunk: string) => (body += chunk));
      response.on("end", () => resolve({ status: response.statusCode ?? 0, headers: ownHeaders(response.rawHeaders), body }));
    });
    sent.on("error", reject).end();
  });
}

function ownHeaders(raw: readonly string[]): readonly string[] {
  return raw.filter((_, index) => !WRITTEN_ANYWAY.has((raw[index - (index % 2)] ?? "").toLowerCase()));
}

interface Case {
  readonly name: string;
  readonly shot: Pick<Shot, "path" | "headers">;
  readonly status: number;
}

/** How many of the cases a target must pass: whoever knows no policy need only answer. */
const CASES_TO_PASS: Readonly<Record<Target["answers"], number>> = { "by policy": Infinity, everybody: 1, "one answer": 0 };

/** Throws unless the target answers as the policy says: who is measured does the work. */
export async function proveCorrect(target: Target, { port }: Running, stage: Stage): Promise<void> {
  for (const { name, shot, status } of casesOf(stage).slice(0, CASES_TO_PASS[target.answers])) {
    const answer = await ask(port, shot);
    if (answer.status !== status) throw new Error(`${target.name} answers ${answer.status} to ${name}, and should ${status}`);
  }
}

function casesOf({ issuer }: Stage): readonly Case[] {
  const good = goodShot(issuer.token(TENANT));
  const { authorization = "", ...others } = good.headers;
  const other = issuer.token(TENANT, "bench/something_else");
  const withToken = (token: string): Pick<Shot, "path" | "headers"> => ({ path: PATH, headers: { ...others, authorization: token } });
  return [
    { name: "a good token", shot: good, status: 200 },
    { name: "no token", shot: { path: PATH, headers: others }, status: 401 },
    { name: "a token whose signature is wrong", shot: withToken(`${authorization.slice(0, -6)}AAAAAA`), status: 401 },
    { name: "a token of another scope", shot: withToken(`Bearer ${other}`), status: 403 },
    { name: "another tenant's path", shot: { ...good, path: PATH.replace(TENANT, "otherfirm") }, status: 403 },
  ];
}
