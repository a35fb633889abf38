package engine

import (
	"encoding/json"
	"strings"
	"time"
)

// plainEvent reads an event that is plain and as AppendText writes it, in a fraction of
// the time that package json takes. What it reads is as ParseEvent has it otherwise; what
// it does not read may be an event all the same.
func plainEvent(name, text string) (e Event, ok bool) {
	e.Name = name
	p := plainReader{text: text}
	ok = p.skip("{") &&
		p.some("subject", &e.Subject) && p.some("from", &e.From) && p.some("to", &e.To) &&
		p.some("cause", &e.Cause) && p.some("prev", &e.Prev) &&
		p.time(&e.At) && p.data(&e) && p.effects(&e) && p.skip("}") && p.at == len(text)
	return e, ok
}

// plainReader goes through a text. Its methods say false when the text is not as they want it.
type plainReader struct {
	text  string
	at    int
	later bool // a member was read
}

func (p *plainReader) skip(word string) bool {
	found := strings.HasPrefix(p.text[p.at:], word)
	if found {
		p.at += len(word)
	}
	return found
}

// member goes on to a member's value if the member comes next.
func (p *plainReader) member(name string) bool {
	start := p.at
	if (!p.later || p.skip(",")) && p.skip(`"`) && p.skip(name) && p.skip(`":`) {
		p.later = true
		return true
	}
	p.at = start
	return false
}

// value answers the value that comes next, which is of a kind by its first character.
func (p *plainReader) value(first string) (text string, ok bool) {
	end := plainValue(p.text, p.at, 0)
	if end < 0 || !strings.HasPrefix(p.text[p.at:], first) {
		return "", false
	}
	text = p.text[p.at:end]
	p.at = end
	return text, true
}

// some reads a string member, if it is there.
func (p *plainReader) some(name string, into *string) bool {
	if !p.member(name) {
		return true
	}
	quoted, ok := p.value(`"`)
	if ok {
		*into = strings.Clone(quoted[1 : len(quoted)-1]) // which keeps the rest of the text from staying
	}
	return ok
}

func (p *plainReader) time(at *time.Time) bool {
	if !p.member("at") {
		return false
	}
	quoted, ok := p.value(`"`)
	return ok && at.UnmarshalText([]byte(quoted[1:len(quoted)-1])) == nil
}

// raw reads a member of any kind, if it is there.
func (p *plainReader) raw(name string, into *json.RawMessage) bool {
	if !p.member(name) {
		return true
	}
	text, ok := p.value("")
	*into = json.RawMessage(text)
	return ok
}

func (p *plainReader) data(e *Event) bool {
	var data json.RawMessage
	ok := p.raw("data", &data)
	if len(data) > 0 {
		e.Data = data
	}
	return ok
}

func (p *plainReader) effects(e *Event) bool {
	if !p.member("effects") {
		return true
	}
	for open := "["; p.skip(open); open = "," {
		var effect Effect
		if p.later = false; !p.skip("{") || !p.some("id", &effect.ID) || !p.some("kind", &effect.Kind) || !p.some("lane", &effect.Lane) ||
			!p.raw("body", &effect.Body) || !p.skip("}") {
			return false
		}
		e.Effects = append(e.Effects, effect)
	}
	return len(e.Effects) > 0 && p.skip("]")
}
