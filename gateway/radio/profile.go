package radio

import (
	"bytes"
	"encoding"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Profile is what the air of a cell, or of one subscriber, is like. The zero Profile
// is ideal. Probabilities are from 0 to 1, for one message.
//
// In JSON a profile is an object with the fields' names in lower case, laws, times
// and coverage in words, and "name", which is written where the profile is a named
// one and when read gives what the others then change. A text for ParseProfile is
// read in its place.
type Profile struct {
	Latency     Law           // of a message, or of the answer that it has failed
	Loss        float64       // nobody answers
	Duplication float64       // one that arrives does so twice
	Reordering  float64       // one that arrives may be overtaken
	Late        time.Duration // by those sent up to so much later; it varies evenly
	Busy        float64       // the phone is taking another message
	Failure     float64       // the network fails
	Coverage    Coverage
}

// Validate says what is wrong with a profile.
func (p Profile) Validate() error {
	for _, f := range p.fields() {
		if err := f.value.check(); err != nil {
			return fmt.Errorf("radio: profile: %s: %w", f.name, err)
		}
	}
	return nil
}

// String is a profile in words, as ParseProfile reads it: its name, or all in which
// it is not ideal.
func (p Profile) String() string {
	if name := p.Name(); name != "" {
		return name
	}
	var parts []string
	ideal := (&Profile{}).fields()
	for i, f := range p.fields() {
		if text := f.value.String(); text != ideal[i].value.String() {
			parts = append(parts, f.name+"="+text)
		}
	}
	return strings.Join(parts, " ")
}

// ParseProfile reads a name (Profiles lists them), fields such as loss=0.1 with
// spaces between them, or a name and fields that change it: "urban loss=0.1
// latency=normal(2s,500ms) coverage=10m/20s".
func ParseProfile(text string) (Profile, error) {
	var p Profile
	words := strings.Fields(text)
	if len(words) == 0 {
		return Profile{}, errors.New("radio: profile: empty; give " + strings.Join(Profiles(), ", ") + " or fields such as loss=0.1")
	}
	if !strings.Contains(words[0], "=") {
		var err error
		if p, err = named(words[0]); err != nil {
			return Profile{}, err
		}
		words = words[1:]
	}
	for _, word := range words {
		name, value, _ := strings.Cut(word, "=")
		if err := p.set(name, value); err != nil {
			return Profile{}, err
		}
	}
	return p, nil
}

// field is a profile's field by its name.
type field struct {
	name  string
	value interface {
		fmt.Stringer
		encoding.TextUnmarshaler
		check() error
	}
}

func (p *Profile) fields() []field {
	return []field{
		{"latency", &p.Latency},
		{"loss", (*probability)(&p.Loss)},
		{"duplication", (*probability)(&p.Duplication)},
		{"reordering", (*probability)(&p.Reordering)},
		{"late", (*span)(&p.Late)},
		{"busy", (*probability)(&p.Busy)},
		{"failure", (*probability)(&p.Failure)},
		{"coverage", &p.Coverage},
	}
}

// set sets a field from its text.
func (p *Profile) set(name, text string) error {
	fields := p.fields()
	i := slices.IndexFunc(fields, func(f field) bool { return f.name == name })
	if i < 0 {
		names := make([]string, len(fields))
		for i, f := range fields {
			names[i] = f.name
		}
		return fmt.Errorf("radio: profile: no field %q; there are %s", name, strings.Join(names, ", "))
	}
	if err := fields[i].value.UnmarshalText([]byte(text)); err != nil {
		return fmt.Errorf("radio: profile: %s: %w", name, err)
	}
	return nil
}

// MarshalJSON writes all fields.
func (p Profile) MarshalJSON() ([]byte, error) {
	var b bytes.Buffer
	b.WriteByte('{')
	if name := p.Name(); name != "" {
		fmt.Fprintf(&b, "%q:%q,", "name", name)
	}
	for i, f := range p.fields() {
		if i > 0 {
			b.WriteByte(',')
		}
		format := "%q:%q"
		if _, ok := f.value.(*probability); ok {
			format = "%q:%s"
		}
		fmt.Fprintf(&b, format, f.name, f.value)
	}
	b.WriteByte('}')
	return b.Bytes(), nil
}

// UnmarshalJSON reads an object, whose fields change the profile and its "name" what
// it was before that; or a text for ParseProfile.
func (p *Profile) UnmarshalJSON(data []byte) error {
	if text, ok := jsonText(data); ok {
		q, err := ParseProfile(text)
		if err == nil {
			*p = q
		}
		return err
	}
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return errors.New("radio: profile: give an object or a name")
	}
	q := *p
	if value, ok := raw["name"]; ok {
		text, _ := jsonText(value)
		var err error
		if q, err = named(text); err != nil {
			return err
		}
		delete(raw, "name")
	}
	for _, name := range slices.Sorted(maps.Keys(raw)) {
		text, ok := jsonText(raw[name])
		if !ok {
			text = string(raw[name])
		}
		if err := q.set(name, text); err != nil {
			return err
		}
	}
	*p = q
	return nil
}

// jsonText is a JSON string's text.
func jsonText(data []byte) (string, bool) {
	var text *string
	if err := json.Unmarshal(data, &text); err != nil || text == nil {
		return "", false
	}
	return *text, true
}

// probability is a float64 that prints, reads and checks itself as one.
type probability float64

func (p *probability) String() string { return formatNumber(float64(*p)) }

func (p *probability) UnmarshalText(text []byte) error {
	f, err := strconv.ParseFloat(string(text), 64)
	if err != nil {
		return fmt.Errorf("%q is not a probability from 0 to 1", text)
	}
	*p = probability(f)
	return p.check()
}

func (p *probability) check() error {
	if !(*p >= 0 && *p <= 1) { // NaN is neither
		return fmt.Errorf("%v is outside 0 to 1", float64(*p))
	}
	return nil
}

// span is a time that a message takes.
type span time.Duration

func (s *span) String() string { return time.Duration(*s).String() }

func (s *span) UnmarshalText(text []byte) error {
	d, err := parseDuration(string(text))
	if err != nil {
		return err
	}
	*s = span(d)
	return s.check()
}

func (s *span) check() error {
	if d := time.Duration(*s); d < 0 || d > MaxDelay {
		return fmt.Errorf("%v is outside 0s to %v", d, MaxDelay)
	}
	return nil
}
