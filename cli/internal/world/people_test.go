package world_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

const goodPAN = "6212345678901232"

func TestPeopleFile(t *testing.T) {
	file := world.PeopleFile{Name: "people.csv", Seed: 7, Balance: 100, By: "Branch 7"}
	_, err := file.Read(strings.NewReader("\ufeffname,msisdn,persona,cards,balance,form,suite,pin,id_number,pan,currency\n" +
		"Li Na,8613900000001,refuses,Blue=7;Red,50,sdtf,legacy,246813,110105199003071218," + goodPAN + ";6212340000000000,JPY\n" +
		"\"Wang, Wei\", 8613900000002 ,,,,,,,,,\n" +
		"Zhao,8613900000003,poor-first-card,One;Two,9,none,,,,,\n"))
	if err == nil || !strings.Contains(err.Error(), "people.csv:2: pan: the card number's check digit is wrong") || strings.Contains(err.Error(), "6212340000000000") {
		t.Fatalf("a wrong card number: %v", err)
	}
	all, err := file.Read(strings.NewReader("\ufeffname,msisdn,persona,cards,balance,form,suite,pin,id_number,pan,currency\r\n" +
		"Li Na,8613900000001,refuses,Blue=7;Red,50,sdtf,legacy,246813,110105199003071218," + goodPAN + ";" + goodPAN + ",JPY\r\n" +
		"\"Wang, Wei\", 8613900000002 ,,,,,,,,,\n" +
		"Zhao,8613900000003,poor-first-card,One;Two,9,none,,,,,\n"))
	if err != nil {
		t.Fatal(err)
	}
	want := []world.Placed{
		{Line: 2, Person: world.Person{
			Name: "Li Na", Phone: "8613900000001", Form: "sdtf", Suite: scp80.Legacy, Persona: "refuses", PIN: "246813", ID: "110105199003071218", By: "Branch 7",
			Cards: []world.BankCard{{Alias: "Blue", PAN: goodPAN, Balance: 7, Currency: "JPY"}, {Alias: "Red", PAN: goodPAN, Balance: 50, Currency: "JPY"}},
		}},
		{Line: 3, Person: world.Person{
			Name: "Wang, Wei", Phone: "8613900000002", Form: "sim", Persona: "pays", PIN: all[1].PIN, ID: all[1].ID, By: "Branch 7",
			Cards: []world.BankCard{{Alias: "Blue", Balance: 100, Currency: money.CNY}},
		}},
		{Line: 4, Person: world.Person{
			Name: "Zhao", Phone: "8613900000003", Form: "none", Persona: "poor-first-card", PIN: all[2].PIN, ID: all[2].ID, By: "Branch 7",
			Cards: []world.BankCard{{Alias: "One", Balance: 0, Currency: money.CNY}, {Alias: "Two", Balance: 9, Currency: money.CNY}},
		}},
	}
	if diff := cmp.Diff(want, all); diff != "" {
		t.Error(diff)
	}
	if len(all[1].PIN) != 6 || len(all[1].ID) != 18 || all[1].PIN == all[2].PIN {
		t.Errorf("drawn: %q, %q", all[1].PIN, all[1].ID)
	}
}

