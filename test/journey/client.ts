/** A client that sends exactly the target and the headers that a test names, repeated ones too. */
import { Agent, request, type IncomingHttpHeaders } from "node:http";
import { text } from "node:stream/consumers";
import type { Test } from "tap";
import { collectAnswer } from "../security/log-sink.ts";

/** A header that is to be sent more than once has a list. */
export type SentHeaders = Readonly<Record<string, string | readonly string[]>>;

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
}

export type Send = (method: string, target: string, headers: SentHeaders) => Promise<Answer>;

/** Requests without body to `origin` over kept-alive connections, closed when the test ends. */
export function createClient(t: Test, origin: string): Send {
  const { hostname, port } = new URL(origin);
  const agent = new Agent({ keepAlive: true });
  t.teardown(() => agent.destroy());
  return (method, target, headers) =>
    new Promise((resolve, reject) => {
      const sent = request({ hostname, port, method, path: target, agent, headers: headers as Record<string, string | string[]> });
      sent.on("error", reject);
      sent.on("response", (response) => {
        const { statusCode: status = 0, headers: received } = response;
        const whole = (body: string): Answer => {
          collectAnswer(status, received["cache-control"], body);
          return { status, headers: received, body };
        };
        text(response).then(whole).then(resolve, reject);
      });
      sent.end();
    });
}
