// Go's net/http client against the endpoints of README.md.
//
//	go run ./clients/go BASE [CASE [COUNT]]
package main

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httptrace"
	"net/textproto"
	"net/url"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

var (
	base  string
	count = 1000
	// Keeps connections, waits for 100 Continue when asked to, never compresses.
	transport = &http.Transport{
		MaxIdleConnsPerHost:   8,
		ExpectContinueTimeout: 30 * time.Second,
		DisableCompression:    true,
	}
	client = &http.Client{Transport: transport}
)

var cases = []struct {
	name string
	run  func() error
}{
	{"get", get}, {"head", head}, {"uploads", uploads}, {"chunked_uploads", chunkedUploads},
	{"trailers", trailers}, {"expect_continue", expectContinue}, {"bodyless", bodyless}, {"reuse", reuse},
	{"early", early}, {"interim", interim}, {"upgrade", upgrade}, {"connect", connect},
	{"proxy", proxy}, {"load", load},
}

func main() {
	log.SetFlags(0)
	if len(os.Args) < 2 {
		log.Fatal("usage: go run ./clients/go BASE [CASE [COUNT]]")
	}
	base = os.Args[1]
	if len(os.Args) > 3 {
		count, _ = strconv.Atoi(os.Args[3])
	}
	time.AfterFunc(120*time.Second, func() { log.Fatal("go: still running after 120 s") })
	known := false
	for _, c := range cases {
		if len(os.Args) > 2 && os.Args[2] != c.name {
			continue
		}
		known = true
		if err := c.run(); err != nil {
			log.Fatalf("go: %s: %v", c.name, err)
		}
		fmt.Println("ok", c.name)
	}
	if !known {
		log.Fatalf("go: no case %s", os.Args[2])
	}
}

func get() error {
	for _, kind := range []string{"bytes", "chunked"} {
		for _, n := range []int{0, 1, 1000, 65_536, 8 << 20} {
			res, body, err := do("GET", fmt.Sprintf("/%s/%d", kind, n), nil, nil)
			if err != nil {
				return err
			}
			length := int64(n)
			if kind == "chunked" {
				length = -1
			}
			if err := all(
				same("status", res.StatusCode, 200), same("body", digest(body), digest(pattern(n))),
				same(fmt.Sprintf("length of %s/%d", kind, n), res.ContentLength, length),
			); err != nil {
				return err
			}
		}
	}
	return nil
}

func head() error {
	res, body, err := do("HEAD", "/bytes/123456", nil, nil)
	if err != nil {
		return err
	}
	if err := all(same("length", res.ContentLength, 123456), same("body", len(body), 0)); err != nil {
		return err
	}
	res, body, err = do("HEAD", "/chunked/123456", nil, nil)
	if err != nil {
		return err
	}
	// The connection must be in step after both.
	return all(same("length", res.ContentLength, -1), same("body", len(body), 0), peers(3, 1))
}

func uploads() error {
	for _, method := range []string{"POST", "PUT"} {
		for _, n := range []int{0, 1, 65_536, 8 << 20} {
			if err := upload(method, bytes.NewReader(pattern(n)), n); err != nil {
				return err
			}
		}
	}
	return nil
}

func chunkedUploads() error {
	for _, n := range []int{0, 1, 65_536, 8 << 20} {
		// The type hides the length, so the body is chunked.
		if err := upload("POST", struct{ io.Reader }{bytes.NewReader(pattern(n))}, n); err != nil {
			return err
		}
	}
	return nil
}

func upload(method string, body io.Reader, n int) error {
	res, answer, err := do(method, "/digest", body, nil)
	if err != nil {
		return err
	}
	want := fmt.Sprintf("%s %d %s -\n", method, n, digest(pattern(n)))
	return all(same("status", res.StatusCode, 200), same("answer", string(answer), want))
}

