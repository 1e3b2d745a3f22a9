// grpc-go against grpc.testing.TestService.
//
//	go run ./clients/grpcgo HOST:PORT [CASE …]       a proxy is asked by CONNECT if HTTPS_PROXY says so
//	go run ./clients/grpcgo http://HOST:PORT/grpc    dials as moby does, and runs every case
//	go run ./clients/grpcgo http://HOST:PORT/session dials as moby does, and is the server there
//
// Without generated code: messages.go. What is said is as of testing/interop/README.md.
package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

const patience = 20 * time.Second

var (
	requests  = []int{27182, 8, 1828, 45904}
	responses = []int32{31415, 9, 2653, 58979}
)

type trial struct {
	name string
	run  func(context.Context, *grpc.ClientConn)
	// Only where there is a proxy of such a kind.
	elsewhere bool
}

var cases = []trial{
	{name: "unary", run: unary},
	{name: "server_streaming", run: serverStreaming},
	{name: "client_streaming", run: clientStreaming},
	{name: "ping_pong", run: pingPong},
	{name: "custom_metadata", run: customMetadata},
	{name: "status", run: statusAndMessage},
	{name: "unimplemented", run: unimplemented},
	{name: "cancel", run: cancelled},
	{name: "deadline", run: deadline},
	{name: "small_frames", run: smallFrames},
	{name: "unreachable", run: unreachable, elsewhere: true},
}

func main() {
	target, chosen := os.Args[1], os.Args[2:]
	options := []grpc.DialOption{grpc.WithInsecure()}
	if strings.HasSuffix(target, "/session") {
		serve(dialAsMoby(target))
		return
	}
	if strings.HasPrefix(target, "http://") {
		url := target
		options = append(options, grpc.WithContextDialer(func(context.Context, string) (net.Conn, error) {
			return dialAsMoby(url), nil
		}))
		target = "moby"
	}
	conn, err := grpc.Dial(target, options...)
	check(err)
	defer conn.Close()
	for _, it := range cases {
		if !slices.Contains(chosen, it.name) && (len(chosen) > 0 || it.elsewhere) {
			continue
		}
		current = it.name
		begun := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		it.run(ctx, conn)
		cancel()
		fmt.Printf("ok %s (%.2f s)\n", it.name, time.Since(begun).Seconds())
	}
}

// The case that is tried.
var current string

