// The peer in Bun: its own WebSocket server with its defaults, as its documentation shows an echo. With --deflate it
// compresses; with --broadcast all get what one sends, and for whoever does not read no more waits than for our own.
const broadcast = process.argv.includes("--broadcast");
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
    ...(broadcast && { backpressureLimit: 256 * 1024 }),
    open(socket) {
      if (broadcast) socket.subscribe("all");
    },
    message(socket, message) {
      if (broadcast) server.publish("all", message);
      else socket.send(message, compress);
    },
  },
});
console.log(`127.0.0.1:${server.port}`);
// The end of stdin ends the server.
process.stdin.resume().on("end", () => process.exit());
