"""Python's websockets against the WebSocket endpoints of README.md, or as a client under Autobahn's trial.

    python3 clients/websocket.py BASE [CASE]
    python3 clients/websocket.py ws://… autobahn COUNT AGENT
"""

import asyncio
import sys

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

LIMIT = 64 << 20


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: got {str(got)[:200]!r}, expected {str(expected)[:200]!r}")


def pattern(n):
    return "".join(f"{i}\r\n" for i in range(n // 3 + 1))[:n]


def open_(path, **options):
    options = {"compression": None, "max_size": LIMIT, "proxy": None, "ping_interval": None} | options
    return connect(BASE + path, **options)


SIZES = (0, 1, 125, 126, 65535, 65536, 1 << 20)


async def exchange(ws, sizes):
    for size in sizes:
        for message in (pattern(size), pattern(size).encode()):
            sending = asyncio.create_task(ws.send(message))
            same(f"{size} bytes", await ws.recv(), message)
            await sending
    for text in ("κόσμε", "\U0001f600" * 1000, "\0"):
        await ws.send(text)
        same("text", await ws.recv(), text)


async def echo():
    async with open_("/ws/echo") as ws:
        same("extensions", ws.response.headers.get("Sec-WebSocket-Extensions"), None)
        await exchange(ws, (*SIZES, 16 << 20))


async def deflate():
    for path in ("/ws/echo", "/ws/takeover"):
        async with open_(path, compression="deflate") as ws:
            agreed = ws.response.headers["Sec-WebSocket-Extensions"]
            same("extension", agreed.split(";")[0], "permessage-deflate")
            if path == "/ws/takeover":
                same(f"contexts kept in {agreed}", "no_context_takeover" in agreed, False)
            await exchange(ws, (*SIZES, 0, 100, 100, 5000))


async def fragments():
    async with open_("/ws/echo") as ws:
        await ws.send([pattern(1000)] * 100)
        same("text", await ws.recv(), pattern(1000) * 100)
        await ws.send([b"", b"a", b"", b"b", b""])
        same("bytes", await ws.recv(), b"ab")


async def pipelined():
    async with open_("/ws/echo") as ws:
        messages = [pattern(i) for i in range(2000)]
        sending = asyncio.gather(*(ws.send(message) for message in messages))
        for message in messages:
            same("message", await ws.recv(), message)
        await sending


async def ping():
    async with open_("/ws/echo") as ws:
        for payload in (b"", b"x" * 125):
            await (await ws.ping(payload))
        await ws.send("still here")
        same("text", await ws.recv(), "still here")


async def pinged():
    async with open_("/ws/ping") as ws:
        same("after the pong", await ws.recv(), "you are")


async def close():
    for code, reason in ((1000, ""), (1001, "bye"), (4321, "ü" * 61), (3000, "x" * 123)):
        ws = await open_("/ws/echo")
        await ws.close(code, reason)
        same("echoed code", (ws.close_code, ws.protocol.close_rcvd.code), (code, code))
    async with open_("/ws/echo") as ws:
        await ws.send("before")
        await ws.close(1000, "")
        same("code", ws.close_code, 1000)


async def closed():
    for code in (1000, 1001, 1011, 3000, 4999):
        async with open_(f"/ws/close/{code}") as ws:
            try:
                await ws.recv()
                raise AssertionError("a message")
            except ConnectionClosed as end:
                same("close", (end.rcvd.code, end.rcvd.reason), (code, "so long"))


async def abrupt():
    async with open_("/ws/abrupt") as ws:
        await ws.send("and gone")
        try:
            await ws.recv()
            raise AssertionError("a message")
        except ConnectionClosed as end:
            same("close", end.rcvd, None)


async def gone():
    """We go without a word; the server must go on serving others."""
    for _ in range(10):
        ws = await open_("/ws/echo")
        await ws.send("and gone")
        ws.transport.abort()
    await ping()


async def subprotocols():
    for offered, chosen in ((["v1.echo"], "v1.echo"), (["other", "v1.echo", "v2.echo"], "v2.echo"), (["other"], None)):
        async with open_("/ws/echo", subprotocols=offered) as ws:
            same("subprotocol", ws.subprotocol, chosen)


async def refused():
    for path, origin, status in (("/ws/nowhere", None, 404), ("/ws/echo", "http://elsewhere.test", 403)):
        try:
            async with open_(path, origin=origin):
                raise AssertionError("a connection")
        except InvalidStatus as refusal:
            same("status", refusal.response.status_code, status)
    async with open_("/ws/echo", origin=BASE.replace("ws:", "http:")) as ws:
        await ws.send("same origin")
        same("text", await ws.recv(), "same origin")


async def autobahn(count, agent):
    for case in range(1, int(count) + 1):
        try:
            async with open_(f"/runCase?case={case}&agent={agent}", compression="deflate", ping_interval=None) as ws:
                async for message in ws:
                    await ws.send(message)
        except ConnectionClosed:
            pass
    async with open_(f"/updateReports?agent={agent}") as ws:
        async for _ in ws:
            pass


BASE = sys.argv[1].replace("http:", "ws:")
CASES = [echo, deflate, fragments, pipelined, ping, pinged, close, closed, abrupt, gone, subprotocols, refused]
if len(sys.argv) > 3:
    asyncio.run(autobahn(*sys.argv[3:]))
    print("ok autobahn")
else:
    for case in CASES:
        if len(sys.argv) == 2 or sys.argv[2] == case.__name__:
            asyncio.run(asyncio.wait_for(case(), 60))
            print("ok", case.__name__)
