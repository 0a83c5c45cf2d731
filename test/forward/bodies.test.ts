import { createHash, randomBytes } from "node:crypto";
import http from "node:http";
import net from "node:net";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";
import t from "tap";
import { ask, listen, openGateway, openRaw, openRecorder, sendRaw } from "./harness.ts";

const EXPLICIT = { body: { explicit: true } };

t.test("body bytes arrive intact, with a length or in chunks as the client sent them", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  const body = randomBytes(300_000);
  await ask(gateway.port, "/a", { method: "PUT", body, headers: { "content-length": body.length } });
  const whole = upstream.take();
  t.ok(whole.body.equals(body));
  t.equal(whole.headers["content-length"], "300000");
  t.notOk("transfer-encoding" in whole.headers);
  await ask(gateway.port, "/a", { method: "PUT", body, headers: { "transfer-encoding": "chunked" } });
  const chunked = upstream.take();
  t.ok(chunked.body.equals(body));
  t.equal(chunked.headers["transfer-encoding"], "chunked");
  t.notOk("content-length" in chunked.headers);
});

t.test("D5: the length is written anew, never copied", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  await sendRaw(gateway.port, "POST /a HTTP/1.1\r\nHost: gw\r\nContent-Length: 005\r\nConnection: close\r\n\r\n12345");
  t.match(upstream.take(), { headers: { "content-length": "5" } });
});

t.test("an empty POST is sent with length 0, a GET without any", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  await ask(gateway.port, "/a", { method: "POST", headers: { "content-length": 0 } });
  t.equal(upstream.take().headers["content-length"], "0");
  await ask(gateway.port, "/a", { headers: { "content-length": 0 } });
  t.notOk("content-length" in upstream.take().headers);
});

t.test("trailers of a request end at the gateway, and never become headers", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin });
  await sendRaw(
    gateway.port,
    "POST /a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\nTrailer: x-user-id\r\nConnection: close\r\n\r\n3\r\nabc\r\n0\r\nX-User-Id: root\r\n\r\n",
  );
  const seen = upstream.take();
  t.equal(String(seen.body), "abc");
  t.strictSame({ ...seen.trailers }, {});
  t.notOk("x-user-id" in seen.headers || "trailer" in seen.headers);
});

t.test("M8 D6: a GET or HEAD with a body is refused and its connection closed, unless the route says body", async (t) => {
  const upstream = await openRecorder(t);
  const strict = await openGateway(t, { origin: upstream.origin });
  const smuggled = "GET /admin HTTP/1.1\r\nHost: gw\r\n\r\n";
  const framings = [
    `Content-Length: ${smuggled.length}\r\n\r\n${smuggled}`,
    `Transfer-Encoding: chunked\r\n\r\n${smuggled.length.toString(16)}\r\n${smuggled}\r\n0\r\n\r\n`,
  ];
  for (const framing of framings) {
    for (const method of ["GET", "HEAD"]) {
      const answer = await sendRaw(strict.port, `${method} /a HTTP/1.1\r\nHost: gw\r\n${framing}GET /second HTTP/1.1\r\nHost: gw\r\n\r\n`);
      t.match(answer, /^HTTP\/1\.1 400 /);
      t.match(answer, /\r\nConnection: close\r\n/i);
      t.equal(answer.split("HTTP/1.1 ").length - 1, 1, "one answer");
    }
  }
  t.strictSame(upstream.seen, []);
  const open = await openGateway(t, { origin: upstream.origin, route: EXPLICIT });
  await ask(open.port, "/a", { body: "query", headers: { "content-length": 5 } });
  t.equal(String(upstream.take().body), "query");
});

