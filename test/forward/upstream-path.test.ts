import fc from "fast-check";
import t from "tap";
import { encodeSegment, rebuildPath } from "../../src/decision/upstream-path.ts";
import { ask, openGateway, openRecorder, policyOf } from "./harness.ts";

const SEGMENT = fc.string({ unit: "binary" }).filter((segment) => segment.isWellFormed());

t.test("decoding the rebuilt path gives the segments that were matched", async (t) => {
  const { mount } = policyOf({ origin: "http://127.0.0.1:1" });
  fc.assert(
    fc.property(fc.array(SEGMENT, { minLength: 1 }), (segments) => {
      const path = rebuildPath(mount, { segments });
      t.match(path, /^\/[\w.~!$&'()*+,;=:@%/-]*$/);
      return JSON.stringify(path.slice(1).split("/").map(decodeURIComponent)) === JSON.stringify(segments);
    }),
  );
});

t.test("P25: control characters, delimiters and slashes of a segment stay within it", async (t) => {
  t.equal(encodeSegment("a/b"), "a%2Fb");
  t.equal(encodeSegment("\r\nX-User-Id: admin"), "%0D%0AX-User-Id:%20admin");
  t.equal(encodeSegment("a?b#c%d"), "a%3Fb%23c%25d");
  t.equal(encodeSegment('a\\b|c^d`e{f}g[h]"<>'), "a%5Cb%7Cc%5Ed%60e%7Bf%7Dg%5Bh%5D%22%3C%3E");
  t.equal(encodeSegment("é€😀"), "%C3%A9%E2%82%AC%F0%9F%98%80");
});

t.test("what RFC 3986 allows in a segment is not encoded", async (t) => {
  const plain = "azAZ09-._~!$&'()*+,;=:@";
  t.equal(encodeSegment(plain), plain);
  t.equal(encodeSegment(`${plain} `), `${plain}%20`);
});

t.test("P23: base path before, prefix kept or taken off by segments, trailing slash kept", async (t) => {
  const rebuilt = (segments: string[], prefix: string, stripPrefix: boolean, basePath: string) =>
    rebuildPath(policyOf({ origin: "http://127.0.0.1:1", prefix, service: { stripPrefix }, upstream: { basePath } }).mount, { segments });
  t.equal(rebuilt(["v2", "a", ""], "/v2", false, ""), "/v2/a/");
  t.equal(rebuilt(["v2", "a"], "/v2", false, "/base"), "/base/v2/a");
  t.equal(rebuilt(["prod", "api", "a"], "/prod/api", true, ""), "/a");
  t.equal(rebuilt(["prod", "api", "a"], "/prod/api", true, "/base"), "/base/a");
  t.equal(rebuilt(["api", "x", "api", "y"], "/api", true, ""), "/x/api/y");
  t.equal(rebuilt(["v2"], "/v2", true, ""), "/");
  t.equal(rebuilt(["v2", ""], "/v2", true, ""), "/");
  t.equal(rebuilt(["v2"], "/v2", true, "/base"), "/base");
  t.equal(rebuilt(["v2", ""], "/v2", true, "/base"), "/base/");
  t.equal(rebuilt([""], "", false, ""), "/");
});

t.test("P21: the upstream gets the canonical path and the query as it was sent", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, {
    origin: upstream.origin,
    prefix: "/v2",
    service: { stripPrefix: true },
    upstream: { basePath: "/base" },
  });
  await ask(gateway.port, "/v2/%61cme/a%2Fb%20c/?q=%61&&q=b+c&=%zz?/../x");
  t.equal(upstream.take().url, "/base/acme/a%2Fb%20c/?q=%61&&q=b+c&=%zz?/../x");
  await ask(gateway.port, "/v2/a?");
  t.equal(upstream.take().url, "/base/a");
});

const SIGNED_FIELDS = [
  "X-Amz-Algorithm=AWS4-HMAC-SHA256",
  "X-Amz-Credential=AKID%2F20261122%2Fus-east-2%2Fs3%2Faws4_request",
  "X-Amz-Date=20261122T000000Z",
  "X-Amz-Expires=300",
  "X-Amz-SignedHeaders=host",
  "X-Amz-Signature=abc",
  "X-Amz-Security-Token=def",
];

t.test("H17: the fields of a presigned request are a credential, which a service that reads no signatures never sees", async (t) => {
  const upstream = await openRecorder(t);
  const forward = { credential: true, cookies: true };
  const gateways = [
    await openGateway(t, { origin: upstream.origin }),
    await openGateway(t, { origin: upstream.origin, upstream: { forward } }),
  ];
  for (const gateway of gateways) {
    const forwarded = async (query: string) => {
      await ask(gateway.port, `/a?${query}`);
      return upstream.take().url;
    };
    t.equal(await forwarded(SIGNED_FIELDS.join("&")), "/a");
    for (const field of SIGNED_FIELDS) {
      for (const spelling of [field, field.toLowerCase(), field.toUpperCase(), field.replaceAll("-", "%2d"), field.replace("X", "%58")])
        t.equal(await forwarded(`q=%61&&${spelling}&q=b+c&=%zz`), "/a?q=%61&&q=b+c&=%zz", `${spelling}: all else as it was`);
    }
    const others = "X-Amz-Target=a&amz=1&x-amz-meta-a=b&%41mz=2&signature=c;X=d&%=&";
    t.equal(await forwarded(others), `/a?${others}`, "names that are no credential's are the service's");
  }
});
