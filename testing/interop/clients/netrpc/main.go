// Go's net/rpc client against servers/netrpc: many calls at once on several connections, large ones, errors.
//
//	go run ./clients/netrpc BASE
package main

import (
	"bytes"
	"errors"
	"fmt"
	"net/rpc"
	"os"
	"strings"
	"sync"
	"time"
)

type pair struct{ A, B int }

func main() {
	address := strings.TrimPrefix(os.Args[1], "http://")
	time.AfterFunc(time.Minute, func() { fail(errors.New("it hangs")) })
	var all sync.WaitGroup
	for range 5 {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := talk(address); err != nil {
				fail(err)
			}
		}()
	}
	all.Wait()
	fmt.Println("ok netrpc")
}

func talk(address string) error {
	client, err := rpc.DialHTTP("tcp", address)
	if err != nil {
		return err
	}
	calls := make([]*rpc.Call, 200)
	for i := range calls {
		calls[i] = client.Go("Arith.Multiply", &pair{i, i + 1}, new(int), nil)
	}
	for i, call := range calls {
		<-call.Done
		if got := *call.Reply.(*int); call.Error != nil || got != i*(i+1) {
			return fmt.Errorf("call %d: got %d, %w", i, got, call.Error)
		}
	}
	sent := bytes.Repeat([]byte("0123456789abcdef"), 1<<16)
	var got []byte
	if err := client.Call("Arith.Echo", sent, &got); err != nil || !bytes.Equal(got, sent) {
		return fmt.Errorf("the echo of %d bytes has %d: %w", len(sent), len(got), err)
	}
	if err := client.Call("Arith.Fail", "so it is", new(int)); err == nil || err.Error() != "so it is" {
		return fmt.Errorf("a failure: %w", err)
	}
	return client.Close()
}

func fail(err error) {
	fmt.Println(err)
	os.Exit(1)
}