t.test("X2: a declared length over the bound is refused before anything is forwarded", async (t) => {
  const upstream = await openRaw(t, () => {});
  const gateway = await openGateway(t, { origin: upstream.origin, route: { body: { maxBytes: 10, explicit: true } } });
  const answer = await sendRaw(
    gateway.port,
    `POST /a HTTP/1.1\r\nHost: gw\r\nContent-Length: 11\r\n\r\n01234567890GET /b HTTP/1.1\r\nHost: gw\r\n\r\n`,
  );
  t.match(answer, /^HTTP\/1\.1 413 [^]*"BODY_TOO_LARGE"\}$/);
  t.equal(upstream.connections(), 0);
  t.equal(gateway.denials.length, 1);
});

t.test("X2: chunks over the bound end the upstream's request, and the client still reads its 413", async (t) => {
  const cut = Promise.withResolvers<void>();
  const upstream = await listen(
    t,
    http.createServer((request) =>
      request
        .on("error", () => {})
        .on("close", () => (request.complete ? t.fail("the body ended") : cut.resolve()))
        .resume(),
    ),
  );
  const gateway = await openGateway(t, { origin: `http://127.0.0.1:${upstream}`, route: { body: { maxBytes: 100_000, explicit: true } } });
  const piece = `4000\r\n${"x".repeat(0x4000)}\r\n`;
  const answer = await sendRaw(
    gateway.port,
    `POST /a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n${piece.repeat(64)}0\r\n\r\n`,
  );
  t.match(answer, /^HTTP\/1\.1 413 /);
  await cut.promise;
  t.equal(gateway.denials[0]?.code, "BODY_TOO_LARGE");
});

t.test("a client that is still sending after the refusal loses neither its connection nor the answer", async (t) => {
  const upstream = await openRaw(t, (socket) => socket.resume());
  const gateway = await openGateway(t, { origin: upstream.origin, route: { body: { maxBytes: 10, explicit: true } } });
  const client = net.connect(gateway.port, "127.0.0.1").pause();
  const answer = new Promise<string>((resolve) => {
    let text = "";
    client.on("data", (chunk) => (text += String(chunk))).on("error", () => {});
    client.pause().on("close", () => resolve(text));
  });
  const piece = `100\r\n${"x".repeat(0x100)}\r\n`;
  client.write(`POST /a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n${piece}`);
  while (gateway.denials.length === 0) await new Promise(setImmediate);
  for (let count = 0; count < 5; count++) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    client.write(piece);
  }
  client.resume();
  t.match(await answer, /^HTTP\/1\.1 413 [^]*"BODY_TOO_LARGE"/);
});

t.test("a body of exactly the bound passes", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, route: { body: { maxBytes: 10, explicit: true } } });
  for (const framing of [{ "content-length": 10 }, { "transfer-encoding": "chunked" }]) {
    t.equal((await ask(gateway.port, "/a", { method: "POST", body: "0123456789", headers: framing })).status, 200);
  }
});

t.test("only the route's media types pass, and only where there is a body", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, {
    origin: upstream.origin,
    route: { body: { types: ["application/json", "image/*"], explicit: true } },
  });
  const sent = async (type?: string, method = "POST", body?: string) =>
    (
      await ask(gateway.port, "/a", {
        method,
        ...(body !== undefined && { body }),
        headers: { "content-length": body?.length ?? 0, ...(type !== undefined && { "content-type": type }) },
      })
    ).status;
  t.equal(await sent("application/json", "POST", "{}"), 200);
  t.equal(await sent("Application/JSON; charset=utf-8", "POST", "{}"), 200);
  t.equal(await sent("image/png", "POST", "x"), 200);
  for (const type of [
    "text/plain",
    "application/json2",
    "imagex/png",
    "application/jsonp",
    "",
    "text/plain, application/json",
    undefined,
  ]) {
    t.equal(await sent(type, "POST", "{}"), 415, type ?? "none");
  }
  t.equal(await sent(undefined, "POST"), 200);
  t.equal(await sent(undefined, "GET"), 200);
  const twice = "POST /a HTTP/1.1\r\nHost: gw\r\nContent-Type: application/json\r\nContent-Type: text/plain\r\nContent-Length: 2\r\n\r\n{}";
  t.match(await sendRaw(gateway.port, twice), /^HTTP\/1\.1 415 /);
});

