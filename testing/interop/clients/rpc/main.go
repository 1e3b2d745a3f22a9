// Go's net/rpc client against a server with the methods of servers/rpc.
//
//	go run ./clients/rpc URL CODEC [CASE]
//	go run ./clients/rpc URL dial COUNT
//
// URL is http://HOST:PORT[/PATH], https://HOST:PORT, tcp://HOST:PORT, unix:PATH, or exec:PROGRAM ARGUMENT, which is started
// and spoken to on its standard input and output. CODEC is gob or json. Prints "ok CASE" for each case.
//
// With dial it connects by rpc.DialHTTP so many times, and prints "ok" or the error.
package main

import (
	"bufio"
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/rpc"
	"net/rpc/jsonrpc"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

type args struct{ A, B int }

type quotient struct{ Quo, Rem int }

var url, codec = os.Args[1], os.Args[2]

var cases = []struct {
	name string
	run  func() error
}{
	{"calls", calls},
	{"errors", serverErrors},
	{"mismatch", mismatch},
	{"order", order},
	{"crowd", crowd},
	{"connections", connections},
	{"large", large},
	{"close", closeMidCall},
	{"halfclose", halfClose},
	{"methods", methods},
}

func main() {
	time.AfterFunc(2*time.Minute, func() { fail("all", errors.New("it hangs")) })
	if codec == "dial" {
		dialMany(os.Args[3])
		return
	}
	for _, c := range cases {
		if len(os.Args) > 3 && os.Args[3] != c.name {
			continue
		}
		if err := c.run(); err != nil {
			fail(c.name, err)
		}
		fmt.Println("ok", c.name)
	}
}

func fail(name string, err error) {
	fmt.Printf("%s: %v\n", name, err)
	os.Exit(1)
}

func dialMany(count string) {
	most, _ := strconv.Atoi(count)
	for range most {
		client, err := rpc.DialHTTP("tcp", strings.TrimPrefix(url, "http://"))
		if err != nil {
			fmt.Println(err)
			continue
		}
		fmt.Println("ok")
		client.Close()
	}
}

// child is a program that is spoken to on its standard input and output.
type child struct {
	io.WriteCloser
	io.ReadCloser
	process *os.Process
}

func start(program, argument string) (*child, error) {
	command := exec.Command(program, argument)
	command.Stderr = os.Stderr
	in, err := command.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := command.StdoutPipe()
	if err != nil {
		return nil, err
	}
	err = command.Start()
	return &child{in, out, command.Process}, err
}

func (c *child) CloseWrite() error { return c.WriteCloser.Close() }

func (c *child) Close() error {
	err := errors.Join(c.WriteCloser.Close(), c.ReadCloser.Close())
	// It would go on with what it was asked.
	return errors.Join(err, c.process.Kill())
}

// open gives a connection behind whatever comes in front of the calls.
func open() (io.ReadWriteCloser, error) {
	switch {
	case strings.HasPrefix(url, "exec:"):
		program, argument, _ := strings.Cut(strings.TrimPrefix(url, "exec:"), " ")
		return start(program, argument)
	case strings.HasPrefix(url, "https://"):
		// Whose certificate it is matters elsewhere.
		conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), &tls.Config{InsecureSkipVerify: true})
		if err != nil {
			return nil, err
		}
		return granted(conn, rpc.DefaultRPCPath)
	case strings.HasPrefix(url, "tcp://"):
		return net.Dial("tcp", strings.TrimPrefix(url, "tcp://"))
	case strings.HasPrefix(url, "unix:"):
		return connect("unix", strings.TrimPrefix(url, "unix:"), rpc.DefaultRPCPath)
	}
	address, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	if path == "" {
		path = strings.TrimPrefix(rpc.DefaultRPCPath, "/")
	}
	return connect("tcp", address, "/"+path)
}

func connect(network, address, path string) (io.ReadWriteCloser, error) {
	conn, err := net.Dial(network, address)
	if err != nil {
		return nil, err
	}
	return granted(conn, path)
}

func granted(conn net.Conn, path string) (io.ReadWriteCloser, error) {
	io.WriteString(conn, "CONNECT "+path+" HTTP/1.0\n\n")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: "CONNECT"})
	if err == nil && answer.Status != "200 Connected to Go RPC" {
		err = errors.New(answer.Status)
	}
	return conn, err
}

