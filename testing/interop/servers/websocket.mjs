// The WebSocket endpoints of README.md on Node's ws.
//
//     HIJACK_NODE_MODULES=FOLDER node servers/websocket.mjs [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
import http from 'node:http';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);
const { WebSocketServer } = require(`${process.env.HIJACK_NODE_MODULES}/ws`);

const handleProtocols = (offered) => ['v2.echo', 'v1.echo'].find((name) => offered.has(name)) ?? false;

// Every message is compressed, also small ones, if the client wants any of it.
const sockets = new WebSocketServer({
  noServer: true,
  maxPayload: 64 << 20,
  perMessageDeflate: { threshold: 0 },
  handleProtocols,
});

const echo = (ws) => ws.on('message', (data, binary) => ws.send(data, { binary }));
const endpoints = {
  echo,
  takeover: echo,
  ping(ws) {
    ws.ping('are you there');
    ws.on('pong', () => ws.send('you are'));
  },
  close: (ws, code) => ws.close(Number(code), 'so long'),
  abrupt: (ws) => ws.on('message', () => ws.terminate()),
};

const refuse = (socket, status) => socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n`);

const server = http.createServer((_, response) => response.writeHead(404).end());
server.on('upgrade', (request, socket, head) => {
  const [, , name, argument] = request.url.split('/');
  const { origin, host } = request.headers;
  if (!endpoints[name]) return refuse(socket, '404 Not Found');
  if (origin && new URL(origin).host !== host) return refuse(socket, '403 Forbidden');
  sockets.handleUpgrade(request, socket, head, (ws) => {
    ws.on('error', () => {});
    endpoints[name](ws, argument);
  });
});

const [host, port] = (process.argv[2] ?? '127.0.0.1:0').split(':');
server.listen({ host, port: Number(port) }, () => console.log(`http://${host}:${server.address().port}`));
if (process.argv.at(-1) === '--until-eof') process.stdin.resume().on('end', () => process.exit(0));
