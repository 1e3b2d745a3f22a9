// The WebSocket endpoints of README.md on gorilla/websocket, which keeps no context between compressed messages.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run servers/gorilla/main.go [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
package main

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

var upgrader = websocket.Upgrader{EnableCompression: true, Subprotocols: []string{"v2.echo", "v1.echo"}}

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
	for name, serve := range map[string]func(*websocket.Conn, string){
		"echo": echo, "takeover": echo, "ping": ping, "close": closeWith, "abrupt": abrupt,
	} {
		prefix := "/ws/" + name
		handler := func(w http.ResponseWriter, r *http.Request) {
			conn, err := upgrader.Upgrade(w, r, nil)
			if err != nil {
				return
			}
			defer conn.Close()
			serve(conn, strings.TrimPrefix(r.URL.Path, prefix+"/"))
		}
		http.HandleFunc(prefix, handler)
		http.HandleFunc(prefix+"/", handler)
	}
	panic(http.Serve(listener, nil))
}

func echo(conn *websocket.Conn, _ string) {
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil {
			return
		}
		if conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

func ping(conn *websocket.Conn, _ string) {
	conn.SetPongHandler(func(payload string) error {
		if payload != "are you there" {
			return fmt.Errorf("pong of %q", payload)
		}
		return conn.WriteMessage(websocket.TextMessage, []byte("you are"))
	})
	conn.WriteControl(websocket.PingMessage, []byte("are you there"), time.Now().Add(time.Minute))
	echo(conn, "")
}

func closeWith(conn *websocket.Conn, argument string) {
	code, _ := strconv.Atoi(argument)
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, "so long"), time.Now().Add(time.Minute))
	echo(conn, "")
}

func abrupt(conn *websocket.Conn, _ string) {
	conn.ReadMessage()
}
