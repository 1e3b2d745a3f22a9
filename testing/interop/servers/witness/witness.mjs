// A witness of what reaches a server: Node's http, every request that it accepts in a list.
//
//	node servers/witness/witness.mjs [ADDRESS]
//
// GET /witness gives the list as JSON, empties it, and is not in it. Prints its base URL; with --until-eof as last
// argument it ends when stdin ends.
import http from 'node:http';

const [address = '127.0.0.1:0'] = process.argv.slice(2);
if (process.argv.at(-1) === '--until-eof') {
  process.stdin.on('end', () => process.exit(0)).resume();
}

let list = [];

const server = http.createServer((request, response) => {
  const body = [];
  request.on('data', (bytes) => body.push(bytes));
  request.on('error', () => {});
  request.on('end', () => {
    if (!request.complete) return;
    if (request.url === '/witness') {
      response.end(JSON.stringify(list));
      list = [];
      return;
    }
    const { method, url, headers } = request;
    list.push({ method, target: url, host: headers.host ?? '', body: Buffer.concat(body).toString('hex') });
    response.end();
  });
});
server.httpAllowHalfOpen = true;

const [host, port] = address.split(':');
server.listen(Number(port), host, () => console.log(`http://${host}:${server.address().port}`));
