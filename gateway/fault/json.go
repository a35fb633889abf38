package fault

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"
)

// fields is a fault as JSON has it; effect, chance's absence and times are as in a text.
type fields struct {
	Operation Operation  `json:"operation"`
	Effect    string     `json:"effect"`
	Chance    *float64   `json:"chance,omitempty"` // absent is 1
	Account   string     `json:"account,omitempty"`
	Number    string     `json:"number,omitempty"`
	Every     int        `json:"every,omitempty"`
	Count     int        `json:"count,omitempty"`
	For       string     `json:"for,omitempty"`
	Until     *time.Time `json:"until,omitempty"`
}

const fieldNames = "operation, effect, chance, account, number, every, count, for, until"

// MarshalJSON writes a fault as UnmarshalJSON reads it.
func (f Fault) MarshalJSON() ([]byte, error) { return json.Marshal(f.fields()) }

func (f Fault) fields() fields {
	v := fields{Operation: f.Operation, Effect: f.Effect.String(), Account: f.Account, Number: f.Number, Every: f.Every, Count: f.Count}
	if f.Chance != 0 && f.Chance != 1 {
		v.Chance = &f.Chance
	}
	if f.For != 0 {
		v.For = f.For.String()
	}
	if !f.Until.IsZero() {
		v.Until = &f.Until
	}
	return v
}

// UnmarshalJSON reads a fault and validates it. It knows all fields, and errors name
// the one at fault:
//
//	{"operation": "submit_sm", "effect": "ESME_RTHROTTLED", "chance": 0.1, "account": "kannel", "count": 5, "for": "30s"}
func (f *Fault) UnmarshalJSON(b []byte) error {
	var v fields
	if err := strict(b, &v); err != nil {
		return err
	}
	read, err := v.fault()
	if err != nil {
		return err
	}
	*f = read
	return nil
}

func (v fields) fault() (Fault, error) {
	f := Fault{Operation: v.Operation, Chance: 1, Account: v.Account, Number: v.Number, Every: v.Every, Count: v.Count}
	var err error
	if f.Effect, err = ParseEffect(v.Effect); err != nil {
		return Fault{}, err
	}
	if v.Chance != nil {
		if f.Chance = *v.Chance; f.Chance == 0 {
			return Fault{}, errors.New("chance: 0 is not more than 0 and at most 1; a fault that should never strike is taken off")
		}
	}
	if v.For != "" {
		if err := f.word("for", v.For); err != nil {
			return Fault{}, err
		}
	}
	if v.Until != nil {
		f.Until = *v.Until
	}
	return f, f.Validate()
}

// strict reads one JSON object that has no other fields.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	err := d.Decode(v)
	if err == nil {
		if _, err = d.Token(); errors.Is(err, io.EOF) {
			return nil
		}
		return errors.New("more follows the fault")
	}
	if t, ok := errors.AsType[*json.UnmarshalTypeError](err); ok {
		return fmt.Errorf("%s: a JSON %s, where %s belongs", t.Field, t.Value, t.Type)
	}
	if name, ok := strings.CutPrefix(err.Error(), "json: unknown field "); ok {
		return fmt.Errorf("%s: no such field; there is %s", name, fieldNames)
	}
	return fmt.Errorf("fault: %w", err)
}

// record is a Record as JSON has it.
type record struct {
	ID int `json:"id"`
	fields
	Struck int  `json:"struck"`
	Over   bool `json:"over"`
}

// MarshalJSON writes the fault's fields, its id, how often it struck and whether it is over.
func (r Record) MarshalJSON() ([]byte, error) {
	return json.Marshal(record{ID: r.ID, fields: r.Fault.fields(), Struck: r.Struck, Over: r.Over})
}
