// Node's http server: a line is one stream of requests. A request is accepted
// when the handler ran, read the whole body and its answer went out. CONNECT is
// accepted with its head, bodiless, and the connection is taken over there:
// nothing behind it is compared. There is no 'upgrade' listener, so an Upgrade
// is declined: an ordinary request.
'use strict';

const http = require('node:http');
const { Duplex } = require('node:stream');

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
    this.accepted.push({ start: request.url, body: body.toString('hex') });
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

function judge(line, patience) {
  return new Promise((resolve) => {
    const peer = new Peer(Buffer.from(line, 'hex'));
    const timer = setTimeout(
      () => resolve({ error: 'node did not end the connection in time' }), patience);
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

// The server's own interval would keep the process alive.
module.exports = { judge, close: () => server.close() };
