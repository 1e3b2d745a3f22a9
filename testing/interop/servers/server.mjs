// The endpoints of README.md on Node's http, as far as it has them.
//
//     node servers/server.mjs [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
//
// What Node cannot do is keep a connection on which an upgrade was refused: whoever listens for upgrades gets the bare
// socket and no answer to write. It answers there by hand, and closes.
import { createHash } from 'node:crypto';
import http from 'node:http';
import net from 'node:net';

const pieceLength = 10_007;

const pattern = (length) => {
  const lines = [];
  for (let number = 0, size = 0; size < length; number++) {
    const line = `${number}\r\n`;
    lines.push(line);
    size += line.length;
  }
  return Buffer.from(lines.join('')).subarray(0, length);
};
const digest = (body) => createHash('sha256').update(body).digest('hex');

const text = (response, status, body) => {
  response.writeHead(status, { 'Content-Type': 'text/plain', 'Content-Length': Buffer.byteLength(body) });
  response.end(body);
};

// Each piece is on its way before the next is written.
const pieces = async (response, body) => {
  response.flushHeaders();
  for (let at = 0; at < body.length; at += pieceLength) {
    await new Promise((sent) => response.write(body.subarray(at, at + pieceLength), sent));
  }
};

const octets = { 'Content-Type': 'application/octet-stream' };

const endpoints = {
  bytes(_, response, length) {
    response.writeHead(200, { ...octets, 'Content-Length': length });
    response.end(pattern(length));
  },
  async chunked(_, response, length) {
    response.writeHead(200, octets);
    await pieces(response, pattern(length));
    response.end();
  },
  async trailers({ method, httpVersion }, response, length) {
    const body = pattern(length);
    // Node announces none where none can come.
    const chunked = method !== 'HEAD' && httpVersion !== '1.0';
    response.writeHead(200, chunked ? { ...octets, Trailer: 'X-Digest' } : octets);
    await pieces(response, body);
    response.addTrailers({ 'X-Digest': digest(body) });
    response.end();
  },
  async digest(request, response) {
    const body = Buffer.concat(await request.toArray());
    const trailer = request.trailers['x-digest'] ?? '-';
    text(response, 200, `${request.method} ${body.length} ${digest(body)} ${trailer}\n`);
  },
  status(_, response, status) {
    if (status === 204) return response.writeHead(204).end();
    if (status === 304) return response.writeHead(304, { ETag: '"interop"' }).end();
    text(response, status, `status ${status}\n`);
  },
  early(_, response) {
    text(response, 413, 'too much\n');
  },
  interim(_, response) {
    response.writeEarlyHints({ link: '</style.css>; rel=preload' });
    text(response, 200, 'done\n');
  },
  'until-close'({ socket }, response, length) {
    response.detachSocket(socket);
    socket.end(Buffer.concat([Buffer.from('HTTP/1.0 200 OK\r\n\r\n'), pattern(length)]));
  },
  peer({ socket }, response) {
    text(response, 200, `${socket.remoteAddress}:${socket.remotePort}`);
  },
  upgrade(_, response) {
    response.writeHead(426, { Connection: 'Upgrade', Upgrade: 'echo' });
    response.end('upgrade to echo\n');
  },
  raw({ socket }, response) {
    response.detachSocket(socket);
    socket.end('hello world');
  },
};

const route = async (request, response) => {
  const [name, argument] = request.url.slice(1).split('/');
  const endpoint = endpoints[name] ?? ((_, response) => text(response, 404, 'not found\n'));
  try {
    await endpoint(request, response, Number(argument ?? 0));
  } catch {
    request.socket.destroy();
  }
};

const server = http.createServer(route);

// Whoever does not read the body does not ask for it.
server.on('checkContinue', (request, response) => {
  if (request.url !== '/early') response.writeContinue();
  route(request, response);
});

const echo = (socket, early) => {
  socket.on('error', () => socket.destroy());
  socket.write(early);
  socket.pipe(socket);
};

const upgrade = 'Connection: Upgrade\r\nUpgrade: echo\r\n';

server.on('upgrade', (request, socket, early) => {
  if (request.url === '/upgrade' && request.headers.upgrade.toLowerCase() === 'echo') {
    // One write, so that the first bytes of the new protocol come with the head.
    socket.write(`HTTP/1.1 101 Switching Protocols\r\n${upgrade}\r\nwelcome\n`);
    return echo(socket, early);
  }
  const refusal = 'upgrade to echo\n';
  socket.end(
    `HTTP/1.1 426 Upgrade Required\r\nConnection: close, Upgrade\r\nUpgrade: echo\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`,
  );
});

server.on('connect', (request, socket, early) => {
  const accepted = 'HTTP/1.1 200 OK\r\n\r\n';
  if (request.url === 'echo.test:443') {
    socket.write(accepted);
    return echo(socket, early);
  }
  if (!request.url.startsWith('127.0.0.1:')) {
    const refusal = 'forbidden\n';
    return socket.end(
      `HTTP/1.1 403 Forbidden\r\nConnection: close\r\nContent-Type: text/plain\r\nContent-Length: ${refusal.length}\r\n\r\n${refusal}`,
    );
  }
  const [host, port] = request.url.split(':');
  const upstream = net.connect({ host, port, allowHalfOpen: true }, () => {
    socket.write(accepted);
    upstream.write(early);
    socket.pipe(upstream).pipe(socket);
  });
  upstream.on('error', () => socket.destroy());
  socket.on('error', () => upstream.destroy());
});

const address = process.argv[2] ?? '127.0.0.1:0';
const [host, port] = address.split(':');
server.listen({ host, port: Number(port) }, () => {
  console.log(`http://${host}:${server.address().port}`);
});
if (process.argv.at(-1) === '--until-eof') process.stdin.resume().on('end', () => process.exit(0));
