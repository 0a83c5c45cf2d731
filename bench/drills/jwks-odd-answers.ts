/** What an issuer may answer in place of its keys, and what the gateway makes of it. */
import type { RequestListener } from "node:http";
import { gzipSync } from "node:zlib";
import { JWKS_FETCH_LIMITS } from "../../src/pipeline/authenticate/jwks-fetch.ts";
import { answerJson, keySetOf } from "../../test/authenticate/fixtures/issuer-server.ts";
import { type IssuerKey, rsaKey } from "../../test/authenticate/fixtures/keys.ts";
import { type Figure, firstWith, on, seconds, SLACK_MS } from "./jwks-figures.ts";
import { goodToken, keepAsking, type Stage, until } from "./jwks-stage.ts";

const k1 = rsaKey("k1");
const k2 = rsaKey("k2");
const byK1 = goodToken(k1);
const serving = (...keys: readonly IssuerKey[]): RequestListener => answerJson(keySetOf(...keys));

const HUGE = 4 * 1024 * 1024;
const fetchText = `time-out ${seconds(JWKS_FETCH_LIMITS.timeoutMs)}, ${JWKS_FETCH_LIMITS.maxBytes / 1024} KB`;

const ODD_ANSWERS: Readonly<Record<string, RequestListener>> = {
  "no answer at all": () => undefined,
  "a byte now and then": (_request, response) => {
    const timer = setInterval(() => response.write(" "), 50);
    response.on("close", () => clearInterval(timer));
  },
  "4 MB, said beforehand": (_request, response) => void response.writeHead(200, { "content-length": HUGE }).end(Buffer.alloc(HUGE, " ")),
  "without an end": (_request, response) => {
    const flow = (): void => void (!response.destroyed && response.write(Buffer.alloc(65_536, " "), () => setImmediate(flow)));
    flow();
  },
  "a redirect to a good set": (request, response) => {
    if (request.url === "/elsewhere") serving(k1, k2)(request, response);
    else response.writeHead(302, { location: "/elsewhere" }).end();
  },
  "a page of HTML": answerJson("<html>sorry</html>"),
  "half a set": answerJson(keySetOf(k1).slice(0, -40)),
  "a set in gzip": (_request, response) => void response.writeHead(200, { "content-encoding": "gzip" }).end(gzipSync(keySetOf(k1))),
  "an empty body": answerJson(""),
  "no HTTP": (request) => void request.socket.end("nonsense\r\n\r\n"),
  "500": (_request, response) => void response.writeHead(500).end(),
};

/** All at once, each with an issuer and a gateway of its own. */
export async function oddAnswers(): Promise<Figure[]> {
  const figures = Object.entries(ODD_ANSWERS).map(([what, answer]) =>
    on(serving(k1), { softMs: 500, coolDownMs: 500 }, (stage) => oddAnswer(stage, what, answer)),
  );
  return [{ what: "limits of a fetch, as by default", measured: fetchText }, ...(await Promise.all(figures))];
}

async function oddAnswer(stage: Stage, what: string, answer: RequestListener): Promise<Figure> {
  const asking = keepAsking(stage, () => byK1, 100);
  stage.issuer.answerWith(answer);
  // A fetch that is under way has perhaps been answered already.
  const number = stage.state().fetchCount + 1;
  await until(() => stage.events.length >= number, 10_000, `the fetch of ${what}`);
  const event = stage.events.at(number - 1)!;
  const answers = await asking.stop();
  const reason = event.kind === "failed" ? event.reason : "taken for a set";
  const others = answers.filter(({ status }) => status !== 200).length;
  const held = event.kind === "failed" && others === 0 && (await stage.ask(byK1)).status === 200;
  return { what, measured: `${answers.length - others} of ${answers.length} good tokens served`, bound: reason, holds: held };
}

/** The same before there is any set. */
export function oddFirstAnswer(): Promise<Figure[]> {
  return on(answerJson("<html>sorry</html>"), {}, async (stage) => {
    const before = await stage.ask(byK1);
    stage.issuer.answerWith(serving(k1));
    const mendedAt = performance.now();
    const good = await firstWith(stage, byK1, 200, 5000);
    return [
      { what: "a good token while there is no set", measured: `${before.status}`, bound: "503", holds: before.status === 503 },
      {
        what: "good after the issuer is mended",
        measured: seconds(good.at - mendedAt),
        bound: "first retry after 1 s",
        holds: good.at - mendedAt <= 1000 + SLACK_MS,
      },
    ];
  });
}
