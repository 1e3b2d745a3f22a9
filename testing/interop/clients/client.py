"""Python's http.client, and a raw socket where it cannot go, against the endpoints of README.md.

    python3 clients/client.py BASE [CASE [COUNT]]
"""

import faulthandler
import hashlib
import http.client
import io
import socket
import sys
import threading


def pattern(n):
    out = io.BytesIO()
    i = 0
    while out.tell() < n:
        out.write(b"".join(b"%d\r\n" % k for k in range(i, i + 1000)))
        i += 1000
    return out.getvalue()[:n]


BIG = pattern(8 << 20)


def digest(body):
    return hashlib.sha256(body).hexdigest()


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: got {got!r}, expected {expected!r}")


class Client:
    """One kept connection."""

    def __init__(self, authority):
        self.http = http.client.HTTPConnection(authority, timeout=30)

    def do(self, method, path, body=None, **options):
        self.http.request(method, path, body=body, **options)
        answer = self.http.getresponse()
        return answer, answer.read()

    def peer(self):
        return self.do("GET", "/peer")[1]

    def upload(self, method, n, **options):
        body = BIG[:n]
        if options.get("encode_chunked"):
            body = (BIG[at : min(at + 5000, n)] for at in range(0, n, 5000))
        answer, text = self.do(method, "/digest", body, **options)
        same("status", answer.status, 200)
        same("answer", text.decode(), f"{method} {n} {digest(BIG[:n])} -\n")


def chunked():
    return {"headers": {"Transfer-Encoding": "chunked"}, "encode_chunked": True}


def get(authority):
    client = Client(authority)
    for kind in "bytes", "chunked", "trailers":
        for n in 0, 1, 1000, 65536, len(BIG):
            answer, body = client.do("GET", f"/{kind}/{n}")
            same("status", answer.status, 200)
            same("length", answer.getheader("Content-Length"), str(n) if kind == "bytes" else None)
            same(f"body of {kind}/{n}", digest(body), digest(BIG[:n]))


def head(authority):
    client = Client(authority)
    before = client.peer()
    for path, length in ("/bytes/123456", "123456"), ("/chunked/123456", None):
        answer, body = client.do("HEAD", path)
        same("status", answer.status, 200)
        same("length", answer.getheader("Content-Length"), length)
        same("body", body, b"")
    same("connection", client.peer(), before)


def uploads(authority):
    client = Client(authority)
    for method in "POST", "PUT":
        for n in 0, 1, 65536, len(BIG):
            client.upload(method, n)


def chunked_uploads(authority):
    client = Client(authority)
    for n in 0, 1, 65536, len(BIG):
        client.upload("POST", n, **chunked())


def bodyless(authority):
    client = Client(authority)
    before = client.peer()
    for status in 204, 304:
        for method in "GET", "HEAD", "POST":
            answer, body = client.do(method, f"/status/{status}")
            same("answer", (answer.status, body), (status, b""))
            same("chunked", answer.getheader("Transfer-Encoding"), None)
    same("connection", client.peer(), before)


def reuse(authority):
    client = Client(authority)
    seen = set()
    for n in range(200):
        client.upload("POST", n)
        seen.add(client.peer())
    same("connections", len(seen), 1)


def http10(authority):
    """HTTP/1.0: no chunks, the connection's end is the body's end; keep-alive by request."""
    for kind in "bytes", "chunked", "trailers":
        raw = exchange(authority, f"GET /{kind}/100000 HTTP/1.0\r\n\r\n".encode())
        head, _, body = raw.partition(b"\r\n\r\n")
        same("chunked", b"transfer-encoding" in head.lower(), False)
        same("body", digest(body), digest(BIG[:100000]))
    twice = b"GET /bytes/3 HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /bytes/3 HTTP/1.0\r\n\r\n"
    same("kept alive", exchange(authority, twice).count(b"\r\n\r\n0\r\n"), 2)


def expect_continue(authority):
    """The body is sent only when the server asks for it, and it asks only when the handler reads."""
    sock, reader = connect_raw(authority)
    with sock:
        ask = b"POST %s HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n"
        sock.sendall(ask % b"/digest")
        same("interim", reader.readline() + reader.readline(), b"HTTP/1.1 100 Continue\r\n\r\n")
        sock.sendall(b"hello")
        answer, body = read_answer(reader, "POST")
        same("answer", body.decode(), f"POST 5 {digest(b'hello')} -\n")
        sock.sendall(ask % b"/early")
        answer, body = read_answer(reader, "POST")
        same("answer", (answer.status, body), (413, b"too much\n"))


