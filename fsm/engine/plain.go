package engine

import "encoding/json"

// valid says whether text is JSON. Most bodies of effects are plain, and known to be
// right in a tenth of the time.
func valid(text []byte) bool { return plain(text) || json.Valid(text) }

// plain says that text is one object of strings and whole numbers, without spaces and
// without a character that is written in a special way. What it says is right; what it
// denies may be JSON all the same.
func plain(text []byte) bool {
	if len(text) < 2 || text[0] != '{' {
		return false
	}
	for at := 1; ; at++ {
		if at = plainString(text, at); at < 0 || at == len(text) || text[at] != ':' {
			return false
		}
		if at = plainValue(text, at+1); at < 0 || at == len(text) {
			return false
		}
		if text[at] == '}' {
			return at == len(text)-1
		}
		if text[at] != ',' {
			return false
		}
	}
}

// plainValue answers where a string or a number ends, or -1.
func plainValue(text []byte, at int) int {
	if at < len(text) && '1' <= text[at] && text[at] <= '9' {
		for at < len(text) && '0' <= text[at] && text[at] <= '9' {
			at++
		}
		return at
	}
	return plainString(text, at)
}

// plainString answers where a string ends, or -1.
func plainString(text []byte, at int) int {
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
