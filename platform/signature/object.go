package signature

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"unicode/utf8"
)

// members reads a JSON object whose names are each there once.
func members(body []byte) (map[string]json.RawMessage, error) {
	wrong := fmt.Errorf("%w: not a JSON object with each name once", ErrMalformed)
	dec := json.NewDecoder(bytes.NewReader(body))
	if t, err := dec.Token(); err != nil || t != json.Delim('{') || !utf8.Valid(body) {
		return nil, wrong
	}
	raw := make(map[string]json.RawMessage)
	for dec.More() {
		t, err := dec.Token()
		name, ok := t.(string)
		var value json.RawMessage
		if err != nil || !ok || dec.Decode(&value) != nil {
			return nil, wrong
		}
		if _, twice := raw[name]; twice {
			return nil, wrong
		}
		raw[name] = value
	}
	if _, err := dec.Token(); err != nil {
		return nil, wrong
	}
	if _, err := dec.Token(); err != io.EOF {
		return nil, wrong
	}
	return raw, nil
}

func compact(value json.RawMessage) []byte {
	var b bytes.Buffer
	if json.Compact(&b, value) != nil {
		return value
	}
	return b.Bytes()
}
