// What proxies get wrong, on Go's net/http: bodies of every framing both ways, trailers, ranges, conditions, interim
// answers, events, and answers that begin before the request has ended.
//
//	go run ./servers/ordinary [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sort"
	"strconv"
	"strings"
	"time"
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

var next = make(chan struct{})

func route(w http.ResponseWriter, r *http.Request) {
	name, argument, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	n, _ := strconv.Atoi(argument)
	switch name {
	case "sized":
		w.Header().Set("Content-Length", argument)
		w.Write(pattern(n))
	case "chunked":
		pieces(w, pattern(n))
	case "trailers":
		w.Header().Set("Trailer", "X-Digest, X-Second")
		pieces(w, pattern(n))
		w.Header().Set("X-Digest", digest(pattern(n)))
		w.Header().Set("X-Second", "2")
		// Not announced.
		w.Header().Set(http.TrailerPrefix+"X-Late", "late")
	case "file":
		w.Header().Set("ETag", `"pattern"`)
		http.ServeContent(w, r, "pattern.txt", time.Unix(1_700_000_000, 0), bytes.NewReader(pattern(n)))
	case "status":
		w.WriteHeader(n)
		if n >= 200 && n != http.StatusNoContent && n != http.StatusNotModified {
			fmt.Fprintf(w, "status %d\n", n)
		}
	case "interim":
		w.Header().Set("Link", "</style.css>; rel=preload")
		w.WriteHeader(http.StatusProcessing)
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		io.WriteString(w, "done\n")
	case "fields":
		fields(w)
	case "seen":
		seen(w, r)
	case "early":
		// Unread, so that Go closes the connection if much is to come.
		w.WriteHeader(http.StatusForbidden)
		io.WriteString(w, "no\n")
	case "events":
		events(w, n)
	case "next":
		next <- struct{}{}
	case "duplex":
		duplex(w, r)
	case "panic":
		w.Header().Set("Content-Length", "100")
		io.WriteString(w, "cut")
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	default:
		http.NotFound(w, r)
	}
}

func fields(w http.ResponseWriter) {
	header := w.Header()
	header["Set-Cookie"] = []string{"a=1; Path=/", "b=2, 3"}
	header["X-Empty"] = []string{""}
	header["X-Latin"] = []string{"café"}
	header["X-Long"] = []string{strings.Repeat("long ", 1000)}
	header["X-Twice"] = []string{"one", "two"}
	header["Warning"] = []string{`199 - "quoted, comma"`}
	header["Connection"] = []string{"x-hop"}
	header["X-Hop"] = []string{"mine alone"}
	header["Via"] = []string{"1.0 somewhere"}
	io.WriteString(w, "fields\n")
}

// seen tells the request as it came here, its body read.
func seen(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	var out strings.Builder
	fmt.Fprintf(&out, "%s %s %s\nframing %v\n", r.Method, r.RequestURI, r.Host, r.TransferEncoding)
	tell(&out, r.Header)
	fmt.Fprintf(&out, "body %d %s\n", len(body), digest(body))
	tell(&out, r.Trailer)
	io.WriteString(w, out.String())
}

func tell(out io.Writer, header http.Header) {
	var lines []string
	for name, values := range header {
		switch name {
		case "Connection", "Te", "Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto":
			continue
		}
		for _, value := range values {
			lines = append(lines, fmt.Sprintf("%s: %q\n", name, value))
		}
	}
	sort.Strings(lines)
	io.WriteString(out, strings.Join(lines, ""))
}

// events sends the first event at once, and each further one when somebody asks for /next.
func events(w http.ResponseWriter, n int) {
	w.Header().Set("Content-Type", "text/event-stream")
	for i := range n {
		if i > 0 {
			<-next
		}
		fmt.Fprintf(w, "data: %d\n\n", i)
		w.(http.Flusher).Flush()
	}
}

// duplex sends back what comes while it comes.
func duplex(w http.ResponseWriter, r *http.Request) {
	control := http.NewResponseController(w)
	if err := control.EnableFullDuplex(); err != nil {
		panic(err)
	}
	w.WriteHeader(http.StatusOK)
	control.Flush()
	part := make([]byte, 4096)
	for {
		n, err := r.Body.Read(part)
		w.Write(part[:n])
		control.Flush()
		if err != nil {
			return
		}
	}
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
