"""Python's grpcio, which is gRPC's C core, against grpc.testing.TestService: the official cases of gRPC's own interoperability
tests, written anew from their description, and a few of ours behind them.

    python3 clients/grpcio.py HOST:PORT [CASE …]

A proxy is asked by CONNECT if http_proxy or grpc_proxy says so, and by nothing else.
"""

import contextlib
import os
import pathlib
import random
import socket
import sys
import threading
import time

import grpc

PROTO = pathlib.Path(__file__).parents[3] / "crates/hijack-tonic/proto"
sys.path.append(str(PROTO))
messages, services = grpc.protos_and_services("test.proto")
CODE = grpc.StatusCode
LARGE_REQUEST, LARGE_RESPONSE = 271828, 314159
REQUESTS, RESPONSES = (27182, 8, 1828, 45904), (31415, 9, 2653, 58979)
PATIENCE = 20


def same(what, got, expected):
    if got != expected:
        raise AssertionError(f"{what}: got {str(got)[:300]!r}, expected {str(expected)[:300]!r}")


def within(what, got, low, high):
    if not low <= got <= high:
        raise AssertionError(f"{what}: got {got}, expected {low} to {high}")


def open_(**options):
    options = [("grpc." + name, value) for name, value in options.items()]
    # Or the core may give a new channel the connection of an old one.
    return grpc.insecure_channel(TARGET, options + [("grpc.use_local_subchannel_pool", 1)])


@contextlib.contextmanager
def stub(**options):
    with open_(**options) as channel:
        yield services.TestServiceStub(channel)


def zeros(size):
    return messages.Payload(body=bytes(size))


def flag(value):
    return messages.BoolValue(value=value)


def unary(size=LARGE_REQUEST, response_size=LARGE_RESPONSE, **fields):
    return messages.SimpleRequest(response_size=response_size, payload=zeros(size), **fields)


def wants(*sizes, payload=None, **fields):
    parameters = [messages.ResponseParameters(size=size) for size in sizes]
    payload = None if payload is None else zeros(payload)
    return messages.StreamingOutputCallRequest(response_parameters=parameters, payload=payload, **fields)


def fails(what, call, code, details=None):
    """Has the call end with this status; `call` gives its result, or makes it."""
    try:
        answer = call()
    except grpc.RpcError as error:
        same(f"{what}: code", (error.code(), error.details() if details else None), (code, details))
        return error
    raise AssertionError(f"{what}: got {str(answer)[:300]!r}, expected {code}")


def large_unary_on(service, timeout=PATIENCE):
    body = service.UnaryCall(unary(), timeout=timeout).payload.body
    same("payload", body, bytes(LARGE_RESPONSE))


class Turns:
    """Requests of a stream, each given when it is time for it."""

    def __init__(self):
        self.ready, self.waiting = threading.Condition(), []

    def give(self, request):
        with self.ready:
            self.waiting.append(request)
            self.ready.notify()

    def end(self):
        self.give(None)

    def __iter__(self):
        return self

    def __next__(self):
        with self.ready:
            self.ready.wait_for(lambda: self.waiting)
            request = self.waiting.pop(0)
        if request is None:
            raise StopIteration
        return request


class Meter:
    """Whether a message was compressed is nothing that grpcio tells. So its bytes go through here, and are counted."""

    def __init__(self):
        self.received, self.sent, self.listener = 0, 0, socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.onward = proxy() or TARGET
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            host, port = self.onward.rsplit(":", 1)
            far = socket.create_connection((host, int(port)))
            threading.Thread(target=self.copy, args=(near, far, "sent"), daemon=True).start()
            threading.Thread(target=self.copy, args=(far, near, "received"), daemon=True).start()

    def copy(self, source, target, name):
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                setattr(self, name, getattr(self, name) + len(piece))
                target.sendall(piece)
            target.shutdown(socket.SHUT_WR)

    def taken(self, name, call):
        """What the call gives, and how many bytes went by."""
        before = getattr(self, name)
        return call(), getattr(self, name) - before


