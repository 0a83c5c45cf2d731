/** Names in a client's certificate, as Node tells them, and where none are looked for. */
import { Socket } from "node:net";
import t from "tap";
import { alternativeNames, clientCertificate } from "../../src/pipeline/authenticate/client-certificate.ts";

t.test("alternative names are told apart by their type", async (t) => {
  const names = alternativeNames("DNS:a.example, DNS:b.example, URI:spiffe://a/b, email:a@example.com, IP Address:127.0.0.1");
  t.same(names.get("DNS"), ["a.example", "b.example"]);
  t.same(names.get("URI"), ["spiffe://a/b"]);
  t.same(names.get("email"), ["a@example.com"]);
  t.same(alternativeNames("").size, 0);
});

t.test("a name that could pass for several takes all names of its certificate along", async (t) => {
  for (const text of [
    'URI:"urn:a, DNS:admin", DNS:b',
    "DNS:b, URI:urn:a,DNS:admin",
    'DNS:b"',
    "DNS:a\\, DNS:admin",
    "DNS",
    "DNS:a, , DNS:b",
    'othername:"x", DNS:admin',
  ]) {
    t.equal(alternativeNames(text).size, 0, text);
  }
});

t.test("a connection without TLS has no certificate", async (t) => {
  t.equal(clientCertificate(new Socket()), undefined);
});
