// The peer in Go for WebSocket: gorilla's, as its documentation shows an echo. With --deflate it compresses, by zlib's
// level 6 as the others do.
package main

import (
	"bufio"
	"fmt"
	"net"
	"net/http"
	"os"
	"runtime"

	"github.com/gorilla/websocket"
)

var (
	compress = len(os.Args) > 1 && os.Args[1] == "--deflate"
	upgrader = websocket.Upgrader{EnableCompression: compress}
)

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go obey()
	fmt.Fprintln(os.Stderr, http.Serve(listener, http.HandlerFunc(echo)))
}

func echo(w http.ResponseWriter, r *http.Request) {
	conn, err := upgrader.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer conn.Close()
	conn.SetReadLimit(64 << 20)
	if compress {
		conn.SetCompressionLevel(6)
	}
	for {
		kind, message, err := conn.ReadMessage()
		if err != nil || conn.WriteMessage(kind, message) != nil {
			return
		}
	}
}

// obey answers orders until stdin ends; that also ends the server.
func obey() {
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		if orders.Text() != "heap" {
			fmt.Println("unknown order:", orders.Text())
			continue
		}
		var stats runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&stats)
		fmt.Println(stats.Mallocs, stats.HeapAlloc+stats.StackInuse)
	}
	os.Exit(0)
}