func dial() (*rpc.Client, error) {
	// By Go's own dialler where it has one.
	if codec == "gob" && strings.HasPrefix(url, "http://") && !strings.Contains(url[7:], "/") {
		return rpc.DialHTTP("tcp", strings.TrimPrefix(url, "http://"))
	}
	if codec == "gob" && strings.HasPrefix(url, "unix:") {
		return rpc.DialHTTP("unix", strings.TrimPrefix(url, "unix:"))
	}
	conn, err := open()
	if err != nil {
		return nil, err
	}
	return over(conn), nil
}

func over(conn io.ReadWriteCloser) *rpc.Client {
	if codec == "json" {
		return jsonrpc.NewClient(conn)
	}
	return rpc.NewClient(conn)
}

func with(talk func(*rpc.Client) error) error {
	client, err := dial()
	if err != nil {
		return err
	}
	defer client.Close()
	return talk(client)
}

func multiply(client *rpc.Client, a, b int) error {
	var product int
	if err := client.Call("Arith.Multiply", &args{a, b}, &product); err != nil || product != a*b {
		return fmt.Errorf("%d * %d is %d, %v", a, b, product, err)
	}
	return nil
}

func calls() error {
	return with(func(client *rpc.Client) error {
		var q quotient
		if err := client.Call("Arith.Divide", args{7, 2}, &q); err != nil || q != (quotient{3, 1}) {
			return fmt.Errorf("a quotient: %v, %v", q, err)
		}
		var same string
		if err := client.Call("Text.Echo", "h\u00e9llo <&>", &same); err != nil || same != "h\u00e9llo <&>" {
			return fmt.Errorf("an echo: %q, %v", same, err)
		}
		if err := client.Call("Text.Nothing", struct{}{}, &struct{}{}); err != nil && codec == "json" {
			return fmt.Errorf("nothing: %w", err)
		}
		var next int
		if err := client.Call("a.b.C", 1, &next); err != nil || next != 2 {
			return fmt.Errorf("a dotted service: %d, %v", next, err)
		}
		// Zeros are left out by gob.
		if err := client.Call("a.b.C", -1, &next); err != nil || next != 0 && codec == "json" {
			return fmt.Errorf("zero: %d, %v", next, err)
		}
		return multiply(client, 7, 8)
	})
}

func serverErrors() error {
	return with(func(client *rpc.Client) error {
		for method, text := range map[string]string{
			"Multiply":        "rpc: service/method request ill-formed: Multiply",
			"Nobody.Multiply": "rpc: can't find service Nobody.Multiply",
			"Arith.Root":      "rpc: can't find method Arith.Root",
			"a.b.D":           "rpc: can't find method a.b.D",
			"a.C":             "rpc: can't find service a.C",
		} {
			if err := client.Call(method, &args{1, 2}, new(int)); err == nil || err.Error() != text {
				return fmt.Errorf("%s: %v", method, err)
			}
		}
		// No UTF-8; what stands for it in the answer is the server's choice.
		err := client.Call("Ar\xffth.Multiply", &args{1, 2}, new(int))
		if err == nil || !strings.HasPrefix(err.Error(), "rpc: can't find service Ar") {
			return fmt.Errorf("a name that is no text: %v", err)
		}
		err = client.Call("Arith.Divide", args{1, 0}, new(quotient))
		if _, ok := err.(rpc.ServerError); !ok || err.Error() != "divide by zero" {
			return fmt.Errorf("a failure: %v", err)
		}
		if err := client.Call("Text.Fail", "", &struct{}{}); err != nil {
			return fmt.Errorf("a failure without words is none: %w", err)
		}
		return multiply(client, 7, 8)
	})
}

// mismatch: arguments of another type fail that call only.
func mismatch() error {
	return with(func(client *rpc.Client) error {
		err := client.Call("Arith.Multiply", "seven", new(int))
		if _, ok := err.(rpc.ServerError); !ok {
			return fmt.Errorf("wrong arguments: %v", err)
		}
		return multiply(client, 7, 8)
	})
}

func order() error {
	return with(func(client *rpc.Client) error {
		long := client.Go("Time.Sleep", uint64(300), new(uint64), nil)
		short := client.Go("Time.Sleep", uint64(50), new(uint64), nil)
		select {
		case <-long.Done:
			return errors.New("the long call came first")
		case <-short.Done:
		}
		<-long.Done
		return errors.Join(long.Error, short.Error)
	})
}

