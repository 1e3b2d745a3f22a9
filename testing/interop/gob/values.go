package main

import (
	"encoding/gob"
	"math"
	"math/big"
	"net/netip"
	"strings"
	"time"
)

type (
	Point   struct{ X, Y int }
	Celsius float64
	Names   []string

	Everything struct {
		Bool    bool
		Int     int8
		Uint    uint64
		Float   float32
		Complex complex128
		Text    string
		Bytes   []byte
		List    []int16
		Array   [3]uint16
		Map     map[string]int
		Pointer *int
		Point   Point
		Points  []Point
		Rune    rune
		Named   Celsius
	}

	Base     struct{ ID int }
	Embedded struct {
		Base
		*Point
		Name string
	}

	Node struct {
		Value int
		Next  *Node
	}
	Tree struct {
		Name     string
		Children []Tree
		ByName   map[string]*Tree
	}
	Lists []Lists
	Maps  map[string]Maps

	Ignored struct {
		A       int
		private int
		C       chan int
		F       func()
		B       string
	}

	Times   struct{ UTC, East, West, Seconds, Zero time.Time }
	Numbers struct {
		Big   *big.Int
		Neg   *big.Int
		Zero  *big.Int
		Nil   *big.Int
		Value big.Int
	}
	// A GobEncoder, and a BinaryMarshaler.
	Secret struct{ text string }
	Code   [2]byte

	Marshaled struct {
		Secret  Secret
		Secrets []Secret
		Code    Code
		Addr    netip.Addr
		None    *Secret
	}

	Holder struct {
		Any   any
		Name  string
		After int
	}
	Anys   struct{ List []any }
	ByName struct{ Map map[string]any }
	Inner  struct {
		A Holder
		B any
	}
	Outer struct {
		Before int
		In     any
		Last   string
	}
	Fresh1 struct{ A []Fresh2 }
	Fresh2 struct{ M map[string]Fresh3 }
	Fresh3 struct{ P *Fresh3; Any any }
	Shape  interface{ Area() float64 }
	Circle struct{ R float64 }
	Square struct{ Side float64 }
	Shapes struct {
		One  Shape
		None Shape
		All  []Shape
	}
	Pointers struct {
		Int    *int
		Zero   *int
		Deep   ***int
		Struct *Point
		Nil    *Point
		Slice  *[]int
		Map    *map[string]int
	}
	Nested struct {
		Grid [2][3]int
		Rows [][]string
		By   map[int]map[string][]bool
		None [0]int
	}
	Structs struct {
		Empty struct{}
		Zero  Point
		Array [2]Point
	}
	MapKeys struct {
		Arrays  map[[2]int]string
		Structs map[Point]bool
		Floats  map[float64]int8
		Bools   map[bool]uint
	}
)

func (s Secret) GobEncode() ([]byte, error)   { return []byte(strings.ToUpper(s.text)), nil }
func (s *Secret) GobDecode(b []byte) error    { s.text = strings.ToLower(string(b)); return nil }
func (c Code) MarshalBinary() ([]byte, error) { return []byte{'<', c[0], c[1], '>'}, nil }
func (c *Code) UnmarshalBinary(b []byte) error {
	*c = Code{b[1], b[2]}
	return nil
}
func (c Circle) Area() float64  { return math.Pi * c.R * c.R }
func (s *Square) Area() float64 { return s.Side * s.Side }

func register() {
	for _, value := range []any{
		Point{}, Celsius(0), Circle{}, &Square{}, Names{}, Everything{}, Node{}, Holder{}, Inner{}, Fresh1{}, Fresh3{},
		[]any{}, map[string]any{}, map[string]int{}, time.Time{}, Secret{}, Code{}, [2]int{}, []Point{},
	} {
		gob.Register(value)
	}
}

func pointer[T any](value T) *T { return &value }

var big1, _ = new(big.Int).SetString("123456789012345678901234567890", 10)

