/** Class 2.4, the upstream's side: an answer whose framing is broken harms nobody but who asked for it. */
import { setTimeout as pause } from "node:timers/promises";
import t from "tap";
import { bearer, requestBytes, startFixture } from "./fixture.ts";

const door = await startFixture(t);
const { witness } = door;

t.test("D15 an upstream that answers before the body's end ends the connection", async (t) => {
  witness.answerEarly("HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nearly");
  const rest = requestBytes("GET", "/admin/smug", ["Host: gw", bearer(door.adminToken)]);
  const head = requestBytes("POST", "/inbox/a", ["Host: gw", `Content-Length: ${rest.length + 5}`]);
  const { answers, closed } = await door.converse([`${head}hello`, rest], { pauseMs: 100 });
  witness.answerEarly(undefined);
  t.same(
    answers.map(({ status }) => status),
    [200],
  );
  t.ok(closed);
  t.same(
    witness.take().filter(({ target }) => target.includes("smug")),
    [],
  );
  witness.takeBytes();
  await door.nothingForwarded(t, "the rest of the body");
});

const POISON = "HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 6\r\n\r\npoison";
const OK = "HTTP/1.1 200 OK\r\n";

t.test("D15 what an upstream sends too much reaches no other client", async (t) => {
  const answers = {
    "two answers": `${OK}content-length: 5\r\n\r\nfirst${POISON}`,
    "bytes behind the answer": `${OK}content-length: 5\r\n\r\nfirstextra`,
    "204 with a body": `HTTP/1.1 204 No Content\r\n\r\n${POISON}`,
    "204 with a length": `HTTP/1.1 204 No Content\r\ncontent-length: ${POISON.length}\r\n\r\n${POISON}`,
    "304 with a body": `HTTP/1.1 304 Not Modified\r\ncontent-length: ${POISON.length}\r\n\r\n${POISON}`,
    "length and chunks": `${OK}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n${POISON}`,
    "a late second answer": [`${OK}content-length: 5\r\n\r\nfirst`, POISON],
  };
  for (const [what, answer] of Object.entries(answers)) {
    witness.answerWith((heard, socket) => {
      if (!heard.target.startsWith("/quick")) return `${OK}content-length: 4\r\n\r\ngood`;
      const [first = "", ...later] = [answer].flat();
      for (const part of later) setTimeout(() => socket.write(part), 20);
      return first;
    });
    const poisoned = await door.ask("/quick/a");
    t.ok([200, 204, 304, 502].includes(poisoned.status), `${what}: ${poisoned.status}`);
    t.notMatch(poisoned.body, /poison/, what);
    if (typeof answer !== "string") await pause(60);
    const others = await Promise.all(Array.from({ length: 5 }, async (_, index) => door.ask(`/public/${index}`)));
    t.same(
      others.map(({ status, body }) => `${status} ${body}`),
      Array<string>(5).fill("200 good"),
      `${what}: other clients get their own`,
    );
    witness.answerWith(undefined);
    witness.takeBytes();
  }
});

t.test("D15 an answer that breaks off never looks whole", async (t) => {
  const broken = {
    "a short body": `${OK}content-length: 50\r\n\r\nhello`,
    "chunks without end": `${OK}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n`,
  };
  for (const [what, answer] of Object.entries(broken)) {
    witness.answerWith((_heard, socket) => void socket.end(answer));
    const { answers, raw } = await door.converse(requestBytes("GET", "/public/a", ["Host: gw"]));
    witness.answerWith(undefined);
    t.same(
      answers.filter(({ status }) => status === 200),
      [],
      `${what}: no whole answer`,
    );
    t.ok(raw.startsWith("HTTP/1.1 200") || answers[0]?.status === 502, what);
    witness.takeBytes();
  }
});

t.test("D15 an answer that is broken from its beginning is a 502 at once, and its connection carries nothing more", async (t) => {
  const broken = {
    "a chunk size that is none, behind its head": `${OK}transfer-encoding: chunked\r\n\r\n0x4\r\nEVIL\r\n0\r\n\r\n`,
    "a first chunk longer than it says": `${OK}transfer-encoding: chunked\r\n\r\n2\r\nEVIL\r\n0\r\n\r\n`,
    "lines that end in a bare LF": "HTTP/1.1 200 OK\ncontent-length: 4\n\nEVIL",
    "a bare LF behind the first line": `${OK}content-length: 4\n`,
  };
  for (const [what, answer] of Object.entries(broken)) {
    witness.answerWith((heard) => (heard.target.startsWith("/quick") ? answer : `${OK}content-length: 4\r\n\r\ngood`));
    const bytes = requestBytes("GET", "/quick/a", ["Host: gw"]) + requestBytes("GET", "/public/a", ["Host: gw", "Connection: close"]);
    const { answers, raw } = await door.converse(bytes);
    witness.answerWith(undefined);
    t.same(
      answers.map(({ status, body }) => (status === 200 ? `${status} ${body}` : status)),
      [502, "200 good"],
      what,
    );
    t.notMatch(raw, /EVIL/, what);
    witness.takeBytes();
  }
});
