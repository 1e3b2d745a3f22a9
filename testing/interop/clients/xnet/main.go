// golang.org/x/net/websocket against the WebSocket endpoints of README.md.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run clients/xnet/main.go BASE [CASE]
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/websocket"
)

var base string

func main() {
	base = strings.Replace(os.Args[1], "http:", "ws:", 1)
	time.AfterFunc(time.Minute, func() { fail(errors.New("it hangs")) })
	for _, c := range []struct {
		name string
		run  func() error
	}{
		{"echo", echo}, {"stream", stream}, {"json", json}, {"closed", closed}, {"abrupt", abrupt}, {"gone", gone},
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

// echo has messages of all sizes echoed as text and as bytes: this library tells them apart by the Go type.
func echo() error {
	conn, err := dial("/ws/echo")
	if err != nil {
		return err
	}
	for _, n := range []int{0, 1, 125, 126, 65535, 65536, 1 << 20, 16 << 20} {
		if err := roundTrip(conn, pattern(n)); err != nil {
			return err
		}
	}
	return conn.Close()
}

func roundTrip(conn *websocket.Conn, message []byte) error {
	wrote := make(chan error, 1)
	go func() {
		wrote <- all(websocket.Message.Send(conn, message), websocket.Message.Send(conn, string(message)))
	}()
	var got []byte
	var text string
	err := all(websocket.Message.Receive(conn, &got), websocket.Message.Receive(conn, &text), <-wrote)
	return all(err, same("length", len(got), len(message)), same("bytes", bytes.Equal(got, message), true),
		same("text", text == string(message), true))
}

// stream uses the connection as the stream that it is here: one frame per Write, and reads that split frames.
func stream() error {
	conn, err := dial("/ws/echo")
	if err != nil {
		return err
	}
	wrote := make(chan error, 1)
	go func() {
		_, err := io.Copy(conn, bytes.NewReader(pattern(1<<20)))
		wrote <- err
	}()
	got := make([]byte, 1<<20)
	_, err = io.ReadFull(conn, got)
	return all(err, <-wrote, same("bytes", bytes.Equal(got, pattern(1<<20)), true), conn.Close())
}

func json() error {
	conn, err := dial("/ws/echo")
	if err != nil {
		return err
	}
	sent, got := map[string]int{"A": 7, "B": 8}, map[string]int{}
	return all(websocket.JSON.Send(conn, sent), websocket.JSON.Receive(conn, &got), same("value", got, sent), conn.Close())
}

func closed() error {
	conn, err := dial("/ws/close/1000")
	if err != nil {
		return err
	}
	var got []byte
	return all(same("end", websocket.Message.Receive(conn, &got), io.EOF), conn.Close())
}

func abrupt() error {
	conn, err := dial("/ws/abrupt")
	if err != nil {
		return err
	}
	defer conn.Close()
	var got []byte
	err = websocket.Message.Send(conn, "and gone")
	return all(err, same("a message", websocket.Message.Receive(conn, &got) == nil, false))
}

func gone() error {
	for i := 0; i < 10; i++ {
		conn, err := dial("/ws/echo")
		if err != nil {
			return err
		}
		if err := all(websocket.Message.Send(conn, "and gone"), conn.Close()); err != nil {
			return err
		}
	}
	return json()
}

func subprotocols() error {
	for _, offered := range [][]string{{"v1.echo"}, {"other", "v2.echo"}, {"other"}} {
		conn, err := dial("/ws/echo", offered...)
		if err != nil {
			return err
		}
		// What came in the answer, it keeps to itself; it refuses what it did not offer.
		if err := all(roundTrip(conn, pattern(10)), conn.Close()); err != nil {
			return err
		}
	}
	return nil
}

func refused() error {
	_, err := dial("/ws/nowhere")
	if err == nil {
		return errors.New("a connection")
	}
	_, err = websocket.Dial(base+"/ws/echo", "", "http://elsewhere.test")
	return same("foreign origin", err, (&websocket.DialError{Config: config("/ws/echo", "http://elsewhere.test"), Err: websocket.ErrBadStatus}).Error())
}

func config(path, origin string) *websocket.Config {
	config, err := websocket.NewConfig(base+path, origin)
	if err != nil {
		fail(err)
	}
	return config
}

// dial sends the Origin of a page of the same host: this library always sends one.
func dial(path string, offered ...string) (*websocket.Conn, error) {
	config := config(path, os.Args[1])
	config.Protocol = offered
	conn, err := websocket.DialConfig(config)
	if err == nil {
		conn.MaxPayloadBytes = 64 << 20
	}
	return conn, err
}

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
