// Go's net/rpc client on streams of hashicorp/yamux, against a server with the methods of servers/yamuxrpc.
//
//	GO111MODULE=off GOPATH=/usr/share/gocode go run ./clients/yamuxrpc ADDRESS
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net"
	"net/rpc"
	"os"
	"time"

	"github.com/hashicorp/yamux"
)

type args struct{ A, B int }

func main() {
	time.AfterFunc(time.Minute, func() { fail(errors.New("it hangs")) })
	conn, err := net.Dial("tcp", os.Args[1])
	check(err)
	session, err := yamux.Client(conn, nil)
	check(err)
	var clients []*rpc.Client
	for range 3 {
		stream, err := session.Open()
		check(err)
		clients = append(clients, rpc.NewClient(stream))
	}
	for i := range 300 {
		var product int
		err := clients[i%3].Call("Arith.Multiply", args{i, i + 1}, &product)
		if err != nil || product != i*(i+1) {
			fail(fmt.Errorf("call %d: %d, %v", i, product, err))
		}
	}
	sent, got := bytes.Repeat([]byte("0123456789abcdef"), 1<<16), []byte(nil)
	if err := clients[0].Call("Blob.Echo", sent, &got); err != nil || !bytes.Equal(got, sent) {
		fail(fmt.Errorf("an echo of %d bytes has %d: %v", len(sent), len(got), err))
	}
	for _, client := range clients {
		check(client.Close())
	}
	fmt.Println("ok yamux")
}

func check(err error) {
	if err != nil {
		fail(err)
	}
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}
