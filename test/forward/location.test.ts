import t from "tap";
import { mapLocation } from "../../src/pipeline/forward/location.ts";
import { ask, openGateway, openRecorder, policyOf } from "./harness.ts";

const ORIGIN = "http://inner.example:9000";

function mapper(prefix: string, stripPrefix: boolean, basePath: string) {
  const { mount } = policyOf({ origin: ORIGIN, prefix, service: { stripPrefix }, upstream: { basePath } });
  return (value: string) => mapLocation(value, mount, "api.example.com");
}

t.test("an address of the upstream's becomes a path below the public address", async (t) => {
  const map = mapper("/v2", false, "");
  t.equal(map(`${ORIGIN}/v2/a?b#c`), "/v2/a?b#c");
  t.equal(map("HTTP://Inner.Example:9000/v2/a"), "/v2/a");
  t.equal(map("//inner.example:9000/v2/a"), "/v2/a");
  t.equal(map(ORIGIN), "/");
  t.equal(map(`${ORIGIN}?q`), "/?q");
  t.equal(map("http://api.example.com/v2/a"), "/v2/a", "the host that the upstream was told");
});

t.test("the prefix is put back and the base path taken off", async (t) => {
  const map = mapper("/v2", true, "/base");
  t.equal(map(`${ORIGIN}/base/a`), "/v2/a");
  t.equal(map("/base/a?x"), "/v2/a?x");
  t.equal(map("/base"), "/v2");
  t.equal(map("/base?x"), "/v2?x");
  t.equal(mapper("", false, "/base")("/base"), "/");
  t.equal(mapper("", false, "/base")("/base?x"), "/?x");
});

t.test("what does not point at the upstream stays as it is, byte for byte", async (t) => {
  const map = mapper("/v2", true, "/base");
  const others = [
    "https://elsewhere.example/base/a",
    "http://inner.example:9001/base/a",
    "https://inner.example:9000/base/a",
    "//elsewhere.example/a",
  ];
  for (const value of [...others, "/other/a", "/basement", "a/b", "../a", "?x", "#y", "", "mailto:a@b.example", "http://[bad/"]) {
    t.equal(map(value), value);
  }
});

t.test("an inner address outside the base path is not shown all the same", async (t) => {
  t.equal(mapper("/v2", true, "/base")(`${ORIGIN}/other`), "/other");
});

t.test("Location and Content-Location of an answer are mapped", async (t) => {
  const upstream = await openRecorder(t, (request, response) =>
    response.writeHead(201, { location: `http://${request.headers.host}/base/a`, "content-location": "/base/b" }).end(),
  );
  const gateway = await openGateway(t, {
    origin: upstream.origin,
    prefix: "/v2",
    service: { stripPrefix: true },
    upstream: { basePath: "/base" },
  });
  t.match((await ask(gateway.port, "/v2/x")).headers, { location: "/v2/a", "content-location": "/v2/b" });
});
