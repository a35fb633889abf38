package world

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// PeopleColumns are the columns that a file of people may have, in any order, and what they
// hold. What is left out, or empty, is as [PeopleFile] says.
func PeopleColumns() [][2]string {
	return [][2]string{
		{"msisdn", "the phone's number; required, each once"},
		{"name", "of the person, up to 64 characters; required"},
		{"form", "of the secure element: sim, standalone, sdtf, or none; sim"},
		{"suite", "of the element: modern or legacy; modern"},
		{"persona", "how bills are answered: " + strings.Join(kindNames(), ", ") + "; pays"},
		{"cards", "aliases, each with a balance of its own if it has one: Blue;Red=0"},
		{"balance", "of the cards that say none, in minor units"},
		{"currency", "of the cards, in ISO 4217 letters; CNY"},
		{"pan", "the cards' numbers, as many as there are cards: 6212...;6212...; the branch issues them"},
		{"pin", "4 to 12 digits; drawn from the seed"},
		{"id_number", "18 digits, the last may be X; drawn from the seed"},
	}
}

func kindNames() []string {
	var all []string
	for _, k := range persona.Kinds() {
		all = append(all, string(k))
	}
	return all
}

// PeopleFile says what a file of people leaves open.
type PeopleFile struct {
	Name    string       // of the file, for errors
	Seed    uint64       // of PINs and identity numbers that it does not have
	Balance money.Amount // of cards for which it has none
	By      string       // who enrols them, for the office's log
}

// mostPeople bounds a file.
const mostPeople = 1_000_000

// FileError is something wrong with a file of people. It never repeats what is secret.
type FileError struct {
	File   string
	Line   int    // from 1
	Column string // empty: the whole line
	Err    error
}

// Error implements error: people.csv:17: balance: ...
func (e *FileError) Error() string {
	if e.Column == "" {
		return fmt.Sprintf("%s:%d: %v", e.File, e.Line, e.Err)
	}
	return fmt.Sprintf("%s:%d: %s: %v", e.File, e.Line, e.Column, e.Err)
}

// Unwrap implements errors.Unwrap.
func (e *FileError) Unwrap() error { return e.Err }

// Placed is a person and the line of the file that they are on.
type Placed struct {
	Person
	Line int
}

// mostFaults is how many faults of a file are told.
const mostFaults = 20

// Read reads people from CSV (RFC 4180, UTF-8) with a header line. All of it is read before
// anybody is answered: with an error, which holds up to 20 of [*FileError], there is nobody.
func (f PeopleFile) Read(r io.Reader) ([]Placed, error) {
	in := csv.NewReader(withoutMark(r))
	in.ReuseRecord = true
	p := &peopleReader{file: f, csv: in, lines: make(map[gateway.MSISDN]int)}
	if err := p.header(); err != nil {
		return nil, err
	}
	for {
		record, err := in.Read()
		switch {
		case err == io.EOF:
			return p.done()
		case err != nil:
			return nil, errors.Join(append(p.faults, p.unreadable(err))...)
		case len(p.people) == mostPeople:
			return nil, p.at("", fmt.Errorf("there are more than %d people; split the file", mostPeople))
		}
		p.take(record)
		if len(p.faults) >= mostFaults {
			return nil, errors.Join(p.faults...)
		}
	}
}

// withoutMark drops the byte order mark that spreadsheets write.
func withoutMark(r io.Reader) io.Reader {
	b := bufio.NewReader(r)
	if start, err := b.Peek(3); err == nil && bytes.Equal(start, []byte("\ufeff")) {
		_, _ = b.Discard(3) // they are there
	}
	return b
}

type peopleReader struct {
	file    PeopleFile
	csv     *csv.Reader
	columns []string
	record  []string
	lines   map[gateway.MSISDN]int // where a number was first
	people  []Placed
	faults  []error
	failed  bool // something is wrong with this record
}

func (p *peopleReader) line() int {
	line, _ := p.csv.FieldPos(0)
	return line
}

func (p *peopleReader) at(column string, err error) error {
	return &FileError{File: p.file.Name, Line: p.line(), Column: column, Err: err}
}

// unreadable is a fault of the CSV itself, whose own text may repeat nothing of it.
func (p *peopleReader) unreadable(err error) error {
	if bad, ok := errors.AsType[*csv.ParseError](err); ok {
		return &FileError{File: p.file.Name, Line: bad.Line, Err: bad.Err}
	}
	return fmt.Errorf("read %s: %w", p.file.Name, err)
}

func (p *peopleReader) header() error {
	names, err := p.csv.Read()
	if err == io.EOF {
		return &FileError{File: p.file.Name, Line: 1, Err: errors.New("the header line is missing, such as msisdn,name")}
	}
	if err != nil {
		return p.unreadable(err)
	}
	var known []string
	for _, c := range PeopleColumns() {
		known = append(known, c[0])
	}
	for i, name := range names {
		name = strings.TrimSpace(name)
		switch {
		case !slices.Contains(known, name):
			return p.at("", fmt.Errorf("column %d is none of %s", i+1, strings.Join(known, ", ")))
		case slices.Contains(p.columns, name):
			return p.at(name, errors.New("the column is there twice"))
		}
		p.columns = append(p.columns, name)
	}
	for _, name := range []string{"msisdn", "name"} {
		if !slices.Contains(p.columns, name) {
			return p.at(name, errors.New("the column is missing"))
		}
	}
	return nil
}

