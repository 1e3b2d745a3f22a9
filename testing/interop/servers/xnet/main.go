// The WebSocket endpoints of README.md on golang.org/x/net/websocket, as far as it has them: no pings, no codes, no
// compression.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run servers/xnet/main.go [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
package main

import (
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"

	"golang.org/x/net/websocket"
)

func main() {
	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		panic(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	if os.Args[len(os.Args)-1] == "--until-eof" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	http.Handle("/ws/echo", websocket.Server{Handshake: handshake, Handler: echo})
	http.Handle("/ws/abrupt", websocket.Server{Handshake: handshake, Handler: abrupt})
	http.Handle("/ws/close/1000", websocket.Server{Handshake: handshake, Handler: closeWith})
	panic(http.Serve(listener, nil))
}

// handshake chooses the subprotocol, and refuses foreign pages.
func handshake(config *websocket.Config, r *http.Request) error {
	if origin, err := websocket.Origin(config, r); err != nil || origin != nil && origin.Host != r.Host {
		return errors.New("foreign origin")
	}
	for _, name := range []string{"v2.echo", "v1.echo"} {
		if slices.Contains(config.Protocol, name) {
			config.Protocol = []string{name}
			return nil
		}
	}
	config.Protocol = nil
	return nil
}

type message struct {
	bytes []byte
	kind  byte
}

// kept keeps what kind of message it was, which the library's own codecs do not tell.
var kept = websocket.Codec{
	Marshal: func(v any) ([]byte, byte, error) { m := v.(message); return m.bytes, m.kind, nil },
	Unmarshal: func(data []byte, kind byte, v any) error {
		*v.(*message) = message{data, kind}
		return nil
	},
}

func echo(conn *websocket.Conn) {
	defer closeWith(conn)
	conn.MaxPayloadBytes = 64 << 20
	for {
		var m message
		if kept.Receive(conn, &m) != nil || kept.Send(conn, m) != nil {
			return
		}
	}
}

// closeWith sends the one Close that this library knows, of 1000 without a reason.
func closeWith(conn *websocket.Conn) { conn.Close() }

// abrupt lets the library end the connection, which it does without a Close.
func abrupt(conn *websocket.Conn) {
	var m message
	kept.Receive(conn, &m)
}