var values = []struct {
	name  string
	value any
}{
	{"bool", true},
	{"int", 17},
	{"int_min", int64(math.MinInt64)},
	{"uint_max", uint64(math.MaxUint64)},
	{"float", 17.0},
	{"complex", 17 + 18i},
	{"string", "hello"},
	{"string_any_bytes", "a\xff\x00\xfe"},
	{"bytes", []byte{0, 1, 255}},
	{"ints", []int64{0, 1, -1, 63, 64, -64, -65, 127, 128, -128, -129, 255, 256, 32767, 32768, -32768, -32769,
		65535, 65536, 1 << 31, -1 << 31, 1<<31 - 1, 1 << 32, 1<<55 - 1, 1 << 56, math.MaxInt64, math.MinInt64}},
	{"uints", []uint64{0, 1, 127, 128, 255, 256, 65535, 65536, 1<<24 - 1, 1 << 24, 1<<32 - 1, 1 << 32, 1<<40 - 1,
		1 << 40, 1<<48 - 1, 1 << 48, 1<<56 - 1, 1 << 56, math.MaxUint64}},
	{"floats", []float64{0, math.Copysign(0, -1), 1, -1, 0.1, math.Inf(1), math.Inf(-1), math.NaN(), math.MaxFloat64,
		math.SmallestNonzeroFloat64, math.Pi}},
	{"float32s", []float32{0, 1.5, -0.25, math.MaxFloat32, math.SmallestNonzeroFloat32}},
	{"complexes", []complex64{0, 1i, complex(float32(math.Inf(1)), -1)}},
	{"array_of_bytes", [4]byte{0, 1, 2, 255}},
	{"array_of_points", [2]Point{{}, {1, 2}}},
	{"names", Names{"a", "", "ü"}},
	{"point", Point{22, 33}},
	{"point_zero", Point{}},
	{"everything", Everything{true, -128, math.MaxUint64, -0.5, 1.5 - 2i, "hëllo", []byte("bytes"), []int16{-1, 0, 1},
		[3]uint16{0, 65535, 1}, map[string]int{"a": 1, "": 0}, pointer(7), Point{0, 9}, []Point{{1, 0}, {}}, '√', 36.6}},
	{"everything_zero", Everything{}},
	{"embedded", Embedded{Base{7}, &Point{1, 2}, "n"}},
	{"list", Node{1, &Node{0, &Node{3, nil}}}},
	{"tree", Tree{"root", []Tree{{Name: "a"}, {Name: "b", Children: []Tree{{}}}}, map[string]*Tree{"x": {Name: "y"}}}},
	{"recursive_slice", Lists{{}, {{}, {{}}}}},
	{"recursive_map", Maps{"a": {"b": {}}, "c": {}}},
	{"ignored_fields", Ignored{A: 1, B: "b"}},
	{"times", Times{time.Unix(1700000000, 123456789).UTC(), time.Unix(1, 0).In(time.FixedZone("", 3600)),
		time.Unix(-1e9, 5).In(time.FixedZone("", -34200)), time.Unix(0, 0).In(time.FixedZone("", 7199)), time.Time{}}},
	{"big", Numbers{big1, new(big.Int).Neg(big1), new(big.Int), nil, *big.NewInt(-5)}},
	{"marshaled", Marshaled{Secret{"abc"}, []Secret{{"x"}, {""}}, Code{1, 2}, netip.MustParseAddr("192.0.2.1"), nil}},
	{"any_nil", Holder{nil, "n", 1}},
	{"any_int", Holder{42, "n", 1}},
	{"any_string", Holder{"text", "", 1}},
	{"any_struct", Holder{Point{1, 2}, "n", 1}},
	{"any_list", Anys{[]any{1, nil, "a", 2.5, Point{3, 4}, &Square{2}, Names{"n"}, []any{true, uint8(9)}, Celsius(1)}}},
	{"any_map", ByName{map[string]any{"a": Fresh1{[]Fresh2{{map[string]Fresh3{"k": {&Fresh3{}, Node{5, nil}}}}}}, "b": nil}}},
	{"any_in_any", Outer{1, Inner{Holder{Fresh3{nil, Fresh1{}}, "x", 5}, []any{Circle{1}}}, "last"}},
	{"any_time", Holder{time.Unix(5, 0).UTC(), "t", 0}},
	{"any_marshaled", Anys{[]any{Secret{"s"}, Code{7, 8}}}},
	{"shapes", Shapes{Circle{1}, nil, []Shape{&Square{2}, Circle{3}, &Square{0}}}},
	{"pointers", Pointers{pointer(5), pointer(0), pointer(pointer(pointer(6))), &Point{}, nil, &[]int{1},
		&map[string]int{}}},
	{"nested", Nested{[2][3]int{{1, 2, 3}, {4, 5, 6}}, [][]string{{"a"}, {}, {"b", "c"}},
		map[int]map[string][]bool{-1: {"x": {true, false}}, 2: {}}, [0]int{}}},
	{"structs", Structs{}},
	{"map_empty", map[string]int{}},
	{"map_keys", MapKeys{map[[2]int]string{{1, 2}: "a"}, map[Point]bool{{3, 4}: true}, map[float64]int8{0.5: -1},
		map[bool]uint{true: 1, false: 0}}},
	{"large_list", large()},
	{"large_text", strings.Repeat("0123456789", 7000)},
}

func large() []int {
	list := make([]int, 100000)
	for i := range list {
		list[i] = i * i * (1 - i%2*2)
	}
	return list
}
