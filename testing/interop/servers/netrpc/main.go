// Go's net/rpc over HTTP, unmodified.
//
//	go run ./servers/netrpc [ADDRESS]
//
// Prints its base URL; with --until-eof as last argument it ends when stdin ends.
package main

import (
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"os"
)

// Pair is what Arith.Multiply multiplies.
type Pair struct{ A, B int }

// Arith is the example of net/rpc's documentation, and an echo.
type Arith struct{}

// Multiply multiplies.
func (Arith) Multiply(pair *Pair, product *int) error {
	*product = pair.A * pair.B
	return nil
}

// Fail fails with the text that it gets.
func (Arith) Fail(text string, _ *int) error { return errors.New(text) }

// Echo gives back what it gets.
func (Arith) Echo(in []byte, out *[]byte) error {
	*out = in
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
	if err := rpc.Register(Arith{}); err != nil {
		log.Fatal(err)
	}
	rpc.HandleHTTP()
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}
