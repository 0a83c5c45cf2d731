/** Class 2.1: path confusion. The property over random tables stands in path-property.test.ts. */
import t, { type Test } from "tap";
import { bearer, requestBytes, startFixture } from "./fixture.ts";
import { valuesOf, type Answer } from "./raw-socket.ts";

const door = await startFixture(t);
const { ask, witness } = door;
const repeated = (text: string, times: number): string => Array<string>(times).fill(text).join("");

/** Every target is answered with one of these, and the upstream hears of none. */
async function refuses(
  t: Test,
  targets: readonly string[],
  statuses: readonly number[],
  fields: readonly string[] = [],
): Promise<readonly Answer[]> {
  const answers: Answer[] = [];
  for (const target of targets) {
    const answer = await ask(target, fields);
    const shown = JSON.stringify(target.length > 60 ? `${target.slice(0, 60)}…` : target);
    t.ok(statuses.includes(answer.status), `${shown}: ${answer.status}`);
    t.equal(witness.takeBytes(), "", `${shown}: not forwarded`);
    answers.push(answer);
  }
  await door.nothingForwarded(t, "all of them");
  return answers;
}

/** The target is answered 200, and the upstream is sent this one. */
async function forwardsAs(t: Test, target: string, forwarded: string, fields: readonly string[] = []): Promise<void> {
  t.equal((await door.heardOf(t, target, fields)).line, `GET ${forwarded} HTTP/1.1`, target);
}

t.test("P1 dot segments, plain and encoded, are refused", async (t) => {
  await refuses(
    t,
    ["/public/../admin/a", "/public/%2e%2e/admin", "/public/.%2e/admin", "/public/%2E%2E/", "/public/..", "/public/%2e"],
    [400],
  );
});

t.test("P2 dot segments with encoded slashes are refused", async (t) => {
  await refuses(t, ["/public/..%2fadmin", "/public/..%2Fadmin", "/public%2f..%2fadmin"], [400, 404]);
});

t.test("P3 a backslash is no slash, and no character of a path", async (t) => {
  const targets = [
    "/public\\..\\admin",
    "/public/..\\admin",
    "/public/x\\..\\..\\admin",
    "/public%5c..%5cadmin",
    "/public/..%5cadmin",
    "/public/a%5cb",
  ];
  await refuses(t, targets, [400]);
});

t.test("P4 what could be decoded a second time is refused", async (t) => {
  const twice = ["/public/%252e%252e/admin", "/public/..%252fadmin", "/public/%25252e%25252e/admin", "/public/a%255cb", "/public/a%2500"];
  await refuses(t, [...twice, "/public/%2525", "/public/%2541"], [400]);
  await forwardsAs(t, "/public/100%25", "/public/100%25");
});

t.test("P5 path parameters lead nowhere else", async (t) => {
  const targets = [
    "/public/..;/admin",
    "/admin;x=1/a",
    "/admin;/a",
    "/public;/../admin",
    "/public/..;x=1/admin",
    "/public/;/a",
    "/public;/a",
  ];
  await refuses(t, targets, [400, 404]);
  await forwardsAs(t, "/public/a;x=1", "/public/a;x=1");
});

t.test("P6 empty segments are refused, and no target is taken for an authority", async (t) => {
  await refuses(t, ["//admin/a", "///admin", "/public//admin", "/public//evil.example/x", "//evil.example/public/a"], [400]);
});

t.test("P7 other ways to write /admin get no other decision", async (t) => {
  await refuses(t, ["/admin/", "/admin", "/admin/.", "/admin/./a", "/admin/%2e/a"], [400, 401, 404]);
  await refuses(t, ["/admin/", "/admin", "/admin/.", "/admin/./a", "/admin/%2e/a"], [400, 403, 404], [bearer(door.tokenOf("acme"))]);
});

t.test("P8 paths are case-sensitive", async (t) => {
  await refuses(t, ["/ADMIN/a", "/Admin/a", "/%41DMIN/a", "/Public/a"], [404], [bearer(door.adminToken)]);
});

t.test("P9 the decoded path is what is matched", async (t) => {
  await refuses(t, ["/%61dmin/a", "/adm%69n/a"], [401]);
  await forwardsAs(t, "/%61dmin/a", "/admin/a", [bearer(door.adminToken)]);
});

