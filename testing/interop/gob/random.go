package main

import (
	"bytes"
	"encoding"
	"encoding/gob"
	"encoding/hex"
	"fmt"
	"math"
	"math/big"
	"math/rand"
	"reflect"
	"time"
)

// Random types and values. For each, Go says
//
//	TYPE
//	STREAM SHOWN
//
// where STREAM goes on with the streams before unless TYPE begins with a bar. The other side answers with a stream of
// its own for that value, which goes on likewise, and Go at last says how many it took for good, or which it did not.
func random(count int, seed int64) {
	maker := maker{rand.New(rand.NewSource(seed))}
	var sent, received bytes.Buffer
	var encoder *gob.Encoder
	var decoder *gob.Decoder
	for i := range count {
		ty := maker.ty(4)
		mark := ""
		if i%16 == 0 {
			mark, encoder, decoder = "|", gob.NewEncoder(&sent), gob.NewDecoder(&received)
		}
		value := maker.value(ty, 4, true)
		for value.Kind() == reflect.Interface && value.IsNil() {
			value = maker.value(ty, 4, true)
		}
		must(encoder.EncodeValue(value))
		fmt.Fprintf(out, "%s%s\n%x %s\n", mark, ty, sent.Bytes(), show(read(value)))
		sent.Reset()
		out.Flush()
		answer, err := hex.DecodeString(line())
		must(err)
		received.Write(answer)
		target := reflect.New(ty)
		verdict := ""
		if err := decoder.DecodeValue(target); err != nil {
			verdict = "error: " + err.Error()
		} else {
			verdict = compare(target.Elem(), read(value))
		}
		if verdict != "ok" {
			fmt.Fprintf(out, "%s: %s\n", ty, verdict)
			return
		}
	}
	fmt.Fprintf(out, "ok %d\n", count)
}

type maker struct{ *rand.Rand }

var scalars = []reflect.Type{
	reflect.TypeFor[bool](), reflect.TypeFor[int](), reflect.TypeFor[int8](), reflect.TypeFor[int16](),
	reflect.TypeFor[int32](), reflect.TypeFor[int64](), reflect.TypeFor[uint](), reflect.TypeFor[uint8](),
	reflect.TypeFor[uint16](), reflect.TypeFor[uint32](), reflect.TypeFor[uint64](), reflect.TypeFor[uintptr](),
	reflect.TypeFor[float32](), reflect.TypeFor[float64](), reflect.TypeFor[complex64](), reflect.TypeFor[complex128](),
	reflect.TypeFor[string](),
}

// Types that cannot be made of others: named, recursive, with methods.
var named = []reflect.Type{
	reflect.TypeFor[Point](), reflect.TypeFor[Celsius](), reflect.TypeFor[Names](), reflect.TypeFor[Everything](),
	reflect.TypeFor[Embedded](), reflect.TypeFor[Node](), reflect.TypeFor[Tree](), reflect.TypeFor[Lists](),
	reflect.TypeFor[Maps](), reflect.TypeFor[Holder](), reflect.TypeFor[Inner](), reflect.TypeFor[Fresh1](),
	reflect.TypeFor[Pointers](), reflect.TypeFor[Nested](), reflect.TypeFor[MapKeys](), reflect.TypeFor[time.Time](),
	reflect.TypeFor[*big.Int](), reflect.TypeFor[Secret](), reflect.TypeFor[Code](),
}

// What an interface may hold.
var registered = []reflect.Type{
	reflect.TypeFor[int](), reflect.TypeFor[string](), reflect.TypeFor[float64](), reflect.TypeFor[bool](),
	reflect.TypeFor[uint8](), reflect.TypeFor[[]int](), reflect.TypeFor[[]string](), reflect.TypeFor[[]byte](),
	reflect.TypeFor[Point](), reflect.TypeFor[Celsius](), reflect.TypeFor[Circle](), reflect.TypeFor[*Square](),
	reflect.TypeFor[Names](), reflect.TypeFor[Everything](), reflect.TypeFor[Node](), reflect.TypeFor[Holder](),
	reflect.TypeFor[Inner](), reflect.TypeFor[Fresh1](), reflect.TypeFor[Fresh3](), reflect.TypeFor[[]any](),
	reflect.TypeFor[map[string]any](), reflect.TypeFor[map[string]int](), reflect.TypeFor[time.Time](),
	reflect.TypeFor[Secret](), reflect.TypeFor[Code](), reflect.TypeFor[[2]int](), reflect.TypeFor[[]Point](),
}

