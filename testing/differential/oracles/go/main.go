// Go's net/http server as a filter: one request stream per line of standard
// input (hex), one line of JSON per stream on standard output:
//
//	{"accepted":[{"target":"/a","body":"6869"}]}
//
// A request is accepted when the handler ran and read the whole body without
// an error. The target is the request-target as it stood on the wire, one
// character per byte. CONNECT is accepted with its head, bodiless, and the
// connection is taken over there: nothing behind it is compared.
// An Upgrade that the handler declines is an ordinary request.
//
// {"error":"…"} instead of the list means that this filter failed, not that
// the stream was refused.
package main

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"
)

// patience is the safety net for one stream; the usual time is microseconds.
const patience = 3 * time.Second

type accepted struct {
	Target string `json:"target"`
	Body   string `json:"body"`
}

type verdict struct {
	Accepted []accepted `json:"accepted"`
	Error    string     `json:"error,omitempty"`
}

// peer is the client's end of a connection: it yields the stream, then a
// half-close, and ignores every answer.
type peer struct {
	mu       sync.Mutex
	unread   []byte
	accepted []accepted
	closed   chan struct{}
	once     sync.Once
}

func (p *peer) Read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(b, p.unread)
	p.unread = p.unread[n:]
	return n, nil
}

func (p *peer) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *peer) Write(b []byte) (int, error)      { return len(b), nil }
func (p *peer) LocalAddr() net.Addr              { return address{} }
func (p *peer) RemoteAddr() net.Addr             { return address{} }
func (p *peer) SetDeadline(time.Time) error      { return nil }
func (p *peer) SetReadDeadline(time.Time) error  { return nil }
func (p *peer) SetWriteDeadline(time.Time) error { return nil }

func (p *peer) accept(r *http.Request, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted = append(p.accepted, accepted{latin1(r.RequestURI), hex.EncodeToString(body)})
}

func (p *peer) verdict() verdict {
	select {
	case <-p.closed:
	case <-time.After(patience):
		return verdict{Error: "net/http did not end the connection in time"}
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return verdict{Accepted: append([]accepted{}, p.accepted...)}
}

type address struct{}

func (address) Network() string { return "memory" }
func (address) String() string  { return "memory" }

// listener hands the peers to http.Server.Serve.
type listener chan *peer

func (l listener) Accept() (net.Conn, error) { return <-l, nil }
func (l listener) Close() error              { return nil }
func (l listener) Addr() net.Addr            { return address{} }

type peerKey struct{}

func handle(w http.ResponseWriter, r *http.Request) {
	p := r.Context().Value(peerKey{}).(*peer)
	if r.Method == http.MethodConnect {
		p.accept(r, nil)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		conn.Close()
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	p.accept(r, body)
}

func latin1(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		out.WriteRune(rune(s[i]))
	}
	return out.String()
}

func judge(peers listener, line string) verdict {
	stream, err := hex.DecodeString(line)
	if err != nil {
		return verdict{Error: err.Error()}
	}
	p := &peer{unread: stream, closed: make(chan struct{})}
	peers <- p
	return p.verdict()
}

func main() {
	peers := make(listener)
	server := &http.Server{
		Handler:  http.HandlerFunc(handle),
		ErrorLog: log.New(io.Discard, "", 0),
		// OPTIONS * goes to our handler too.
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, c)
		},
	}
	go server.Serve(peers)

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := json.Marshal(judge(peers, lines.Text()))
		if err != nil {
			panic(err)
		}
		out.Write(append(text, '\n'))
	}
}
