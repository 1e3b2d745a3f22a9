// Go's net/rpc with hashicorp/net-rpc-msgpackrpc, without HTTP, as Consul and Nomad have it.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./servers/msgpackrpc [ADDRESS]
//
// Prints http:// and its address, behind which there is no HTTP. With --until-eof as last argument it ends when stdin ends.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/rpc"
	"os"
	"time"

	"github.com/hashicorp/net-rpc-msgpackrpc"
)

// Args are two numbers.
type Args struct{ A, B int }

// Quotient is what remains of a division.
type Quotient struct{ Quo, Rem int }

// Arith is the example of net/rpc's documentation.
type Arith struct{}

// Multiply multiplies.
func (Arith) Multiply(args *Args, product *int) error {
	*product = args.A * args.B
	return nil
}

// Divide divides.
func (Arith) Divide(args *Args, quotient *Quotient) error {
	if args.B == 0 {
		return errors.New("divide by zero")
	}
	*quotient = Quotient{args.A / args.B, args.A % args.B}
	return nil
}

// Text is about strings.
type Text struct{}

// Echo gives back what it gets.
func (Text) Echo(text string, same *string) error {
	*same = text
	return nil
}

// Nothing does nothing.
func (Text) Nothing(_ struct{}, _ *struct{}) error { return nil }

// Time is about time.
type Time struct{}

// Sleep sleeps for so many milliseconds.
func (Time) Sleep(ms uint64, slept *uint64) error {
	time.Sleep(time.Duration(ms) * time.Millisecond)
	*slept = ms
	return nil
}

// Dotted is served under a name with a dot.
type Dotted struct{}

// C adds one.
func (Dotted) C(n int, next *int) error {
	*next = n + 1
	return nil
}

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
	for name, service := range map[string]any{"Arith": Arith{}, "Text": Text{}, "Time": Time{}, "a.b": Dotted{}} {
		if err := rpc.RegisterName(name, service); err != nil {
			log.Fatal(err)
		}
	}
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	for {
		conn, err := listener.Accept()
		if err != nil {
			log.Fatal(err)
		}
		go rpc.ServeCodec(msgpackrpc.NewServerCodec(conn))
	}
}
