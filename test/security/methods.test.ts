/** Class 2.2: methods. */
import t from "tap";
import { bearer, requestBytes, startFixture } from "./fixture.ts";
import { valuesOf } from "./raw-socket.ts";

const door = await startFixture(t);
const { ask, converse, witness } = door;
const admin = bearer(door.adminToken);

t.test("M1 headers and parameters that name another method are ignored, and the headers go", async (t) => {
  const names = ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override", "X_HTTP_Method_Override", "x.http.method"];
  for (const name of names) {
    t.equal((await ask("/public/a?_method=DELETE", [`${name}: DELETE`])).status, 200, name);
    const heard = door.theOneHeard(t, name);
    t.equal(heard.line, "GET /public/a?_method=DELETE HTTP/1.1");
    t.notMatch(JSON.stringify(heard.headers), /delete/i, `${name} does not reach the upstream`);
  }
  t.equal((await ask("/inbox/a", ["X-HTTP-Method-Override: POST"])).status, 405, "nor does it open a POST route to GET");
  await door.nothingForwarded(t, "an override");
});

t.test("M2 HEAD follows GET: same rule, no body", async (t) => {
  t.equal((await ask("/admin/a", [], "HEAD")).status, 401);
  t.equal((await ask("/admin/a", [bearer(door.tokenOf("acme"))], "HEAD")).status, 403);
  await door.nothingForwarded(t, "HEAD without permission");
  witness.answerWith(() => "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\n");
  const { answers, rest } = await converse(requestBytes("HEAD", "/admin/a", ["Host: gw", admin, "Connection: close"]), {
    methods: ["HEAD"],
  });
  witness.answerWith(undefined);
  t.equal(answers[0]?.status, 200);
  t.equal(rest, "", "no body");
  t.equal(door.theOneHeard(t, "HEAD").line, "HEAD /admin/a HTTP/1.1");
});

t.test("M3 what is no method is refused", async (t) => {
  for (const method of ["get", "Get", "FOO", "TRACK", "PRI", "G@T", "GETS"]) {
    t.equal((await ask("/public/a", [], method)).status, 400, method);
  }
  await door.nothingForwarded(t, "no methods");
});

t.test("M4 methods that the table does not name are refused; CONNECT ends the connection; TRACE echoes nothing", async (t) => {
  for (const method of ["TRACE", "PROPFIND", "PURGE", "M-SEARCH", "QUERY", "LOCK", "SOURCE", "PATCH"]) {
    const answer = await ask("/public/a", ["X-Echo: heard-me"], method);
    t.ok([404, 405].includes(answer.status), `${method}: ${answer.status}`);
    t.notMatch(JSON.stringify(answer), /heard-me/, `${method} echoes nothing`);
  }
  for (const target of ["gw:80", "/public/a", "evil.example:443"]) {
    const { answers, closed } = await converse(requestBytes("CONNECT", target, ["Host: gw"]));
    t.same(
      answers.map(({ status }) => status),
      [404],
      `CONNECT ${target}`,
    );
    t.ok(closed, "and the connection closes");
  }
  await door.nothingForwarded(t, "unknown methods");
});

t.test("M4 methods of RTSP are refused like any other", async (t) => {
  for (const method of ["DESCRIBE", "SETUP", "PLAY", "OPTIONS"]) {
    const { answers } = await converse(`${method} /public/a RTSP/1.0\r\nHost: gw\r\nConnection: close\r\n\r\n`);
    t.ok([400, 404, 405, 505].includes(answers[0]?.status ?? 0), `${method}: ${answers[0]?.status}`);
    t.match(answers[0]?.body, /"code":"[A-Z_]+","decisionId":/, "in the gateway's own words");
  }
  await door.nothingForwarded(t, "RTSP");
});

t.test("M5 a method that the path does not have is 405, with what it has", async (t) => {
  const answer = await ask("/public/a", [], "DELETE");
  t.equal(answer.status, 405);
  t.same(valuesOf(answer, "allow"), ["GET, HEAD"]);
  await door.nothingForwarded(t, "DELETE");
});

t.test("M6 OPTIONS without preflight headers is an ordinary method", async (t) => {
  for (const path of ["/admin/a", "/public/a", "/pages/a"]) {
    t.equal((await ask(path, [], "OPTIONS")).status, 405, path);
    t.equal((await ask(path, ["Origin: https://app.example"], "OPTIONS")).status, 405, `${path} with an origin alone`);
  }
  t.equal(
    (await ask("/admin/a", ["Origin: https://app.example", "Access-Control-Request-Method: GET"], "OPTIONS")).status,
    405,
    "no `cors`, no preflight",
  );
  await door.nothingForwarded(t, "OPTIONS");
});

t.test("M7 OPTIONS * is about nothing that the table has", async (t) => {
  t.equal((await ask("*", [], "OPTIONS")).status, 404);
  await door.nothingForwarded(t, "OPTIONS *");
});

t.test("M8 a GET or HEAD with a body is refused, and the connection closes; a DELETE's body goes where its route is", async (t) => {
  const body = requestBytes("GET", "/public/inner", ["Host: gw"]);
  const framings = [`Content-Length: ${body.length}`, "Transfer-Encoding: chunked"];
  for (const method of ["GET", "HEAD"]) {
    for (const [index, framing] of framings.entries()) {
      const sent = index === 0 ? body : `${body.length.toString(16)}\r\n${body}\r\n0\r\n\r\n`;
      const { answers, closed } = await converse(requestBytes(method, "/public/a", ["Host: gw", framing]) + sent, { methods: [method] });
      t.same(
        answers.map(({ status }) => status),
        [400],
        `${method} ${framing}`,
      );
      t.ok(closed);
    }
  }
  const { answers } = await converse(`${requestBytes("DELETE", "/public/a", ["Host: gw", "Content-Length: 5"])}hello`);
  t.same(
    answers.map(({ status }) => status),
    [405],
  );
  await door.nothingForwarded(t, "bodies");
});

t.test("M9 a rule is for its method alone", async (t) => {
  const writer = bearer(door.pool.personTokens({ username: "pat", clientId: "web", groups: ["writers"] }).idToken);
  const status = async (method: string): Promise<number> => (await ask("/jobs/a", [writer, "Content-Length: 0"], method)).status;
  t.equal(await status("GET"), 403, "GET has a rule of its own");
  t.equal(await status("HEAD"), 403, "HEAD follows GET, not POST");
  for (const method of ["OPTIONS", "PUT", "PATCH", "DELETE"]) t.equal(await status(method), 405, method);
  await door.nothingForwarded(t, "other methods");
  t.equal(await status("POST"), 200);
  t.equal(door.theOneHeard(t, "POST").line, "POST /jobs/a HTTP/1.1");
});
