package api

import (
	"bytes"
	"encoding/json"
	"iter"
)

// What follows takes JSON apart that is known to be well formed. It reads each octet once,
// and what it answers is part of the text: package json would read and copy it level by level.

// members are the names and values of an object.
func members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		rest := trimmed(trimmed(object)[1:])
		for rest[0] != '}' {
			end := stringEnd(rest)
			name := textOf(rest[:end])
			rest = trimmed(trimmed(rest[end:])[1:]) // the colon
			end = valueEnd(rest)
			if !yield(name, json.RawMessage(rest[:end:end])) {
				return
			}
			rest = next(rest[end:])
		}
	}
}

// elements are the values of an array.
func elements(array []byte) (all []json.RawMessage) {
	rest := trimmed(trimmed(array)[1:])
	for rest[0] != ']' {
		end := valueEnd(rest)
		all = append(all, json.RawMessage(rest[:end:end]))
		rest = next(rest[end:])
	}
	return all
}

// next is what follows a value: without the comma, if there is one.
func next(rest []byte) []byte {
	if rest = trimmed(rest); rest[0] == ',' {
		rest = trimmed(rest[1:])
	}
	return rest
}

func trimmed(text []byte) []byte { return bytes.TrimLeft(text, " \t\r\n") }

// valueEnd is where the value ends that the text begins with.
func valueEnd(text []byte) int {
	switch text[0] {
	case '"':
		return stringEnd(text)
	case '{', '[':
		return nestEnd(text)
	}
	if end := bytes.IndexAny(text, ",]} \t\r\n"); end >= 0 {
		return end
	}
	return len(text)
}

// nestEnd is where an object or an array ends.
func nestEnd(text []byte) int {
	depth := 0
	for at := 0; ; at++ {
		switch text[at] {
		case '"':
			at += stringEnd(text[at:]) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return at + 1
			}
		}
	}
}

// stringEnd is where a string ends: behind a quotation mark that no backslash makes part of it.
func stringEnd(text []byte) int {
	for at := 1; ; at++ {
		at += bytes.IndexByte(text[at:], '"')
		escapes := 0
		for text[at-1-escapes] == '\\' {
			escapes++
		}
		if escapes%2 == 0 {
			return at + 1
		}
	}
}

// textOf is the text of a string.
func textOf(quoted []byte) (text string) {
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1])
	}
	_ = json.Unmarshal(quoted, &text) // it is well formed
	return text
}
