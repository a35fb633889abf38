package scenario

import (
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
)

// Data is rows of --data.
type Data struct {
	Rows   []Row
	Phones []gateway.MSISDN // that are in the rows, each once; empty without a column msisdn
	Payers []int            // of each row, its phone's index in Phones; nil without
}

// Row is one row. What it does not say is empty.
type Row struct {
	MSISDN  gateway.MSISDN
	Persona persona.Kind
	Amount  money.Amount
	Subject string
	Payee   string
}

// column is what a row may say, and how it is read.
type column struct {
	name string
	read func(r *Row, text string, c money.Currency) error
}

var columns = []column{
	{"msisdn", func(r *Row, text string, _ money.Currency) (err error) {
		if r.MSISDN, err = gateway.ParseMSISDN(text); err != nil {
			return errors.New("not a phone's number: write it as 8613800000001") // which is not told
		}
		return nil
	}},
	{"persona", func(r *Row, text string, _ money.Currency) error {
		m, err := schedule.ParseMix(text + "=1")
		if err != nil || len(m) != 1 {
			return fmt.Errorf("no habit %q: write it as pay, ignore, decline, badpin, poor, later or away", text)
		}
		r.Persona = m[0].Kind
		return nil
	}},
	{"amount", func(r *Row, text string, c money.Currency) (err error) {
		if r.Amount, err = money.ParseAmount(text, c); err != nil || !r.Amount.Payable() {
			return fmt.Errorf("%q is not an amount of %s that can be paid: write it as 12.50", text, c)
		}
		return nil
	}},
	{"subject", func(r *Row, text string, _ money.Currency) error { r.Subject = text; return nil }},
	{"payee", func(r *Row, text string, _ money.Currency) error { r.Payee = text; return nil }},
}

// ReadData reads rows under a header that names columns: msisdn, persona, amount (in
// major units of the currency), subject and payee. Cells may be empty, but for
// msisdn. Errors name file, line and column.
func ReadData(name string, in io.Reader, currency money.Currency) (*Data, error) {
	d, err := readData(csv.NewReader(in), currency)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

func readData(in *csv.Reader, currency money.Currency) (*Data, error) {
	in.TrimLeadingSpace, in.Comment, in.ReuseRecord = true, '#', true
	header, err := readHeader(in)
	if err != nil {
		return nil, err
	}
	d := &Data{}
	for {
		cells, err := in.Read()
		switch {
		case err == io.EOF && len(d.Rows) == 0:
			return nil, errors.New("there is no row under the header")
		case err == io.EOF:
			d.findPayers(slices.Contains(header, 0))
			return d, nil
		case err != nil:
			return nil, lineError(err)
		}
		row, err := readRow(in, header, cells, currency)
		if err != nil {
			return nil, err
		}
		d.Rows = append(d.Rows, row)
	}
}

// readHeader says which of the columns each cell is of.
func readHeader(in *csv.Reader) ([]int, error) {
	names, err := in.Read()
	if err == io.EOF {
		return nil, errors.New("it is empty: the first line names columns, as in msisdn,amount")
	}
	if err != nil {
		return nil, lineError(err)
	}
	var header []int
	for i, name := range names {
		name = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(name), "\ufeff")) // a mark that spreadsheets leave
		column := slices.IndexFunc(columns, func(c column) bool { return c.name == name })
		line, at := in.FieldPos(i)
		switch {
		case column < 0:
			return nil, fmt.Errorf("line %d, column %d: no column %q: choose from %s", line, at, name, columnNames())
		case slices.Contains(header, column):
			return nil, fmt.Errorf("line %d, column %d: column %s is there twice", line, at, name)
		}
		header = append(header, column)
	}
	return header, nil
}

func columnNames() string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return strings.Join(names, ", ")
}

// lineError says where a file is not CSV; csv says it with line and column.
func lineError(err error) error {
	if parse := (*csv.ParseError)(nil); errors.As(err, &parse) {
		return fmt.Errorf("line %d, column %d: %w", parse.Line, parse.Column, parse.Err)
	}
	return err
}

func readRow(in *csv.Reader, header []int, cells []string, currency money.Currency) (Row, error) {
	var row Row
	for i, text := range cells {
		column := columns[header[i]]
		text = strings.TrimSpace(text)
		if text == "" && column.name != "msisdn" {
			continue
		}
		if err := column.read(&row, text, currency); err != nil {
			line, _ := in.FieldPos(i)
			return Row{}, fmt.Errorf("line %d, column %s: %w", line, column.name, err)
		}
	}
	return row, nil
}

// findPayers lists the phones of the rows, and whose each row is.
func (d *Data) findPayers(named bool) {
	if !named {
		return
	}
	index := make(map[gateway.MSISDN]int)
	for _, r := range d.Rows {
		i, known := index[r.MSISDN]
		if !known {
			i = len(d.Phones)
			index[r.MSISDN] = i
			d.Phones = append(d.Phones, r.MSISDN)
		}
		d.Payers = append(d.Payers, i)
	}
}
