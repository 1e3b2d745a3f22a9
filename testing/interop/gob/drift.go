package main

import (
	"bytes"
	"encoding/gob"
	"fmt"
	"reflect"
	"strings"
)

// What Go makes of a value whose sender and receiver have different types.
var drifts = []struct {
	name   string
	sent   any
	target any
}{
	{"same", struct{ A int }{1}, struct{ A int }{}},
	{"extra", struct{ A, B int; C []Point }{1, 2, []Point{{1, 2}}}, struct{ A int }{}},
	{"missing", struct{ A int }{1}, struct{ A int; B string; C Point; D []int }{}},
	{"reordered", struct{ A int; B string }{1, "b"}, struct{ B string; A int }{}},
	{"none_in_common", struct{ A int }{1}, struct{ B int }{}},
	{"empty_sent", struct{}{}, struct{ B int }{}},
	{"empty_target", struct{ A int }{1}, struct{}{}},
	{"wrong_type", struct{ A int; B string }{1, "b"}, struct{ A int; B int }{}},
	{"wrong_type_absent", struct{ A int; B string }{1, ""}, struct{ A int; B int }{}},
	{"wrong_type_list_absent", struct{ A int; B []string }{1, nil}, struct{ A int; B string }{}},
	{"int_to_uint", struct{ A int }{1}, struct{ A uint }{}},
	{"uint_to_int", struct{ A uint }{1}, struct{ A int }{}},
	{"int_to_float", struct{ A int }{1}, struct{ A float64 }{}},
	{"bytes_to_string", struct{ A []byte }{[]byte("x")}, struct{ A string }{}},
	{"string_to_bytes", struct{ A string }{"x"}, struct{ A []byte }{}},
	{"width_fits", struct{ A int }{127}, struct{ A int8 }{}},
	{"width_int", struct{ A int }{128}, struct{ A int8 }{}},
	{"width_uint", struct{ A uint }{300}, struct{ A uint8 }{}},
	{"width_float", struct{ A float64 }{1e300}, struct{ A float32 }{}},
	{"float_rounded", struct{ A float64 }{0.1}, struct{ A float32 }{}},
	{"array_len", struct{ A [2]int }{}, struct{ A [3]int }{}},
	{"slice_to_array", struct{ A []int }{[]int{1, 2}}, struct{ A [2]int }{}},
	{"struct_to_int", struct{ A Point }{}, struct{ A int }{}},
	{"int_to_struct", struct{ A int }{1}, struct{ A Point }{}},
	{"nested", struct{ A []Point }{[]Point{{1, 2}}}, struct{ A []struct{ X int; Y string } }{}},
	{"nested_in_map", struct{ A map[string]Point }{map[string]Point{"k": {1, 2}}}, struct{ A map[string]struct{ X uint } }{}},
	{"nested_extra", struct{ A []Point }{[]Point{{1, 2}}}, struct{ A []struct{ X int; Z string } }{}},
	{"nested_none_in_common", struct{ A []Point }{[]Point{{1, 2}}}, struct{ A []struct{ Z string } }{}},
	{"value_to_pointer", struct{ A int; B Point }{1, Point{2, 3}}, struct{ A *int; B *Point }{}},
	{"pointer_to_value", struct{ A *int; B *Point }{pointer(1), nil}, struct{ A int; B Point }{}},
	{"map_to_struct", map[string]int{"A": 1}, struct{ A int }{}},
	{"int_to_string", 5, ""},
	{"slice_elem", []int{1}, []uint{}},
	{"held", Held{Sent{1, 2}}, Held{}},
	{"held_none_in_common", Held{SentOther{1}}, Held{}},
	{"held_none_in_common_zero", Held{SentOther{}}, Held{}},
	{"held_list_none_in_common", Held{SentOthers{{1}}}, Held{}},
	{"held_empty_sent", Held{SentEmpty{}}, Held{}},
	{"held_empty_target", Held{SentAll{1}}, Held{}},
}

// What interfaces hold. For each type of a sender the receiver knows another one by its name.
type (
	Held       struct{ A any }
	Sent       struct{ X, Y int }
	SentOther  struct{ Y int }
	SentOthers []SentOther
	SentEmpty  struct{}
	SentAll    struct{ X int }
	Kept       struct{ X int }
	KeptOther  struct{ X int }
	KeptOthers []KeptOther
	KeptEmpty  struct{ X int }
	KeptAll    struct{}
)

func registerDrifts() {
	for _, value := range []any{
		Sent{}, SentOther{}, SentOthers{}, SentEmpty{}, SentAll{}, Kept{}, KeptOther{}, KeptOthers{}, KeptEmpty{}, KeptAll{},
	} {
		gob.Register(value)
	}
}

func drift() {
	for _, drift := range drifts {
		bytes_ := bytes.ReplaceAll(stream(valueOf(drift.sent)), []byte("main.Sent"), []byte("main.Kept"))
		target := reflect.New(reflect.TypeOf(drift.target))
		if err := gob.NewDecoder(bytes.NewReader(bytes_)).DecodeValue(target); err != nil {
			fmt.Fprintf(out, "%s %x error %s\n", drift.name, bytes_, strings.ReplaceAll(err.Error(), "\n", " "))
		} else {
			fmt.Fprintf(out, "%s %x %s\n", drift.name, bytes_, show(target.Elem()))
		}
	}
}
