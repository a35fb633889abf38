package money_test

import (
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/platform/money"
)

func TestString(t *testing.T) {
	tests := []struct {
		amount   money.Amount
		currency money.Currency
		text     string
		decimal  string
	}{
		{128000, "CNY", "CNY 1,280.00", "1280.00"},
		{0, "CNY", "CNY 0.00", "0.00"},
		{5, "CNY", "CNY 0.05", "0.05"},
		{-5, "CNY", "CNY -0.05", "-0.05"},
		{-128000, "CNY", "CNY -1,280.00", "-1280.00"},
		{99999, "CNY", "CNY 999.99", "999.99"},
		{100000, "CNY", "CNY 1,000.00", "1000.00"},
		{1280, "JPY", "JPY 1,280", "1280"},
		{0, "JPY", "JPY 0", "0"},
		{1280, "KWD", "KWD 1.280", "1.280"},
		{money.Max, "CNY", "CNY 9,999,999,999.99", "9999999999.99"},
		{math.MinInt64, "CNY", "CNY -92,233,720,368,547,758.08", "-92233720368547758.08"},
		{1280, "ZZZ", "ZZZ 1,280", "1280"}, // not known: minor units
	}
	for _, tt := range tests {
		m := money.Money{Amount: tt.amount, Currency: tt.currency}
		if m.String() != tt.text || m.Decimal() != tt.decimal {
			t.Errorf("%d %s is %q and %q, want %q and %q", tt.amount, tt.currency, m, m.Decimal(), tt.text, tt.decimal)
		}
	}
}

func TestParseAmount(t *testing.T) {
	tests := []struct {
		text     string
		currency money.Currency
		want     money.Amount
		err      error
	}{
		{"1280", "CNY", 128000, nil},
		{"1280.5", "CNY", 128050, nil},
		{"1,280.00", "CNY", 128000, nil},
		{"1,234,567.89", "CNY", 123456789, nil},
		{"-3.20", "CNY", -320, nil},
		{"-0", "CNY", 0, nil},
		{"0.01", "CNY", 1, nil},
		{"000000000000007", "CNY", 700, nil},
		{"9999999999.99", "CNY", money.Max, nil},
		{"10000000000", "CNY", 0, money.ErrRange},
		{"999999999999", "JPY", money.Max, nil},
		{"1000000000000", "JPY", 0, money.ErrRange},
		{"99999999999999999999999999", "JPY", 0, money.ErrRange},
		{"1.234", "CNY", 0, money.ErrDecimals},
		{"1.0", "JPY", 0, money.ErrDecimals},
		{"1.280", "KWD", 1280, nil},
		{"12,80", "CNY", 0, money.ErrAmount},
		{"1280,000", "CNY", 0, money.ErrAmount},
		{",280", "CNY", 0, money.ErrAmount},
		{"1,280,", "CNY", 0, money.ErrAmount},
		{".5", "CNY", 0, money.ErrAmount},
		{"5.", "CNY", 0, money.ErrAmount},
		{"1.2.3", "CNY", 0, money.ErrAmount},
		{"--1", "CNY", 0, money.ErrAmount},
		{"+1", "CNY", 0, money.ErrAmount},
		{"1e3", "CNY", 0, money.ErrAmount},
		{" 1", "CNY", 0, money.ErrAmount},
		{"", "CNY", 0, money.ErrAmount},
		{"1", "ZZZ", 0, money.ErrCurrency},
	}
	for _, tt := range tests {
		got, err := money.ParseAmount(tt.text, tt.currency)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("ParseAmount(%q, %s) = %d, %v; want %d, %v", tt.text, tt.currency, got, err, tt.want, tt.err)
		}
	}
}

func TestParse(t *testing.T) {
	got, err := money.Parse("CNY 1,280.00")
	if want := (money.Money{Amount: 128000, Currency: money.CNY}); got != want || err != nil {
		t.Errorf("got %v, %v", got, err)
	}
	for text, want := range map[string]error{
		"1280.00":      money.ErrAmount,
		"cny 1280.00":  money.ErrCurrency,
		"CNY  1280.00": money.ErrAmount,
		"":             money.ErrAmount,
	} {
		if _, err := money.Parse(text); !errors.Is(err, want) {
			t.Errorf("Parse(%q): %v, want %v", text, err, want)
		}
	}
}

func TestBounds(t *testing.T) {
	tests := []struct {
		amount           money.Amount
		inRange, payable bool
	}{
		{0, true, false}, {1, true, true}, {-1, true, false},
		{money.Max, true, true}, {money.Max + 1, false, false},
		{-money.Max, true, false}, {-money.Max - 1, false, false}, {math.MinInt64, false, false},
	}
	for _, tt := range tests {
		if tt.amount.InRange() != tt.inRange || tt.amount.Payable() != tt.payable {
			t.Errorf("%d: in range %t, payable %t", tt.amount, tt.amount.InRange(), tt.amount.Payable())
		}
	}
	if len("999999999999") != 12 || money.Max+1 != 1e12 {
		t.Error("Max is not 12 digits")
	}
}

