// Go's net/http as a filter, in the role that the argument names: one stream
// per line of standard input (hex), one line of JSON per stream on standard
// output:
//
//	{"accepted":[{"start":"/a","body":"6869"}]}
//
// The start is what counts of the start line: a request's target as it stood on
// the wire (one character per byte), a response's status.
//
// {"error":"…"} instead of the list means that this filter failed, not that
// the stream was refused.
package main

import (
	"bufio"
	"encoding/hex"
	"encoding/json"
	"io"
	"log"
	"net"
	"os"
	"strings"
	"time"
)

// patience is the safety net for one stream; the usual time is microseconds.
const patience = 3 * time.Second

type accepted struct {
	Start string `json:"start"`
	Body  string `json:"body"`
}

type verdict struct {
	Accepted []accepted `json:"accepted"`
	Error    string     `json:"error,omitempty"`
}

func accept(start string, body []byte) accepted {
	return accepted{latin1(start), hex.EncodeToString(body)}
}

func latin1(s string) string {
	var out strings.Builder
	for i := 0; i < len(s); i++ {
		out.WriteRune(rune(s[i]))
	}
	return out.String()
}

// end is what the ends of connections without a socket have in common.
type end struct{}

func (end) LocalAddr() net.Addr              { return end{} }
func (end) RemoteAddr() net.Addr             { return end{} }
func (end) SetDeadline(time.Time) error      { return nil }
func (end) SetReadDeadline(time.Time) error  { return nil }
func (end) SetWriteDeadline(time.Time) error { return nil }

func (end) Network() string { return "memory" }
func (end) String() string  { return "memory" }

func main() {
	log.SetOutput(io.Discard)
	var judge func(line string) verdict
	switch os.Args[1] {
	case "server":
		judge = serve()
	case "client":
		judge = ask
	default:
		panic(os.Args[1])
	}

	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(nil, 64<<20)
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	for lines.Scan() {
		text, err := json.Marshal(judge(lines.Text()))
		if err != nil {
			panic(err)
		}
		out.Write(append(text, '\n'))
	}
}
