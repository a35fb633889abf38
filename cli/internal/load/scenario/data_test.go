package scenario_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/load/scenario"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
)

func TestReadData(t *testing.T) {
	text := "\ufeffmsisdn, Persona,amount,subject,payee\n# a comment\n8613800000001,pay,12.50,tea,Anna\n8613800000002,never,,,\n8613800000001,badpin,7,\"a, b\",\n"
	d, err := scenario.ReadData("users.csv", strings.NewReader(text), money.CNY)
	if err != nil {
		t.Fatal(err)
	}
	want := []scenario.Row{
		{MSISDN: "8613800000001", Persona: persona.Pays, Amount: 1250, Subject: "tea", Payee: "Anna"},
		{MSISDN: "8613800000002", Persona: persona.Never},
		{MSISDN: "8613800000001", Persona: persona.WrongPINOnce, Amount: 700, Subject: "a, b"},
	}
	if !slices.Equal(d.Rows, want) || !slices.Equal(d.Phones, []gateway.MSISDN{"8613800000001", "8613800000002"}) || !slices.Equal(d.Payers, []int{0, 1, 0}) {
		t.Errorf("%+v", d)
	}
	d, err = scenario.ReadData("amounts.csv", strings.NewReader("amount\n1.00\n2.00\n"), money.CNY)
	if err != nil || len(d.Rows) != 2 || d.Phones != nil || d.Payers != nil {
		t.Errorf("%+v, %v", d, err)
	}
}

func TestReadDataErrors(t *testing.T) {
	for text, want := range map[string]string{
		"":                       "u.csv: it is empty: the first line names columns",
		"amount\n":               "u.csv: there is no row",
		"amount,colour\n1,red":   `u.csv: line 1, column 8: no column "colour": choose from msisdn, persona, amount, subject, payee`,
		"amount,amount\n1,1":     "u.csv: line 1, column 8: column amount is there twice",
		"amount\n1\nfree":        `u.csv: line 3, column amount: "free" is not an amount of CNY`,
		"amount\n-1":             "line 2, column amount",
		"amount\n0":              "line 2, column amount",
		"msisdn,amount\n,1":      "line 2, column msisdn: not a phone's number",
		"msisdn\n12x4567890":     "line 2, column msisdn: not a phone's number",
		"amount,persona\n1,rich": `line 2, column persona: no habit "rich"`,
		"persona\n\"pay=1,x\"":   "line 2, column persona",
		"amount,persona\n1":      "line 2, column 1: wrong number of fields",
		"amount\n1\n\"x":         "line 3, column",
		"persona\nmanual":        "no habit",
	} {
		_, err := scenario.ReadData("u.csv", strings.NewReader(text), money.CNY)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", text, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "12x4567890") {
			t.Errorf("%q tells a number: %v", text, err)
		}
	}
}

// FuzzReadData: no file breaks the reader; every row's payer is one of the phones.
func FuzzReadData(f *testing.F) {
	f.Add("msisdn,persona,amount\n8613800000001,pay,12.50\n")
	f.Add("amount\n1\n\"2\n")
	f.Add("a,b\n")
	f.Fuzz(func(t *testing.T, text string) {
		d, err := scenario.ReadData("f", strings.NewReader(text), money.CNY)
		if err != nil {
			return
		}
		for i, p := range d.Payers {
			if d.Phones[p] != d.Rows[i].MSISDN {
				t.Errorf("row %d is of %d", i, p)
			}
		}
		if len(d.Rows) == 0 || d.Payers != nil && len(d.Payers) != len(d.Rows) {
			t.Errorf("%d rows, %d payers", len(d.Rows), len(d.Payers))
		}
	})
}