def proxy():
    """HOST:PORT of the proxy that the environment names, as the core looks for it."""
    named = next((os.environ[name] for name in PROXIES if os.environ.get(name)), "")
    return named.removeprefix("http://").rstrip("/")


PROXIES = ("grpc_proxy", "https_proxy", "http_proxy")


@contextlib.contextmanager
def metered():
    """A service whose bytes are counted, and the meter."""
    global TARGET
    meter, target, named = Meter(), TARGET, next((name for name in PROXIES if os.environ.get(name)), None)
    if named:
        onward, os.environ[named] = os.environ[named], f"http://{meter.address}"
    else:
        TARGET = meter.address
    try:
        with stub() as service:
            service.EmptyCall(messages.Empty(), timeout=PATIENCE)
            yield service, meter
    finally:
        TARGET = target
        if named:
            os.environ[named] = onward


def empty_unary():
    with stub() as service:
        same("answer", service.EmptyCall(messages.Empty(), timeout=PATIENCE), messages.Empty())


def large_unary():
    with stub() as service:
        large_unary_on(service)


def client_streaming():
    with stub() as service:
        inputs = (messages.StreamingInputCallRequest(payload=zeros(size)) for size in REQUESTS)
        same("size", service.StreamingInputCall(inputs, timeout=PATIENCE).aggregated_payload_size, 74922)


def server_streaming():
    with stub() as service:
        outputs = service.StreamingOutputCall(wants(*RESPONSES), timeout=PATIENCE)
        same("bodies", [output.payload.body for output in outputs], [bytes(size) for size in RESPONSES])


def ping_pong():
    with stub() as service:
        turns = Turns()
        outputs = service.FullDuplexCall(turns, timeout=PATIENCE)
        for size, response in zip(REQUESTS, RESPONSES):
            turns.give(wants(response, payload=size))
            same("body", next(outputs).payload.body, bytes(response))
        turns.end()
        same("more", list(outputs), [])


def empty_stream():
    with stub() as service:
        same("outputs", list(service.FullDuplexCall(iter(()), timeout=PATIENCE)), [])


def custom_metadata():
    initial, trailing = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
    metadata = ((initial, "test_initial_metadata_value"), (trailing, b"\xab\xab\xab"))

    def check(call):
        same("initial", dict(call.initial_metadata()).get(initial), metadata[0][1])
        same("trailing", dict(call.trailing_metadata()).get(trailing), metadata[1][1])

    with stub() as service:
        answer, call = service.UnaryCall.with_call(unary(), metadata=metadata, timeout=PATIENCE)
        same("payload", answer.payload.body, bytes(LARGE_RESPONSE))
        check(call)
        request = wants(LARGE_RESPONSE, payload=LARGE_REQUEST)
        call = service.FullDuplexCall(iter([request]), metadata=metadata, timeout=PATIENCE)
        same("bodies", [output.payload.body for output in call], [bytes(LARGE_RESPONSE)])
        check(call)


def ends_with(code, text):
    status = messages.EchoStatus(code=code.value[0], message=text)
    with stub() as service:
        request = messages.SimpleRequest(response_status=status)
        fails("unary", lambda: service.UnaryCall(request, timeout=PATIENCE), code, text)
        request = messages.StreamingOutputCallRequest(response_status=status)
        fails("duplex", lambda: list(service.FullDuplexCall(iter([request]), timeout=PATIENCE)), code, text)


def status_code_and_message():
    ends_with(CODE.UNKNOWN, "test status message")


def special_status_message():
    ends_with(CODE.UNKNOWN, "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n")


def unimplemented_method():
    with stub() as service:
        fails("call", lambda: service.UnimplementedCall(messages.Empty(), timeout=PATIENCE), CODE.UNIMPLEMENTED)


def unimplemented_service():
    with open_() as channel:
        service = services.UnimplementedServiceStub(channel)
        fails("call", lambda: service.UnimplementedCall(messages.Empty(), timeout=PATIENCE), CODE.UNIMPLEMENTED)