def early(authority):
    """The answer is readable although most of the upload was never read."""
    for n in 1000, 65536, len(BIG):
        for framing in f"Content-Length: {n}", "Transfer-Encoding: chunked":
            for _ in range(5):
                sock, reader = connect_raw(authority)
                with sock:
                    sock.sendall(f"POST /early HTTP/1.1\r\nHost: x\r\n{framing}\r\n\r\n".encode())
                    body = BIG[:n] if "Length" in framing else b"%x\r\n%s\r\n0\r\n\r\n" % (n, BIG[:n])
                    sender = threading.Thread(target=send_until_refused, args=(sock, body))
                    sender.start()
                    answer, text = read_answer(reader, "POST")
                    sender.join()
                    same("answer", (answer.status, text), (413, b"too much\n"))


def pipelining(authority):
    """All kinds of messages in one segment, then the same bytes in pieces of 7: answers in order."""
    requests = [
        ("GET", "/bytes/10", b""), ("HEAD", "/bytes/10", b""), ("POST", "/digest", b"Content-Length: 3\r\n\r\nabc"),
        ("GET", "/status/204", b""), ("GET", "/chunked/20000", b""), ("GET", "/status/304", b""),
        ("PUT", "/digest", b"Transfer-Encoding: chunked\r\nTrailer: X-Digest\r\n\r\n3\r\nabc\r\n0\r\nX-Digest: late\r\n\r\n"),
        ("POST", "/early", b"Content-Length: 4\r\n\r\nGET "), ("HEAD", "/chunked/5", b""), ("GET", "/interim", b""),
        ("GET", "/trailers/12345", b""), ("GET", "/bytes/0", b""),
    ]  # fmt: skip
    abc = digest(b"abc")
    expected = [
        (200, BIG[:10]), (200, b""), (200, f"POST 3 {abc} -\n".encode()),
        (204, b""), (200, BIG[:20000]), (304, b""),
        (200, f"PUT 3 {abc} late\n".encode()),
        (413, b"too much\n"), (200, b""), (200, b"done\n"),
        (200, BIG[:12345]), (200, b""),
    ]  # fmt: skip
    stream = b"".join(f"{m} {path} HTTP/1.1\r\nHost: x\r\n".encode() + (rest or b"\r\n") for m, path, rest in requests)
    for piece in len(stream) * 20, 7:
        sock, reader = connect_raw(authority)
        with sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            whole = stream * 20 if piece > 7 else stream
            sender = threading.Thread(target=send_pieces, args=(sock, whole, piece))
            sender.start()
            for _ in range(len(whole) // len(stream)):
                for (method, path, _), (status, body) in zip(requests, expected):
                    answer, got = read_answer(reader, method)
                    same(f"{method} {path}", (answer.status, got), (status, body))
            sender.join()


def upgrade(authority):
    """Bytes sent with the request, before the 101, are part of the conversation."""
    sock, reader = connect_raw(authority)
    with sock:
        sock.sendall(b"GET /upgrade HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\nearly bytes\n")
        same("status", reader.readline(), b"HTTP/1.1 101 Switching Protocols\r\n")
        head = http.client.parse_headers(reader)
        same("upgrade", (head["upgrade"], head["connection"].lower()), ("echo", "upgrade"))
        same("framing", (head["content-length"], head["transfer-encoding"]), (None, None))
        echo(sock, reader, b"welcome\nearly bytes\n")


def connect(authority):
    sock, reader = connect_raw(authority)
    with sock:
        sock.sendall(b"CONNECT echo.test:443 HTTP/1.1\r\nHost: echo.test:443\r\n\r\nearly bytes\n")
        same("status", reader.readline().split(b" ")[1], b"200")
        head = http.client.parse_headers(reader)
        same("framing", (head["content-length"], head["transfer-encoding"]), (None, None))
        echo(sock, reader, b"early bytes\n")
    # A refused tunnel closes: what was meant for the tunnel must not be read as a request.
    raw = exchange(
        authority, b"CONNECT refused.test:80 HTTP/1.1\r\nHost: refused.test:80\r\n\r\nGET /bytes/5 HTTP/1.1\r\nHost: x\r\n\r\n"
    )
    same("refused", raw.split(b" ")[1], b"403")
    same("answers", raw.count(b"HTTP/1.1 "), 1)


def proxy(authority):
    """http.client's own tunnel, back to the server itself."""
    client = Client(authority)
    host, port = authority.split(":")
    client.http.set_tunnel(host, int(port))
    for n in 0, 65536, len(BIG):
        client.upload("POST", n)
    same("inner connection", client.peer(), client.peer())


def raw(authority):
    same("all bytes", exchange(authority, b"GET /raw HTTP/1.1\r\nHost: x\r\n\r\n"), b"hello world")


def load(authority):
    """Mixed requests on four connections, every body compared."""
    failures = []

    def work(worker):
        client = Client(authority)
        try:
            for i in range(worker, COUNT, 4):
                mixed(client, i)
        except Exception as failure:
            failures.append(f"request {i}: {failure!r}")

    workers = [threading.Thread(target=work, args=(k,)) for k in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    same("failures", failures, [])


def mixed(client, i):
    n = (i * 7919) % 40_000
    kind = i % 6
    if kind < 2:
        path = f"/{('bytes', 'chunked')[kind]}/{n}"
        same(path, digest(client.do("GET", path)[1]), digest(BIG[:n]))
    elif kind == 2:
        client.upload("PUT", n)
    elif kind == 3:
        client.upload("POST", n, **chunked())
    elif kind == 4:
        answer, body = client.do("HEAD", f"/bytes/{n}")
        same("HEAD", (answer.getheader("Content-Length"), body), (str(n), b""))
    else:
        answer, body = client.do("GET", "/status/204")
        same("204", (answer.status, body), (204, b""))


def connect_raw(authority):
    host, port = authority.split(":")
    sock = socket.create_connection((host, int(port)), timeout=30)
    return sock, sock.makefile("rb")


def exchange(authority, request):
    """Everything the server says to `request` until it closes."""
    sock, reader = connect_raw(authority)
    with sock:
        sock.sendall(request)
        return reader.read()


def send_pieces(sock, data, size):
    for at in range(0, len(data), size):
        sock.sendall(data[at : at + size])


def send_until_refused(sock, data):
    try:
        sock.sendall(data)
    except OSError:
        pass


class Unclosed:
    """Lets HTTPResponse read one answer of a pipeline without closing the rest."""

    def __init__(self, reader):
        self.reader = reader

    def makefile(self, _mode):
        return self

    def __getattr__(self, name):
        return getattr(self.reader, name)

    def close(self):
        pass


def read_answer(reader, method):
    answer = http.client.HTTPResponse(Unclosed(reader), method=method)
    answer.begin()
    while 100 < answer.status < 200:
        # http.client passes over 100 only.
        answer = http.client.HTTPResponse(Unclosed(reader), method=method)
        answer.begin()
    return answer, answer.read()


def echo(sock, reader, first):
    """A mebibyte out while it comes back, then FIN for FIN."""

    def write():
        sock.sendall(BIG[: 1 << 20])
        sock.shutdown(socket.SHUT_WR)

    writer = threading.Thread(target=write)
    writer.start()
    got = reader.read()
    writer.join()
    same("first bytes", got[: len(first)], first)
    same("echo", digest(got[len(first) :]), digest(BIG[: 1 << 20]))


CASES = {
    "get": get, "head": head, "uploads": uploads, "chunked_uploads": chunked_uploads, "bodyless": bodyless,
    "reuse": reuse, "http10": http10, "expect_continue": expect_continue, "early": early, "pipelining": pipelining,
    "upgrade": upgrade, "connect": connect, "proxy": proxy, "raw": raw, "load": load,
}  # fmt: skip
COUNT = int(sys.argv[3]) if len(sys.argv) > 3 else 1000


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    faulthandler.dump_traceback_later(120, exit=True)
    authority = sys.argv[1].removeprefix("http://")
    for name in sys.argv[2:3] or CASES:
        try:
            CASES[name](authority)
        except Exception as failure:
            sys.exit(f"python: {name}: {failure!r}")
        print("ok", name)


main()
