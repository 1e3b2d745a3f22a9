// Node's http client: a line is METHOD:hex for each request and the bytes with
// which the server answers it, with spaces between them. A response is accepted
// when its whole body was read. A 101 and a 2xx to CONNECT are accepted with
// their heads, bodiless, and the connection is taken over there: nothing behind
// them is compared.
'use strict';

const http = require('node:http');
const { Duplex } = require('node:stream');

// Nothing here waits for a clock or a socket: what has not happened after so
// many turns of the event loop never happens without further bytes.
const TURNS = 6;

// The server's end of the only connection. It sends a segment when its request
// has come, or when the client needs more for an answer under way; behind the
// last one it half-closes.
class Server extends Duplex {
  constructor(segments) {
    super({ allowHalfOpen: false });
    this.segments = segments;
    this.sent = 0;
    this.ended = false;
    this.on('error', () => {});
  }
  _read() {}
  _write(bytes, encoding, done) {
    done();
  }
  _writev(chunks, done) {
    done();
  }
  send() {
    if (this.sent < this.segments.length) {
      this.push(this.segments[this.sent]);
      this.sent += 1;
    } else {
      this.ended = true;
      this.push(null);
    }
  }
  setTimeout() { return this; }
  setNoDelay() { return this; }
  setKeepAlive() { return this; }
  ref() { return this; }
  unref() { return this; }
}

async function settle(done) {
  for (let turn = 0; turn < TURNS && !done(); turn += 1) {
    await new Promise((resolve) => setImmediate(resolve));
  }
}

class Exchange {
  constructor(agent, method) {
    this.over = false;
    this.answer = null;
    this.written = false;
    this.answering = false;
    this.takenOver = false;
    const path = method === 'CONNECT' ? 'a:1' : '/';
    const request = http.request({ agent, method, path, headers: { Host: 'a' } });
    request.on('finish', () => { this.written = true; });
    request.on('error', () => { this.over = true; });
    request.on('close', () => { this.over = true; });
    request.on('response', (response) => this.read(response));
    request.on('upgrade', (response) => {
      // Behind a response it is nothing that was asked for.
      if (this.answering) this.over = true;
      else this.takeOver(response);
    });
    request.on('connect', (response) => {
      // A refusal is no tunnel, yet Node reads no body of it.
      if (response.statusCode >= 200 && response.statusCode < 300) this.takeOver(response);
      else this.over = true;
    });
    request.end();
  }
  read(response) {
    this.answering = true;
    const body = [];
    response.on('data', (bytes) => body.push(bytes));
    response.on('error', () => {});
    response.on('end', () => {
      if (response.complete) this.accept(response, Buffer.concat(body));
    });
  }
  takeOver(response) {
    this.takenOver = true;
    this.accept(response, Buffer.alloc(0));
  }
  accept(response, body) {
    this.answer = { start: String(response.statusCode), body: body.toString('hex') };
    this.over = true;
  }
}

async function run(server, methods, accepted) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: 1 });
  let dialled = false;
  agent.createConnection = (options, done) => {
    if (dialled) return void done(new Error('one connection only'));
    dialled = true;
    return server;
  };
  for (const [number, method] of methods.entries()) {
    const exchange = new Exchange(agent, method);
    await settle(() => exchange.over || exchange.written);
    if (exchange.written && server.sent <= number) server.send();
    while (!exchange.over) {
      await settle(() => exchange.over);
      if (exchange.over) break;
      if (server.ended) throw new Error(`exchange ${number} does not end`);
      server.send();
    }
    if (!exchange.answer) break;
    accepted.push(exchange.answer);
    if (exchange.takenOver) break;
    // The agent takes the connection back, or destroys it.
    await settle(() => false);
  }
  agent.destroy();
  server.destroy();
}

async function judge(line, patience) {
  const exchanges = line.split(' ').map((word) => word.split(':'));
  const server = new Server(exchanges.map(([, hex]) => Buffer.from(hex, 'hex')));
  const accepted = [];
  let timer;
  const late = new Promise((resolve) => {
    timer = setTimeout(() => resolve({ error: 'node did not end the script in time' }), patience);
  });
  const verdict = run(server, exchanges.map(([method]) => method), accepted)
    .then(() => ({ accepted }), (error) => ({ error: error.message }));
  const first = await Promise.race([verdict, late]);
  clearTimeout(timer);
  return first;
}

module.exports = { judge, close() {} };
