// Node's ws against the WebSocket endpoints of README.md.
//
//   HIJACK_NODE_MODULES=FOLDER node clients/websocket.mjs BASE [CASE]

import { once } from "node:events";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);
const WebSocket = require(`${process.env.HIJACK_NODE_MODULES}/ws`);

const [given, only] = process.argv.slice(2);
const base = given.replace("http:", "ws:");

const pattern = (length) => {
  const out = Buffer.alloc(length + 16);
  for (let at = 0, i = 0; at < length; i++) at += out.write(`${i}\r\n`, at, "latin1");
  return out.subarray(0, length);
};

function same(what, got, expected) {
  const [seen, wanted] = [got, expected].map((value) => JSON.stringify(value) ?? "undefined");
  if (seen !== wanted) throw new Error(`${what}: got ${seen.slice(0, 200)}, expected ${wanted.slice(0, 200)}`);
}

/** A connection with what it received: `next()` is the next message, `end` is how it closed. */
function open(path, { protocols = [], ...options } = {}) {
  const ws = new WebSocket(base + path, protocols, { perMessageDeflate: false, maxPayload: 64 << 20, ...options });
  const messages = [];
  let wake;
  ws.on("message", (data, isBinary) => {
    messages.push({ data, isBinary });
    wake?.();
  });
  ws.end = new Promise((resolve) => ws.on("close", (code, reason) => resolve([code, reason.toString()])));
  ws.next = async () => {
    while (messages.length === 0) {
      const more = new Promise((resolve) => (wake = resolve));
      const ended = await Promise.race([more, ws.end]);
      if (ended) throw new Error(`closed with ${ended}`);
    }
    return messages.shift();
  };
  const opened = new Promise((resolve, reject) => {
    ws.on("open", () => resolve(ws));
    ws.on("error", reject);
    ws.on("unexpected-response", (_, response) => reject(Object.assign(new Error("refused"), { response })));
  });
  ws.on("error", () => {});
  return opened;
}

async function finish(ws, code = 1000, reason = "") {
  ws.close(code, reason);
  same("close", await ws.end, [code, reason && (await ws.end)[1]]);
}

const SIZES = [0, 1, 125, 126, 65535, 65536, 1 << 20];

async function exchange(ws, sizes) {
  for (const size of sizes) {
    for (const binary of [false, true]) {
      ws.send(pattern(size), { binary });
      const { data, isBinary } = await ws.next();
      same(`${size} bytes`, [isBinary, data.equals(pattern(size))], [binary, true]);
    }
  }
  for (const text of ["κόσμε", "😀".repeat(1000), "\0"]) {
    ws.send(text);
    same("text", (await ws.next()).data.toString(), text);
  }
}

const cases = {
  async echo() {
    const ws = await open("/ws/echo");
    same("extensions", ws.extensions, "");
    await exchange(ws, [...SIZES, 16 << 20]);
    await finish(ws);
  },

  async deflate() {
    for (const path of ["/ws/echo", "/ws/takeover"]) {
      for (const perMessageDeflate of [
        true,
        { threshold: 0, serverMaxWindowBits: 10, clientMaxWindowBits: 10 },
        { threshold: 0, serverNoContextTakeover: true, clientNoContextTakeover: true },
      ]) {
        const ws = await open(path, { perMessageDeflate });
        same("extensions", ws.extensions, "permessage-deflate");
        await exchange(ws, [...SIZES, 0, 100, 100, 5000]);
        await finish(ws);
      }
    }
  },

  async fragments() {
    const ws = await open("/ws/echo");
    for (let i = 0; i < 100; i++) ws.send(pattern(1000), { binary: true, fin: i === 99 });
    const expected = Buffer.concat(Array(100).fill(pattern(1000)));
    same("bytes", (await ws.next()).data.equals(expected), true);
    await finish(ws);
  },

  async pipelined() {
    const ws = await open("/ws/echo");
    for (let i = 0; i < 2000; i++) ws.send(pattern(i));
    for (let i = 0; i < 2000; i++) same("message", (await ws.next()).data.equals(pattern(i)), true);
    await finish(ws);
  },

  async ping() {
    const ws = await open("/ws/echo");
    for (const payload of [Buffer.alloc(0), Buffer.alloc(125, "x")]) {
      ws.ping(payload);
      const [pong] = await once(ws, "pong");
      same("pong", pong.toString(), payload.toString());
    }
    await finish(ws);
  },

  async pinged() {
    const ws = await open("/ws/ping");
    same("after the pong", (await ws.next()).data.toString(), "you are");
    await finish(ws);
  },

  async close() {
    for (const [code, reason] of [
      [1000, ""],
      [1001, "bye"],
      [4321, "ü".repeat(61)],
      [3000, "x".repeat(123)],
    ]) {
      const ws = await open("/ws/echo");
      await finish(ws, code, reason);
    }
    const ws = await open("/ws/echo");
    ws.close();
    same("no code", (await ws.end)[0], 1005);
  },

  async closed() {
    for (const code of [1000, 1001, 1011, 3000, 4999]) {
      const ws = await open(`/ws/close/${code}`);
      same("close", await ws.end, [code, "so long"]);
    }
  },

  async abrupt() {
    const ws = await open("/ws/abrupt");
    ws.send("and gone");
    same("close", await ws.end, [1006, ""]);
  },

  async gone() {
    for (let i = 0; i < 10; i++) {
      const ws = await open("/ws/echo");
      ws.send("and gone");
      ws.terminate();
    }
    await cases.ping();
  },

  async subprotocols() {
    for (const [protocols, chosen] of [
      [["v1.echo"], "v1.echo"],
      [["other", "v1.echo", "v2.echo"], "v2.echo"],
    ]) {
      const ws = await open("/ws/echo", { protocols });
      same("subprotocol", ws.protocol, chosen);
      await finish(ws);
    }
    // One that asked for subprotocols and got none: this client does not want that.
    const failure = await open("/ws/echo", { protocols: ["other"] }).catch((error) => error);
    same("none", failure.message, "Server sent no subprotocol");
  },

  async refused() {
    for (const [path, origin, status] of [
      ["/ws/nowhere", undefined, 404],
      ["/ws/echo", "http://elsewhere.test", 403],
    ]) {
      const refusal = await open(path, { origin }).catch((error) => error);
      same("status", refusal.response?.statusCode, status);
      refusal.response.resume();
    }
    const ws = await open("/ws/echo", { origin: given });
    await finish(ws);
  },
};

for (const [name, run] of Object.entries(cases)) {
  if (only && only !== name) continue;
  const limit = setTimeout(() => {
    console.log(`${name} hangs`);
    process.exit(1);
  }, 60_000);
  await run();
  clearTimeout(limit);
  console.log(`ok ${name}`);
}
process.exit(0);