func crowd() error {
	return with(func(client *rpc.Client) error {
		return atOnce(10000, func(i int) error { return multiply(client, i, i+1) })
	})
}

func connections() error {
	return atOnce(5, func(int) error {
		return with(func(client *rpc.Client) error {
			return atOnce(200, func(i int) error { return multiply(client, i, i+1) })
		})
	})
}

// atOnce does so many things at the same time and gives the first failure.
func atOnce(count int, do func(i int) error) error {
	var all sync.WaitGroup
	failures := make(chan error, count)
	for i := range count {
		all.Add(1)
		go func() {
			defer all.Done()
			if err := do(i); err != nil {
				failures <- err
			}
		}()
	}
	all.Wait()
	close(failures)
	return <-failures
}

func large() error {
	return with(func(client *rpc.Client) error {
		if codec == "json" {
			sent, got := strings.Repeat("0123456789abcde\n", 1<<16), ""
			if err := client.Call("Text.Echo", sent, &got); err != nil || got != sent {
				return fmt.Errorf("an echo of %d bytes has %d: %v", len(sent), len(got), err)
			}
			return nil
		}
		sent, got := bytes.Repeat([]byte("0123456789abcdef"), 1<<16), []byte(nil)
		if err := client.Call("Blob.Echo", sent, &got); err != nil || !bytes.Equal(got, sent) {
			return fmt.Errorf("an echo of %d bytes has %d: %v", len(sent), len(got), err)
		}
		return nil
	})
}

func closeMidCall() error {
	client, err := dial()
	if err != nil {
		return err
	}
	call := client.Go("Time.Sleep", uint64(60000), new(uint64), nil)
	if err := multiply(client, 7, 8); err != nil {
		return err
	}
	client.Close()
	<-call.Done
	// rpc.ErrShutdown, or the connection's own error: that depends on who is faster.
	if call.Error == nil {
		return errors.New("closed, and answered")
	}
	if err := client.Call("Arith.Multiply", &args{1, 2}, new(int)); err != rpc.ErrShutdown {
		return fmt.Errorf("after the end: %v", err)
	}
	return nil
}

// halfClose: net/rpc's TestShutdown. What was asked before the client's end is answered.
func halfClose() error {
	conn, err := open()
	if err != nil {
		return err
	}
	call := over(conn).Go("Time.Sleep", uint64(200), new(uint64), nil)
	time.Sleep(50 * time.Millisecond)
	if err := conn.(interface{ CloseWrite() error }).CloseWrite(); err != nil {
		return err
	}
	<-call.Done
	return call.Error
}

// methods: everything but CONNECT is 405, and the connection goes on; other paths are 404; the page lists methods.
func methods() error {
	if !strings.HasPrefix(url, "http://") {
		return nil
	}
	base, path, _ := strings.Cut(strings.TrimPrefix(url, "http://"), "/")
	if path != "" {
		return nil
	}
	for _, ask := range []struct {
		method, path, status, body string
	}{
		{"GET", rpc.DefaultRPCPath, "405 Method Not Allowed", "405 must CONNECT\n"},
		{"POST", rpc.DefaultRPCPath, "405 Method Not Allowed", "405 must CONNECT\n"},
		{"GET", "/elsewhere", "404 Not Found", "404 page not found\n"},
		{"GET", rpc.DefaultDebugPath, "200 OK", "Multiply"},
	} {
		request, err := http.NewRequest(ask.method, "http://"+base+ask.path, nil)
		if err != nil {
			return err
		}
		answer, err := http.DefaultClient.Do(request)
		if err != nil {
			return err
		}
		body, err := io.ReadAll(answer.Body)
		if err != nil || answer.Status != ask.status || !strings.Contains(string(body), ask.body) {
			return fmt.Errorf("%s %s: %s %q, %v", ask.method, ask.path, answer.Status, body, err)
		}
		if answer.StatusCode == 405 && (string(body) != ask.body || answer.Header.Get("Allow") != "" ||
			answer.Header.Get("Content-Type") != "text/plain; charset=utf-8") {
			return fmt.Errorf("%s %s: %v %q", ask.method, ask.path, answer.Header, body)
		}
	}
	return nil
}
