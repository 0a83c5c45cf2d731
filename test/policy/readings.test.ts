/** Texts that mean something: what is taken, and what is refused. */
import t from "tap";
import { addressSet, forbiddenHost, readCidr } from "../../src/policy/addresses.ts";
import { readDuration, readInstant, readRate, readSize } from "../../src/policy/quantities.ts";
import type { Reading } from "../../src/policy/reading.ts";
import { readIssuer, readJwks, readOrigin, readUpstreamUrl } from "../../src/policy/urls.ts";

const found = <Value>(reading: Reading<Value>) => (reading.kind === "value" ? reading.value : "refused");

t.test("durations", async (t) => {
  for (const [text, durationMs] of Object.entries({ "500ms": 500, "2s": 2000, "5m": 300_000, "24h": 86_400_000, "90d": 7_776_000_000 }))
    t.equal(found(readDuration(text)), durationMs, text);
  for (const text of ["", "5", "5 s", "5S", "-5s", "1.5s", "0s", "1e3s", "5s ", "9999999999d", "none", "٥s"])
    t.equal(found(readDuration(text)), "refused", text);
});

t.test("sizes, of which 1 KB is 1024 bytes", async (t) => {
  for (const [text, bytes] of Object.entries({ "1B": 1, "512KB": 524_288, "10MB": 10_485_760, "1GB": 1_073_741_824, "0B": 0 }))
    t.equal(found(readSize(text)), bytes, text);
  for (const text of ["", "5", "5kb", "5 MB", "-1MB", "1.5MB", "5TB"]) t.equal(found(readSize(text)), "refused", text);
});

t.test("rates, which are positive whole numbers", async (t) => {
  t.same(found(readRate("100/minute")), { count: 100, windowMs: 60_000 });
  t.same(found(readRate("1/day")), { count: 1, windowMs: 86_400_000 });
  for (const text of [
    "0/minute",
    "-1/minute",
    "1.5/minute",
    "NaN/minute",
    "Infinity/minute",
    "/minute",
    "5",
    "5/week",
    "5/Minute",
    "1e3/minute",
    "0x10/minute",
    "9999999999/day",
  ]) {
    t.equal(found(readRate(text)), "refused", text);
  }
});

t.test("instants, which carry their offset", async (t) => {
  t.equal(found(readInstant("2027-01-31T17:00:00Z")), Date.UTC(2027, 0, 31, 17));
  t.equal(found(readInstant("2027-01-31T17:00:00.5+01:00")), Date.UTC(2027, 0, 31, 16, 0, 0, 500));
  for (const text of [
    "2027-01-31",
    "2027-01-31T17:00:00",
    "2027-02-30T00:00:00Z",
    "2027-13-01T00:00:00Z",
    "2027-01-31T25:00:00Z",
    "31.1.2027",
    "",
  ])
    t.equal(found(readInstant(text)), "refused", text);
});

t.test("networks in one form only", async (t) => {
  for (const [text, cidr] of Object.entries({
    "10.0.0.0/8": "10.0.0.0/8",
    "192.0.2.7": "192.0.2.7",
    "192.0.2.7/32": "192.0.2.7",
    "2001:DB8::/32": "2001:db8::/32",
    "::1": "::1",
    "0.0.0.0/0": "0.0.0.0/0",
  })) {
    t.equal(found(readCidr(text)), cidr, text);
  }
  for (const text of [
    "10.0.0.1/8",
    "10.0.0.0/33",
    "10.0.0/8",
    "010.0.0.0/8",
    "fe80::1%eth0",
    "::ffff:10.0.0.0/104",
    "10.0.0.0/",
    "10.0.0.0/8/8",
    "any",
    "",
  ])
    t.equal(found(readCidr(text)), "refused", text);
});

t.test("a set of networks takes an IPv4 address in its IPv6 form for what it is", async (t) => {
  const set = addressSet(["10.0.0.0/8", "2001:db8::/32", "192.0.2.7"]);
  for (const address of ["10.1.2.3", "::ffff:10.1.2.3", "2001:db8::5", "192.0.2.7"]) t.ok(set.has(address), address);
  for (const address of ["11.0.0.1", "::ffff:11.0.0.1", "2001:db9::5", "192.0.2.8", "", "nonsense", "10.1.2"])
    t.notOk(set.has(address), address);
});