t.test("P10 an encoded slash separates nothing", async (t) => {
  await refuses(
    t,
    ["/admin%2fa", "/t/acme%2f..%2fother/x", "/t/acme%2fx", "/admin/a%2fb"],
    [400, 403, 404],
    [bearer(door.tokenOf("acme")), "X: y"],
  );
  await refuses(t, ["/admin%2fa", "/admin/a%2fb"], [400, 404], [bearer(door.adminToken)]);
});

t.test("P11 overlong UTF-8 is refused", async (t) => {
  await refuses(
    t,
    ["/public/%c0%ae%c0%ae/admin", "/public/..%c0%afadmin", "/public/%c0%af", "/public/%e0%80%af", "/public/%f0%80%80%ae"],
    [400],
  );
});

t.test("P12 NUL and control characters are refused, raw and encoded", async (t) => {
  const encoded = [
    "/public/%00/a",
    "/admin%00",
    "/t/acme%00/x",
    "/public/a%0ab",
    "/public/a%0db",
    "/public/a%09b",
    "/public/a%7fb",
    "/public/%c2%80",
  ];
  const raw = ["/public/\0a", "/admin\0", "/public/a\nb", "/public/a\rb", "/public/a\tb", "/public/a\x7fb", "/public/a\x01b"];
  await refuses(t, [...encoded, ...raw], [400], [bearer(door.tokenOf("acme"))]);
});

