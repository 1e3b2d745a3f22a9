// A witness of what reaches a server: Go's net/http, every request that it accepts in a list.
//
//	go run ./servers/witness [ADDRESS]
//
// GET /witness gives the list as JSON, empties it, and is not in it. Prints its base URL; with --until-eof as last
// argument it ends when stdin ends.
package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"sync"
)

type accepted struct {
	Method string `json:"method"`
	Target string `json:"target"`
	Host   string `json:"host"`
	Body   string `json:"body"`
}

var (
	mu   sync.Mutex
	list = []accepted{}
)

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
	listener, err := net.Listen("tcp", address)
	if err != nil {
		log.Fatal(err)
	}
	fmt.Printf("http://%s\n", listener.Addr())
	server := &http.Server{
		Handler:                      http.HandlerFunc(route),
		ErrorLog:                     log.New(io.Discard, "", 0),
		DisableGeneralOptionsHandler: true,
	}
	log.Fatal(server.Serve(listener))
}

func route(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	mu.Lock()
	defer mu.Unlock()
	if r.URL.Path == "/witness" {
		json.NewEncoder(w).Encode(list)
		list = []accepted{}
		return
	}
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	list = append(list, accepted{r.Method, r.RequestURI, r.Host, hex.EncodeToString(body)})
}
