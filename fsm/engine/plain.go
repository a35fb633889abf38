package engine

import "encoding/json"

// valid says whether text is JSON. Most bodies of effects are plain, and known to be
// right in a tenth of the time.
func valid(text []byte) bool { return plain(text) || json.Valid(text) }

// plain says that text is one value of strings, whole numbers, literals, and objects and
// arrays of them, without spaces and without a character that is written in a special way.
// What it says is right; what it denies may be JSON all the same.
func plain(text []byte) bool { return plainValue(text, 0, 0) == len(text) }

// mostDeep is how deep a plain value may be.
const mostDeep = 64

// plainValue answers where a value ends, or -1. Nothing is read beyond it: that it is
// followed by what may follow is for the caller to see.
func plainValue[T string | []byte](text T, at, depth int) int {
	if at >= len(text) || depth > mostDeep {
		return -1
	}
	switch c := text[at]; {
	case c == '"':
		return plainString(text, at)
	case c == '{':
		return plainMembers(text, at, depth)
	case c == '[':
		return plainElements(text, at, depth)
	case c == '-' || '0' <= c && c <= '9':
		return plainNumber(text, at)
	}
	return plainLiteral(text, at)
}

// plainMembers answers where an object ends, or -1.
func plainMembers[T string | []byte](text T, at, depth int) int {
	if at++; at < len(text) && text[at] == '}' {
		return at + 1
	}
	for ; ; at++ {
		if at = plainString(text, at); at < 0 || at == len(text) || text[at] != ':' {
			return -1
		}
		if at = plainValue(text, at+1, depth+1); at < 0 || at == len(text) {
			return -1
		}
		if text[at] == '}' {
			return at + 1
		}
		if text[at] != ',' {
			return -1
		}
	}
}

// plainElements answers where an array ends, or -1.
func plainElements[T string | []byte](text T, at, depth int) int {
	if at++; at < len(text) && text[at] == ']' {
		return at + 1
	}
	for ; ; at++ {
		if at = plainValue(text, at, depth+1); at < 0 || at == len(text) {
			return -1
		}
		if text[at] == ']' {
			return at + 1
		}
		if text[at] != ',' {
			return -1
		}
	}
}

// plainNumber answers where a whole number ends, or -1.
func plainNumber[T string | []byte](text T, at int) int {
	if text[at] == '-' {
		at++
	}
	first := at
	for at < len(text) && '0' <= text[at] && text[at] <= '9' {
		at++
	}
	if at == first || text[first] == '0' && at > first+1 {
		return -1
	}
	return at
}

// plainLiteral answers where true, false or null ends, or -1.
func plainLiteral[T string | []byte](text T, at int) int {
	for _, word := range [...]string{"true", "false", "null"} {
		if end := at + len(word); end <= len(text) && string(text[at:end]) == word {
			return end
		}
	}
	return -1
}

// plainString answers where a string ends, or -1.
func plainString[T string | []byte](text T, at int) int {
	if at >= len(text) || text[at] != '"' {
		return -1
	}
	for at++; at < len(text); at++ {
		switch c := text[at]; {
		case c == '"':
			return at + 1
		case c < ' ' || c > '~' || c == '\\':
			return -1
		}
	}
	return -1
}
