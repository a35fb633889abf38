package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"
)

// wordNames are what may follow a fault in a text.
var wordNames = []string{"for", "until", "count", "account", "number", "every"}

// ErrText says how a fault is written.
var ErrText = errors.New("a fault is written OPERATION=EFFECT@CHANCE for=TIME until=RFC3339 count=N account=SYSTEM_ID number=PHONE every=N, all but the first two optional: submit_sm=ESME_RTHROTTLED@10% for=30s")

// Parse reads one fault, as [Fault.String] writes it, or a preset by its name; the
// words behind a preset go for all its faults:
//
//	submit_sm=ESME_RSYSERR@5%
//	submit_sm=delay:200ms-2s@0.25 for=30s count=5 account=kannel
//	receipt=lose@1%
//	lossy for=1m
//
// A chance is a percentage or a number up to 1; without one the fault always strikes.
func Parse(text string) ([]Fault, error) {
	words := strings.Fields(text)
	if len(words) == 0 {
		return nil, ErrText
	}
	faults, err := parseHead(words[0])
	if err != nil {
		return nil, err
	}
	for i, word := range words[1:] {
		name, value, _ := strings.Cut(word, "=")
		if slices.ContainsFunc(words[1:1+i], func(w string) bool { return strings.HasPrefix(w, name+"=") }) {
			return nil, fmt.Errorf("%s: given twice", name)
		}
		for j := range faults {
			if err := faults[j].word(name, value); err != nil {
				return nil, err
			}
		}
	}
	for _, f := range faults {
		if err := f.Validate(); err != nil {
			return nil, err
		}
	}
	return faults, nil
}

// parseHead reads a preset's name, or OPERATION=EFFECT@CHANCE.
func parseHead(head string) ([]Fault, error) {
	operation, rest, isFault := strings.Cut(head, "=")
	if !isFault {
		return Preset(head)
	}
	effect, chance, given := strings.Cut(rest, "@")
	f := Fault{Operation: Operation(operation), Chance: 1}
	var err error
	if f.Effect, err = ParseEffect(effect); err != nil {
		return nil, err
	}
	if given {
		if f.Chance, err = parseChance(chance); err != nil {
			return nil, err
		}
	}
	return []Fault{f}, nil
}

// word reads one of the words that follow.
func (f *Fault) word(name, value string) (err error) {
	switch name {
	case "for":
		if f.For, err = time.ParseDuration(value); err != nil || f.For <= 0 {
			return fmt.Errorf("for: %q is not a time like 30s", value)
		}
	case "until":
		if f.Until, err = time.Parse(time.RFC3339Nano, value); err != nil || f.Until.IsZero() {
			return fmt.Errorf("until: %q is not a time like 2026-01-31T12:00:00Z", value)
		}
	case "count":
		if f.Count, err = strconv.Atoi(value); err != nil || f.Count <= 0 {
			return fmt.Errorf("count: %q is not a number of 1 or more", value)
		}
	case "account":
		if f.Account = value; value == "" {
			return errors.New("account: no system_id; leave account out to strike all")
		}
	case "number":
		if f.Number = value; value == "" {
			return errors.New("number: no phone; leave number out to strike all")
		}
	case "every":
		if f.Every, err = strconv.Atoi(value); err != nil || f.Every <= 0 {
			return fmt.Errorf("every: %q is not a number of 1 or more", value)
		}
	default:
		return fmt.Errorf("%q is not a word of a fault; there is %s", name, list(wordNames))
	}
	return nil
}

// parseChance reads 10% or 0.1.
func parseChance(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	if strings.Trim(number, "0123456789.") == "" {
		if percent {
			number += "e-2" // exact, as a division is not
		}
		if p, err := strconv.ParseFloat(number, 64); err == nil && p > 0 && p <= 1 {
			return p, nil
		}
	}
	return 0, fmt.Errorf("chance: %q is not a probability like 10%% or 0.1, more than 0 and at most 1; a fault that should never strike is taken off", text)
}

// percent writes a chance so that parseChance reads the same number: the decimal
// point moves two places.
func percent(chance float64) string {
	whole, part, _ := strings.Cut(strconv.FormatFloat(chance, 'f', -1, 64), ".")
	part += "00"
	whole = strings.TrimLeft(whole+part[:2], "0")
	part = strings.TrimRight(part[2:], "0")
	if whole == "" {
		whole = "0"
	}
	if part != "" {
		part = "." + part
	}
	return whole + part + "%"
}

// String writes the fault as Parse reads it.
func (f Fault) String() string {
	var b strings.Builder
	b.WriteString(string(f.Operation) + "=" + f.Effect.String())
	if f.Chance != 0 && f.Chance != 1 {
		b.WriteString("@" + percent(f.Chance))
	}
	if f.For != 0 {
		b.WriteString(" for=" + f.For.String())
	}
	if !f.Until.IsZero() {
		b.WriteString(" until=" + f.Until.Format(time.RFC3339Nano))
	}
	if f.Count != 0 {
		b.WriteString(" count=" + strconv.Itoa(f.Count))
	}
	if f.Account != "" {
		b.WriteString(" account=" + f.Account)
	}
	if f.Number != "" {
		b.WriteString(" number=" + f.Number)
	}
	if f.Every != 0 {
		b.WriteString(" every=" + strconv.Itoa(f.Every))
	}
	return b.String()
}