def cancel_after_begin():
    with stub() as service:
        turns = Turns()
        call = service.StreamingInputCall.future(turns, timeout=PATIENCE)
        call.cancel()
        same("cancelled", (call.cancelled(), call.code()), (True, CODE.CANCELLED))
        turns.end()


def cancel_after_first_response():
    with stub() as service:
        turns = Turns()
        outputs = service.FullDuplexCall(turns, timeout=PATIENCE)
        turns.give(wants(RESPONSES[0], payload=REQUESTS[0]))
        same("body", next(outputs).payload.body, bytes(RESPONSES[0]))
        outputs.cancel()
        fails("next", lambda: next(outputs), CODE.CANCELLED)
        turns.end()
        # What was cancelled is gone; the connection goes on.
        large_unary_on(service)


def timeout_on_sleeping_server():
    with stub() as service:
        turns = Turns()
        turns.give(messages.StreamingOutputCallRequest(payload=zeros(REQUESTS[0])))
        fails("call", lambda: next(service.FullDuplexCall(turns, timeout=0.001)), CODE.DEADLINE_EXCEEDED)
        turns.end()


def client_compressed_unary():
    with metered() as (service, meter):
        def call(compression, claims):
            request = unary(expect_compressed=flag(claims))
            return service.UnaryCall(request, compression=compression, timeout=PATIENCE)

        plain, gzip = grpc.Compression.NoCompression, grpc.Compression.Gzip
        fails("probe", lambda: call(plain, True), CODE.INVALID_ARGUMENT)
        answer, sent = meter.taken("sent", lambda: call(gzip, True))
        same("payload", answer.payload.body, bytes(LARGE_RESPONSE))
        within("bytes, compressed", sent, 1, 10_000)
        answer, sent = meter.taken("sent", lambda: call(plain, False))
        same("payload", answer.payload.body, bytes(LARGE_RESPONSE))
        within("bytes, not compressed", sent, LARGE_REQUEST, LARGE_REQUEST + 10_000)


def server_compressed_unary():
    with metered() as (service, meter):
        for compressed, low, high in ((True, 1, 10_000), (False, LARGE_RESPONSE, LARGE_RESPONSE + 10_000)):
            request = unary(response_compressed=flag(compressed))
            answer, received = meter.taken("received", lambda: service.UnaryCall(request, timeout=PATIENCE))
            same("payload", answer.payload.body, bytes(LARGE_RESPONSE))
            within(f"bytes, compressed {compressed}", received, low, high)


def client_compressed_streaming():
    def given(size, claims, body=None):
        payload = zeros(size) if body is None else messages.Payload(body=body)
        return messages.StreamingInputCallRequest(expect_compressed=flag(claims), payload=payload)

    with metered() as (service, meter):
        def call(inputs, compression):
            return service.StreamingInputCall(iter(inputs), compression=compression, timeout=PATIENCE)

        probe = [given(27182, True)]
        fails("probe", lambda: call(probe, grpc.Compression.NoCompression), CODE.INVALID_ARGUMENT)
        # The core leaves alone what gzip makes longer, and says so: thus one stream has both.
        noise = random.Random(1).randbytes(45904)
        inputs = [given(27182, True), given(45904, False, noise)]
        answer, sent = meter.taken("sent", lambda: call(inputs, grpc.Compression.Gzip))
        same("size", answer.aggregated_payload_size, 73086)
        within("bytes, half of them compressed", sent, 45904, 45904 + 10_000)


def server_compressed_streaming():
    parameters = [
        messages.ResponseParameters(size=31415, compressed=flag(True)),
        messages.ResponseParameters(size=92653, compressed=flag(False)),
    ]
    request = messages.StreamingOutputCallRequest(response_parameters=parameters)
    with metered() as (service, meter):
        call = lambda: list(service.StreamingOutputCall(request, timeout=PATIENCE))
        outputs, received = meter.taken("received", call)
        same("bodies", [output.payload.body for output in outputs], [bytes(31415), bytes(92653)])
        within("bytes, half of them compressed", received, 92653, 92653 + 10_000)


