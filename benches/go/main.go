// The peer in Go: net/http with its defaults and http.Hijacker.
package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
)

func main() {
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	fmt.Println(listener.Addr())
	go obey()
	mux := http.NewServeMux()
	mux.HandleFunc("/plain", plain)
	mux.HandleFunc("/echo", takeOver)
	fmt.Fprintln(os.Stderr, http.Serve(listener, mux))
}

func plain(w http.ResponseWriter, _ *http.Request) {
	w.Header().Set("Content-Type", "text/plain")
	io.WriteString(w, "hello, world\n")
}

func takeOver(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Upgrade") != "echo" {
		http.NotFound(w, r)
		return
	}
	conn, buffered, err := w.(http.Hijacker).Hijack()
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	defer conn.Close()
	buffered.WriteString("HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\n")
	if buffered.Flush() == nil {
		echo(conn, buffered.Reader)
	}
}

// echo reads through the buffered reader, as the client may have sent bytes early.
func echo(conn net.Conn, reader *bufio.Reader) {
	var buffer [2 * 64]byte
	for {
		n, err := reader.Read(buffer[:])
		if err != nil {
			return
		}
		if _, err := conn.Write(buffer[:n]); err != nil {
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
