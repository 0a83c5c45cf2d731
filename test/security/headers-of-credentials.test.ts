/** Class 2.3, the credentials' headers. */
import t from "tap";
import { bearer, startFixture } from "./fixture.ts";
import { valuesOf } from "./raw-socket.ts";

const door = await startFixture(t);
const { ask, heardOf } = door;
const acme = bearer(door.tokenOf("acme"));

async function statusOf(target: string, fields: readonly string[]): Promise<number> {
  return (await ask(target, fields)).status;
}

t.test("H6 a credential that stands there twice is ambiguous, whichever of the two is good", async (t) => {
  const bad = bearer("x.y.z");
  for (const fields of [
    [acme, bad],
    [bad, acme],
    [acme, acme],
  ])
    t.equal(await statusOf("/t/acme/a", fields), 400);
  const key = `X-Api-Key: ${door.apiKey}`;
  for (const fields of [
    [key, key],
    [key, "x-api-key: other"],
    ["x-api-key: other", key],
  ])
    t.equal(await statusOf("/keyed/a", fields), 400);
  const token = door.tokenOf("acme");
  t.equal(await statusOf("/t/acme/a", [`Authorization: Bearer ${token}, Bearer ${token}`]), 401);
  t.equal(await statusOf("/keyed/a", [`X-Api-Key: ${door.apiKey}, ${door.apiKey}`]), 401);
  await door.nothingForwarded(t, "repeated credentials");
});

t.test("H7 two kinds of credential at once are ambiguous", async (t) => {
  const key = `X-Api-Key: ${door.apiKey}`;
  const signed =
    "Authorization: AWS4-HMAC-SHA256 Credential=AKIAEXAMPLE/20261121/us-east-1/execute-api/aws4_request, SignedHeaders=host, Signature=00";
  t.equal(await statusOf("/keyed/a", [key, bearer("x.y.z")]), 400);
  t.equal(await statusOf("/keyed/a", [key, acme]), 400);
  t.equal(await statusOf("/keyed/a", [signed, acme]), 400);
  t.equal(await statusOf("/keyed/a", [key, signed]), 400);
  t.equal(await statusOf("/t/acme/a", [signed]), 401);
  await door.nothingForwarded(t, "two credentials");
  await heardOf(t, "/t/acme/a", [acme, key]);
});

t.test("H9 a bearer token is the scheme in any case, one space, one token", async (t) => {
  const token = door.tokenOf("acme");
  for (const scheme of ["bearer", "BEARER", "bEaReR"]) await heardOf(t, "/t/acme/a", [`Authorization: ${scheme} ${token}`]);
  await heardOf(t, "/t/acme/a", [`Authorization:\t Bearer ${token} \t`]);
  const malformed = [
    `Bearer  ${token}`,
    `Bearer\t${token}`,
    `Bearer ${token} x`,
    `Bearer "${token}"`,
    `Bearer ${token},`,
    `Bearer=${token}`,
    `Bearer${token}`,
  ];
  const others = [
    "Bearer",
    "Bearer x y",
    `Basic ${btoa(`user:${token}`)}`,
    `Token ${token}`,
    token,
    "",
    `Bearer ${token}\xff`,
    `Bearer\xa0${token}`,
  ];
  for (const value of [...malformed, ...others]) t.equal(await statusOf("/t/acme/a", [`Authorization: ${value}`]), 401, value.slice(0, 20));
  await door.nothingForwarded(t, "malformed bearer credentials");
});

t.test("H17 credentials and cookies end at the gateway", async (t) => {
  const fields = ["Cookie: session=of-another-host", "Cookie2: a=b", "Proxy-Authorization: Basic eDp5", `X-Api-Key: ${door.apiKey}`];
  for (const heard of [await heardOf(t, "/t/acme/a", [acme, ...fields]), await heardOf(t, "/public/a", [acme, ...fields])]) {
    for (const name of ["authorization", "cookie", "x-api-key", "proxy-authorization"]) t.same(valuesOf(heard, name), [], name);
  }
  t.same(valuesOf(await heardOf(t, "/keyed/a", [fields[3]!]), "x-api-key"), []);
});
