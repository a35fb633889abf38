package api

import (
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"strconv"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/money"
)

// Statement is the answer to GET /v1/statement in JSON: a merchant's day. Amounts are in
// minor units, times are UTC. It adds up when Differences is there and empty: a statement
// that was cut off has none.
type Statement struct {
	Merchant    platform.MerchantID         `json:"merchant"`
	Name        string                      `json:"name"`
	Day         string                      `json:"day"`
	Complete    bool                        `json:"complete"` // the day is over
	Accounts    []platform.StatementAccount `json:"accounts"`
	Lines       []platform.StatementLine    `json:"lines"`
	Differences []string                    `json:"differences"` // in words
}

// head is a statement up to its lines.
type head struct {
	Merchant platform.MerchantID         `json:"merchant"`
	Name     string                      `json:"name"`
	Day      string                      `json:"day"`
	Complete bool                        `json:"complete"`
	Accounts []platform.StatementAccount `json:"accounts"`
}

// WriteStatementJSON writes a statement as it is read, as one [Statement], and answers
// what does not add up. After an error what was written is no JSON.
func WriteStatementJSON(w io.Writer, s *platform.Statement) ([]string, error) {
	begin, err := json.Marshal(head{s.Merchant, s.Name, s.Day, s.Complete, s.Accounts})
	if err != nil {
		return nil, fmt.Errorf("write a statement: %w", err)
	}
	if _, err := fmt.Fprintf(w, "%s,\"lines\":[", begin[:len(begin)-1]); err != nil {
		return nil, err
	}
	tally, between := platform.NewTally(s.Accounts), ""
	for line, err := range s.Lines {
		if err != nil {
			return nil, err
		}
		tally.Add(line)
		text, err := json.Marshal(line)
		if err != nil {
			return nil, fmt.Errorf("write a statement: %w", err)
		}
		if _, err := fmt.Fprintf(w, "%s%s", between, text); err != nil {
			return nil, err
		}
		between = ","
	}
	differences := tally.Differences()
	end, err := json.Marshal(differences)
	if err == nil {
		_, err = fmt.Fprintf(w, "],\"differences\":%s}\n", end)
	}
	return differences, err
}

// The lines of a statement in CSV besides those that JSON has.
const (
	kindOpening    = "opening"
	kindOnItsWay   = "on_its_way" // part of closing
	kindClosing    = "closing"
	kindDifference = "difference" // its reference says what does not add up
)

// statementColumns is the header of a statement in CSV.
func statementColumns() []string {
	return []string{"kind", "at", "payee", "currency", "amount", "id", "bill", "reference", "payer", "on_its_way"}
}

// WriteStatementCSV writes a statement as it is read, by RFC 4180 with a header, and
// answers what does not add up. Of each account there is a line opening, at the day's
// first moment, then come the movements, then lines on_its_way and closing, at the day's
// end; amounts are in minor units and say what is added to the account, so that opening
// and movements of an account add up to its closing. A file that has no closing was cut off.
func WriteStatementCSV(w io.Writer, s *platform.Statement) ([]string, error) {
	begins, err := platform.ParseDay(s.Day)
	if err != nil {
		return nil, err
	}
	ends := begins.AddDate(0, 0, 1)
	out := csv.NewWriter(w)
	out.UseCRLF = true
	write := func(record ...string) {
		_ = out.Write(record) // the writer keeps its error
	}
	balance := func(kind string, at time.Time, a platform.StatementAccount, amount money.Amount) {
		write(kind, stamp(at), a.Payee, string(a.Currency), digits(amount), "", "", "", "", "")
	}
	write(statementColumns()...)
	for _, a := range s.Accounts {
		balance(kindOpening, begins, a, a.Opening)
	}
	tally := platform.NewTally(s.Accounts)
	for l, err := range s.Lines {
		if err != nil {
			return nil, err
		}
		tally.Add(l)
		write(string(l.Kind), stamp(l.At), l.Payee, string(l.Currency), digits(l.Amount), l.ID, string(l.Bill), l.Reference, l.Payer, mark(l.OnItsWay))
		if err := out.Error(); err != nil {
			return nil, err
		}
	}
	for _, a := range s.Accounts {
		balance(kindOnItsWay, ends, a, a.OnItsWay.Amount)
		balance(kindClosing, ends, a, a.Closing)
	}
	differences := tally.Differences()
	for _, d := range differences {
		write(kindDifference, stamp(ends), "", "", "", "", "", d, "", "")
	}
	out.Flush()
	return differences, out.Error()
}

func stamp(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

func digits(a money.Amount) string { return strconv.FormatInt(int64(a), 10) }

func mark(is bool) string {
	if is {
		return "true"
	}
	return ""
}

// readStatement reads a statement's beginning, and its lines as they are asked for. done
// is called when they have ended.
func readStatement(r io.Reader, done func() error) (*platform.Statement, error) {
	dec := json.NewDecoder(r)
	h, err := readHead(dec)
	if err != nil {
		return nil, fmt.Errorf("%w: read the statement: %w", ErrUnknown, err)
	}
	return &platform.Statement{
		Merchant: h.Merchant, Name: h.Name, Day: h.Day, Complete: h.Complete, Accounts: h.Accounts, Lines: readLines(dec, done),
	}, nil
}

// readHead reads the members of a statement up to its lines.
func readHead(dec *json.Decoder) (h head, err error) {
	if t, err := dec.Token(); err != nil || t != json.Delim('{') {
		return h, fmt.Errorf("it is no object (%v)", err)
	}
	members := map[string]any{
		"merchant": &h.Merchant, "name": &h.Name, "day": &h.Day, "complete": &h.Complete, "accounts": &h.Accounts,
	}
	for dec.More() {
		name, err := dec.Token()
		if err != nil {
			return h, err
		}
		if name == "lines" {
			t, err := dec.Token()
			if err == nil && t != json.Delim('[') {
				err = fmt.Errorf("its lines are no array")
			}
			return h, err
		}
		into, known := members[fmt.Sprint(name)]
		if !known {
			into = new(json.RawMessage)
		}
		if err := dec.Decode(into); err != nil {
			return h, err
		}
	}
	return h, fmt.Errorf("it has no lines")
}

func readLines(dec *json.Decoder, done func() error) iter.Seq2[platform.StatementLine, error] {
	return func(yield func(platform.StatementLine, error) bool) {
		fail := func(err error) {
			yield(platform.StatementLine{}, fmt.Errorf("%w: read the statement: %w", ErrUnknown, err))
		}
		for dec.More() {
			var l platform.StatementLine
			if err := dec.Decode(&l); err != nil {
				fail(err)
				return
			}
			if !yield(l, nil) {
				_ = done() // nobody wants the rest
				return
			}
		}
		if err := errors.Join(readTail(dec), done()); err != nil {
			fail(err)
		}
	}
}

// readTail reads what follows the lines, to be sure that it is all there.
func readTail(dec *json.Decoder) error {
	if t, err := dec.Token(); err != nil || t != json.Delim(']') {
		return fmt.Errorf("its lines have no end (%v)", err)
	}
	whole := false
	for dec.More() {
		name, err := dec.Token()
		if err == nil {
			err = dec.Decode(new(json.RawMessage))
		}
		if err != nil {
			return err
		}
		whole = whole || name == "differences"
	}
	if t, err := dec.Token(); err != nil || t != json.Delim('}') || !whole {
		return fmt.Errorf("it was cut off (%v)", err)
	}
	return nil
}
