package billing

import (
	"bytes"
	"encoding/json"
	"reflect"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/fsm/engine"
)

// TestEncodings: what encodes itself reads as package json writes it, octet for octet,
// whichever of its members are there.
func TestEncodings(t *testing.T) {
	for _, made := range []engine.Appender{
		new(record), new(sealedClaim), new(sealedOpen), new(sealedMessage), new(story), new(counters), new(taken), new(pool), new(takings),
		new(ApplySweep), &Callback{Event: json.RawMessage("{}")},
	} {
		kind := reflect.TypeOf(made).Elem()
		t.Run(kind.Name(), func(t *testing.T) {
			sameEncoding(t, made) // with nothing in it
			rapid.Check(t, func(t *rapid.T) {
				v := reflect.New(kind)
				drawInto(t, v.Elem(), kind.Name())
				sameEncoding(t, v.Interface().(engine.Appender))
			})
		})
	}
}

func sameEncoding(t interface {
	Helper()
	Fatalf(string, ...any)
}, v engine.Appender) {
	t.Helper()
	var want bytes.Buffer
	e := json.NewEncoder(&want)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		t.Fatalf("%v", err)
	}
	got, err := v.AppendJSON([]byte("before "))
	if err != nil || "before "+strings.TrimSpace(want.String()) != string(got) {
		t.Fatalf("%T encodes itself, %v, as\n%s\nand package json as\n       %s", v, err, got, &want)
	}
}

// drawInto draws what is in v: each field is left out as often as not.
func drawInto(t *rapid.T, v reflect.Value, name string) {
	switch {
	case v.Type() == reflect.TypeFor[json.RawMessage](): // always there: it is JSON that was made before
		v.SetBytes([]byte(`{"raw":1}`))
	case v.Kind() != reflect.Struct && rapid.Bool().Draw(t, name+" is left out"):
	case v.Type() == reflect.TypeFor[time.Time]():
		at := time.Unix(rapid.Int64Range(-1e10, 4e9).Draw(t, name), rapid.Int64Range(0, 999_999_999).Draw(t, name+" ns"))
		v.Set(reflect.ValueOf(at.UTC()))
	default:
		drawKind(t, v, name)
	}
}

func drawKind(t *rapid.T, v reflect.Value, name string) {
	switch v.Kind() {
	case reflect.Struct:
		for i := range v.NumField() {
			if f := v.Type().Field(i); (f.IsExported() || f.Anonymous) && f.Tag.Get("json") != "-" {
				drawInto(t, v.Field(i), f.Name)
			}
		}
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		drawInto(t, v.Elem(), name)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), rapid.IntRange(0, 3).Draw(t, name+" len"), 3))
		drawAll(t, v, name)
	case reflect.Array:
		drawAll(t, v, name)
	case reflect.Map:
		v.Set(reflect.MakeMap(v.Type()))
		for range rapid.IntRange(0, 3).Draw(t, name+" size") {
			key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
			drawInto(t, key, name+" key")
			drawInto(t, value, name+" value")
			v.SetMapIndex(key, value)
		}
	case reflect.String:
		v.SetString(rapid.StringMatching(`[ -%'-;=?-~\\"\n\x{2028}é汉🙂]*`).Draw(t, name))
	case reflect.Bool:
		v.SetBool(true)
	default:
		drawNumber(t, v, name)
	}
}

func drawAll(t *rapid.T, v reflect.Value, name string) {
	for i := range v.Len() {
		drawInto(t, v.Index(i), name)
	}
}

func drawNumber(t *rapid.T, v reflect.Value, name string) {
	if v.CanInt() {
		v.SetInt(rapid.Int64().Draw(t, name) >> (64 - v.Type().Bits()))
	} else {
		v.SetUint(rapid.Uint64().Draw(t, name) >> (64 - v.Type().Bits()))
	}
}
