// Node's http client against the endpoints of README.md.
//
//   node clients/client.mjs BASE [CASE [COUNT]]

import { createHash } from "node:crypto";
import http from "node:http";

const [base, only, count = 1000] = process.argv.slice(2);
const { hostname, port } = new URL(base);

const BIG = pattern(8 << 20);

function pattern(length) {
  const out = Buffer.alloc(length + 16);
  for (let at = 0, i = 0; at < length; i++) at += out.write(`${i}\r\n`, at, "latin1");
  return out.subarray(0, length);
}
const digest = (body) => createHash("sha256").update(body).digest("hex");
const first = (n) => BIG.subarray(0, n);

function same(what, got, expected) {
  if (JSON.stringify(got) !== JSON.stringify(expected)) {
    throw new Error(`${what}: got ${JSON.stringify(got)}, expected ${JSON.stringify(expected)}`);
  }
}

/** An agent with so many kept connections. */
const agent = (sockets = 1) => new http.Agent({ keepAlive: true, maxSockets: sockets });

/** Sends a request; `body` is a buffer (with its length) or a function that writes (chunked). */
function start(method, path, { body, ...options } = {}) {
  const headers = { ...options.headers };
  if (Buffer.isBuffer(body)) headers["Content-Length"] = body.length;
  const request = http.request({ hostname, port, method, path, ...options, headers });
  if (typeof body === "function") body(request);
  else if (body !== "later") request.end(body);
  return request;
}

/** The answer to a request, its body read whole. */
function answer(request) {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => {
      const pieces = [];
      response.on("data", (piece) => pieces.push(piece));
      response.on("error", reject);
      response.on("end", () => resolve(Object.assign(response, { body: Buffer.concat(pieces) })));
    });
  });
}
const fetch = (method, path, options) => answer(start(method, path, options));

/** A body of `n` bytes in chunks of 5000, without a length, with the trailers given. */
const chunked = (n, trailers) => (request) => {
  for (let at = 0; at < n; at += 5000) request.write(BIG.subarray(at, Math.min(at + 5000, n)));
  if (trailers) request.addTrailers(trailers);
  request.end();
};

async function upload(method, n, body, options) {
  const { statusCode, body: text } = await fetch(method, "/digest", { body, ...options });
  same("status", statusCode, 200);
  same("answer", text.toString(), `${method} ${n} ${digest(first(n))} -\n`);
}

const peer = async (options) => (await fetch("GET", "/peer", options)).body.toString();