func (p *peopleReader) done() ([]Placed, error) {
	if len(p.faults) > 0 {
		return nil, errors.Join(p.faults...)
	}
	if len(p.people) == 0 {
		return nil, &FileError{File: p.file.Name, Line: 2, Err: errors.New("there is nobody in it")}
	}
	return p.people, nil
}

// get is a column of the record; empty when it is left out.
func (p *peopleReader) get(column string) string {
	if i := slices.Index(p.columns, column); i >= 0 {
		return strings.TrimSpace(p.record[i])
	}
	return ""
}

// wrong notes a fault of the record.
func (p *peopleReader) wrong(column string, err error) {
	if err != nil {
		p.faults, p.failed = append(p.faults, p.at(column, err)), true
	}
}

// take takes one record.
func (p *peopleReader) take(record []string) {
	p.record, p.failed = record, false
	one := Person{Name: p.name(), Phone: p.phone(), By: p.file.By}
	draw := drawOf(p.file.Seed, one.Phone)
	one.PIN = cmp.Or(p.get("pin"), digits(draw, 6))
	_, err := applet.ParsePIN(one.PIN)
	p.wrong("pin", err)
	one.ID = cmp.Or(p.get("id_number"), digits(draw, 18))
	_, err = applet.ParseIdentity(applet.ResidentID, one.ID)
	p.wrong("id_number", err)
	one.Persona = cmp.Or(p.get("persona"), string(persona.Pays))
	_, err = persona.ParseKind(one.Persona)
	p.wrong("persona", err)
	one.Form, one.Suite = p.element()
	one.Cards = p.cards()
	if !p.failed {
		p.people = append(p.people, Placed{Person: one, Line: p.line()})
	}
}

// mostName is how long a name is at most, in characters, as the platform takes it.
const mostName = 64

func (p *peopleReader) name() string {
	name := p.get("name")
	switch {
	case name == "":
		p.wrong("name", errors.New("is empty"))
	case !utf8.ValidString(name) || strings.ContainsFunc(name, unicode.IsControl):
		p.wrong("name", errors.New("has a character that cannot be printed"))
	case utf8.RuneCountInString(name) > mostName:
		p.wrong("name", fmt.Errorf("is longer than %d characters", mostName))
	}
	return name
}

func (p *peopleReader) phone() gateway.MSISDN {
	n, err := gateway.ParseMSISDN(p.get("msisdn"))
	if err != nil {
		p.wrong("msisdn", err)
		return ""
	}
	if first := p.lines[n]; first > 0 {
		p.wrong("msisdn", fmt.Errorf("is on line %d too", first))
	} else {
		p.lines[n] = p.line()
	}
	return n
}

func (p *peopleReader) element() (form string, suite scp80.Suite) {
	form = cmp.Or(p.get("form"), applet.SIM.String())
	if _, err := applet.ParseForm(form); err != nil && form != platform.FormNone {
		p.wrong("form", fmt.Errorf("%w, or %s", err, platform.FormNone))
	}
	if text := p.get("suite"); text != "" {
		p.wrong("suite", suite.UnmarshalText([]byte(text)))
	}
	return form, suite
}

// cards reads Blue;Red=0 and what goes with it.
func (p *peopleReader) cards() []BankCard {
	currency := money.CNY
	var err error
	if text := p.get("currency"); text != "" {
		currency, err = money.ParseCurrency(text)
		p.wrong("currency", err)
	}
	balance := p.file.Balance
	if text := p.get("balance"); text != "" {
		balance, err = parseMinor(text)
		p.wrong("balance", err)
	}
	var all []BankCard
	for text := range strings.SplitSeq(cmp.Or(p.get("cards"), "Blue"), ";") {
		alias, own, said := strings.Cut(strings.TrimSpace(text), "=")
		card := BankCard{Alias: alias, Balance: balance, Currency: currency}
		if said {
			card.Balance, err = parseMinor(own)
			p.wrong("cards", err)
		}
		if alias == "" {
			p.wrong("cards", errors.New("write them as Blue;Red=0: an alias each, and a balance if it has its own"))
		}
		all = append(all, card)
	}
	if p.get("persona") == string(persona.PoorFirstCard) && !strings.Contains(p.get("cards"), "=") {
		all[0].Balance = 0
	}
	p.numbers(all)
	return all
}

// numbers gives the cards their numbers, if the file has them.
func (p *peopleReader) numbers(cards []BankCard) {
	if p.get("pan") == "" {
		return
	}
	numbers := strings.Split(p.get("pan"), ";")
	if len(numbers) != len(cards) {
		p.wrong("pan", fmt.Errorf("there are %d numbers for %d cards", len(numbers), len(cards)))
		return
	}
	for i, number := range numbers {
		pan, err := applet.ParsePAN(strings.TrimSpace(number))
		p.wrong("pan", err)
		cards[i].PAN = pan.Reveal()
	}
}

func parseMinor(text string) (money.Amount, error) {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || n < 0 || money.Amount(n) > money.Max {
		return 0, fmt.Errorf("is 0 to %d, in minor units", money.Max)
	}
	return money.Amount(n), nil
}
