package menu_test

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/menu"
	"github.com/airtill/airtill/platform/money"
)

const thePIN = "246813"

func bill(n int) menu.Bill {
	return menu.Bill{
		ID: platform.BillID(fmt.Sprintf("bill_%d", n)), Merchant: fmt.Sprintf("Shop %d", n), Subject: "flight CA1405",
		Sum: money.Money{Amount: money.Amount(n) * 12800, Currency: "CNY"},
	}
}

func wallet(bills int, cards ...menu.Card) menu.Wallet {
	w := menu.Wallet{Cards: cards}
	for n := range bills {
		w.Bills = append(w.Bills, bill(n+1))
	}
	return w
}

var (
	blue   = menu.Card{Slot: 1, Alias: "Blue", Tail: "1234", Currency: "CNY"}
	red    = menu.Card{Slot: 2, Alias: "Red", Tail: "5678", Currency: "CNY"}
	abroad = menu.Card{Slot: 3, Alias: "Abroad", Tail: "9012", Currency: "USD"}
	locked = menu.Card{Slot: 4, Alias: "Old", Tail: "3456", Currency: "CNY", Locked: true}
)

// answers are what comes of acts, in the order in which they are asked.
type answers []menu.Result

var done = menu.Result{Code: applet.CodeApproved, Approval: "123456"}

// walk types inputs into a menu, does what it asks, and answers the last text, and what
// was asked.
func walk(t *testing.T, m menu.Menu, inputs string, come answers) (text string, acts []string) {
	t.Helper()
	for _, input := range strings.Split(inputs, " ") {
		if inputs == "" {
			break
		}
		var act menu.Act
		m, act = m.Take(strings.ReplaceAll(input, "_", " "))
		if act.Do == menu.Nothing {
			continue
		}
		acts = append(acts, words(t, act))
		result := done
		if len(come) > 0 {
			result, come = come[0], come[1:]
		}
		m = m.Answered(act, result)
	}
	text = m.Text()
	if m.Open() == strings.HasSuffix(text, ".") {
		t.Errorf("open: %t with %q", m.Open(), text)
	}
	return strings.ReplaceAll(text, "\n", " / "), acts
}

func words(t *testing.T, a menu.Act) string {
	t.Helper()
	names := map[menu.Do]string{menu.Open: "open", menu.Defer: "defer", menu.Refuse: "refuse", menu.Pay: "pay"}
	said := fmt.Sprintf("%s %s", names[a.Do], a.Bill)
	if a.Do != menu.Pay {
		return said
	}
	if a.PIN.Reveal() != thePIN {
		t.Errorf("another PIN came than was typed")
	}
	return fmt.Sprintf("%s %d", said, a.Slot)
}

