package app

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"
)

type row struct {
	Bill   string `json:"bill"`
	Amount int    `json:"amount"`
}

func columns() []column[row] {
	return []column[row]{
		{name: "bill", cell: func(r row) string { return r.Bill }},
		{name: "amount", right: true, cell: func(r row) string { return strings.Repeat("9", r.Amount) }},
	}
}

func TestPrintRows(t *testing.T) {
	rows := []row{{"bill_1", 3}, {"bill_<2>", 12}}
	for _, tt := range []struct {
		json bool
		want string
	}{
		{false, "BILL            AMOUNT\nbill_1             999\nbill_<2>  999999999999\n"},
		{true, `{"bill":"bill_1","amount":3}` + "\n" + `{"bill":"bill_<2>","amount":12}` + "\n"},
	} {
		var out bytes.Buffer
		if err := printRows(&printer{w: &out, json: tt.json}, rows, columns()...); err != nil {
			t.Fatal(err)
		}
		if out.String() != tt.want {
			t.Errorf("json=%v\n got %q\nwant %q", tt.json, out.String(), tt.want)
		}
	}
}

func TestPrintOne(t *testing.T) {
	var out bytes.Buffer
	p := &printer{w: &out}
	if err := p.one(row{"bill_1", 3}, field{"bill", "bill_1"}, field{"reason", ""}, field{"settled at", "noon"}); err != nil {
		t.Fatal(err)
	}
	if want := "bill        bill_1\nsettled at  noon\n"; out.String() != want {
		t.Errorf("got %q, want %q", out.String(), want)
	}
}

func TestLogger(t *testing.T) {
	tests := []struct {
		name string
		o    commonFlags
		want bool
	}{
		{"info is below the default", commonFlags{logFormat: "auto"}, false},
		{"verbose wins", commonFlags{verbose: true, logLevel: "error"}, true},
		{"-vv wins", commonFlags{chatty: true, logLevel: "off"}, true},
		{"asked for", commonFlags{logLevel: "info", logFormat: "json"}, true},
		{"off", commonFlags{logLevel: "off"}, false},
	}
	for _, tt := range tests {
		var out bytes.Buffer
		log, err := newLogger(Env{Stderr: &out, Getenv: func(string) string { return "" }}, &tt.o, look{})
		if err != nil {
			t.Fatal(err)
		}
		log.Info().Str("bill", "bill_1").Msg("settled")
		if got := out.Len() > 0; got != tt.want {
			t.Errorf("%s: logged %v, want %v", tt.name, got, tt.want)
		}
		if out.Len() > 0 {
			checkLogLine(t, out.Bytes())
		}
	}
}

func checkLogLine(t *testing.T, line []byte) {
	t.Helper()
	var v struct{ Level, Bill, Message, Time string }
	if err := json.Unmarshal(line, &v); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	if _, err := time.Parse(timeLayout, v.Time); err != nil || v.Level != "info" || v.Bill != "bill_1" || v.Message != "settled" {
		t.Errorf("%s: %v", line, err)
	}
}

// A buffer is no terminal, so the console form has no colour even when asked for.
func TestConsoleLoggerWithoutTerminal(t *testing.T) {
	var out bytes.Buffer
	log, err := newLogger(Env{Stderr: &out, Getenv: func(string) string { return "" }}, &commonFlags{logFormat: "console"}, look{})
	if err != nil {
		t.Fatal(err)
	}
	log.Warn().Str("bill", "bill_1").Msg("late")
	if got := out.String(); !strings.HasSuffix(got, " WRN late bill=bill_1\n") || strings.Contains(got, "\x1b") {
		t.Errorf("got %q", got)
	}
}
