// Go's encoding/gob as the judge of ours. It talks in lines on its standard input and output:
//
//	streams           every value of values.go: NAME STREAM SHOWN, until an empty line
//	check NAME STREAM ok, or how the stream's value differs from the one of that name
//	drift             every case of drift.go: NAME STREAM SHOWN or NAME STREAM error WORDS, until an empty line
//	random N SEED     N random types and values, see random.go
//
// STREAM is in hexadecimal, SHOWN as show.go shows values.
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
)

var (
	in  = bufio.NewReaderSize(os.Stdin, 1<<20)
	out = bufio.NewWriterSize(os.Stdout, 1<<20)
)

func main() {
	register()
	registerDrifts()
	for {
		words := strings.Fields(line())
		if len(words) == 0 {
			return
		}
		switch words[0] {
		case "streams":
			for _, value := range values {
				fmt.Fprintf(out, "%s %x %s\n", value.name, stream(valueOf(value.value)), show(read(valueOf(value.value))))
			}
			fmt.Fprintln(out)
		case "check":
			fmt.Fprintln(out, check(words[1], words[2]))
		case "drift":
			drift()
			fmt.Fprintln(out)
		case "random":
			count, _ := strconv.Atoi(words[1])
			seed, _ := strconv.ParseInt(words[2], 10, 64)
			random(count, seed)
		}
		out.Flush()
	}
}

func line() string {
	text, err := in.ReadString('\n')
	if err != nil {
		return ""
	}
	return strings.TrimSpace(text)
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// A value with an address: methods may need one.
func valueOf(value any) reflect.Value {
	source := reflect.New(reflect.TypeOf(value)).Elem()
	source.Set(reflect.ValueOf(value))
	return source
}

// A stream of one value.
func stream(value reflect.Value) []byte {
	var buffer bytes.Buffer
	must(gob.NewEncoder(&buffer).EncodeValue(value))
	return buffer.Bytes()
}

// What Go makes of its own stream: nil for pointers to zero, and for empty slices.
func read(value reflect.Value) reflect.Value {
	target := reflect.New(value.Type())
	must(gob.NewDecoder(bytes.NewReader(stream(value))).DecodeValue(target))
	return target.Elem()
}

func check(name, text string) string {
	bytes_, err := hex.DecodeString(text)
	must(err)
	for _, value := range values {
		if value.name != name {
			continue
		}
		target := reflect.New(reflect.TypeOf(value.value))
		if err := gob.NewDecoder(bytes.NewReader(bytes_)).DecodeValue(target); err != nil {
			return "error: " + err.Error()
		}
		return compare(target.Elem(), read(valueOf(value.value)))
	}
	return "no such value"
}

// reflect.DeepEqual, which takes no NaN for equal; those are compared by their bits.
func compare(got, want reflect.Value) string {
	if reflect.DeepEqual(got.Interface(), want.Interface()) {
		return "ok"
	}
	gotShown, wantShown := show(got), show(want)
	if gotShown == wantShown && strings.Contains(wantShown, "f7ff8") {
		return "ok"
	}
	return "differs: got " + gotShown + ", want " + wantShown
}