func fail(text string, arguments ...any) {
	fmt.Printf("%s: %s\n", current, fmt.Sprintf(text, arguments...))
	os.Exit(1)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func same(what string, got, expected any) {
	if got != expected {
		fail("%s: got %v, expected %v", what, got, expected)
	}
}

func sameBody(got *payload, size int32) {
	if got == nil || !bytes.Equal(got.Body, make([]byte, size)) {
		fail("payload: got %v, expected %d zeros", got, size)
	}
}

func sameStatus(err error, code codes.Code, message string) {
	same("code", status.Code(err), code)
	if message != "" {
		same("message", status.Convert(err).Message(), message)
	}
}

func unary(ctx context.Context, conn *grpc.ClientConn) {
	check(conn.Invoke(ctx, service+"EmptyCall", &empty{}, &empty{}))
	answer := &simpleResponse{}
	request := &simpleRequest{ResponseSize: 314159, Payload: zeros(271828)}
	check(conn.Invoke(ctx, service+"UnaryCall", request, answer))
	sameBody(answer.Payload, 314159)
}

func serverStreaming(ctx context.Context, conn *grpc.ClientConn) {
	stream := open(ctx, conn, "StreamingOutputCall")
	check(stream.SendMsg(wants(responses...)))
	check(stream.CloseSend())
	for _, size := range responses {
		answer := &outputResponse{}
		check(stream.RecvMsg(answer))
		sameBody(answer.Payload, size)
	}
	same("end", stream.RecvMsg(&outputResponse{}), io.EOF)
}

func clientStreaming(ctx context.Context, conn *grpc.ClientConn) {
	stream := open(ctx, conn, "StreamingInputCall")
	for _, size := range requests {
		check(stream.SendMsg(&inputRequest{Payload: zeros(size)}))
	}
	check(stream.CloseSend())
	answer := &inputResponse{}
	check(stream.RecvMsg(answer))
	same("size", answer.AggregatedPayloadSize, int32(74922))
}

func pingPong(ctx context.Context, conn *grpc.ClientConn) {
	stream := open(ctx, conn, "FullDuplexCall")
	for i, size := range responses {
		request, answer := wants(size), &outputResponse{}
		request.Payload = zeros(requests[i])
		check(stream.SendMsg(request))
		check(stream.RecvMsg(answer))
		sameBody(answer.Payload, size)
	}
	check(stream.CloseSend())
	same("end", stream.RecvMsg(&outputResponse{}), io.EOF)
}

func customMetadata(ctx context.Context, conn *grpc.ClientConn) {
	const initial, trailing = "x-grpc-test-echo-initial", "x-grpc-test-echo-trailing-bin"
	ctx = metadata.AppendToOutgoingContext(ctx, initial, "test_initial_metadata_value", trailing, "\xab\xab\xab")
	var header, trailer metadata.MD
	request := &simpleRequest{ResponseSize: 1}
	check(conn.Invoke(ctx, service+"UnaryCall", request, &simpleResponse{}, grpc.Header(&header), grpc.Trailer(&trailer)))
	same("initial", strings.Join(header.Get(initial), "|"), "test_initial_metadata_value")
	same("trailing", strings.Join(trailer.Get(trailing), "|"), "\xab\xab\xab")
}

func statusAndMessage(ctx context.Context, conn *grpc.ClientConn) {
	for _, message := range []string{"test status message", "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"} {
		wanted := &echoStatus{Code: 2, Message: message}
		err := conn.Invoke(ctx, service+"UnaryCall", &simpleRequest{ResponseStatus: wanted}, &simpleResponse{})
		sameStatus(err, codes.Unknown, message)
		stream := open(ctx, conn, "FullDuplexCall")
		check(stream.SendMsg(&outputRequest{ResponseStatus: wanted}))
		sameStatus(stream.RecvMsg(&outputResponse{}), codes.Unknown, message)
	}
}

func unimplemented(ctx context.Context, conn *grpc.ClientConn) {
	for _, method := range []string{service + "UnimplementedCall", "/grpc.testing.UnimplementedService/UnimplementedCall"} {
		sameStatus(conn.Invoke(ctx, method, &empty{}, &empty{}), codes.Unimplemented, "")
	}
}

func cancelled(ctx context.Context, conn *grpc.ClientConn) {
	inner, cancel := context.WithCancel(ctx)
	stream := open(inner, conn, "FullDuplexCall")
	check(stream.SendMsg(wants(9)))
	answer := &outputResponse{}
	check(stream.RecvMsg(answer))
	cancel()
	sameStatus(stream.RecvMsg(answer), codes.Canceled, "")
	unary(ctx, conn)
}

// In all four kinds, of a service that takes longer.
func deadline(ctx context.Context, conn *grpc.ClientConn) {
	slow := wants(1)
	slow.ResponseParameters[0].IntervalUs = 5_000_000
	for method, request := range map[string]any{"StreamingOutputCall": slow, "FullDuplexCall": slow, "StreamingInputCall": &inputRequest{}} {
		begun := time.Now()
		inner, cancel := context.WithTimeout(ctx, 300*time.Millisecond)
		stream := open(inner, conn, method)
		check(stream.SendMsg(request))
		if method == "StreamingOutputCall" {
			check(stream.CloseSend())
		}
		sameStatus(stream.RecvMsg(&outputResponse{}), codes.DeadlineExceeded, "")
		cancel()
		if took := time.Since(begun); took < 250*time.Millisecond || took > 1500*time.Millisecond {
			fail("%s: its deadline of 300 ms passed after %v", method, took)
		}
	}
	unary(ctx, conn)
}

// 10,000 messages of two bytes, each a frame of its own, wait for 5 seconds until they are read. Many a server of h2 takes that
// for an attack, and ends the connection and all its calls.
func smallFrames(ctx context.Context, conn *grpc.ClientConn) {
	const count = 10_000
	stream, beside := open(ctx, conn, "FullDuplexCall"), open(ctx, conn, "FullDuplexCall")
	slow := wants(0)
	slow.ResponseParameters[0].IntervalUs = 5_000_000
	check(stream.SendMsg(slow))
	begun := time.Now()
	for range count {
		// The one response that is asked for has no size: field 2 of length 0.
		check(stream.SendMsg(wants(0)))
	}
	sent := time.Since(begun)
	check(stream.CloseSend())
	for i := range 1 + count {
		if err := stream.RecvMsg(&outputResponse{}); err != nil {
			fail("answer %d: %v", i, err)
		}
		if i == 0 && (time.Since(begun) < 4*time.Second || sent > 4*time.Second) {
			fail("nothing waited: sent in %v, read after %v", sent, time.Since(begun))
		}
	}
	same("end", stream.RecvMsg(&outputResponse{}), io.EOF)
	// The connection that did this is still the same one.
	check(beside.SendMsg(wants(1)))
	answer := &outputResponse{}
	check(beside.RecvMsg(answer))
	sameBody(answer.Payload, 1)
	check(beside.CloseSend())
}

// A service that cannot be reached, which is UNAVAILABLE, and at once.
func unreachable(ctx context.Context, conn *grpc.ClientConn) {
	err := conn.Invoke(ctx, service+"EmptyCall", &empty{}, &empty{})
	sameStatus(err, codes.Unavailable, "")
	fmt.Println("said:", err)
}
