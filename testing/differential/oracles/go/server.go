package main

import (
	"context"
	"encoding/hex"
	"io"
	"net"
	"net/http"
	"sync"
	"time"
)

// The server: a line is one stream of requests. A request is accepted when the
// handler ran and read the whole body without an error. CONNECT is accepted
// with its head, bodiless, and the connection is taken over there: nothing
// behind it is compared. An Upgrade that the handler declines is an ordinary
// request.

// peer is the client's end of a connection: it yields the stream, then a
// half-close, and ignores every answer.
type peer struct {
	end
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

func (p *peer) Write(b []byte) (int, error) { return len(b), nil }

func (p *peer) accept(r *http.Request, body []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.accepted = append(p.accepted, accept(r.RequestURI, body))
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

// listener hands the peers to http.Server.Serve.
type listener chan *peer

func (l listener) Accept() (net.Conn, error) { return <-l, nil }
func (l listener) Close() error              { return nil }
func (l listener) Addr() net.Addr            { return end{} }

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

// serve starts the server and gives its judge.
func serve() func(line string) verdict {
	peers := make(listener)
	server := &http.Server{
		Handler: http.HandlerFunc(handle),
		// OPTIONS * goes to our handler too.
		DisableGeneralOptionsHandler: true,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			return context.WithValue(ctx, peerKey{}, c)
		},
	}
	go server.Serve(peers)
	return func(line string) verdict {
		stream, err := hex.DecodeString(line)
		if err != nil {
			return verdict{Error: err.Error()}
		}
		p := &peer{unread: stream, closed: make(chan struct{})}
		peers <- p
		return p.verdict()
	}
}
