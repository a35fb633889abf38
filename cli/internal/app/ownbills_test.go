package app

import (
	"strings"
	"testing"
)

func TestParseOwnBills(t *testing.T) {
	tests := map[string]struct {
		text string
		want int    // bills
		err  string // part of the refusal
	}{
		"CSV":                 {"reference,amount\na,1\nb,2\n", 2, ""},
		"CSV with a mark":     {"\ufeffAmount, Reference ,x\r\n1,a,y\r\n", 1, ""},
		"a header alone":      {"reference,amount\n", 0, ""},
		"an array":            {` [{"reference":"a","amount":1,"more":{}}]`, 1, ""},
		"a page":              {`{"bills":[{"reference":"a","amount":1},{"reference":"b","amount":2}],"next":"x"}`, 2, ""},
		"an empty page":       {`{"bills":[]}`, 0, ""},
		"an object a line":    {"{\"reference\":\"a\",\"amount\":1}\n{\"reference\":\"b\",\"amount\":2}\n", 2, ""},
		"nothing":             {"", 0, "no header"},
		"no reference column": {"id,amount\na,1\n", 0, "the header has no reference"},
		"no amount column":    {"reference\na\n", 0, "the header has no amount"},
		"an amount in yuan":   {"reference,amount\na,12.50\n", 0, `bill 1 (a): amount "12.50" is no whole number of minor units`},
		"an amount too large": {"reference,amount\na,99999999999999999999\n", 0, "no whole number"},
		"an amount in JSON":   {`[{"reference":"a","amount":1.5}]`, 0, "no whole number"},
		"no amount in JSON":   {`[{"reference":"a"}]`, 0, "no whole number"},
		"no reference":        {"reference,amount\n,1\n", 0, "bill 1 has no reference"},
		"twice":               {"reference,amount\na,1\nb,2\na,1\n", 0, `bills 1 and 3 have the same reference "a"`},
		"a torn quote":        {"reference,amount\n\"a,1\n", 0, `parse error`},
		"torn JSON":           {`[{"reference":"a"`, 0, "unexpected EOF"},
		"no bill":             {`[7]`, 0, "cannot unmarshal"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			own, err := parseOwnBills([]byte(tt.text))
			if tt.err == "" && (err != nil || len(own) != tt.want) || tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
				t.Errorf("%d bills, %v", len(own), err)
			}
		})
	}
}

// Whatever a merchant sends is a list of bills or refused; each bill is under its reference.
func FuzzParseOwnBills(f *testing.F) {
	for _, seed := range []string{
		"reference,amount,currency,state\na,1,CNY,paid\n", `[{"reference":"a","amount":1}]`, `{"bills":[]}`, "{\"reference\":\"a\",\"amount\":1}\n{}", "[null]", "{", "\ufeff",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		own, err := parseOwnBills(text)
		for reference, b := range own {
			if err == nil && (b.reference != reference || reference == "" || b.line < 1) {
				t.Errorf("%q: %+v", reference, b)
			}
		}
	})
}
