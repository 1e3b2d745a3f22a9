// The endpoints of README.md on Go's net/http: the reference our server is
// compared with, and the server on which the client scripts are proven.
//
//	go run ./reference [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
package main

import (
	"bufio"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
)

func main() {
	address := "127.0.0.1:0"
	if len(os.Args) > 1 {
		address = os.Args[1]
	}
	if os.Args[len(os.Args)-1] == "--until-eof" {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			os.Exit(0)
		}()
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{Handler: http.HandlerFunc(route), ErrorLog: log.New(io.Discard, "", 0)}
	log.Fatal(server.Serve(listener))
}

func route(w http.ResponseWriter, r *http.Request) {
	if r.Method == http.MethodConnect {
		connect(w, r)
		return
	}
	name, argument, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	n, _ := strconv.Atoi(argument)
	switch name {
	case "bytes":
		w.Header().Set("Content-Length", argument)
		octets(w)
		w.Write(pattern(n))
	case "chunked":
		octets(w)
		pieces(w, pattern(n))
	case "trailers":
		octets(w)
		w.Header().Set("Trailer", "X-Digest")
		body := pattern(n)
		pieces(w, body)
		w.Header().Set("X-Digest", digest(body))
	case "digest":
		body, err := io.ReadAll(r.Body)
		if err != nil {
			text(w, http.StatusBadRequest, err.Error()+"\n")
			return
		}
		trailer := r.Trailer.Get("X-Digest")
		if trailer == "" {
			trailer = "-"
		}
		text(w, http.StatusOK, fmt.Sprintf("%s %d %s %s\n", r.Method, len(body), digest(body), trailer))
	case "status":
		if n == http.StatusNotModified {
			w.Header().Set("ETag", `"interop"`)
		}
		if n == http.StatusNoContent || n == http.StatusNotModified {
			w.WriteHeader(n)
			return
		}
		text(w, n, fmt.Sprintf("status %d\n", n))
	case "early":
		text(w, http.StatusRequestEntityTooLarge, "too much\n")
	case "interim":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		text(w, http.StatusOK, "done\n")
	case "until-close":
		conn, _ := takeOver(w)
		io.WriteString(conn, "HTTP/1.0 200 OK\r\n\r\n")
		conn.Write(pattern(n))
		conn.Close()
	case "peer":
		text(w, http.StatusOK, r.RemoteAddr)
	case "upgrade":
		upgrade(w, r)
	case "raw":
		conn, _ := takeOver(w)
		conn.Write([]byte("hello world"))
		conn.Close()
	default:
		text(w, http.StatusNotFound, "not found\n")
	}
}

func octets(w http.ResponseWriter) { w.Header().Set("Content-Type", "application/octet-stream") }

func text(w http.ResponseWriter, status int, body string) {
	w.Header().Set("Content-Type", "text/plain")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	w.WriteHeader(status)
	io.WriteString(w, body)
}

func pieces(w http.ResponseWriter, body []byte) {
	flush := w.(http.Flusher).Flush
	flush()
	for len(body) > 0 {
		piece := body[:min(len(body), 10_007)]
		w.Write(piece)
		flush()
		body = body[len(piece):]
	}
}

func pattern(n int) []byte {
	var out bytes.Buffer
	for i := 0; out.Len() < n; i++ {
		fmt.Fprintf(&out, "%d\r\n", i)
	}
	return out.Bytes()[:n]
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func takeOver(w http.ResponseWriter) (*net.TCPConn, *bufio.Reader) {
	conn, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		panic(err)
	}
	return conn.(*net.TCPConn), buffered.Reader
}

func upgrade(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Connection", "Upgrade")
	w.Header().Set("Upgrade", "echo")
	if !strings.EqualFold(r.Header.Get("Upgrade"), "echo") || !asksToUpgrade(r.Header.Values("Connection")) {
		w.WriteHeader(http.StatusUpgradeRequired)
		io.WriteString(w, "upgrade to echo\n")
		return
	}
	w.WriteHeader(http.StatusSwitchingProtocols)
	conn, reader := takeOver(w)
	defer conn.Close()
	io.WriteString(conn, "welcome\n")
	io.Copy(conn, reader)
}

func asksToUpgrade(connection []string) bool {
	for _, token := range strings.Split(strings.Join(connection, ","), ",") {
		if strings.EqualFold(strings.TrimSpace(token), "upgrade") {
			return true
		}
	}
	return false
}

func connect(w http.ResponseWriter, r *http.Request) {
	if r.Host == "echo.test:443" {
		w.WriteHeader(http.StatusOK)
		conn, reader := takeOver(w)
		defer conn.Close()
		io.Copy(conn, reader)
		return
	}
	if !strings.HasPrefix(r.Host, "127.0.0.1:") {
		w.Header().Set("Connection", "close")
		text(w, http.StatusForbidden, "forbidden\n")
		return
	}
	upstream, err := net.Dial("tcp", r.Host)
	if err != nil {
		text(w, http.StatusBadGateway, "bad gateway\n")
		return
	}
	defer upstream.Close()
	w.WriteHeader(http.StatusOK)
	conn, reader := takeOver(w)
	defer conn.Close()
	back := make(chan struct{})
	go func() {
		io.Copy(conn, upstream)
		conn.CloseWrite()
		close(back)
	}()
	io.Copy(upstream, reader)
	upstream.(*net.TCPConn).CloseWrite()
	<-back
}