func trailers() error {
	for _, n := range []int{0, 1, 100_000} {
		res, body, err := do("GET", fmt.Sprintf("/trailers/%d", n), nil, nil)
		if err != nil {
			return err
		}
		if err := all(
			same("body", digest(body), digest(pattern(n))),
			same("trailer", res.Trailer.Get("X-Digest"), digest(pattern(n))),
		); err != nil {
			return err
		}
		req, _ := http.NewRequest("POST", base+"/digest", struct{ io.Reader }{bytes.NewReader(pattern(n))})
		req.Trailer = http.Header{"X-Digest": {"sent-after"}}
		_, answer, err := send(req)
		if err != nil {
			return err
		}
		want := fmt.Sprintf("POST %d %s sent-after\n", n, digest(pattern(n)))
		if err := same("answer", string(answer), want); err != nil {
			return err
		}
	}
	return nil
}

// A body that notes whether anybody asked for it.
type noting struct {
	io.Reader
	asked bool
}

func (n *noting) Read(p []byte) (int, error) {
	n.asked = true
	return n.Reader.Read(p)
}

func expectContinue() error {
	try := func(path string, size int) (*http.Response, string, bool, bool, error) {
		got100 := false
		body := &noting{Reader: bytes.NewReader(pattern(size))}
		req, _ := http.NewRequest("POST", base+path, body)
		req.ContentLength = int64(size)
		req.Header.Set("Expect", "100-continue")
		trace := &httptrace.ClientTrace{Got100Continue: func() { got100 = true }}
		res, answer, err := send(req.WithContext(httptrace.WithClientTrace(context.Background(), trace)))
		return res, string(answer), got100, body.asked, err
	}
	for _, n := range []int{1, 1 << 20} {
		_, answer, got100, _, err := try("/digest", n)
		if err != nil {
			return err
		}
		want := fmt.Sprintf("POST %d %s -\n", n, digest(pattern(n)))
		if err := all(same("100 Continue", got100, true), same("answer", answer, want)); err != nil {
			return err
		}
	}
	res, answer, got100, asked, err := try("/early", 1<<20)
	if err != nil {
		return err
	}
	return all(same("status", res.StatusCode, 413), same("answer", answer, "too much\n"),
		same("100 Continue", got100, false), same("body sent", asked, false))
}

func bodyless() error {
	for _, status := range []int{204, 304} {
		for _, method := range []string{"GET", "HEAD", "POST"} {
			res, body, err := do(method, fmt.Sprintf("/status/%d", status), nil, nil)
			if err != nil {
				return err
			}
			if err := all(same("status", res.StatusCode, status), same("body", len(body), 0),
				same("chunked", len(res.TransferEncoding), 0)); err != nil {
				return err
			}
		}
	}
	return peers(3, 1)
}

func reuse() error {
	seen := map[string]bool{}
	for i := range 200 {
		if _, _, err := do("POST", "/digest", bytes.NewReader(pattern(i)), nil); err != nil {
			return err
		}
		_, peer, err := do("GET", "/peer", nil, nil)
		if err != nil {
			return err
		}
		seen[string(peer)] = true
	}
	if err := same("connections", len(seen), 1); err != nil {
		return err
	}
	// Connection: close is obeyed, so the next request needs a new connection.
	for range 3 {
		res, peer, err := do("GET", "/peer", nil, http.Header{"Connection": {"close"}})
		if err != nil {
			return err
		}
		seen[string(peer)] = true
		if err := same("close", res.Close, true); err != nil {
			return err
		}
	}
	return same("connections", len(seen), 3)
}

