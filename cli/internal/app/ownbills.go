package app

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/airtill/airtill/platform/money"
)

// ownBill is a bill as the merchant's own list has it.
type ownBill struct {
	reference       string
	amount          money.Amount
	currency, state string // empty: the list does not say
	line            int    // in the list, from 1
}

// ownBills gathers them by reference.
type ownBills map[string]ownBill

// parseOwnBills reads a list as CSV with a header, or as JSON.
func parseOwnBills(text []byte) (map[string]ownBill, error) {
	text = bytes.TrimPrefix(text, []byte("\ufeff"))
	own := make(ownBills)
	trimmed := bytes.TrimSpace(text)
	if len(trimmed) > 0 && (trimmed[0] == '[' || trimmed[0] == '{') {
		return own, own.readJSON(trimmed)
	}
	return own, own.readCSV(text)
}

func (own ownBills) add(b ownBill) error {
	if b.reference == "" {
		return fmt.Errorf("bill %d has no reference", b.line)
	}
	if earlier, twice := own[b.reference]; twice {
		return fmt.Errorf("bills %d and %d have the same reference %q", earlier.line, b.line, b.reference)
	}
	own[b.reference] = b
	return nil
}

func (own ownBills) readCSV(text []byte) error {
	in := csv.NewReader(bytes.NewReader(text))
	in.FieldsPerRecord = -1
	in.ReuseRecord = true
	header, err := in.Read()
	if err != nil {
		return fmt.Errorf("there is no header (%w)", err)
	}
	at := make(map[string]int)
	for i, name := range header {
		at[strings.ToLower(strings.TrimSpace(name))] = i
	}
	for _, name := range []string{"reference", "amount"} {
		if _, ok := at[name]; !ok {
			return fmt.Errorf("the header has no %s", name)
		}
	}
	for line := 1; ; line++ {
		row, err := in.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		cell := func(name string) string {
			if i, ok := at[name]; ok && i < len(row) {
				return strings.Clone(strings.TrimSpace(row[i]))
			}
			return ""
		}
		if err := own.addText(line, cell("reference"), cell("amount"), cell("currency"), cell("state")); err != nil {
			return err
		}
	}
}

func (own ownBills) addText(line int, reference, amount, currency, state string) error {
	n, err := strconv.ParseInt(amount, 10, 64)
	if err != nil {
		return fmt.Errorf("bill %d (%s): amount %q is no whole number of minor units", line, reference, amount)
	}
	return own.add(ownBill{reference: reference, amount: money.Amount(n), currency: strings.ToUpper(currency), state: strings.ToLower(state), line: line})
}

// listed is a bill in JSON.
type listed struct {
	Reference string      `json:"reference"`
	Amount    json.Number `json:"amount"`
	Currency  string      `json:"currency"`
	State     string      `json:"state"`
}

// readJSON reads an array, an object with bills, or one object after the other.
func (own ownBills) readJSON(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	for line := 1; ; {
		var value json.RawMessage
		if err := dec.Decode(&value); errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return err
		}
		bills, err := listedIn(value)
		if err != nil {
			return err
		}
		for _, b := range bills {
			if err := own.addText(line, b.Reference, b.Amount.String(), b.Currency, b.State); err != nil {
				return err
			}
			line++
		}
	}
}

func listedIn(value json.RawMessage) ([]listed, error) {
	var many []listed
	if value[0] == '[' {
		return many, json.Unmarshal(value, &many)
	}
	var page struct{ Bills *[]listed }
	if err := json.Unmarshal(value, &page); err == nil && page.Bills != nil {
		return *page.Bills, nil
	}
	var one listed
	err := json.Unmarshal(value, &one)
	return slices.Insert(many, 0, one), err
}