t.test("P13 broken percent-encodings are refused like everything malformed, without an echo", async (t) => {
  const answers = await refuses(t, ["/public/%zz", "/public/%", "/public/%a", "/%zz-echo", "/public/../echo"], [400]);
  const bodies = new Set(answers.map(({ body }) => body.replace(/"decisionId":"[^"]+"/, "")));
  t.equal(bodies.size, 1, "one body for all");
  t.notMatch([...bodies].join(""), /zz|%|echo|public/);
});

t.test("P14 absolute-form is its path, on the host that it names, and never picks an upstream", async (t) => {
  const other = [
    "http://evil.example/admin/a",
    "http://evil.example/public/a",
    "http://gw@evil.example/public/a",
    "http://gw:80@evil.example/public/a",
  ];
  await refuses(
    t,
    [
      ...other,
      "http://gw@gw/public/a",
      "ftp://gw/public/a",
      "http:///public/a",
      "http://gw",
      "http:/public/a",
      "http://gw\\@evil/public/a",
    ],
    [400],
  );
  await refuses(t, ["https://gw/admin/a", "http://gw/admin/a", "http://GW/admin/a"], [401]);
  await forwardsAs(t, "http://gw/public/a?b", "/public/a?b");
});

t.test("P15 targets that are no path are refused", async (t) => {
  await refuses(t, ["*", "gw:80", "admin/a", "", "?a", "public/a"], [400, 404]);
});

t.test("P16 an encoded question mark stays in the path, and the query decides nothing", async (t) => {
  await forwardsAs(t, "/public/a%3fadmin=1", "/public/a%3Fadmin=1");
  await refuses(t, ["/admin%3f/../public", "/admin%3f/public", "/public%3f/a"], [400, 404]);
  await forwardsAs(t, "/public/a?/../admin", "/public/a?/../admin");
  await forwardsAs(t, "/public/a??x", "/public/a??x");
  await refuses(t, ["/admin/a?/../../public/a", "/admin/a?access=public"], [401]);
});

t.test("P17 number signs are refused", async (t) => {
  await refuses(t, ["/public/a#/../admin", "/public#/admin", "/public/a%23b", "/public/a?b#c"], [400]);
});

t.test("P18 raw bytes outside ASCII are refused; encoded ones pass as they are, unless they fold into dots", async (t) => {
  const raw = (text: string): string => Buffer.from(text).toString("latin1");
  await refuses(t, [raw("/public/．．/admin"), raw("/public/ü"), "/public/\xff", "/public/%u002e%u002e/admin"], [400]);
  await refuses(t, ["/public/%ef%bc%8e%ef%bc%8e/admin", "/public/%ef%bc%8e", "/public/%e2%80%a5/admin"], [400]);
  await forwardsAs(t, "/public/%c3%bc", "/public/%C3%BC");
  await forwardsAs(t, "/public/u%cc%88", "/public/u%CC%88");
});

t.test("P19 a prefix ends at a segment's end", async (t) => {
  await refuses(t, ["/public-admin", "/publicx", "/publicx/a", "/adminx", "/adminx/a", "/apix/a", "/api-admin"], [404]);
  await refuses(t, ["/t/acme2/x", "/t/acm/x", "/t/acme-/x"], [403], [bearer(door.tokenOf("acme"))]);
});

t.test("P20 a tenant is the caller's after exactly one decoding, or refused", async (t) => {
  const values = [
    "%2e%2e",
    "..",
    "",
    "acme%2fx",
    "acme;x",
    "acme%00",
    "ACME",
    "%20acme",
    "acme%20",
    "acme.",
    "acme+",
    "%61cme2",
    "a".repeat(101),
  ];
  const words = [
    "acm%cc%81e",
    "%C3%A1cme",
    "__proto__",
    "constructor",
    "undefined",
    "null",
    "*",
    "[object%20Object]",
    "acme,other",
    "acme%2520",
  ];
  const targets = [...values, ...words].map((value) => `/t/${value}/x`);
  await refuses(t, [...targets, "/t/ acme/x"], [400, 403, 404], [bearer(door.tokenOf("acme"))]);
  await forwardsAs(t, "/t/%61cme/x", "/t/acme/x", [bearer(door.tokenOf("acme"))]);
  for (const claim of [undefined, ["acme"], { acme: true }, 7, true, null, "", "acme other", "..", "*"]) {
    const named = ["/t/acme/x", "/t/7/x", "/t/true/x", "/t/null/x", "/t/undefined/x", "/t/%5Bobject%20Object%5D/x", "/t/*/x"];
    await refuses(t, named, [403], [bearer(door.tokenOf(claim))]);
  }
});

t.test("P21 the upstream gets the canonical path, re-encoded, not the bytes that the client sent", async (t) => {
  await forwardsAs(t, "/t/%61cme/x", "/t/acme/x", [bearer(door.tokenOf("acme"))]);
  await forwardsAs(t, "/publi%63/%7e%41%2d%c3%a9%20", "/public/~A-%C3%A9%20");
});

t.test("P22 a tenant that query or body name beside the path changes nothing", async (t) => {
  const acme = bearer(door.tokenOf("acme"));
  await refuses(t, ["/t/other/x?tenant=acme", "/t/other/x?:tenant=acme", "/t/other/x?tenant[]=acme"], [403], [acme]);
  await forwardsAs(t, "/t/acme/x?tenant=other&:tenant=other", "/t/acme/x?tenant=other&:tenant=other", [acme]);
  const body = '{"tenant":"acme"}';
  const fields = ["Host: gw", acme, "Content-Type: application/json", `Content-Length: ${body.length}`, "Connection: close"];
  const { answers } = await door.converse(requestBytes("PUT", "/t/other/notes", fields) + body);
  t.same(
    answers.map(({ status }) => status),
    [403],
    "nor does a body",
  );
  await door.nothingForwarded(t, "a body's tenant");
});

t.test("P23 a prefix is taken off by segments, once", async (t) => {
  await refuses(t, ["/api%2e/admin", "/api../admin", "/apiadmin", "/api%2fadmin", "/API/admin"], [400, 404]);
  await forwardsAs(t, "/api/x/api/y", "/x/api/y");
  await forwardsAs(t, "/%61pi/api/a", "/api/a");
  await forwardsAs(t, "/api/api", "/api");
});

t.test("P24 paths of any length are answered at once", async (t) => {
  const long = (text: string, times: number): string => `/public/${repeated(text, times)}`;
  await refuses(t, [long("a", 8192), long("a", 65_536), long("a/", 10_000), long(";", 10_000), long("%61", 5_000)], [400, 414, 431]);
  const most = long("a/", 4_000);
  await forwardsAs(t, most, most);
});

t.test("P25 an encoded line break never becomes one", async (t) => {
  await refuses(t, ["/public/a%0d%0aX-User-Id:%20admin", "/public/%0d%0a%0d%0aGET%20/admin/a", "/t/acme%0d%0aX-User-Id:%20admin/x"], [400]);
  const query = "a=%0d%0aX-User-Id:%20admin";
  await forwardsAs(t, `/public/a?${query}`, `/public/a?${query}`);
  t.equal((await ask(`/public/a?${query}`)).status, 200);
  t.same(valuesOf(door.theOneHeard(t, query), "x-user-id"), []);
});
