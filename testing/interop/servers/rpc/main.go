// Go's net/rpc in all its ways: gob and JSON, by CONNECT and without HTTP, over TCP and a Unix socket.
//
//	go run ./servers/rpc [ADDRESS]
//	go run ./servers/rpc --stdio
//
// Prints its base URL. CONNECT /_goRPC_ speaks gob, CONNECT /_jsonRPC_ JSON; GET /addresses tells where the others listen,
// and the certificate of the one with TLS. With --until-eof as last argument it ends when stdin ends. With --stdio it speaks
// gob on its standard input and output.
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"path/filepath"
	"time"
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

// Fail fails with the text that it gets.
func (Text) Fail(text string, _ *struct{}) error { return errors.New(text) }

// Nothing does nothing.
func (Text) Nothing(_ struct{}, _ *struct{}) error { return nil }

// Blob is about bytes.
type Blob struct{}

// Echo gives back what it gets.
func (Blob) Echo(bytes []byte, same *[]byte) error {
	*same = bytes
	return nil
}

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

// Bad cannot answer.
type Bad struct{ Channel chan int }

// Reply is what gob cannot encode.
func (Bad) Reply(_ struct{}, reply *struct{ Func any }) error {
	reply.Func = func() {}
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
	for name, service := range map[string]any{
		"Arith": Arith{}, "Text": Text{}, "Blob": Blob{}, "Time": Time{}, "a.b": Dotted{}, "Bad": Bad{},
	} {
		check(rpc.RegisterName(name, service))
	}
	if address == "--stdio" {
		rpc.ServeConn(struct {
			io.Reader
			io.WriteCloser
		}{os.Stdin, os.Stdout})
		return
	}
	rpc.HandleHTTP()
	http.HandleFunc("/_jsonRPC_", func(w http.ResponseWriter, request *http.Request) {
		conn, _, err := w.(http.Hijacker).Hijack()
		check(err)
		io.WriteString(conn, "HTTP/1.0 200 Connected to Go RPC\n\n")
		jsonrpc.ServeConn(conn)
	})
	folder, err := os.MkdirTemp("", "hijack-rpc")
	check(err)
	addresses := map[string]string{
		"gob":  accept("tcp", "127.0.0.1:0", rpc.ServeConn),
		"json": accept("tcp", "127.0.0.1:0", jsonrpc.ServeConn),
	}
	unix, err := net.Listen("unix", filepath.Join(folder, "http.sock"))
	check(err)
	addresses["unix"] = unix.Addr().String()
	go http.Serve(unix, nil)
	identity, certificate := selfSigned()
	secret, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{identity}})
	check(err)
	addresses["tls"], addresses["certificate"] = secret.Addr().String(), certificate
	go http.Serve(secret, nil)
	http.HandleFunc("/addresses", func(w http.ResponseWriter, _ *http.Request) {
		json.NewEncoder(w).Encode(addresses)
	})
	listener, err := net.Listen("tcp", address)
	check(err)
	fmt.Printf("http://%s\n", listener.Addr())
	log.Fatal(http.Serve(listener, nil))
}

func accept(network, address string, serve func(io.ReadWriteCloser)) string {
	listener, err := net.Listen(network, address)
	check(err)
	go func() {
		for {
			conn, err := listener.Accept()
			check(err)
			go serve(conn)
		}
	}()
	return listener.Addr().String()
}

// selfSigned gives a certificate for the loopback with its key, and once more as PEM.
func selfSigned() (tls.Certificate, string) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	check(err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(24 * time.Hour),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	check(err)
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, string(text)
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
