package app

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/airtill/airtill/cli/internal/decode"
)

// explained is all that a decode tells.
type explained struct {
	Inputs []decode.Explanation `json:"inputs"`
	Joined []decode.Whole       `json:"joined,omitempty"` // of parts that are among the inputs
}

// print prints the trees: for people a line each field, for programs one object.
func (e explained) print(p *printer) error {
	if p.json || p.form == formCSV {
		return p.object(e)
	}
	var b strings.Builder
	for i, input := range e.Inputs {
		name := ""
		if len(e.Inputs) > 1 {
			name = fmt.Sprintf("input %d: ", i+1)
		}
		writeTree(&b, fmt.Sprintf("%s%s, %d octets", name, input.Kind, input.Length), input.Fields)
	}
	for _, whole := range e.Joined {
		writeTree(&b, fmt.Sprintf("%s joined: %d octets", inputNumbers(whole.Inputs), whole.Length), whole.Fields)
	}
	return write(p.w, strings.TrimPrefix(b.String(), "\n"))
}

// inputNumbers names inputs as people count them: "inputs 1, 2".
func inputNumbers(inputs []int) string {
	var numbers []string
	for _, i := range inputs {
		numbers = append(numbers, strconv.Itoa(i+1))
	}
	if len(numbers) == 1 {
		return "input " + numbers[0]
	}
	return "inputs " + strings.Join(numbers, ", ")
}

// shownOctets is how many octets of a field a line has room for.
const shownOctets = 8

func writeTree(b *strings.Builder, title string, fields []decode.Field) {
	fmt.Fprintf(b, "\n%s\n", title)
	width := nameWidth(fields, 0)
	var walk func(fields []decode.Field, depth int)
	walk = func(fields []decode.Field, depth int) {
		for _, f := range fields {
			name := strings.Repeat("  ", depth) + f.Name
			line := fmt.Sprintf("%6d  %-*s  %-*s  %s", f.Offset, 2*shownOctets, shortOctets(f), width, name, saying(f))
			fmt.Fprintln(b, strings.TrimRight(line, " "))
			walk(f.Fields, depth+1)
		}
	}
	walk(fields, 0)
}

func nameWidth(fields []decode.Field, depth int) (width int) {
	for _, f := range fields {
		width = max(width, 2*depth+utf8.RuneCountInString(f.Name), nameWidth(f.Fields, depth+1))
	}
	return width
}

func shortOctets(f decode.Field) string {
	if len(f.Octets) <= 2*shownOctets {
		return f.Octets
	}
	return f.Octets[:2*shownOctets-2] + ".."
}

// saying is a field's value, its meaning, and where it is written.
func saying(f decode.Field) string {
	var parts []string
	for _, part := range []string{f.Value, f.Meaning} {
		if part != "" {
			parts = append(parts, part)
		}
	}
	if f.Clause != "" {
		parts = append(parts, "["+f.Clause+"]")
	}
	return strings.Join(parts, "  ")
}

// wrong is the first thing that was wrong with an input.
func (e explained) wrong() error {
	for i, input := range e.Inputs {
		name := ""
		if len(e.Inputs) > 1 {
			name = inputNumbers([]int{i}) + ": "
		}
		if err := faultOf(name, input); err != nil {
			return err
		}
	}
	for _, whole := range e.Joined {
		if err := faultOf(inputNumbers(whole.Inputs)+" joined: ", whole.Explanation); err != nil {
			return err
		}
	}
	return nil
}

func faultOf(name string, e decode.Explanation) error {
	switch {
	case e.Kind == 0 && e.Fault != nil:
		return hinted(fmt.Errorf("%s%w", name, e.Fault), "say what it is: --as pdu, tpdu, userdata, packet or message")
	case e.Fault != nil:
		return fmt.Errorf("%s%w", name, e.Fault)
	case e.Refused:
		return hinted(errors.New(name+"the keys do not open a packet in it"), "are they of its key set, suite and direction?")
	}
	return nil
}
