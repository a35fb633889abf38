package radio

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// Settings are a subscriber's own. With none but Number it is like its cell.
type Settings struct {
	Number   string   `json:"number"`
	Cell     string   `json:"cell,omitempty"`     // where it stands; empty is where the seed puts it
	Profile  *Profile `json:"profile,omitempty"`  // nil is the cell's
	Coverage Override `json:"coverage,omitempty"` // what to make of the profile's coverage
	Off      bool     `json:"off,omitempty"`      // the phone is switched off
	Busy     bool     `json:"busy,omitempty"`     // it takes other messages all the time
	// Memory is how many messages the phone takes until Clear, counted from when it
	// is set; nil is no limit.
	Memory *int `json:"memory,omitempty"`
}

// Override sets coverage by hand.
type Override string

// The overrides.
const (
	AsProfile Override = ""
	In        Override = "in"  // in coverage, unless its cell is in outage
	Out       Override = "out" // out of coverage
)

// Cell is a place with an air of its own.
type Cell struct {
	Name    string   `json:"name"`
	Profile *Profile `json:"profile,omitempty"` // nil is the air's
	Outage  bool     `json:"outage,omitempty"`  // nobody in it is reached
}

// Plan is a whole air's settings.
type Plan struct {
	Profile     Profile    `json:"profile"` // where no cell and no subscriber has another
	Cells       []Cell     `json:"cells"`
	Subscribers []Settings `json:"subscribers"` // that have settings of their own
}

// Status is how a subscriber is.
type Status struct {
	Settings
	StandsIn  string    `json:"stands_in,omitempty"` // its cell, put there or not
	InForce   Profile   `json:"in_force"`            // its profile, its own or not
	Cause     Cause     `json:"cause"`               // what lasts and keeps messages away; Through if nothing does
	Returns   time.Time `json:"returns,omitzero"`    // as Air.Returns
	Held      int       `json:"held"`                // messages in its memory, counted since that has a limit
	Crossings int       `json:"crossings"`           // messages sent to it
}

// maxNumber is the longest an address is, SMPP 3.4 §5.2.8.
const maxNumber = 20

// Validate says what is wrong with a subscriber's settings by themselves.
func (s Settings) Validate() error {
	if s.Number == "" || len(s.Number) > maxNumber {
		return fmt.Errorf("radio: subscriber %q: number: give 1 to %d characters", s.Number, maxNumber)
	}
	if err := s.validate(); err != nil {
		return fmt.Errorf("radio: subscriber %s: %w", s.Number, err)
	}
	return nil
}

func (s Settings) validate() error {
	switch {
	case s.Coverage != AsProfile && s.Coverage != In && s.Coverage != Out:
		return fmt.Errorf("coverage: %q; give in, out or nothing", s.Coverage)
	case s.Memory != nil && *s.Memory < 0:
		return fmt.Errorf("memory: %d is negative", *s.Memory)
	case s.Profile != nil:
		return s.Profile.Validate()
	}
	return nil
}

// isPlain says whether a subscriber has nothing of its own.
func (s Settings) isPlain() bool { return s == Settings{Number: s.Number} }

// clone shares nothing.
func (s Settings) clone() Settings {
	s.Profile, s.Memory = clone(s.Profile), clone(s.Memory)
	return s
}

// Validate says what is wrong with a cell.
func (c Cell) Validate() error {
	if c.Name == "" {
		return errors.New("radio: cell: name: empty")
	}
	if c.Profile != nil {
		if err := c.Profile.Validate(); err != nil {
			return fmt.Errorf("radio: cell %q: %w", c.Name, err)
		}
	}
	return nil
}

func (c Cell) clone() Cell {
	c.Profile = clone(c.Profile)
	return c
}

func clone[T any](p *T) *T {
	if p == nil {
		return nil
	}
	return new(*p)
}

// Validate says what is wrong with a plan.
func (p Plan) Validate() error {
	if err := p.Profile.Validate(); err != nil {
		return err
	}
	cells := make(map[string]bool, len(p.Cells))
	for _, c := range p.Cells {
		if err := c.Validate(); err != nil {
			return err
		}
		if cells[c.Name] {
			return fmt.Errorf("radio: cell %q: name: twice", c.Name)
		}
		cells[c.Name] = true
	}
	numbers := make(map[string]bool, len(p.Subscribers))
	for _, s := range p.Subscribers {
		if err := s.Validate(); err != nil {
			return err
		}
		if numbers[s.Number] {
			return fmt.Errorf("radio: subscriber %s: number: twice", s.Number)
		}
		if s.Cell != "" && !cells[s.Cell] {
			return noCell(s)
		}
		numbers[s.Number] = true
	}
	return nil
}

func noCell(s Settings) error {
	return fmt.Errorf("radio: subscriber %s: cell: there is no %q; set that cell first", s.Number, s.Cell)
}

// Decode reads one of this package's values from JSON into v. Fields that are not
// given stay as they are in v, so that it also reads a change; lists are replaced.
// Unknown fields, and anything after the value, are errors. After an error v is of no use.
func Decode[T Settings | Cell | Plan | Profile](data []byte, v *T) error {
	if plan, ok := any(v).(*Plan); ok {
		defer plan.renew()()
	}
	d := json.NewDecoder(bytes.NewReader(data))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		return decodeError(err)
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("radio: something follows the JSON value")
	}
	return nil
}

// renew takes a plan's lists away, as JSON would be read into their old elements, and
// gives back those that were not read.
func (p *Plan) renew() (giveBack func()) {
	old := *p
	p.Cells, p.Subscribers = nil, nil
	return func() {
		if p.Cells == nil {
			p.Cells = old.Cells
		}
		if p.Subscribers == nil {
			p.Subscribers = old.Subscribers
		}
	}
}

// decodeError says in our words which field is wrong.
func decodeError(err error) error {
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("radio: %s: a JSON %s, not a %v", cmp.Or(wrong.Field, "value"), wrong.Value, wrong.Type.Kind())
	}
	text := strings.TrimPrefix(err.Error(), "json: ")
	return errors.New("radio: " + strings.TrimPrefix(text, "radio: "))
}