t.test("D7: a client that waits for 100 gets it when its request goes on, and never before a refusal", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, route: { body: { maxBytes: 10, explicit: true } } });
  const sent = (length: number) =>
    new Promise<string[]>((resolve) => {
      const events: string[] = [];
      const request = http.request({
        port: gateway.port,
        path: "/a",
        method: "POST",
        agent: false,
        headers: { expect: "100-continue", "content-length": length },
      });
      request.on("continue", () => {
        events.push("100");
        request.end("x".repeat(length));
      });
      request.on("response", (response) => {
        events.push(String(response.statusCode));
        response.resume().on("end", () => resolve(events));
        if (response.statusCode !== 200) request.destroy();
      });
      request.on("error", () => resolve(events));
    });
  t.strictSame(await sent(5), ["100", "200"]);
  t.equal(String(upstream.take().body), "xxxxx");
  t.strictSame(await sent(11), ["413"]);
  t.equal(upstream.seen.length, 0);
});

t.test("D7: after a refusal with the body outstanding, nothing of it is taken for a request", async (t) => {
  const upstream = await openRecorder(t);
  const gateway = await openGateway(t, { origin: upstream.origin, route: { body: { maxBytes: 10, explicit: true } } });
  const answer = await sendRaw(
    gateway.port,
    "POST /a HTTP/1.1\r\nHost: gw\r\nExpect: 100-continue\r\nContent-Length: 1000\r\n\r\nGET /b HTTP/1.1\r\nHost: gw\r\n\r\n",
  );
  t.match(answer, /^HTTP\/1\.1 413 /);
  t.equal(answer.split("HTTP/1.1 ").length - 1, 1);
  t.strictSame(upstream.seen, []);
});

t.test("X1: a body that stops arriving is given up, with 408", async (t) => {
  const closed = Promise.withResolvers<void>();
  const upstream = await openRaw(t, (socket) => socket.resume().once("close", () => closed.resolve()));
  const gateway = await openGateway(t, { origin: upstream.origin, route: { timeouts: { idleMs: 50 } } });
  const answer = await sendRaw(gateway.port, "POST /a HTTP/1.1\r\nHost: gw\r\nContent-Length: 10\r\n\r\nabc");
  t.match(answer, /^HTTP\/1\.1 408 /);
  t.match(answer, /\r\nConnection: close\r\n/i);
  await closed.promise;
});

