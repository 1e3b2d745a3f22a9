// Node's http server (llhttp) as a filter: one request stream per line of
// standard input (hex), one line of JSON per stream on standard output:
//
//   {"accepted":[{"target":"/a","body":"6869"}]}
//
// A request is accepted when the handler ran, read the whole body and its
// answer went out. The target is the request-target as it stood on the wire,
// one character per byte. CONNECT is accepted with its head, bodiless, and the
// connection is taken over there: nothing behind it is compared. There is no
// 'upgrade' listener, so an Upgrade is declined: an ordinary request.
//
// {"error":"…"} instead of the list means that this filter failed, not that
// the stream was refused.
'use strict';

const http = require('node:http');
const readline = require('node:readline');
const { Duplex } = require('node:stream');

// The safety net for one stream; the usual time is well under a millisecond.
const PATIENCE_MS = 3000;
// Streams under judgement at once: enough to amortise the event loop's turns.
const AT_ONCE = 64;

// The client's end of a connection: yields the stream, then a half-close, and
// ignores every answer.
class Peer extends Duplex {
  constructor(stream) {
    super({ allowHalfOpen: true });
    this.unread = stream;
    this.accepted = [];
    this.requests = [];
  }
  _read() {
    if (this.unread.length > 0) this.push(this.unread);
    this.unread = Buffer.alloc(0);
    this.push(null);
  }
  _write(bytes, encoding, done) {
    done();
  }
  _writev(chunks, done) {
    done();
  }
  setTimeout() {
    return this;
  }

  accept(request, body) {
    this.accepted.push({ target: request.url, body: body.toString('hex') });
  }

  // Node reads ahead: it may find a syntax error or a CONNECT while complete
  // requests before it are not answered yet. Those are let finish first.
  whenAnswered(then) {
    const open = this.requests.some(({ request, response }) =>
      request.complete && !response.writableFinished && !response.destroyed);
    if (open && !this.destroyed) setImmediate(() => this.whenAnswered(then));
    else then();
  }
}

function handle(request, response) {
  const peer = request.socket;
  peer.requests.push({ request, response });
  const body = [];
  request.on('data', (bytes) => body.push(bytes));
  request.on('error', () => {});
  request.on('end', () => {
    if (!request.complete) return;
    response.on('finish', () => peer.accept(request, Buffer.concat(body)));
    response.writeHead(200, { 'Content-Length': 0 });
    response.end();
  });
}

const server = http.createServer(handle);
// A client that has said everything still waits for its answers.
server.httpAllowHalfOpen = true;
server.on('checkContinue', (request, response) => {
  response.writeContinue();
  handle(request, response);
});
// Node's own 417 leaves the connection open, and the list would have a hole.
server.on('checkExpectation', (request, response) => {
  response.writeHead(417, { Connection: 'close' });
  response.end();
});
server.on('connect', (request, peer) => peer.whenAnswered(() => {
  // An earlier request that Node refused by itself ended the connection.
  if (!peer.writableEnded) peer.accept(request, Buffer.alloc(0));
  peer.destroy();
}));
server.on('clientError', (error, peer) => peer.whenAnswered(() => peer.destroy()));

function judge(line) {
  return new Promise((resolve) => {
    const peer = new Peer(Buffer.from(line, 'hex'));
    const timer = setTimeout(
      () => resolve({ error: 'node did not end the connection in time' }), PATIENCE_MS);
    peer.on('error', () => {});
    // Node waits for the answer to a request whose body was cut off behind an
    // upgrade it ignored; ours never comes.
    peer.on('end', () => setImmediate(() => peer.whenAnswered(() => peer.destroy())));
    peer.on('close', () => {
      clearTimeout(timer);
      resolve({ accepted: peer.accepted });
    });
    server.emit('connection', peer);
  });
}

async function main() {
  let running = [];
  const flush = async () => {
    const verdicts = await Promise.all(running);
    running = [];
    process.stdout.write(verdicts.map((v) => JSON.stringify(v) + '\n').join(''));
  };
  for await (const line of readline.createInterface({ input: process.stdin })) {
    running.push(judge(line));
    if (running.length === AT_ONCE) await flush();
  }
  await flush();
  // The server's own interval would keep the process alive.
  process.exitCode = 0;
  server.close();
}

main();