func early() error {
	for _, n := range []int{1000, 65_536, 8 << 20} {
		for range 20 {
			for _, body := range []io.Reader{bytes.NewReader(pattern(n)), struct{ io.Reader }{bytes.NewReader(pattern(n))}} {
				res, answer, err := do("POST", "/early", body, nil)
				if err != nil {
					return err
				}
				if err := all(same("status", res.StatusCode, 413), same("answer", string(answer), "too much\n")); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

func interim() error {
	var links []string
	trace := &httptrace.ClientTrace{Got1xxResponse: func(code int, header textproto.MIMEHeader) error {
		links = append(links, fmt.Sprint(code, " ", header.Get("Link")))
		return nil
	}}
	req, _ := http.NewRequestWithContext(httptrace.WithClientTrace(context.Background(), trace), "GET", base+"/interim", nil)
	res, body, err := send(req)
	if err != nil {
		return err
	}
	return all(same("interim", strings.Join(links, ","), "103 </style.css>; rel=preload"),
		same("status", res.StatusCode, 200), same("link", res.Header.Get("Link"), ""), same("body", string(body), "done\n"))
}

func upgrade() error {
	req, _ := http.NewRequest("GET", base+"/upgrade", nil)
	req.Header.Set("Connection", "Upgrade")
	req.Header.Set("Upgrade", "echo")
	res, err := client.Do(req)
	if err != nil {
		return err
	}
	defer res.Body.Close()
	if err := all(same("status", res.StatusCode, 101), same("upgrade", res.Header.Get("Upgrade"), "echo"),
		same("connection", strings.ToLower(res.Header.Get("Connection")), "upgrade"),
		same("length", res.Header.Get("Content-Length"), "")); err != nil {
		return err
	}
	conn, ok := res.Body.(io.ReadWriteCloser)
	if !ok {
		return errors.New("the body of the 101 cannot be written to")
	}
	reader := bufio.NewReader(conn)
	if welcome, err := reader.ReadString('\n'); err != nil || welcome != "welcome\n" {
		return fmt.Errorf("got %q, %v instead of the welcome", welcome, err)
	}
	if err := echo(conn, reader); err != nil {
		return err
	}
	if half, ok := conn.(interface{ CloseWrite() error }); ok {
		err := half.CloseWrite()
		rest, ended := io.ReadAll(reader)
		if err := all(err, ended, same("after our FIN", len(rest), 0)); err != nil {
			return err
		}
	}
	res, _, err = do("GET", "/upgrade", nil, nil)
	if err != nil {
		return err
	}
	return all(same("status without token", res.StatusCode, 426), same("upgrade", res.Header.Get("Upgrade"), "echo"))
}

// What net/http itself does to open a tunnel: Request.Write, then ReadResponse.
func connect() error {
	open := func(target string) (net.Conn, *bufio.Reader, *http.Response, error) {
		conn, err := net.Dial("tcp", strings.TrimPrefix(base, "http://"))
		if err != nil {
			return nil, nil, nil, err
		}
		req := &http.Request{Method: "CONNECT", URL: &url.URL{Opaque: target}, Host: target, Header: http.Header{}}
		if err := req.Write(conn); err != nil {
			return nil, nil, nil, err
		}
		reader := bufio.NewReader(conn)
		res, err := http.ReadResponse(reader, req)
		return conn, reader, res, err
	}
	conn, reader, res, err := open("echo.test:443")
	if err != nil {
		return err
	}
	if err := all(same("status", res.StatusCode, 200), same("length", res.Header.Get("Content-Length"), ""),
		same("chunked", len(res.TransferEncoding), 0), echo(conn, reader)); err != nil {
		return err
	}
	conn.(*net.TCPConn).CloseWrite()
	if rest, err := io.ReadAll(reader); err != nil || len(rest) > 0 {
		return fmt.Errorf("after our FIN: %q, %v", rest, err)
	}
	_, reader, res, err = open("refused.test:80")
	if err != nil {
		return err
	}
	body, _ := io.ReadAll(res.Body)
	if err := all(same("refused status", res.StatusCode, 403), same("body", string(body), "forbidden\n")); err != nil {
		return err
	}
	rest, err := io.ReadAll(reader)
	return all(err, same("after the refusal", len(rest), 0))
}

// A whole http.Transport behind the server's CONNECT, with TLS inside the tunnel.
func proxy() error {
	inner := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.Copy(w, r.Body) }))
	defer inner.Close()
	through, _ := url.Parse(base)
	inner.Client().Transport.(*http.Transport).Proxy = func(*http.Request) (*url.URL, error) { return through, nil }
	for _, n := range []int{1, 8 << 20} {
		res, err := inner.Client().Post(inner.URL, "", bytes.NewReader(pattern(n)))
		if err != nil {
			return err
		}
		body, err := io.ReadAll(res.Body)
		if err := all(err, same("body", digest(body), digest(pattern(n)))); err != nil {
			return err
		}
	}
	inner.Client().CloseIdleConnections()
	return nil
}

// Mixed requests on eight connections, every body compared.
func load() error {
	var wait sync.WaitGroup
	failures := make(chan error, 8)
	for worker := range 8 {
		wait.Add(1)
		go func() {
			defer wait.Done()
			for i := worker; i < count; i += 8 {
				if err := mixed(i); err != nil {
					failures <- fmt.Errorf("request %d: %w", i, err)
					return
				}
			}
		}()
	}
	wait.Wait()
	close(failures)
	return <-failures
}

func mixed(i int) error {
	n := (i * 7919) % 40_000
	switch i % 6 {
	case 0, 1:
		path := fmt.Sprintf("/%s/%d", []string{"bytes", "chunked"}[i%6], n)
		_, body, err := do("GET", path, nil, nil)
		return all(err, same(path, digest(body), digest(pattern(n))))
	case 2:
		return upload("PUT", bytes.NewReader(pattern(n)), n)
	case 3:
		return upload("POST", struct{ io.Reader }{bytes.NewReader(pattern(n))}, n)
	case 4:
		res, body, err := do("HEAD", fmt.Sprintf("/bytes/%d", n), nil, nil)
		return all(err, func() error { return all(same("HEAD", res.ContentLength, n), same("body", len(body), 0)) }())
	default:
		res, body, err := do("GET", "/status/204", nil, nil)
		return all(err, func() error { return all(same("status", res.StatusCode, 204), same("body", len(body), 0)) }())
	}
}

// echo writes a mebibyte while it reads it back.
func echo(w io.Writer, r io.Reader) error {
	sent := pattern(1 << 20)
	wrote := make(chan error, 1)
	go func() { _, err := w.Write(sent); wrote <- err }()
	got := make([]byte, len(sent))
	_, err := io.ReadFull(r, got)
	return all(err, <-wrote, same("echo", digest(got), digest(sent)))
}

// peers asks n times who we are and wants so many answers.
func peers(n, want int) error {
	seen := map[string]bool{}
	for range n {
		_, peer, err := do("GET", "/peer", nil, nil)
		if err != nil {
			return err
		}
		seen[string(peer)] = true
	}
	return same("connections", len(seen), want)
}

func do(method, path string, body io.Reader, header http.Header) (*http.Response, []byte, error) {
	req, err := http.NewRequest(method, base+path, body)
	if err != nil {
		return nil, nil, err
	}
	if header != nil {
		req.Header = header
		req.Close = header.Get("Connection") == "close"
	}
	return send(req)
}

func send(req *http.Request) (*http.Response, []byte, error) {
	res, err := client.Do(req)
	if err != nil {
		return nil, nil, err
	}
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	return res, body, err
}

func pattern(n int) []byte {
	out := make([]byte, 0, n+16)
	for i := 0; len(out) < n; i++ {
		out = append(strconv.AppendInt(out, int64(i), 10), "\r\n"...)
	}
	return out[:n]
}

func digest(body []byte) string {
	sum := sha256.Sum256(body)
	return hex.EncodeToString(sum[:])
}

func all(failures ...error) error {
	for _, err := range failures {
		if err != nil {
			return err
		}
	}
	return nil
}

func same(what string, got, want any) error {
	if fmt.Sprint(got) != fmt.Sprint(want) {
		return fmt.Errorf("%s: got %v, expected %v", what, got, want)
	}
	return nil
}
