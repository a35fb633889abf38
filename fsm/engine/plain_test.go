package engine

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPlain(t *testing.T) {
	for text, want := range map[string]bool{
		`{"bill":"b1","to":"8613800000001"}`: true, `{"amount":128000}`: true, `{"a":1,"b":"2"}`: true, `{}`: true, `[]`: true, `"a"`: true,
		`{"a":-1,"b":0,"c":[{"d":[true,false,null]},[]]}`: true, `-0`: true, `[[[[1]]]]`: true,
		`{"a":01}`: false, `{"a":-}`: false, `{"a":1.5}`: false, `{"a":1e5}`: false, `{"a":-01}`: false, `{"a":1}x`: false, `{"a":"\n"}`: false,
		`{"a":"b",}`: false, `{"a"}`: false, `{"a":`: false, `{"a":1`: false, `{"a":"b`: false, `{`: false, `{,}`: false, ``: false, `{"ä":"b"}`: false,
		`[1,]`: false, `[,1]`: false, `[1`: false, `[`: false, `[1 2]`: false, `[1}`: false, `{"a":[}`: false, `nul`: false, `truex`: false, `-`: false,
		strings.Repeat("[", 60) + strings.Repeat("]", 60): true, strings.Repeat("[", 90) + strings.Repeat("]", 90): false,
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
	for _, seed := range []string{`{"bill":"b1","amount":128000}`, `{"a":"b","c":1}`, `{"a":"b"`, `{"":""}`, `{"a":[{"b":-1},null,[]]}`, `[0,true]`} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if plain(text) && !json.Valid(text) {
			t.Errorf("%q is no JSON", text)
		}
	})
}
