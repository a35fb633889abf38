package engine

import (
	"encoding/json"
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]bool{
		`{"bill":"b1","to":"8613800000001"}`: true, `{"amount":128000}`: true, `{"a":1,"b":"2"}`: true,
		`{}`: false, `{"a":01}`: false, `{"a":1}x`: false, `{"a":-1}`: false, `{"a":"\n"}`: false, `{"a":{"b":"c"}}`: false,
		`{"a":"b",}`: false, `{"a"}`: false, `{"a":`: false, `{"a":1`: false, `{"a":"b`: false, `{`: false, ``: false, `"a"`: false, `{"ä":"b"}`: false,
	} {
		if got := plain([]byte(text)); got != want {
			t.Errorf("%s: %v, want %v", text, got, want)
		}
	}
	if !valid([]byte(` [1, {"a": null}] `)) || valid([]byte(`{"a":nul}`)) {
		t.Error("what is not plain is judged wrongly")
	}
}

// FuzzPlain: what is plain is JSON.
func FuzzPlain(f *testing.F) {
	for _, seed := range []string{`{"bill":"b1","amount":128000}`, `{"a":"b","c":1}`, `{"a":"b"`, `{"":""}`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if plain(text) && !json.Valid(text) {
			t.Errorf("%q is no JSON", text)
		}
	})
}
