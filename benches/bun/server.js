// The peer in Bun: its own WebSocket server with its defaults, as its documentation shows an echo. With --deflate it
// compresses.
const compress = process.argv.includes("--deflate");
const server = Bun.serve({
  hostname: "127.0.0.1",
  port: 0,
  fetch(request, server) {
    if (!server.upgrade(request)) return new Response(null, { status: 404 });
  },
  websocket: {
    maxPayloadLength: 64 * 1024 * 1024,
    perMessageDeflate: compress,
    message(socket, message) {
      socket.send(message, compress);
    },
  },
});
console.log(`127.0.0.1:${server.port}`);
// The end of stdin ends the server.
process.stdin.resume().on("end", () => process.exit());