// What is wrong is named by file, line and column, as much as there is of it at once, and
// without repeating a secret.
func TestPeopleFile_Faults(t *testing.T) {
	tests := []struct{ text, want string }{
		{"", "people.csv:1: the header line is missing, such as msisdn,name"},
		{"msisdn,name\n", "people.csv:2: there is nobody in it"},
		{"msisdn\n8613900000001\n", "people.csv:1: name: the column is missing"},
		{"msisdn,name,name\n", "people.csv:1: name: the column is there twice"},
		{"msisdn,name,shoe\n", "people.csv:1: column 3 is none of msisdn, name, form, suite, persona, cards, balance, currency, pan, pin, id_number"},
		{"msisdn,name\n8613900000001,Li,x\n", "people.csv:2: wrong number of fields"},
		{"msisdn,name\n8613900000001,L\"i\n", "people.csv:2: bare \" in non-quoted-field"},
		{"msisdn,name\n8613900000001,Li\n8613900000001,Li\n", "people.csv:3: msisdn: is on line 2 too"},
		{"msisdn,name\n13x,\n", "people.csv:2: name: is empty\npeople.csv:2: msisdn: "},
		{"msisdn,name\n8613900000001," + strings.Repeat("n", 65) + "\n", "people.csv:2: name: is longer than 64 characters"},
		{"msisdn,name,pin\n8613900000001,Li,12x4\n", "people.csv:2: pin: a PIN has 4 to 12 digits"},
		{"msisdn,name,id_number\n8613900000001,Li,Z\n", "people.csv:2: id_number: an identity number"},
		{"msisdn,name,persona\n8613900000001,Li,rich\n", "people.csv:2: persona: no persona \"rich\": choose"},
		{"msisdn,name,form\n8613900000001,Li,abacus\n", "people.csv:2: form: "},
		{"msisdn,name,suite\n8613900000001,Li,ancient\n", "people.csv:2: suite: "},
		{"msisdn,name,balance\n8613900000001,Li,1.5\n", "people.csv:2: balance: is 0 to 999999999999, in minor units"},
		{"msisdn,name,currency\n8613900000001,Li,???\n", "people.csv:2: currency: "},
		{"msisdn,name,cards\n8613900000001,Li,Blue;=5\n", "people.csv:2: cards: write them as Blue;Red=0"},
		{"msisdn,name,cards\n8613900000001,Li,Blue=x\n", "people.csv:2: cards: is 0 to"},
		{"msisdn,name,pan\n8613900000001,Li,1;2\n", "people.csv:2: pan: there are 2 numbers for 1 cards"},
		{"msisdn,name\n" + strings.Repeat("1,\n", 30), "people.csv:2: "},
	}
	for _, tt := range tests {
		all, err := world.PeopleFile{Name: "people.csv"}.Read(strings.NewReader(tt.text))
		if err == nil || len(all) > 0 || !strings.HasPrefix(err.Error(), tt.want) {
			t.Errorf("%q:\n got %v\nwant %s", tt.text, err, tt.want)
		}
		if err != nil && strings.Count(err.Error(), "\n") > 20 {
			t.Errorf("%d faults are told", strings.Count(err.Error(), "\n")+1)
		}
	}
}

func FuzzPeopleFile(f *testing.F) {
	f.Add("msisdn,name,cards,pan\n8613900000001,Li,Blue;Red=5," + goodPAN + ";\n")
	f.Add("name,msisdn\r\n\"a\nb\",8613900000001\r\n")
	f.Add("\ufeffmsisdn,name,pin\n8613900000001,Li,73951\n")
	f.Fuzz(func(t *testing.T, text string) {
		all, err := world.PeopleFile{Name: "f"}.Read(strings.NewReader(text))
		if (err == nil) != (len(all) > 0) {
			t.Errorf("%d people and %v", len(all), err)
		}
		for _, p := range all {
			if p.Phone == "" || p.Name == "" || p.PIN == "" || len(p.Cards) == 0 || p.Line < 2 {
				t.Errorf("%+v", p)
			}
		}
	})
}

// Of the same seed the person with a number is the same one, however many there are.
func TestPopulation(t *testing.T) {
	few, many := village(t, 5), village(t, 5000)
	habits := map[string]int{}
	numbers, cards := map[string]bool{}, map[string]bool{}
	for i := range 5000 {
		p := many.Person(i + 1)
		habits[p.Persona]++
		numbers[string(p.Phone)] = true
		for _, c := range p.Cards {
			cards[c.PAN] = true
		}
		if i < 5 && !cmp.Equal(p, few.Person(i+1)) {
			t.Errorf("person %d depends on how many there are", i+1)
		}
	}
	if len(numbers) != 5000 || len(cards) != 10000 {
		t.Errorf("%d numbers, %d cards", len(numbers), len(cards))
	}
	if n := habits["pays"]; n < 3000 || n > 3250 {
		t.Errorf("%d of 5000 pay, of 5 in 8", n)
	}
	if p := many.Person(42).Phone; p != "8613800000042" {
		t.Errorf("person 42 has %s", p)
	}
	for _, bad := range []world.Population{
		{}, {Count: 1, Prefix: "86"}, {Count: 1, Prefix: "8613812345678"}, {Count: 1, Prefix: "86x38"}, {Count: 1, Prefix: "0138"},
		{Count: 10, Prefix: "861381234567"}, {Count: 1, Prefix: "86138", Balance: -1},
	} {
		if bad.Validate() == nil {
			t.Errorf("%+v can be", bad)
		}
	}
	if err := (world.Population{Count: 9, Prefix: "861381234567"}).Validate(); err != nil {
		t.Error(err)
	}
}
