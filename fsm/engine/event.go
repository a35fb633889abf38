package engine

import (
	"encoding/json"
	"fmt"
	"time"
)

// Event is one step that the journal tells.
type Event struct {
	Subject string    // whose life it is a step of
	Name    string    // what happened
	From    string    // the state before, if it has one
	To      string    // the state after
	Cause   string    // what brought it about
	Prev    string    // the journal entry with the subject's step before this one
	At      time.Time // zero is the time of the input
	Data    any       // encoded as JSON when it is recorded; a json.RawMessage when it is read
	Effects []Effect  // what is to be done about it
}

// Effect is something to be done outside, at least once, after the step is kept.
type Effect struct {
	ID   string          `json:"id"`             // the same at every repeat
	Kind string          `json:"kind"`           // for the performer to choose by
	Lane string          `json:"lane,omitempty"` // effects of a lane are done in order, one at a time; "" is a lane of its own
	Body json.RawMessage `json:"body,omitempty"`

	// Value is what the body says, for a performer in the process that made it: what is
	// performed at once needs no reading. It is not kept: a performer does without it when
	// it is nil. It is performed more than once, perhaps, and nobody changes it.
	Value any `json:"-"`
}

// Decode reads the event's data into v. Without data it leaves v as it is.
func (e Event) Decode(v any) error {
	raw, err := encodeData(e.Data)
	if err != nil || len(raw) == 0 {
		return err
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return fmt.Errorf("decode %s of %s: %w", e.Name, e.Subject, err)
	}
	return nil
}

func encodeData(data any) (json.RawMessage, error) {
	switch data := data.(type) {
	case nil:
		return nil, nil
	case json.RawMessage:
		return data, nil
	case Appender:
		return data.AppendJSON(nil)
	}
	raw, err := json.Marshal(data)
	if err != nil {
		return nil, fmt.Errorf("encode event data: %w", err)
	}
	return raw, nil
}

// eventText is an event as the journal keeps it, under its name.
type eventText struct {
	Subject string          `json:"subject"`
	From    string          `json:"from"`
	To      string          `json:"to"`
	Cause   string          `json:"cause"`
	Prev    string          `json:"prev"`
	At      time.Time       `json:"at"`
	Data    json.RawMessage `json:"data"`
	Effects []Effect        `json:"effects"`
}

// AppendText appends the event, without its name, as one JSON object; empty members
// are left out. It is written out by hand because it is half the work of a commit.
func (e *Event) AppendText(dst []byte) ([]byte, error) { return e.AppendStamped(dst, new(Stamp)) }

// AppendStamped is AppendText for who appends many events.
func (e *Event) AppendStamped(dst []byte, stamp *Stamp) ([]byte, error) {
	data, err := encodeData(e.Data)
	if err != nil {
		return dst, err
	}
	o := NewObject(dst).Some("subject", e.Subject).Some("from", e.From).Some("to", e.To).Some("cause", e.Cause).Some("prev", e.Prev)
	o = append(append(append(o.Name("at"), '"'), stamp.text(e.At)...), '"')
	if len(data) > 0 {
		o = o.JSON("data", data)
	}
	if len(e.Effects) > 0 {
		o = appendEffects(o.Name("effects"), e.Effects)
	}
	return o.End(), nil
}

// Stamp is a time's text: events of one batch mostly have the same time, and to write it
// costs as much as all their names. The zero Stamp is ready for use.
type Stamp struct {
	at    time.Time
	known []byte
}

// text is the time as package json writes it, good until the next.
func (s *Stamp) text(at time.Time) []byte {
	if len(s.known) == 0 || at != s.at {
		s.at, s.known = at, at.AppendFormat(s.known[:0], time.RFC3339Nano)
	}
	return s.known
}

func appendEffects(dst []byte, effects []Effect) []byte {
	dst = append(dst, '[')
	for i := range effects {
		e := &effects[i]
		if i > 0 {
			dst = append(dst, ',')
		}
		o := NewObject(dst).Some("id", e.ID).Some("kind", e.Kind).Some("lane", e.Lane)
		if len(e.Body) > 0 {
			o = o.JSON("body", e.Body)
		}
		dst = o.End()
	}
	return append(dst, ']')
}

// ParseEvent reads what AppendText wrote.
func ParseEvent(name, text string) (Event, error) {
	if e, ok := plainEvent(name, text); ok {
		return e, nil
	}
	return parseEvent(name, text)
}

func parseEvent(name, text string) (Event, error) {
	var t eventText
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return Event{}, fmt.Errorf("parse event %s: %w", name, err)
	}
	e := Event{
		Subject: t.Subject, Name: name, From: t.From, To: t.To, Cause: t.Cause, Prev: t.Prev, At: t.At, Effects: t.Effects,
	}
	if len(t.Data) > 0 {
		e.Data = t.Data
	}
	return e, nil
}