// Every screen, what leads from it, and what cannot be chosen there (issue 4, item 9).
func TestMenu(t *testing.T) {
	const (
		asks     = "CNY 128.00 to Shop 1 / for flight CA1405 / 1 Pay / 2 Refuse / 3 Later"
		listed   = asks + " / 0 Back"
		which    = "Pay CNY 128.00 with: / 1 Blue *1234 / 2 Red *5678 / 0 Back"
		withBlue = "Pay CNY 128.00 with Blue *1234 / PIN (0 goes back):"
		withRed  = "Pay CNY 128.00 with Red *5678 / PIN (0 goes back):"
		two      = "Bills to pay: / 1 Shop 1 CNY 128.00 / 2 Shop 2 CNY 256.00"
		paid     = "Paid CNY 128.00 to Shop 1. Approval 123456."
	)
	one := menu.Pushed(bill(1), []menu.Card{blue})
	choice := menu.Pushed(bill(1), []menu.Card{blue, abroad, locked, red})
	dialled := menu.Dialled(wallet(2, blue, red))
	declined := func(c applet.ResponseCode, left int) answers {
		return answers{done, {Code: c, TriesLeft: left}}
	}
	for _, tt := range []struct {
		name   string
		menu   menu.Menu
		inputs string
		come   answers
		text   string
		acts   string
	}{
		{name: "pushed", menu: one, text: asks},
		{name: "pushed, one card", menu: one, inputs: "1", text: withBlue, acts: "open bill_1"},
		{name: "pays", menu: one, inputs: "1 " + thePIN, text: paid, acts: "open bill_1, pay bill_1 1"},
		{name: "refuses", menu: one, inputs: "2", text: "Refused. The shop is told.", acts: "refuse bill_1"},
		{name: "later", menu: one, inputs: "3", text: "You can pay it later.", acts: "defer bill_1"},
		{name: "7 where 1 to 3 is asked", menu: one, inputs: "7", text: "Choose 1 to 3. / " + asks},
		{name: "0 where nothing lies behind", menu: one, inputs: "0", text: "Choose 1 to 3. / " + asks},
		{name: "letters", menu: one, inputs: "pay", text: "Choose 1 to 3. / " + asks},
		{name: "empty", menu: one, inputs: "_", text: "Choose 1 to 3. / " + asks},
		{name: "blanks around", menu: one, inputs: "_1_", text: withBlue, acts: "open bill_1"},
		{name: "a note goes", menu: one, inputs: "7 1", text: withBlue, acts: "open bill_1"},

		{name: "several cards", menu: choice, inputs: "1", text: which, acts: "open bill_1"},
		{name: "the second card", menu: choice, inputs: "1 2", text: withRed, acts: "open bill_1"},
		{name: "a locked card is none", menu: choice, inputs: "1 3", text: "Not in the list. / " + which, acts: "open bill_1"},
		{name: "more where there is none", menu: choice, inputs: "1 9", text: "Not in the list. / " + which, acts: "open bill_1"},
		{name: "letters for a card", menu: choice, inputs: "1 red", text: "Not in the list. / " + which, acts: "open bill_1"},
		{name: "back from the cards", menu: choice, inputs: "1 0", text: asks, acts: "open bill_1"},
		{name: "back from the PIN", menu: choice, inputs: "1 1 0", text: which, acts: "open bill_1"},
		{name: "back from the PIN of the only card", menu: one, inputs: "1 0", text: asks, acts: "open bill_1"},
		{name: "no card", menu: menu.Pushed(bill(1), []menu.Card{abroad, locked}), inputs: "1", text: "None of your cards can pay this. / " + asks},

		{name: "a PIN too short", menu: one, inputs: "1 123", text: "4 to 12 digits. / " + withBlue, acts: "open bill_1"},
		{name: "a PIN too long", menu: one, inputs: "1 1234567890123", text: "4 to 12 digits. / " + withBlue, acts: "open bill_1"},
		{name: "a PIN of letters", menu: one, inputs: "1 abcd", text: "4 to 12 digits. / " + withBlue, acts: "open bill_1"},
		{name: "no PIN", menu: one, inputs: "1 _", text: "4 to 12 digits. / " + withBlue, acts: "open bill_1"},
		{name: "a wrong PIN", menu: one, inputs: "1 " + thePIN, come: declined("55", 2), text: "Wrong PIN, 2 tries left. / " + withBlue, acts: "open bill_1, pay bill_1 1"},
		{name: "another wrong PIN", menu: one, inputs: "1 " + thePIN, come: declined("55", 1), text: "Wrong PIN, 1 try left. / " + withBlue, acts: "open bill_1, pay bill_1 1"},
		{name: "wrong, then right", menu: one, inputs: "1 " + thePIN + " " + thePIN, come: declined("55", 2), text: paid, acts: "open bill_1, pay bill_1 1, pay bill_1 1"},
		{name: "the third wrong PIN", menu: one, inputs: "1 " + thePIN, come: declined("75", 0), text: "Wrong PIN. This card is locked now; see your branch. The bill is not paid.", acts: "open bill_1, pay bill_1 1"},

		{name: "S10 no money", menu: choice, inputs: "1 1 " + thePIN, come: declined("51", 3), text: "Not enough money. / " + which, acts: "open bill_1, pay bill_1 1"},
		{name: "S10 then another card", menu: choice, inputs: "1 1 " + thePIN + " 2 " + thePIN, come: declined("51", 3), text: paid, acts: "open bill_1, pay bill_1 1, pay bill_1 2"},
		{name: "S10 no other card", menu: one, inputs: "1 " + thePIN, come: declined("51", 3), text: "Not enough money. / " + asks, acts: "open bill_1, pay bill_1 1"},
		{name: "not permitted", menu: one, inputs: "1 " + thePIN, come: declined("57", 0), text: "This card cannot be used; see your branch. The bill is not paid.", acts: "open bill_1, pay bill_1 1"},
		{name: "over the limit", menu: one, inputs: "1 " + thePIN, come: declined("61", 3), text: "This bill is too high to be paid here. It is not paid.", acts: "open bill_1, pay bill_1 1"},
		{name: "mismatch", menu: one, inputs: "1 " + thePIN, come: declined("12", 3), text: "Not paid. Please try again later.", acts: "open bill_1, pay bill_1 1"},
		{name: "expired meanwhile", menu: one, inputs: "1", come: answers{{Code: "54"}}, text: "This bill has expired.", acts: "open bill_1"},
		{name: "withdrawn meanwhile", menu: one, inputs: "2", come: answers{{Code: "CN"}}, text: "The shop has withdrawn this bill.", acts: "refuse bill_1"},
		{name: "paid elsewhere", menu: one, inputs: "3", come: answers{{Code: "94"}}, text: "This bill is closed.", acts: "defer bill_1"},
		{name: "nobody knows", menu: one, inputs: "1 " + thePIN, come: answers{done, {}}, text: "We could not do that now. Please look at the bill again before you pay.", acts: "open bill_1, pay bill_1 1"},

		{name: "dialled", menu: dialled, text: two},
		{name: "dialled, one bill", menu: menu.Dialled(wallet(1, blue)), text: "Bills to pay: / 1 Shop 1 CNY 128.00"},
		{name: "dialled, nothing to pay", menu: menu.Dialled(wallet(0, blue)), text: menu.NoBills},
		{name: "picks a bill", menu: dialled, inputs: "1", text: listed},
		{name: "back to the list", menu: dialled, inputs: "1 0", text: two},
		{name: "bad choice on a listed bill", menu: dialled, inputs: "1 4", text: "Choose 0 to 3. / " + listed},
		{name: "no such bill", menu: dialled, inputs: "3", text: "Not in the list. / " + two},
		{name: "0 of the list", menu: dialled, inputs: "0", text: "Not in the list. / " + two},
		{name: "pays from the list", menu: dialled, inputs: "1 1 1 " + thePIN, text: paid, acts: "open bill_1, pay bill_1 1"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			text, acts := walk(t, tt.menu, tt.inputs, tt.come)
			if text != tt.text {
				t.Errorf("it shows\n%s\nwant\n%s", text, tt.text)
			}
			if got := strings.Join(acts, ", "); got != tt.acts {
				t.Errorf("it asks for %q, want %q", got, tt.acts)
			}
		})
	}
}

