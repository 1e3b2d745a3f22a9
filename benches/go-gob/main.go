// The peer in Go: encoding/gob, with an encoder and a decoder that live as long as a connection.
package main

import (
	"bufio"
	"bytes"
	"encoding/gob"
	"fmt"
	"os"
	"reflect"
	"strconv"
	"strings"
)

type (
	Header struct {
		ServiceMethod string
		Seq           uint64
	}
	Args   struct{ A, B int64 }
	Record struct {
		Id      int64
		Name    string
		Email   string
		Age     uint8
		Score   float64
		Active  bool
		Balance int32
		Tags    []string
		Avatar  []byte
		Ratio   float32
		Count   uint32
		Note    *string
	}
	Order struct {
		Id       uint64
		Customer Customer
		Items    []Item
		Total    float64
		Paid     bool
	}
	Customer struct {
		Name    string
		Address Address
	}
	Address struct{ Street, City, Zip string }
	Item    struct {
		Sku      string
		Quantity int64
		Price    float64
		Discount *float64
	}
	Map   struct{ Entries map[string]int64 }
	Anys  struct{ List []any }
	Point struct{ X, Y int64 }
)

func main() {
	gob.Register(Point{})
	works := map[string]func(bool) func(){
		"header":  maker(Header{"Arith.Multiply", 123456}),
		"args":    maker(Args{7, 800}),
		"record":  maker(record()),
		"order":   maker(order()),
		"ints":    maker(list(1000, func(i int) int64 { return (1 << (i % 60)) * int64(1-i%2*2) })),
		"floats":  maker(list(1000, func(i int) float64 { return float64(i) * 1.1 })),
		"strings": maker(list(100, func(i int) string { return fmt.Sprintf("string number %d", i) })),
		"bytes":   maker(list(64*1024, func(i int) byte { return byte(i) })),
		"map":     maker(entries()),
		"any":     maker(Anys{list(50, anything)}),
	}
	var work func()
	lines := bufio.NewScanner(os.Stdin)
	for lines.Scan() {
		verb, object, _ := strings.Cut(lines.Text(), " ")
		switch verb {
		case "encode", "decode":
			work = works[object](verb == "decode")
		case "run":
			ops, err := strconv.Atoi(object)
			must(err)
			for range ops {
				work()
			}
		default:
			must(fmt.Errorf("no order for a codec: %s", verb))
		}
		fmt.Println("done")
	}
}

// One operation, behind a first one which is checked.
func maker[T any](value T) func(bool) func() {
	return func(isDecoding bool) func() {
		var buffer bytes.Buffer
		encoder := gob.NewEncoder(&buffer)
		must(encoder.Encode(&value))
		first := bytes.Clone(buffer.Bytes())
		var read T
		must(gob.NewDecoder(bytes.NewReader(first)).Decode(&read))
		if !reflect.DeepEqual(read, value) {
			must(fmt.Errorf("what is read is not what was sent: %v", read))
		}
		buffer.Reset()
		if !isDecoding {
			return func() {
				buffer.Reset()
				must(encoder.Encode(&value))
			}
		}
		must(encoder.Encode(&value))
		decoder := gob.NewDecoder(&repeat{first, bytes.Clone(buffer.Bytes())})
		must(decoder.Decode(&read))
		return func() {
			var read T
			must(decoder.Decode(&read))
		}
	}
}

// The first bytes once, then the others again and again. It is an io.ByteReader, so that nothing buffers it again.
type repeat struct{ rest, again []byte }

func (r *repeat) Read(into []byte) (int, error) {
	n := copy(into, r.rest)
	r.drop(n)
	return n, nil
}

func (r *repeat) ReadByte() (byte, error) {
	b := r.rest[0]
	r.drop(1)
	return b, nil
}

func (r *repeat) drop(n int) {
	if r.rest = r.rest[n:]; len(r.rest) == 0 {
		r.rest = r.again
	}
}

func record() Record {
	note := "first"
	return Record{1234567, "Grace Hopper", "grace@example.org", 85, 99.5, true, -1500, []string{"navy", "cobol", "bug"},
		bytes.Repeat([]byte{0xA5}, 64), 0.25, 70000, &note}
}

func order() Order {
	item := func(i int) Item {
		item := Item{fmt.Sprintf("SKU-%05d", i+1), int64(i + 1), 9.99, nil}
		if i%2 == 1 {
			discount := 0.5
			item.Discount = &discount
		}
		return item
	}
	address := Address{"1 Infinite Loop", "Cupertino", "95014"}
	return Order{42, Customer{"Ada", address}, list(10, item), 99.9, true}
}

func entries() Map {
	entries := make(map[string]int64)
	for i := range 100 {
		entries[fmt.Sprintf("key%d", i)] = int64(i)
	}
	return Map{entries}
}

func anything(i int) any {
	switch i % 4 {
	case 0:
		return i
	case 1:
		return fmt.Sprintf("text %d", i)
	case 2:
		return 1.5
	}
	return Point{int64(i), int64(-i)}
}

func list[T any](count int, element func(int) T) []T {
	list := make([]T, count)
	for i := range list {
		list[i] = element(i)
	}
	return list
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
