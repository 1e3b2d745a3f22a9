"""The WebSocket endpoints of README.md on Python's websockets.

    python3 servers/websocket.py [ADDRESS]

Prints its base URL; with --until-eof as last argument it ends when stdin ends.
"""

import asyncio
import sys
from urllib.parse import urlsplit

from websockets.asyncio.server import serve
from websockets.exceptions import ConnectionClosed
from websockets.extensions.permessage_deflate import ServerPerMessageDeflateFactory

SUBPROTOCOLS = ("v2.echo", "v1.echo")


async def echo(ws):
    async for message in ws:
        await ws.send(message)


async def ping(ws):
    await (await ws.ping("are you there"))
    await ws.send("you are")
    await ws.wait_closed()


async def abrupt(ws):
    await ws.recv()
    ws.transport.abort()


async def handle(ws):
    name, _, argument = ws.request.path.removeprefix("/ws/").partition("/")
    try:
        if name == "close":
            await ws.close(int(argument), "so long")
        else:
            await {"echo": echo, "takeover": echo, "ping": ping, "abrupt": abrupt}[name](ws)
    except ConnectionClosed:
        pass


def refuse(ws, request):
    if request.path.removeprefix("/ws/").split("/")[0] not in ("echo", "takeover", "ping", "close", "abrupt"):
        return ws.respond(404, "not found\n")
    origin = request.headers.get("Origin")
    if origin and urlsplit(origin).netloc != request.headers["Host"]:
        return ws.respond(403, "forbidden\n")


def choose(ws, offered):
    return next((name for name in SUBPROTOCOLS if name in offered), None)


async def main():
    host, port = (sys.argv[1] if len(sys.argv) > 1 else "127.0.0.1:0").split(":")
    options = {"max_size": 64 << 20, "process_request": refuse, "select_subprotocol": choose, "compression": None}
    # On a machine that is busy enough, a client that is well takes longer than the library's own pings allow.
    options["ping_interval"] = None
    # Both contexts are kept, if the client does not object; small windows, if it allows.
    deflate = ServerPerMessageDeflateFactory(server_max_window_bits=12, client_max_window_bits=12)
    async with serve(handle, host, int(port), extensions=[deflate], **options) as server:
        print(f"http://{host}:{server.sockets[0].getsockname()[1]}", flush=True)
        if sys.argv[-1] == "--until-eof":
            await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
        else:
            await server.serve_forever()


asyncio.run(main())