// Lists have pages; each bill is on one of them, and can be picked there.
func TestPages(t *testing.T) {
	const bills = 23
	m := menu.Dialled(wallet(bills, blue))
	for n, page := 1, 0; n <= bills; page++ {
		text := m.Text()
		rows := strings.Split(text, "\n")
		if more := strings.Contains(text, "9 More"); strings.Contains(text, "0 Back") != (page > 0) || !more && !strings.Contains(text, "Shop 23 ") {
			t.Fatalf("page %d: %q", page, text)
		}
		for _, row := range rows[1:] {
			if row == "9 More" || row == "0 Back" {
				continue
			}
			if want := fmt.Sprintf(" Shop %d ", n); !strings.Contains(row, want) {
				t.Fatalf("%q, want bill %d", row, n)
			}
			picked, _ := m.Take(row[:1])
			if !strings.Contains(picked.Text(), fmt.Sprintf("to Shop %d\n", n)) {
				t.Fatalf("%q leads to %q", row, picked.Text())
			}
			n++
		}
		m, _ = m.Take("9")
	}
	m, _ = m.Take("0")
	if strings.Contains(m.Text(), "Shop 23") {
		t.Error("0 does not lead back a page")
	}
}

// A PIN is asked for on one screen, and that one says so.
func TestSecret(t *testing.T) {
	m := menu.Pushed(bill(1), []menu.Card{blue, red})
	for _, step := range []struct {
		input  string
		secret bool
	}{{"", false}, {"1", false}, {"1", true}, {"12", true}, {"0", false}, {"2", true}} {
		if step.input != "" {
			m, _ = m.Take(step.input)
		}
		if m.Secret() != step.secret {
			t.Fatalf("after %q: %t", step.input, m.Secret())
		}
	}
	after, act := m.Take(thePIN)
	if said := fmt.Sprintf("%v %+v %#v %q", after, act, act, after.Text()); strings.Contains(said, thePIN) {
		t.Errorf("the PIN shows in %s", said)
	}
}