t.test("no request goes to a link-local address or a cloud's metadata, in any spelling", async (t) => {
  const spellings = [
    "169.254.169.254",
    "169.254.0.1",
    "2852039166",
    "0xa9fea9fe",
    "0xA9.0xFE.0xA9.0xFE",
    "0251.0376.0251.0376",
    "169.254.43518",
    "[::ffff:169.254.169.254]",
    "[::ffff:a9fe:a9fe]",
    "[::a9fe:a9fe]",
    "[64:ff9b::169.254.169.254]",
    "[2002:a9fe:a9fe::1]",
    "[fe80::1]",
    "[febf::1]",
    "[fd00:ec2::254]",
    "metadata.google.internal",
    "metadata.google.internal.",
    "METADATA.google.internal",
    "0.0.0.0",
    "[::]",
    "255.255.255.255",
    "[ff02::1]",
  ];
  for (const host of spellings) {
    t.equal(found(readUpstreamUrl(`http://${host}/`)), "refused", host);
    t.equal(found(readIssuer(`https://${host}/`)), "refused", host);
  }
  for (const host of ["127.0.0.1", "::1", "10.0.0.1", "169.253.1.1", "shop", "2001:db8::1"]) t.equal(forbiddenHost(host), undefined, host);
});

t.test("upstream addresses", async (t) => {
  t.same(found(readUpstreamUrl("http://shop:8080")), { origin: "http://shop:8080", basePath: "" });
  t.same(found(readUpstreamUrl("https://shop.example/base/path/")), { origin: "https://shop.example", basePath: "/base/path" });
  t.same(found(readUpstreamUrl("http://[::1]:8080")), { origin: "http://[::1]:8080", basePath: "" });
  t.same(found(readUpstreamUrl("http://Shop:80/")), { origin: "http://shop", basePath: "" });
  for (const text of [
    "",
    "shop",
    "//shop",
    "file:///x",
    "unix:/x",
    "http://",
    "http://u@shop",
    "http://shop?x",
    "http://shop#",
    "http://shop:0",
    "http://shop:99999",
    "http://127.1",
    "http://sh%6fp",
    "http://shop/%2f",
    "http:shop",
  ]) {
    t.equal(found(readUpstreamUrl(text)), "refused", text);
  }
});

t.test("issuers and key sets: https, or http on loopback", async (t) => {
  for (const text of [
    "https://issuer.example",
    "https://issuer.example/",
    "https://issuer.example/pool_1",
    "http://127.0.0.1:9000/pool",
    "http://localhost:9000",
    "http://[::1]:9000",
  ])
    t.equal(found(readIssuer(text)), text);
  for (const text of [
    "http://issuer.example",
    "https://Issuer.example",
    "https://issuer.example/a/../b",
    "https://issuer.example:443/pool",
    "https://issuer.example/?a",
    "https://issuer.example/#a",
    "http://127.0.0.1.example",
    "issuer.example",
  ]) {
    t.equal(found(readIssuer(text)), "refused", text);
  }
  t.equal(found(readJwks("https://issuer.example/jwks?pool=1")), "https://issuer.example/jwks?pool=1");
  t.equal(found(readJwks("http://issuer.example/jwks")), "refused");
});

t.test("origins are exactly as browsers send them", async (t) => {
  for (const text of ["https://app.example", "http://app.example:8080", "http://localhost:3000", "https://[2001:db8::1]"])
    t.equal(found(readOrigin(text)), text);
  for (const text of [
    "*",
    "null",
    "https://*.example",
    "https://app.example/",
    "https://app.example:443",
    "https://APP.example",
    "HTTPS://app.example",
    "https://bücher.example",
    "app.example",
    "file://",
    "https://app.example/x",
    "https://u@app.example",
    "https://app.example?",
    " https://app.example",
  ]) {
    t.equal(found(readOrigin(text)), "refused", text);
  }
});