def concurrent_large_unary():
    with stub() as service:
        calls = [service.UnaryCall.future(unary(), timeout=60) for _ in range(1000)]
        for call in calls:
            same("payload", call.result().payload.body, bytes(LARGE_RESPONSE))


def soak(service_for_each, iterations):
    for _ in range(iterations):
        with service_for_each() as service:
            begun = time.monotonic()
            large_unary_on(service)
            within("seconds of an iteration", time.monotonic() - begun, 0, 5)


def rpc_soak():
    with stub() as service:
        soak(lambda: contextlib.nullcontext(service), 100)


def channel_soak():
    soak(stub, 30)


def deadlines():
    """In all four kinds, of a service that takes longer."""
    slow = wants(1)
    slow.response_parameters[0].interval_us = 5_000_000
    with stub() as service:
        turns = Turns()
        service.EmptyCall(messages.Empty(), timeout=PATIENCE)
        for what, call in {
            "server": lambda: list(service.StreamingOutputCall(slow, timeout=0.3)),
            "client": lambda: service.StreamingInputCall(turns, timeout=0.3),
            "duplex": lambda: list(service.FullDuplexCall(iter([slow]), timeout=0.3)),
        }.items():
            begun = time.monotonic()
            fails(what, call, CODE.DEADLINE_EXCEEDED)
            within(f"{what}: seconds", time.monotonic() - begun, 0.25, 1.5)
        turns.end()
        large_unary_on(service)


def order():
    """10,000 turns, none of which overtakes another."""
    with stub() as service:
        turns = Turns()
        outputs = service.FullDuplexCall(turns, timeout=60)
        for size in range(10_000):
            turns.give(wants(size % 500))
            same(f"turn {size}", len(next(outputs).payload.body), size % 500)
        turns.end()
        same("more", list(outputs), [])


def quiet():
    """A stream on which nothing is said for 10 seconds, kept alive by pings."""
    with stub(keepalive_time_ms=1000, **{"http2.max_pings_without_data": 0}) as service:
        slow = wants(1)
        slow.response_parameters[0].interval_us = 10_000_000
        same("bodies", [output.payload.body for output in service.StreamingOutputCall(slow, timeout=PATIENCE)], [b"\0"])


def cut():
    """As `quiet`, without pings, before a proxy that cuts after 2 seconds."""
    with stub() as service:
        slow = wants(1)
        slow.response_parameters[0].interval_us = 10_000_000
        begun = time.monotonic()
        fails("call", lambda: list(service.StreamingOutputCall(slow, timeout=PATIENCE)), CODE.UNAVAILABLE)
        within("seconds", time.monotonic() - begun, 1.5, 5)
        large_unary_on(service)


def unreachable():
    """A service that cannot be reached, which is UNAVAILABLE, and at once."""
    with stub() as service:
        begun = time.monotonic()
        error = fails("call", lambda: service.EmptyCall(messages.Empty(), timeout=PATIENCE), CODE.UNAVAILABLE)
        within("seconds", time.monotonic() - begun, 0, 10)
        print("said:", error.details())


OFFICIAL = [
    empty_unary, large_unary, client_streaming, server_streaming, ping_pong, empty_stream, custom_metadata,
    status_code_and_message, special_status_message, unimplemented_method, unimplemented_service, cancel_after_begin,
    cancel_after_first_response, timeout_on_sleeping_server, client_compressed_unary, server_compressed_unary,
    client_compressed_streaming, server_compressed_streaming, rpc_soak, channel_soak, concurrent_large_unary,
]
# Only where a proxy of such a kind is.
ELSEWHERE = [quiet, cut, unreachable]
CASES = {case.__name__: case for case in [*OFFICIAL, deadlines, order, *ELSEWHERE]}

TARGET, *chosen = sys.argv[1:]
for name in chosen or [name for name, case in CASES.items() if case not in ELSEWHERE]:
    begun = time.monotonic()
    try:
        CASES[name]()
    except Exception as error:
        sys.exit(f"{name}: {type(error).__name__}: {error}")
    print(f"ok {name} ({time.monotonic() - begun:.2f} s)", flush=True)