t.test("D15: an answer that comes before the body has ended is passed on, and both connections close", async (t) => {
  const closed = Promise.withResolvers<void>();
  const upstream = await openRaw(t, (socket) => {
    socket.once("data", () => socket.write("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno"));
    socket.once("close", () => closed.resolve());
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const answer = await sendRaw(
    gateway.port,
    "POST /a HTTP/1.1\r\nHost: gw\r\nContent-Length: 1000\r\n\r\nabcGET /b HTTP/1.1\r\nHost: gw\r\n\r\n",
  );
  t.match(answer, /^HTTP\/1\.1 403 Forbidden\r\n[^]*\r\nConnection: close\r\n\r\nno$/i);
  t.equal(answer.split("HTTP/1.1 ").length - 1, 1);
  t.equal(upstream.connections(), 1);
  await closed.promise;
});

t.test("a client that breaks off its upload ends the upstream's request, which is never completed", async (t) => {
  const ended = Promise.withResolvers<string>();
  const upstream = await openRaw(t, (socket) => {
    let text = "";
    socket.on("data", (chunk: Buffer) => (text += chunk.toString("latin1")));
    socket.once("close", () => ended.resolve(text));
  });
  const gateway = await openGateway(t, { origin: upstream.origin });
  const over = gateway.nextOver();
  const client = net.connect(gateway.port, "127.0.0.1");
  client.write("POST /a HTTP/1.1\r\nHost: gw\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  setTimeout(() => client.destroy(), 50);
  t.notMatch(await ended.promise, /0\r\n\r\n$/);
  t.match((await over).outcome, { cut: "the client left" });
  t.equal(upstream.connections(), 1);
});

t.test("256 MB each way pass with flat memory, whoever is slow", async (t) => {
  const size = 256 * 1024 * 1024;
  const port = await listen(
    t,
    http.createServer(
      (request, response) =>
        void pipeline(request, response.writeHead(200, { "x-length": request.headers["content-length"] ?? "none" })).catch(() => {}),
    ),
  );
  const gateway = await openGateway(t, { origin: `http://127.0.0.1:${port}` });
  const block = randomBytes(1024 * 1024);
  const [sent, received] = [createHash("sha1"), createHash("sha1")];
  const source = Readable.from(
    (function* () {
      for (let count = 0; count < size / block.length; count++) {
        sent.update(block);
        yield block;
      }
    })(),
  );
  const before = process.memoryUsage().rss;
  let [peak, total] = [0, 0];
  await new Promise<void>((resolve, reject) => {
    const request = http.request({ port: gateway.port, path: "/a", method: "POST", agent: false }, (response) => {
      response.on("data", (chunk: Buffer) => {
        received.update(chunk);
        total += chunk.length;
        peak = Math.max(peak, process.memoryUsage().rss);
      });
      response.on("end", resolve).on("error", reject);
    });
    pipeline(source, request).catch(reject);
  });
  t.equal(total, size);
  t.equal(received.digest("hex"), sent.digest("hex"));
  const grownMb = Math.round((peak - before) / 1024 / 1024);
  t.ok(grownMb < 200, `grew by ${grownMb} MB, client, gateway and upstream together`);
});

t.test("a client that does not read holds the upstream back, and is cut when it reads nothing in time", async (t) => {
  let written = 0;
  const port = await listen(
    t,
    http.createServer((_request, response) => {
      const block = Buffer.alloc(64 * 1024);
      const pump = () => {
        do written += block.length;
        while (response.write(block));
        response.once("drain", pump);
      };
      pump();
    }),
  );
  const gateway = await openGateway(t, { origin: `http://127.0.0.1:${port}`, route: { timeouts: { idleMs: 200 } } });
  const over = gateway.nextOver();
  const client = net.connect(gateway.port, "127.0.0.1").on("error", () => {});
  client.pause();
  client.write("GET /a HTTP/1.1\r\nHost: gw\r\n\r\n");
  t.match((await over).outcome, { kind: "forwarded", status: 200, cut: "the client did not read in time" });
  t.ok(written < 64 * 1024 * 1024, `${written} bytes taken from the upstream`);
  client.destroy();
});

t.test("an upstream that does not read holds the client back", async (t) => {
  const held = Promise.withResolvers<net.Socket>();
  const upstream = await openRaw(t, (socket) => held.resolve(socket.pause()));
  const gateway = await openGateway(t, { origin: upstream.origin });
  const client = net.connect(gateway.port, "127.0.0.1").on("error", () => {});
  t.teardown(() => client.destroy());
  client.write(`POST /a HTTP/1.1\r\nHost: gw\r\nContent-Length: ${1024 ** 3}\r\n\r\n`);
  const block = Buffer.alloc(1024 * 1024);
  let [taken, before] = [0, -1];
  const pump = (error?: Error | null): void => {
    if (error) return;
    client.write(block, (failed) => {
      taken += block.length;
      pump(failed);
    });
  };
  pump();
  // What the sockets' own buffers hold, and no more: it comes to rest.
  while (taken !== before) {
    before = taken;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  t.ok(taken < 64 * 1024 * 1024, `${taken} bytes taken from the client`);
  const over = gateway.nextOver();
  (await held.promise).destroy();
  await over;
});