func (m maker) ty(depth int) reflect.Type {
	if depth == 0 {
		return scalars[m.Intn(len(scalars))]
	}
	switch m.Intn(12) {
	case 0, 1:
		return scalars[m.Intn(len(scalars))]
	case 2, 3:
		return reflect.SliceOf(m.ty(depth - 1))
	case 4:
		return reflect.ArrayOf(m.Intn(4), m.ty(depth-1))
	case 5:
		return reflect.MapOf(scalars[m.Intn(len(scalars))], m.ty(depth-1))
	case 6:
		// Go's encoder crashes on some pointers to types that encode themselves.
		if target := m.ty(depth - 1); !encodesItself(target) {
			return reflect.PointerTo(target)
		}
		return scalars[0]
	case 7:
		return reflect.TypeFor[any]()
	case 8:
		return named[m.Intn(len(named))]
	default:
		fields := make([]reflect.StructField, 1+m.Intn(6))
		for i := range fields {
			fields[i] = reflect.StructField{Name: fmt.Sprintf("F%d", i), Type: m.ty(depth - 1)}
		}
		return reflect.StructOf(fields)
	}
}

func encodesItself(ty reflect.Type) bool {
	for ty.Kind() == reflect.Pointer {
		ty = ty.Elem()
	}
	ty = reflect.PointerTo(ty)
	return ty.Implements(reflect.TypeFor[gob.GobEncoder]()) || ty.Implements(reflect.TypeFor[encoding.BinaryMarshaler]())
}

// A value of a type; nil only where gob can say it.
func (m maker) value(ty reflect.Type, depth int, must bool) reflect.Value {
	value := reflect.New(ty).Elem()
	m.fill(value, depth, must)
	return value
}

func (m maker) fill(value reflect.Value, depth int, must bool) {
	switch target := value.Addr().Interface().(type) {
	case *time.Time:
		zones := []*time.Location{time.UTC, time.FixedZone("", 3600*(1+m.Intn(12))), time.FixedZone("", 7199)}
		*target = time.Unix(m.Int63n(1<<33), m.Int63n(1e9)).In(zones[m.Intn(3)])
		return
	case **big.Int:
		*target = new(big.Int).Mul(big.NewInt(m.Int63()-m.Int63()), big.NewInt(m.Int63()))
		return
	case *Secret:
		target.text = []string{"", "a", "some"}[m.Intn(3)]
		return
	case *Code:
		target[0], target[1] = byte(m.Intn(256)), byte(m.Intn(256))
		return
	}
	switch value.Kind() {
	case reflect.Bool:
		value.SetBool(m.Intn(2) == 0)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		value.SetInt(int64(m.bits()))
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64, reflect.Uintptr:
		value.SetUint(m.bits())
	case reflect.Float32, reflect.Float64:
		value.SetFloat(m.float())
	case reflect.Complex64, reflect.Complex128:
		value.SetComplex(complex(m.float(), m.float()))
	case reflect.String:
		text := make([]byte, m.Intn(6))
		m.Read(text)
		value.SetString(string(text))
	case reflect.Slice:
		m.fillSlice(value, depth)
	case reflect.Array:
		for i := range value.Len() {
			m.fill(value.Index(i), depth-1, true)
		}
	case reflect.Map:
		m.fillMap(value, depth, must)
	case reflect.Struct:
		for i := range value.NumField() {
			if value.Type().Field(i).IsExported() {
				m.fill(value.Field(i), depth-1, false)
			}
		}
	case reflect.Pointer:
		if must || (depth > 0 && m.Intn(4) > 0) {
			value.Set(reflect.New(value.Type().Elem()))
			m.fill(value.Elem(), depth-1, true)
		}
	case reflect.Interface:
		if depth > 0 && m.Intn(4) > 0 {
			value.Set(m.value(registered[m.Intn(len(registered))], depth-1, true))
		}
	}
}

func (m maker) fillSlice(value reflect.Value, depth int) {
	if depth < 0 {
		return
	}
	len := m.Intn(4)
	value.Set(reflect.MakeSlice(value.Type(), len, len))
	for i := range len {
		m.fill(value.Index(i), depth-1, true)
	}
}

func (m maker) fillMap(value reflect.Value, depth int, must bool) {
	if !must && m.Intn(4) == 0 {
		return
	}
	value.Set(reflect.MakeMap(value.Type()))
	for range m.Intn(4) {
		if depth < 0 {
			return
		}
		key := m.value(value.Type().Key(), depth-1, true)
		value.SetMapIndex(key, m.value(value.Type().Elem(), depth-1, true))
	}
}

func (m maker) bits() uint64 {
	return m.Uint64() >> m.Intn(65)
}

func (m maker) float() float64 {
	switch m.Intn(6) {
	case 0:
		return 0
	case 1:
		return float64(m.Intn(100)) / 4
	case 2:
		return math.Copysign(0, -1)
	case 3:
		return math.Inf(1)
	default:
		return m.NormFloat64()
	}
}
