package api

import (
	"encoding/json"
	"reflect"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

// FuzzReadObject compares the quick way to read an object with the way of package json,
// which reads all that is not well formed.
func FuzzReadObject(f *testing.F) {
	for _, seed := range []string{
		`{}`, ` { "a" : 1 } `, `{"a":"x","b":[1,{"c":"]}\"\\"}],"c":null}`, `{"a":"\\"}`, `{"a":"\\\""}`, `{"\u0061":true,"b":-1e5 }`,
		`{"a":1,"a":2}`, `{"d":1}`, `{"a":[[],[{}]],"b":{}}`, `{"a":1}{}`, `{"a":1,}`, `[1]`, `"a"`, `null`, ``, `{"a":"\ud800"}`, "{\"a\":\r\n[\t]\n}",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		if !utf8.Valid(body) {
			return
		}
		names := []string{"a", "b", "c"}
		quick, err := readObject(body, names...)
		slow, want := readSlowly(body, names)
		if (err == nil) != (want == nil) || err != nil && err.Error() != want.Error() {
			t.Fatalf("%q: %v, want %v", body, err, want)
		}
		if err != nil {
			return
		}
		if diff := cmp.Diff(asText(slow.values), asText(quick.values)); diff != "" {
			t.Errorf("%q: %s", body, diff)
		}
		for name, value := range quick.values {
			var all []json.RawMessage
			if isArray := json.Unmarshal(value, &all) == nil && value[0] == '['; isArray && !reflect.DeepEqual(listText(elements(value)), listText(all)) {
				t.Errorf("%q: %s is %q, want %q", body, name, elements(value), all)
			}
			var text string
			if err := json.Unmarshal(value, &text); err == nil && value[0] == '"' && textOf(value) != text {
				t.Errorf("%q: %s is %q, want %q", body, name, textOf(value), text)
			}
		}
	})
}

func asText(values map[string]json.RawMessage) map[string]string {
	all := make(map[string]string)
	for name, value := range values {
		all[name] = string(value)
	}
	return all
}

func listText(values []json.RawMessage) (all []string) {
	for _, value := range values {
		all = append(all, string(value))
	}
	return all
}
