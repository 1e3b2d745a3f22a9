package main

import (
	"encoding"
	"encoding/gob"
	"fmt"
	"math"
	"reflect"
	"sort"
	"strings"
)

// A value in one line without spaces, the same for all values that gob does not tell apart: a pointer is what it
// points to, a nil pointer to something that is left out when zero is that zero.
//
//	b1 i-5 u5 f3ff0000000000000 (f…,f…) x68656c6c6f [..] <k:v;..> {Name:v;..} nil @name=v m020105
func show(value reflect.Value) string {
	var text strings.Builder
	showValue(&text, value)
	return text.String()
}

func showValue(text *strings.Builder, value reflect.Value) {
	if !value.IsValid() {
		text.WriteString("nil")
		return
	}
	if value.Kind() == reflect.Pointer && value.IsNil() {
		showNil(text, value.Type())
		return
	}
	if marshaled, ok := marshal(value); ok {
		fmt.Fprintf(text, "m%x", marshaled)
		return
	}
	switch value.Kind() {
	case reflect.Bool:
		if value.Bool() {
			text.WriteString("b1")
		} else {
			text.WriteString("b0")
		}
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		fmt.Fprintf(text, "i%d", value.Int())
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		fmt.Fprintf(text, "u%d", value.Uint())
	case reflect.Float32, reflect.Float64:
		showFloat(text, value.Float())
	case reflect.Complex64, reflect.Complex128:
		text.WriteString("(")
		showFloat(text, real(value.Complex()))
		text.WriteString(",")
		showFloat(text, imag(value.Complex()))
		text.WriteString(")")
	case reflect.String:
		fmt.Fprintf(text, "x%x", value.String())
	case reflect.Slice, reflect.Array:
		if value.Kind() == reflect.Slice && value.Type().Elem().Kind() == reflect.Uint8 {
			fmt.Fprintf(text, "x%x", value.Bytes())
			return
		}
		text.WriteString("[")
		for i := range value.Len() {
			if i > 0 {
				text.WriteString(",")
			}
			showValue(text, value.Index(i))
		}
		text.WriteString("]")
	case reflect.Map:
		showMap(text, value)
	case reflect.Struct:
		text.WriteString("{")
		for i := range value.NumField() {
			field := value.Type().Field(i)
			if !field.IsExported() || field.Type.Kind() == reflect.Chan || field.Type.Kind() == reflect.Func {
				continue
			}
			text.WriteString(field.Name + ":")
			if field.Type.Kind() != reflect.Pointer && value.Field(i).IsZero() {
				// Not sent, if it is one of those.
				if _, ok := marshal(value.Field(i)); ok {
					text.WriteString("m;")
					continue
				}
			}
			showValue(text, value.Field(i))
			text.WriteString(";")
		}
		text.WriteString("}")
	case reflect.Pointer:
		showValue(text, value.Elem())
	case reflect.Interface:
		if value.IsNil() {
			text.WriteString("nil")
			return
		}
		text.WriteString("@" + name(value.Elem().Type()) + "=")
		showValue(text, value.Elem())
	default:
		panic("no such kind: " + value.Kind().String())
	}
}

func showNil(text *strings.Builder, ty reflect.Type) {
	for ty.Kind() == reflect.Pointer {
		if _, ok := reflect.Zero(ty).Interface().(gob.GobEncoder); ok {
			text.WriteString("m")
			return
		}
		ty = ty.Elem()
	}
	if _, ok := marshal(reflect.Zero(ty)); ok {
		text.WriteString("m")
		return
	}
	switch ty.Kind() {
	case reflect.Struct, reflect.Array, reflect.Map, reflect.Interface:
		text.WriteString("nil")
	default:
		showValue(text, reflect.Zero(ty))
	}
}

func showFloat(text *strings.Builder, value float64) {
	fmt.Fprintf(text, "f%016x", math.Float64bits(value))
}

func showMap(text *strings.Builder, value reflect.Value) {
	if value.IsNil() {
		text.WriteString("nil")
		return
	}
	var entries []string
	for entry := value.MapRange(); entry.Next(); {
		var pair strings.Builder
		showValue(&pair, entry.Key())
		pair.WriteString(":")
		showValue(&pair, entry.Value())
		entries = append(entries, pair.String())
	}
	sort.Strings(entries)
	text.WriteString("<" + strings.Join(entries, ";") + ">")
}

// The bytes of a type that encodes itself. As a field its zero is not sent.
func marshal(value reflect.Value) ([]byte, bool) {
	if value.Kind() == reflect.Interface {
		return nil, false
	}
	if value.CanAddr() {
		if bytes, ok := marshalAs(value.Addr().Interface(), value); ok {
			return bytes, true
		}
	} else if value.Kind() == reflect.Struct {
		pointer := reflect.New(value.Type())
		pointer.Elem().Set(value)
		if bytes, ok := marshalAs(pointer.Interface(), value); ok {
			return bytes, true
		}
	}
	return marshalAs(value.Interface(), value)
}

func marshalAs(marshaler any, value reflect.Value) ([]byte, bool) {
	switch marshaler := marshaler.(type) {
	case gob.GobEncoder:
		bytes, err := marshaler.GobEncode()
		must(err)
		return bytes, true
	case encoding.BinaryMarshaler:
		bytes, err := marshaler.MarshalBinary()
		must(err)
		return bytes, true
	}
	return nil, false
}

// The name under which gob registers a type.
func name(ty reflect.Type) string {
	switch {
	case ty.Kind() == reflect.Pointer:
		return "*" + ty.Elem().String()
	case ty.PkgPath() != "":
		return ty.PkgPath() + "." + ty.Name()
	}
	return ty.String()
}
