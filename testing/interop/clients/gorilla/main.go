// gorilla/websocket against the WebSocket endpoints of README.md.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run clients/gorilla/main.go BASE [CASE]
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/gorilla/websocket"
)

const (
	text   = websocket.TextMessage
	binary = websocket.BinaryMessage
)

var base string

func main() {
	base = strings.Replace(os.Args[1], "http:", "ws:", 1)
	time.AfterFunc(time.Minute, func() { fail(errors.New("it hangs")) })
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"echo", echo}, {"deflate", deflate}, {"fragments", fragments}, {"pipelined", pipelined}, {"ping", ping},
		{"pinged", pinged}, {"close", closeFirst}, {"closed", closed}, {"abrupt", abrupt}, {"gone", gone},
		{"subprotocols", subprotocols}, {"refused", refused},
	} {
		if len(os.Args) > 2 && os.Args[2] != c.name {
			continue
		}
		if err := c.run(); err != nil {
			fail(fmt.Errorf("%s: %w", c.name, err))
		}
		fmt.Println("ok", c.name)
	}
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}

func echo() error {
	conn, answer, err := dial("/ws/echo", websocket.Dialer{}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	return all(same("extensions", answer.Header.Get("Sec-Websocket-Extensions"), ""), exchange(conn, 16<<20), bye(conn))
}

func deflate() error {
	conn, answer, err := dial("/ws/echo", websocket.Dialer{EnableCompression: true}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	agreed, _, _ := strings.Cut(answer.Header.Get("Sec-Websocket-Extensions"), ";")
	return all(same("extension", agreed, "permessage-deflate"), exchange(conn, 1<<20), bye(conn))
}

// exchange has messages of all sizes up to the largest echoed, one after the other.
func exchange(conn *websocket.Conn, largest int) error {
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, largest} {
		for _, kind := range []int{text, binary} {
			if err := roundTrip(conn, kind, pattern(n)); err != nil {
				return err
			}
		}
	}
	return all(roundTrip(conn, text, []byte("κόσμε")), roundTrip(conn, text, []byte(strings.Repeat("😀", 1000))))
}

func roundTrip(conn *websocket.Conn, kind int, message []byte) error {
	wrote := make(chan error, 1)
	go func() { wrote <- conn.WriteMessage(kind, message) }()
	gotKind, got, err := conn.ReadMessage()
	return all(err, <-wrote, same("kind", gotKind, kind), same("length", len(got), len(message)),
		same("bytes", bytes.Equal(got, message), true))
}

// fragments writes a message that is larger than the writer's buffer, so that it leaves in several frames.
func fragments() error {
	conn, _, err := dial("/ws/echo", websocket.Dialer{WriteBufferSize: 256}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	w, err := conn.NextWriter(text)
	if err != nil {
		return err
	}
	for _, piece := range bytes.SplitAfter(pattern(100_000), []byte("\n")) {
		if _, err := w.Write(piece); err != nil {
			return err
		}
	}
	if err := w.Close(); err != nil {
		return err
	}
	_, got, err := conn.ReadMessage()
	return all(err, same("bytes", bytes.Equal(got, pattern(100_000)), true), bye(conn))
}

func pipelined() error {
	conn, _, err := dial("/ws/echo", websocket.Dialer{}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	wrote := make(chan error, 1)
	go func() {
		var err error
		for i := 0; i < 2000 && err == nil; i++ {
			err = conn.WriteMessage(binary, pattern(i))
		}
		wrote <- err
	}()
	for i := 0; i < 2000; i++ {
		_, got, err := conn.ReadMessage()
		if err := all(err, same("bytes", bytes.Equal(got, pattern(i)), true)); err != nil {
			return err
		}
	}
	return all(<-wrote, bye(conn))
}

func ping() error {
	conn, _, err := dial("/ws/echo", websocket.Dialer{}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	var pongs []string
	conn.SetPongHandler(func(payload string) error { pongs = append(pongs, payload); return nil })
	for _, payload := range []string{"", strings.Repeat("x", 125)} {
		if err := conn.WriteControl(websocket.PingMessage, []byte(payload), deadline()); err != nil {
			return err
		}
		if err := roundTrip(conn, text, []byte("behind it")); err != nil {
			return err
		}
	}
	return all(same("pongs", pongs, []string{"", strings.Repeat("x", 125)}), bye(conn))
}

func pinged() error {
	conn, _, err := dial("/ws/ping", websocket.Dialer{}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	_, got, err := conn.ReadMessage()
	return all(err, same("after the pong", string(got), "you are"), bye(conn))
}

func closeFirst() error {
	for _, c := range []struct {
		code   int
		reason string
	}{{1000, ""}, {1001, "bye"}, {4321, strings.Repeat("ü", 61)}, {3000, strings.Repeat("x", 123)}} {
		conn, _, err := dial("/ws/echo", websocket.Dialer{}, "")
		if err != nil {
			return err
		}
		if err := all(closeWith(conn, c.code, c.reason), conn.Close()); err != nil {
			return err
		}
	}
	return nil
}

// closeWith closes, and wants the code back.
func closeWith(conn *websocket.Conn, code int, reason string) error {
	conn.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(code, reason), deadline())
	_, _, err := conn.ReadMessage()
	if end := (&websocket.CloseError{}); errors.As(err, &end) {
		return same("code", end.Code, code)
	}
	return fmt.Errorf("no Close: %w", err)
}

func bye(conn *websocket.Conn) error { return closeWith(conn, 1000, "") }

func closed() error {
	for _, code := range []int{1000, 1001, 1011, 3000, 4999} {
		conn, _, err := dial("/ws/close/"+strconv.Itoa(code), websocket.Dialer{}, "")
		if err != nil {
			return err
		}
		_, _, err = conn.ReadMessage()
		if err := all(same("close", err, (&websocket.CloseError{Code: code, Text: "so long"}).Error()), conn.Close()); err != nil {
			return err
		}
	}
	return nil
}

func abrupt() error {
	conn, _, err := dial("/ws/abrupt", websocket.Dialer{}, "")
	if err != nil {
		return err
	}
	defer conn.Close()
	if err := conn.WriteMessage(text, []byte("and gone")); err != nil {
		return err
	}
	_, _, err = conn.ReadMessage()
	return same("a Close", websocket.IsCloseError(err, 1000, 1001, 1002, 1005, 1011), false)
}

func gone() error {
	for i := 0; i < 10; i++ {
		conn, _, err := dial("/ws/echo", websocket.Dialer{}, "")
		if err != nil {
			return err
		}
		if err := all(conn.WriteMessage(text, []byte("and gone")), conn.UnderlyingConn().Close()); err != nil {
			return err
		}
	}
	return ping()
}

func subprotocols() error {
	for _, c := range []struct {
		offered []string
		chosen  string
	}{{[]string{"v1.echo"}, "v1.echo"}, {[]string{"other", "v1.echo", "v2.echo"}, "v"}, {[]string{"other"}, ""}} {
		conn, _, err := dial("/ws/echo", websocket.Dialer{Subprotocols: c.offered}, "")
		if err != nil {
			return err
		}
		// Who prefers which is the server's affair.
		if err := all(same("subprotocol "+conn.Subprotocol(), strings.HasPrefix(conn.Subprotocol(), c.chosen), true),
			same("any", conn.Subprotocol() == "", c.chosen == ""), bye(conn), conn.Close()); err != nil {
			return err
		}
	}
	return nil
}

func refused() error {
	for _, c := range []struct {
		path, origin string
		status       int
	}{{"/ws/nowhere", "", 404}, {"/ws/echo", "http://elsewhere.test", 403}} {
		_, answer, err := dial(c.path, websocket.Dialer{}, c.origin)
		if err != websocket.ErrBadHandshake {
			return fmt.Errorf("%s: %w", c.path, err)
		}
		if err := same("status", answer.StatusCode, c.status); err != nil {
			return err
		}
	}
	conn, _, err := dial("/ws/echo", websocket.Dialer{}, os.Args[1])
	if err != nil {
		return err
	}
	return all(bye(conn), conn.Close())
}

func dial(path string, dialer websocket.Dialer, origin string) (*websocket.Conn, *http.Response, error) {
	header := http.Header{}
	if origin != "" {
		header.Set("Origin", origin)
	}
	return dialer.Dial(base+path, header)
}

func deadline() time.Time { return time.Now().Add(time.Minute) }

func pattern(n int) []byte {
	out := make([]byte, 0, n+16)
	for i := 0; len(out) < n; i++ {
		out = append(strconv.AppendInt(out, int64(i), 10), "\r\n"...)
	}
	return out[:n]
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