// ISO 4217 list one: the rows that other packages rely on, and each exponent.
func TestCurrency(t *testing.T) {
	tests := []struct {
		code     string
		numeric  uint16
		exponent int
	}{
		{"CNY", 156, 2}, {"EUR", 978, 2}, {"USD", 840, 2}, {"KES", 404, 2}, {"UGX", 800, 0}, {"JPY", 392, 0},
		{"KRW", 410, 0}, {"VND", 704, 0}, {"XOF", 952, 0}, {"XAF", 950, 0}, {"RWF", 646, 0}, {"ISK", 352, 0},
		{"KWD", 414, 3}, {"BHD", 48, 3}, {"TND", 788, 3}, {"JOD", 400, 3}, {"OMR", 512, 3}, {"DZD", 12, 2},
		{"AED", 784, 2}, {"ZMW", 967, 2},
	}
	for _, tt := range tests {
		c, err := money.ParseCurrency(tt.code)
		if err != nil || c.Numeric() != tt.numeric || c.Exponent() != tt.exponent || c.String() != tt.code {
			t.Errorf("%s: %d, %d, %v; want %d, %d", tt.code, c.Numeric(), c.Exponent(), err, tt.numeric, tt.exponent)
		}
		if back, err := money.CurrencyOf(tt.numeric); back != c || err != nil {
			t.Errorf("CurrencyOf(%d) = %s, %v", tt.numeric, back, err)
		}
	}
	for _, code := range []string{"", "cny", "ZZZ", "CN", "CNY1", "CNY1562", "156", "NYC", "AAA"} {
		if c, err := money.ParseCurrency(code); !errors.Is(err, money.ErrCurrency) {
			t.Errorf("ParseCurrency(%q) = %q, %v", code, c, err)
		}
	}
	if _, err := money.CurrencyOf(999); !errors.Is(err, money.ErrCurrency) {
		t.Errorf("CurrencyOf(999): %v", err)
	}
	if c := money.Currency("ZZZ"); c.Numeric() != 0 || c.Exponent() != 0 || c.Valid() {
		t.Error("an unknown currency has a number")
	}
}

func TestTable(t *testing.T) {
	numbers := make(map[uint16]money.Currency)
	all := money.Currencies()
	for i, c := range all {
		if i > 0 && all[i-1] >= c {
			t.Errorf("%s stands before %s", all[i-1], c)
		}
		if !c.Valid() || c != money.Currency(strings.ToUpper(string(c))) {
			t.Errorf("%s is not valid", c)
		}
		if e := c.Exponent(); e != 0 && e != 2 && e != 3 {
			t.Errorf("%s has %d decimals", c, e)
		}
		if other, taken := numbers[c.Numeric()]; taken || c.Numeric() == 0 || c.Numeric() > 999 {
			t.Errorf("%s has the number %d of %q", c, c.Numeric(), other)
		}
		numbers[c.Numeric()] = c
	}
}

func TestJSON(t *testing.T) {
	text, err := json.Marshal(map[money.Currency]money.Money{"CNY": {Amount: 128000, Currency: "CNY"}})
	if want := `{"CNY":{"amount":128000,"currency":"CNY"}}`; string(text) != want || err != nil {
		t.Fatalf("got %s, %v", text, err)
	}
	var back map[money.Currency]money.Money
	if err := json.Unmarshal(text, &back); err != nil || back["CNY"].Amount != 128000 {
		t.Errorf("got %v, %v", back, err)
	}
}

func TestParseReadsWhatStringWrites(t *testing.T) {
	all := money.Currencies()
	rapid.Check(t, func(t *rapid.T) {
		m := money.Money{
			Amount:   money.Amount(rapid.Int64Range(int64(-money.Max), int64(money.Max)).Draw(t, "amount")),
			Currency: rapid.SampledFrom(all).Draw(t, "currency"),
		}
		if back, err := money.Parse(m.String()); back != m || err != nil {
			t.Fatalf("Parse(%q) = %v, %v", m, back, err)
		}
		if back, err := money.ParseAmount(m.Decimal(), m.Currency); back != m.Amount || err != nil {
			t.Fatalf("ParseAmount(%q) = %d, %v", m.Decimal(), back, err)
		}
	})
}

func TestParseNeverLeavesRange(t *testing.T) {
	all := money.Currencies()
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.StringMatching(`-?[0-9,]{0,16}(\.[0-9]{0,4})?`).Draw(t, "text")
		c := rapid.SampledFrom(all).Draw(t, "currency")
		a, err := money.ParseAmount(text, c)
		if err != nil {
			if a != 0 {
				t.Fatalf("%q: %d beside %v", text, a, err)
			}
			return
		}
		if !a.InRange() {
			t.Fatalf("%q: %d is out of range", text, a)
		}
		m := money.Money{Amount: a, Currency: c}
		if back, err := money.Parse(m.String()); back != m || err != nil {
			t.Fatalf("%q: Parse(%q) = %v, %v", text, m, back, err)
		}
	})
}
