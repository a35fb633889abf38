package billing

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// TestCarryEveryInput: whatever Partition.decide takes can come from another process.
func TestCarryEveryInput(t *testing.T) {
	file, err := parser.ParseFile(token.NewFileSet(), "billing.go", nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var taken []string
	ast.Inspect(file, func(n ast.Node) bool {
		f, ok := n.(*ast.FuncDecl)
		if !ok || f.Name.Name != "decide" {
			return true
		}
		ast.Inspect(f, func(n ast.Node) bool {
			if c, ok := n.(*ast.CaseClause); ok {
				for _, typ := range c.List {
					taken = append(taken, types.ExprString(typ))
				}
			}
			return true
		})
		return false
	})
	if len(taken) < 20 {
		t.Fatalf("decide takes only %v: is it elsewhere?", taken)
	}
	for _, name := range taken {
		if name == "engine.Due" { // the engine's own
			continue
		}
		if !strings.Contains(name, ".") {
			name = "billing." + name
		}
		if _, ok := carriers[name]; !ok {
			t.Errorf("an input of type %s cannot come from another process: add it, and what it answers, to carriers in carry.go", name)
		}
	}
}

// samples are a value of each type that is carried, with nothing left empty.
func samples(t testing.TB) map[string]any {
	t.Helper()
	pin, err := applet.ParsePIN("493817")
	if err != nil {
		t.Fatal(err)
	}
	all := make(map[string]any)
	for name, c := range carriers {
		zero, err := c.read([]byte("{}"))
		if zero == nil {
			zero = Typed{}
		} else if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		v := reflect.New(reflect.TypeOf(zero)).Elem()
		fill(t, v, pin)
		all[name] = v.Interface()
	}
	return all
}

// fill puts something into everything that a value is made of.
func fill(t testing.TB, v reflect.Value, pin applet.PIN) {
	t.Helper()
	switch v.Interface().(type) {
	case time.Time:
		v.Set(reflect.ValueOf(time.Date(2026, 11, 28, 3, 30, 1, 999, time.UTC)))
		return
	case applet.PIN:
		v.Set(reflect.ValueOf(pin))
		return
	case applet.ElementID:
		v.SetString("89860000000000000001")
		return
	case json.RawMessage:
		v.Set(reflect.ValueOf(json.RawMessage(`{"a":"<&>"}`)))
		return
	}
	switch v.Kind() {
	case reflect.String:
		v.SetString("text")
	case reflect.Bool:
		v.SetBool(true)
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		v.SetInt(1)
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		v.SetUint(1)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		fill(t, v.Elem(), pin)
	case reflect.Slice:
		v.Set(reflect.MakeSlice(v.Type(), 2, 2))
		fallthrough
	case reflect.Array:
		for i := range v.Len() {
			fill(t, v.Index(i), pin)
		}
	case reflect.Map:
		key, value := reflect.New(v.Type().Key()).Elem(), reflect.New(v.Type().Elem()).Elem()
		fill(t, key, pin)
		fill(t, value, pin)
		v.Set(reflect.MakeMap(v.Type()))
		v.SetMapIndex(key, value)
	case reflect.Struct:
		for i := range v.NumField() {
			if !v.Type().Field(i).IsExported() {
				t.Fatalf("%s has the field %s, which cannot be carried", v.Type(), v.Type().Field(i).Name)
			}
			fill(t, v.Field(i), pin)
		}
	default:
		t.Fatalf("a %s cannot be carried", v.Type())
	}
}

// TestCarry: everything arrives as it was sent.
func TestCarry(t *testing.T) {
	for name, v := range samples(t) {
		got, text, err := Carry(v)
		if err != nil || got != name {
			t.Errorf("%s is carried as %s: %v", name, got, err)
			continue
		}
		back, err := Carried(name, text)
		switch b := v.(type) {
		case platform.Bill: // only the service, in the process that was asked, says so
			b.Repeated, b.Refunds, b.Refunded = false, nil, 0
			v = b
		case Refunding:
			b.Refund.Repeated = false
			v = b
		case Refund: // a callback's alone
			b.Bill.Result.Refund.Repeated = false
			v = b
		}
		if err != nil || !reflect.DeepEqual(back, v) {
			t.Errorf("%s arrives as\n%+v, want\n%+v; %v", name, back, v, err)
		}
	}
	for _, v := range []any{struct{}{}, &Claim{}, 1, time.Now()} {
		if _, _, err := Carry(v); err == nil {
			t.Errorf("a %T was carried", v)
		}
	}
	if name, text, err := Carry(nil); name != "" || text != nil || err != nil {
		t.Errorf("nothing is carried as %q %q, %v", name, text, err)
	}
}

// TestCarriedRefuses: what Carry never writes is not read, and a PIN is in no error.
func TestCarriedRefuses(t *testing.T) {
	for name, text := range map[string]string{
		"":                 `{}`,
		"engine.Due":       `{}`,
		"billing.Claim":    `{"Merchant":"1"`,
		"billing.Cancel":   `{"Unknown":1}`,
		"billing.Alarms":   `{} {}`,
		"billing.Typed":    `{"PIN":"493817x"}`,
		"billing.Receipt":  `[]`,
		"platform.Unlock":  ``,
		"billing.ownKeys":  `1`,
		"billing.Reported": `{"Attempt":"493817"}`,
	} {
		v, err := Carried(name, []byte(text))
		if err == nil {
			t.Errorf("%q %q was read as %+v", name, text, v)
		} else if name == "billing.Typed" && strings.Contains(err.Error(), "493817") {
			t.Errorf("a PIN is in the error: %v", err)
		}
	}
	if v, err := Carried("", nil); v != nil || err != nil {
		t.Errorf("nothing was read as %v, %v", v, err)
	}
}

func FuzzCarried(f *testing.F) {
	for name, v := range samples(f) {
		_, text, err := Carry(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(name, text)
	}
	f.Add("billing.Typed", []byte(`{"PIN":"12"}`))
	f.Fuzz(func(t *testing.T, name string, text []byte) {
		v, err := Carried(name, text)
		if err != nil {
			return
		}
		again, once, err := Carry(v)
		if err != nil || again != name {
			t.Fatalf("%s %s was read and cannot be carried on: %v", name, text, err)
		}
		back, err := Carried(name, once)
		if err != nil {
			return // an element without a number can be left out, but not be said
		}
		if _, twice, _ := Carry(back); !bytes.Equal(twice, once) {
			t.Fatalf("%s %s became %s, then %s", name, text, once, twice)
		}
	})
}