const cases = {
  async get(options = { agent: agent() }) {
    for (const kind of ["bytes", "chunked"]) {
      for (const n of [0, 1, 1000, 65536, BIG.length]) {
        const { statusCode, headers, body } = await fetch("GET", `/${kind}/${n}`, options);
        same("status", statusCode, 200);
        same("length", headers["content-length"] ?? "none", kind === "bytes" ? String(n) : "none");
        same(`body of ${kind}/${n}`, digest(body), digest(first(n)));
      }
    }
  },

  async head(options = { agent: agent() }) {
    const before = await peer(options);
    for (const [path, length] of [["/bytes/123456", "123456"], ["/chunked/123456", "none"]]) {
      const { headers, body } = await fetch("HEAD", path, options);
      same("length", headers["content-length"] ?? "none", length);
      same("body", body.length, 0);
      // Node closes by itself after an answer to HEAD that names no framing.
      if (length !== "none") same("connection", await peer(options), before);
    }
  },

  async uploads(options = { agent: agent() }) {
    for (const method of ["POST", "PUT"]) {
      for (const n of [0, 1, 65536, BIG.length]) await upload(method, n, first(n), options);
    }
  },

  async chunked_uploads(options = { agent: agent() }) {
    for (const n of [0, 1, 65536, BIG.length]) await upload("POST", n, chunked(n), options);
  },

  async trailers(options = { agent: agent() }) {
    for (const n of [0, 1, 100_000]) {
      const { trailers, body } = await fetch("GET", `/trailers/${n}`, options);
      same("trailer and body", [trailers["x-digest"], digest(body)], [digest(first(n)), digest(first(n))]);
      const announced = { headers: { Trailer: "X-Digest", "Transfer-Encoding": "chunked" } };
      const sent = await fetch("POST", "/digest", { body: chunked(n, { "X-Digest": "sent-after" }), ...announced, ...options });
      same("answer", sent.body.toString(), `POST ${n} ${digest(first(n))} sent-after\n`);
    }
  },

  /** The body is sent only when the server asks, and it asks only when the handler reads. */
  async expect_continue() {
    for (const [path, asks, status] of [["/digest", true, 200], ["/early", false, 413]]) {
      const headers = { Expect: "100-continue", "Content-Length": 65536 };
      const request = start("POST", path, { body: "later", headers });
      let asked = false;
      request.on("continue", () => {
        asked = true;
        request.end(first(65536));
      });
      const { statusCode, body } = await answer(request);
      same("status and asked", [statusCode, asked], [status, asks]);
      if (asks) same("answer", body.toString(), `POST 65536 ${digest(first(65536))} -\n`);
      request.destroy();
    }
  },

  async bodyless(options = { agent: agent() }) {
    const before = await peer(options);
    for (const status of [204, 304]) {
      for (const method of ["GET", "HEAD", "POST"]) {
        const { statusCode, headers, body } = await fetch(method, `/status/${status}`, options);
        same("answer", [statusCode, headers["transfer-encoding"] ?? "none", body.length], [status, "none", 0]);
      }
    }
    same("connection", await peer(options), before);
  },

  async reuse(options = { agent: agent() }) {
    const seen = new Set();
    for (let n = 0; n < 200; n++) {
      await upload("POST", n, first(n), options);
      seen.add(await peer(options));
    }
    same("connections", seen.size, 1);
    for (let n = 0; n < 3; n++) {
      const { headers } = await fetch("GET", "/peer", { agent: false });
      same("connection header", headers.connection, "close");
    }
  },

  async early() {
    for (const n of [1000, 65536, BIG.length]) {
      for (let round = 0; round < 20; round++) {
        for (const body of [first(n), chunked(n)]) {
          const { statusCode, body: text } = await fetch("POST", "/early", { body });
          same("answer", [statusCode, text.toString()], [413, "too much\n"]);
        }
      }
    }
  },

  async interim() {
    const request = start("GET", "/interim");
    const interims = [];
    request.on("information", ({ statusCode, headers }) => interims.push([statusCode, headers.link]));
    const { statusCode, headers, body } = await answer(request);
    same("interim", interims, [[103, "</style.css>; rel=preload"]]);
    same("answer", [statusCode, headers.link ?? "none", body.toString()], [200, "none", "done\n"]);
  },

  async upgrade() {
    const request = start("GET", "/upgrade", { headers: { Connection: "Upgrade", Upgrade: "echo" } });
    const [response, socket, head] = await taken(request, "upgrade");
    const { upgrade, connection } = response.headers;
    same("head", [response.statusCode, upgrade, connection.toLowerCase()], [101, "echo", "upgrade"]);
    same("length", response.headers["content-length"] ?? "none", "none");
    await echo(socket, head, "welcome\n");
    const refused = await fetch("GET", "/upgrade");
    same("without token", [refused.statusCode, refused.headers.upgrade], [426, "echo"]);
  },

  async connect() {
    const [response, socket, head] = await taken(start("CONNECT", "echo.test:443"), "connect");
    const { headers } = response;
    same("status", response.statusCode, 200);
    same("framing", [headers["content-length"] ?? "none", headers["transfer-encoding"] ?? "none"], ["none", "none"]);
    await echo(socket, head, "");
    // Node hands over the connection of a refused CONNECT too.
    const [refused, refusedSocket, start_of_body] = await taken(start("CONNECT", "refused.test:80"), "connect");
    same("refused", refused.statusCode, 403);
    same("body", (await readAll(refusedSocket, start_of_body)).toString(), "forbidden\n");
  },

  /** An ordinary request through a tunnel to the server itself. */
  async proxy() {
    const [, socket, head] = await taken(start("CONNECT", `${hostname}:${port}`), "connect");
    same("bytes before ours", head.length, 0);
    await upload("POST", BIG.length, BIG, { createConnection: () => socket });
  },

  /** Mixed requests on eight connections, every body compared. */
  async load(options = { agent: agent(8) }) {
    const work = async (worker) => {
      for (let i = worker; i < Number(count); i += 8) await mixed(i, options);
    };
    await Promise.all([0, 1, 2, 3, 4, 5, 6, 7].map(work));
  },
};

async function mixed(i, options) {
  const n = (i * 7919) % 40_000;
  const kind = i % 6;
  if (kind < 2) {
    const path = `/${["bytes", "chunked"][kind]}/${n}`;
    same(path, digest((await fetch("GET", path, options)).body), digest(first(n)));
  } else if (kind === 2) await upload("PUT", n, first(n), options);
  else if (kind === 3) await upload("POST", n, chunked(n), options);
  else if (kind === 4) {
    const { headers, body } = await fetch("HEAD", `/bytes/${n}`, options);
    same("HEAD", [headers["content-length"], body.length], [String(n), 0]);
  } else {
    const { statusCode, body } = await fetch("GET", "/status/204", options);
    same("204", [statusCode, body.length], [204, 0]);
  }
}

/** Waits for the takeover named by `event`: response, socket and the bytes already read. */
function taken(request, event) {
  return new Promise((resolve, reject) => {
    request.on("error", reject);
    request.on("response", (response) => reject(new Error(`answered ${response.statusCode}, no takeover`)));
    request.on(event, (...parts) => resolve(parts));
  });
}

function readAll(socket, head) {
  return new Promise((resolve, reject) => {
    const pieces = [head];
    socket.on("data", (piece) => pieces.push(piece));
    socket.on("error", reject);
    socket.on("end", () => resolve(Buffer.concat(pieces)));
  });
}

/** A mebibyte out while it comes back after `greeting`, then FIN for FIN. */
async function echo(socket, head, greeting) {
  const sent = first(1 << 20);
  socket.end(sent);
  const got = await readAll(socket, head);
  same("greeting", got.subarray(0, greeting.length).toString(), greeting);
  same("echo", digest(got.subarray(greeting.length)), digest(sent));
}

setTimeout(() => fail("", new Error("still running after 120 s")), 120_000).unref();

function fail(name, failure) {
  console.error(`node: ${name}: ${failure.stack}`);
  process.exit(1);
}

for (const [name, run] of Object.entries(cases)) {
  if (only && name !== only) continue;
  await run().catch((failure) => fail(name, failure));
  console.log("ok", name);
}
if (only && !(only in cases)) fail(only, new Error("no such case"));
process.exit(0);
