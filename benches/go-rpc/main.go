// Go's net/rpc, as its documentation shows it: both ends of the calls that are measured.
//
//	rpc-go server              prints its address, serves until stdin ends
//	rpc-go client CALLERS LEN  carries out the orders on stdin
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"log"
	"net"
	"net/http"
	"net/rpc"
	"os"
	"strconv"
	"strings"
	"sync"
)

// Args are what Arith.Multiply multiplies.
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
	if os.Args[1] == "server" {
		serve()
		return
	}
	callers, err := strconv.Atoi(os.Args[2])
	check(err)
	length, err := strconv.Atoi(os.Args[3])
	check(err)
	obey(callers, bytes.Repeat([]byte("0123456789abcdef"), length/16))
}

func serve() {
	check(rpc.Register(Arith{}))
	check(rpc.Register(Blob{}))
	rpc.HandleHTTP()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	check(err)
	fmt.Println(listener.Addr())
	go http.Serve(listener, nil)
	// As long as whoever started it lives.
	bufio.NewReader(os.Stdin).ReadString(0)
}

func obey(callers int, payload []byte) {
	var client *rpc.Client
	orders := bufio.NewScanner(os.Stdin)
	for orders.Scan() {
		verb, object, _ := strings.Cut(orders.Text(), " ")
		switch verb {
		case "requests":
			var err error
			client, err = rpc.DialHTTP("tcp", object)
			check(err)
			call(client, 1, payload)
		case "run":
			ops, err := strconv.Atoi(object)
			check(err)
			var all sync.WaitGroup
			for caller := range callers {
				all.Add(1)
				go func() {
					defer all.Done()
					share := ops / callers
					if caller < ops%callers {
						share++
					}
					for i := range share {
						call(client, i, payload)
					}
				}()
			}
			all.Wait()
		default:
			log.Fatalf("unknown order: %s", orders.Text())
		}
		fmt.Println("done")
	}
}

// call is one operation, its answer checked.
func call(client *rpc.Client, i int, payload []byte) {
	if len(payload) > 0 {
		var same []byte
		check(client.Call("Blob.Echo", payload, &same))
		if len(same) != len(payload) || same[i%len(same)] != payload[i%len(payload)] {
			log.Fatal("another echo")
		}
		return
	}
	var product int
	check(client.Call("Arith.Multiply", &Args{i, 7}, &product))
	if product != i*7 {
		log.Fatalf("%d * 7 is not %d", i, product)
	}
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