// Whatever merchants and holders are called, and whatever is typed: every text fits.
// What a merchant writes cannot look like a line of the menu.
func TestFits(t *testing.T) {
	names := rapid.StringOf(rapid.SampledFrom([]rune("ab \n1{€国é\U0001F600")))
	sums := rapid.Custom(func(t *rapid.T) money.Money {
		return money.Money{Amount: money.Amount(rapid.Int64Range(1, int64(money.Max)).Draw(t, "amount")), Currency: "CNY"}
	})
	bills := rapid.Custom(func(t *rapid.T) menu.Bill {
		return menu.Bill{ID: "bill_1", Merchant: names.Draw(t, "merchant"), Subject: names.Draw(t, "subject"), Sum: sums.Draw(t, "sum")}
	})
	holders := rapid.Custom(func(t *rapid.T) menu.Card {
		return menu.Card{Slot: 1, Alias: names.Draw(t, "alias"), Tail: "1234", Currency: "CNY"}
	})
	codes := []applet.ResponseCode{"00", "12", "14", "51", "54", "55", "57", "61", "75", "94", "CN", ""}
	rapid.Check(t, func(t *rapid.T) {
		w := menu.Wallet{Bills: rapid.SliceOfN(bills, 1, 12).Draw(t, "bills"), Cards: rapid.SliceOfN(holders, 0, 12).Draw(t, "cards")}
		m := menu.Dialled(w)
		if rapid.Bool().Draw(t, "pushed") {
			m = menu.Pushed(w.Bills[0], w.Cards)
		}
		for range 12 {
			text := m.Text()
			if err := ussd.CheckText(text); err != nil || text == "" {
				t.Fatalf("%q: %v", text, err)
			}
			if strings.Contains(text, "3 Later") && strings.Count("\n"+text, "\n1 ") != 1 {
				t.Fatalf("a choice that is not ours: %q", text)
			}
			var act menu.Act
			m, act = m.Take(rapid.SampledFrom([]string{"1", "1", "2", "9", "0", "7", "x", thePIN}).Draw(t, "input"))
			if act.Do != menu.Nothing {
				m = m.Answered(act, menu.Result{Code: rapid.SampledFrom(codes).Draw(t, "code"), TriesLeft: 2, Approval: "123456"})
			}
		}
		how := menu.HowTo(w.Bills[0], "*120#")
		if parts, err := tpdu.SplitText(how, tpdu.Reference{}); err != nil || len(parts) != 1 {
			t.Fatalf("%q: %d parts, %v", how, len(parts), err)
		}
	})
}

func TestHowTo(t *testing.T) {
	if got, want := menu.HowTo(bill(1), "*120#"), "Bill of CNY 128.00 to Shop 1, flight CA1405. Dial *120# to pay."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
