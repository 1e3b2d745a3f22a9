package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// Takes a connection over as Docker's client does: a POST without a body that asks for h2c, and behind the 101 a connection of
// HTTP/2 from its beginning.
func dialAsMoby(url string) *hijacked {
	request, err := http.NewRequest(http.MethodPost, url, nil)
	check(err)
	request.Header.Set("Connection", "Upgrade")
	request.Header.Set("Upgrade", "h2c")
	request.Header.Set("X-Docker-Expose-Session-Uuid", "0123456789abcdef")
	request.Header.Set("X-Docker-Expose-Session-Name", "grpcgo")
	request.Header.Add("X-Docker-Expose-Session-Grpc-Method", service+"UnaryCall")
	request.Header.Add("X-Docker-Expose-Session-Grpc-Method", service+"FullDuplexCall")
	conn, err := net.Dial("tcp", request.URL.Host)
	check(err)
	check(request.Write(conn))
	reader := bufio.NewReader(conn)
	answer, err := http.ReadResponse(reader, request)
	check(err)
	same("status", answer.StatusCode, http.StatusSwitchingProtocols)
	same("protocol", answer.Header.Get("Upgrade"), "h2c")
	return &hijacked{Conn: conn, reader: reader, closed: make(chan struct{})}
}

// A connection some of whose bytes may have been read already.
type hijacked struct {
	net.Conn
	reader *bufio.Reader
	once   sync.Once
	closed chan struct{}
}

func (c *hijacked) Read(into []byte) (int, error) { return c.reader.Read(into) }

func (c *hijacked) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// Serves on the connection that we dialled, until it ends.
func serve(conn *hijacked) {
	server := grpc.NewServer()
	server.RegisterService(&grpc.ServiceDesc{
		ServiceName: "grpc.testing.TestService",
		HandlerType: (*any)(nil),
		Methods:     []grpc.MethodDesc{{MethodName: "UnaryCall", Handler: serveUnary}},
		Streams: []grpc.StreamDesc{
			{StreamName: "StreamingOutputCall", Handler: serveOutputs, ServerStreams: true},
			{StreamName: "StreamingInputCall", Handler: serveInputs, ClientStreams: true},
			{StreamName: "FullDuplexCall", Handler: serveOutputs, ServerStreams: true, ClientStreams: true},
		},
	}, nil)
	if err := server.Serve(&once{conn: conn}); err != io.EOF {
		check(err)
	}
	fmt.Println("ok session")
}

// A listener to whom one connection comes; when that is over, so is it.
type once struct {
	conn  *hijacked
	given bool
}

func (l *once) Accept() (net.Conn, error) {
	if !l.given {
		l.given = true
		return l.conn, nil
	}
	<-l.conn.closed
	return nil, io.EOF
}

func (l *once) Close() error   { return nil }
func (l *once) Addr() net.Addr { return l.conn.LocalAddr() }

func serveUnary(_ any, _ context.Context, decode func(any) error, _ grpc.UnaryServerInterceptor) (any, error) {
	asked := &simpleRequest{}
	if err := decode(asked); err != nil {
		return nil, err
	}
	if wanted := asked.ResponseStatus; wanted != nil {
		return nil, status.Error(codes.Code(wanted.Code), wanted.Message)
	}
	return &simpleResponse{Payload: zeros(int(asked.ResponseSize))}, nil
}

func serveOutputs(_ any, stream grpc.ServerStream) error {
	for {
		asked := &outputRequest{}
		switch err := stream.RecvMsg(asked); {
		case err == io.EOF:
			return nil
		case err != nil:
			return err
		}
		for _, wanted := range asked.ResponseParameters {
			if err := stream.SendMsg(&outputResponse{Payload: zeros(int(wanted.Size))}); err != nil {
				return err
			}
		}
	}
}

func serveInputs(_ any, stream grpc.ServerStream) error {
	size := 0
	for {
		asked := &inputRequest{}
		switch err := stream.RecvMsg(asked); {
		case err == io.EOF:
			return stream.SendMsg(&inputResponse{AggregatedPayloadSize: int32(size)})
		case err != nil:
			return err
		}
		if asked.Payload != nil {
			size += len(asked.Payload.Body)
		}
	}
}
