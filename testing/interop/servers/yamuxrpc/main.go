// Go's net/rpc on streams of hashicorp/yamux, as Consul, Nomad and go-plugin have it: many clients on one connection.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./servers/yamuxrpc [ADDRESS]
//
// Prints http:// and its address, behind which there is no HTTP. With --until-eof as last argument it ends when stdin ends.
package main

import (
	"fmt"
	"io"
	"log"
	"net"
	"net/rpc"
	"os"

	"github.com/hashicorp/yamux"
)

// Args are two numbers.
type Args struct{ A, B int }

// Arith is the example of net/rpc's documentation.
type Arith struct{}

// Multiply multiplies.
func (Arith) Multiply(args *Args, product *int) error {
	*product = args.A * args.B
	return nil
}

// Blob is about bytes.
type Blob struct{}

// Echo gives back what it gets.
func (Blob) Echo(bytes []byte, same *[]byte) error {
	*same = bytes
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
	check(rpc.Register(Arith{}))
	check(rpc.Register(Blob{}))
	listener, err := net.Listen("tcp", address)
	check(err)
	fmt.Printf("http://%s\n", listener.Addr())
	for {
		conn, err := listener.Accept()
		check(err)
		session, err := yamux.Server(conn, nil)
		check(err)
		go serve(session)
	}
}

func serve(session *yamux.Session) {
	for {
		stream, err := session.Accept()
		if err != nil {
			return
		}
		go rpc.ServeConn(stream)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
