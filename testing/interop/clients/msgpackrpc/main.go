// hashicorp/net-rpc-msgpackrpc's client against a server with the methods of servers/msgpackrpc.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./clients/msgpackrpc tcp://HOST:PORT
package main

import (
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"strings"
	"time"

	"github.com/hashicorp/net-rpc-msgpackrpc"
)

type args struct{ A, B int }

type quotient struct{ Quo, Rem int }

func main() {
	time.AfterFunc(time.Minute, func() { fail(errors.New("it hangs")) })
	conn, err := net.Dial("tcp", strings.TrimPrefix(os.Args[1], "tcp://"))
	if err != nil {
		fail(err)
	}
	client := msgpackrpc.NewClient(conn)
	if err := talk(client); err != nil {
		fail(err)
	}
	fmt.Println("ok msgpackrpc")
}

func talk(client *rpc.Client) error {
	calls := make([]*rpc.Call, 2000)
	for i := range calls {
		calls[i] = client.Go("Arith.Multiply", &args{i, i + 1}, new(int), nil)
	}
	for i, call := range calls {
		<-call.Done
		if got := *call.Reply.(*int); call.Error != nil || got != i*(i+1) {
			return fmt.Errorf("call %d: got %d, %v", i, got, call.Error)
		}
	}
	var q quotient
	if err := client.Call("Arith.Divide", args{7, 2}, &q); err != nil || q != (quotient{3, 1}) {
		return fmt.Errorf("a quotient: %v, %v", q, err)
	}
	for method, text := range map[string]string{
		"Arith.Divide":    "divide by zero",
		"Multiply":        "rpc: service/method request ill-formed: Multiply",
		"Nobody.Multiply": "rpc: can't find service Nobody.Multiply",
		"Arith.Root":      "rpc: can't find method Arith.Root",
	} {
		if err := client.Call(method, &args{1, 0}, new(quotient)); err == nil || err.Error() != text {
			return fmt.Errorf("%s: %v", method, err)
		}
	}
	for _, sent := range []string{"", "h\u00e9llo", strings.Repeat("x", 100), strings.Repeat("0123456789abcdef", 1<<16)} {
		var got string
		if err := client.Call("Text.Echo", sent, &got); err != nil || got != sent {
			return fmt.Errorf("an echo of %d bytes has %d: %v", len(sent), len(got), err)
		}
	}
	if err := client.Call("Text.Nothing", struct{}{}, &struct{}{}); err != nil {
		return fmt.Errorf("nothing: %w", err)
	}
	if err := client.Call("Arith.Multiply", "seven", new(int)); err == nil {
		return errors.New("wrong arguments")
	}
	var next int
	if err := client.Call("a.b.C", -2, &next); err != nil || next != -1 {
		return fmt.Errorf("a dotted service: %d, %v", next, err)
	}
	return client.Close()
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}
