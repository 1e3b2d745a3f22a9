package main

import (
	"context"
	"encoding/hex"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"
)

// The client: a line is METHOD:hex for each request and the bytes with which
// the server answers it, with spaces between them. A response is accepted when
// its whole body was read without an error. A 101 and a 2xx to CONNECT are
// accepted with their heads, bodiless, and the connection is taken over there:
// nothing behind them is compared.

// exchange is a request and the bytes that the server sends when it has come.
type exchange struct {
	method  string
	segment []byte
}

// script is the server's end of the only connection. It sends a segment when
// its request has come, or when the client needs more for an answer under way;
// behind the last one it half-closes.
type script struct {
	end
	mu        sync.Mutex
	changed   sync.Cond
	exchanges []exchange
	// Requests that have come, and segments that have been sent.
	asked, sent int
	unread      []byte
	// No answer is under way: whoever reads waits for the next request.
	idle bool
	// The client is done with an answer and waits for the next one, or has
	// closed the connection.
	waiting, closed bool
	dialled         bool
}

func newScript(exchanges []exchange) *script {
	s := &script{exchanges: exchanges, idle: true}
	s.changed.L = &s.mu
	return s
}

func (s *script) Read(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for len(s.unread) == 0 && s.idle && !s.closed {
		s.waiting = true
		s.changed.Broadcast()
		s.changed.Wait()
	}
	for len(s.unread) == 0 && s.sent < len(s.exchanges) && !s.closed {
		s.send()
	}
	if s.closed {
		return 0, net.ErrClosed
	}
	if len(s.unread) == 0 {
		return 0, io.EOF
	}
	n := copy(b, s.unread)
	s.unread = s.unread[n:]
	return n, nil
}

func (s *script) send() {
	s.unread = append(s.unread, s.exchanges[s.sent].segment...)
	s.sent++
}

func (s *script) Write(b []byte) (int, error) { return len(b), nil }

func (s *script) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	s.changed.Broadcast()
	return nil
}

// wroteRequest is called when a whole request has come.
func (s *script) wroteRequest(httptrace.WroteRequestInfo) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.sent < s.asked {
		s.send()
	}
	s.idle, s.waiting = false, false
	s.changed.Broadcast()
}

// putIdle is called when the client is done with an answer and keeps the
// connection, before it listens whether the server says anything unasked.
func (s *script) putIdle(error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.idle = true
}

// settle waits until the client has seen everything that the server has said.
func (s *script) settle() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for !s.closed && !s.waiting {
		s.changed.Wait()
	}
}

func (s *script) dial(context.Context, string, string) (net.Conn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialled {
		return nil, errors.New("one connection only")
	}
	s.dialled = true
	return s, nil
}

// run asks until an answer is not accepted or nothing may follow it.
func (s *script) run() (all []accepted) {
	transport := &http.Transport{DialContext: s.dial, DisableCompression: true}
	defer transport.CloseIdleConnections()
	trace := &httptrace.ClientTrace{WroteRequest: s.wroteRequest, PutIdleConn: s.putIdle}
	for _, exchange := range s.exchanges {
		request := &http.Request{
			Method: exchange.method,
			URL:    &url.URL{Scheme: "http", Host: "a"},
			Header: http.Header{},
		}
		request = request.WithContext(httptrace.WithClientTrace(context.Background(), trace))
		response, err := transport.RoundTrip(request)
		if err != nil {
			break
		}
		takenOver := response.StatusCode == http.StatusSwitchingProtocols ||
			exchange.method == http.MethodConnect && response.StatusCode/100 == 2
		var body []byte
		if !takenOver {
			body, err = io.ReadAll(response.Body)
		}
		response.Body.Close()
		if err != nil {
			break
		}
		all = append(all, accept(strconv.Itoa(response.StatusCode), body))
		if takenOver {
			break
		}
		s.settle()
	}
	s.Close()
	return all
}

// ask judges one line.
func ask(line string) verdict {
	var exchanges []exchange
	for _, word := range strings.Fields(line) {
		method, text, _ := strings.Cut(word, ":")
		segment, err := hex.DecodeString(text)
		if err != nil {
			return verdict{Error: err.Error()}
		}
		exchanges = append(exchanges, exchange{method, segment})
	}
	result := make(chan []accepted, 1)
	go func() { result <- newScript(exchanges).run() }()
	select {
	case all := <-result:
		return verdict{Accepted: append([]accepted{}, all...)}
	case <-time.After(patience):
		return verdict{Error: "net/http did not end the script in time"}
	}
}
