// Package menu is what a holder reads and types to pay bills with a phone that has no
// payment client: over USSD, one text of at most 182 characters at a time (TS 23.038 §5).
//
//	bills ──pick──▶ bill ──1──▶ card ──pick──▶ PIN ──right──▶ paid
//	                 │ 2 refuse     ▲             │
//	                 └ 3 later      └─ no money ──┘ wrong: PIN again; third: locked
//
// A [Menu] is a state machine and a value: it takes what was typed and answers the menu
// after that and an [Act], what the platform is to do; [Menu.Answered] takes what came of
// it. The package does no I/O. It keeps no PIN: one that was typed is in the Act and
// nowhere else, and no text has it.
//
// What merchants and holders have named is cut to fit, sums and choices never are.
package menu

import (
	"strings"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// Bill is an open bill as a menu shows it.
type Bill struct {
	ID       platform.BillID
	Merchant string // its name
	Subject  string
	Sum      money.Money
}

// Card is one of the holder's cards.
type Card struct {
	Slot     int
	Alias    string
	Tail     string // last 4 digits
	Currency money.Currency
	Locked   bool
}

// Wallet is what a menu is made of: the open bills of a phone, oldest first, and the
// cards that pay them.
type Wallet struct {
	Bills []Bill
	Cards []Card
}

// Do is what a holder wants done.
type Do uint8

// The acts, which are events of the bill's life.
const (
	Nothing Do = iota
	Open       // look at the bill and go on to the cards
	Defer      // pay later (S16)
	Refuse     // (S11)
	Pay        // with the card in Slot and the PIN (S7)
)

// Act is what the platform is to do before the menu goes on.
type Act struct {
	Do   Do
	Bill platform.BillID
	Slot int
	PIN  applet.PIN
}

// Result is what came of an act. The zero Result is that nobody knows.
type Result struct {
	Code      applet.ResponseCode // CodeApproved: done
	TriesLeft int                 // of the PIN, with CodeWrongPIN
	Approval  string              // of a payment
}

// screen is where a holder is.
type screen uint8

const (
	closed screen = iota // with a last text
	bills
	oneBill
	cards
	pin
)

// Menu is where a session is. The zero Menu is closed, without a word.
type Menu struct {
	screen screen
	note   string // about what was typed last
	last   string // of a closed one

	wallet Wallet
	page   int // of the list that is shown
	bill   Bill
	card   Card
}

// Dialled is the menu of who dials: the list of open bills.
func Dialled(w Wallet) Menu {
	if len(w.Bills) == 0 {
		return Menu{last: NoBills}
	}
	return Menu{screen: bills, wallet: w}
}

// NoBills is what everybody reads who has nothing to pay here, enrolled or not.
const NoBills = "There is no bill to be paid here."

// Pushed is the menu that comes by itself, for one bill (S6).
func Pushed(b Bill, holders []Card) Menu {
	return Menu{screen: oneBill, bill: b, wallet: Wallet{Cards: holders}}
}

// Open says whether an answer is wanted; else the text is the last.
func (m Menu) Open() bool { return m.screen != closed }

// Secret says whether what is typed next is a PIN.
func (m Menu) Secret() bool { return m.screen == pin }

// Take takes what was typed. What cannot be chosen changes nothing but the note.
func (m Menu) Take(input string) (Menu, Act) {
	input = strings.TrimSpace(input)
	m.note = ""
	switch m.screen {
	case bills:
		return m.pickBill(input), Act{}
	case oneBill:
		return m.decide(input)
	case cards:
		return m.pickCard(input), Act{}
	case pin:
		return m.typePIN(input)
	case closed:
	}
	return m, Act{}
}

func (m Menu) pickBill(input string) Menu {
	at, next, note := m.billList().pick(m.page, input)
	if at < 0 {
		m.page, m.note = next, note
		return m
	}
	m.screen, m.bill, m.page = oneBill, m.wallet.Bills[at], 0
	return m
}

// decide takes what the holder says to a bill.
func (m Menu) decide(input string) (Menu, Act) {
	fromList := len(m.wallet.Bills) > 0
	switch {
	case input == "1":
		return m.toCards()
	case input == "2":
		return m.close("Refused. The shop is told."), Act{Do: Refuse, Bill: m.bill.ID}
	case input == "3":
		return m.close("You can pay it later."), Act{Do: Defer, Bill: m.bill.ID}
	case input == "0" && fromList:
		m.screen = bills
		return m, Act{}
	case fromList:
		m.note = "Choose 0 to 3."
	default:
		m.note = "Choose 1 to 3."
	}
	return m, Act{}
}

// toCards goes on to the cards, or straight to the PIN when there is but one.
func (m Menu) toCards() (Menu, Act) {
	able := m.able()
	switch len(able) {
	case 0:
		m.note = "None of your cards can pay this."
		return m, Act{}
	case 1:
		m.screen, m.card = pin, able[0]
	default:
		m.screen, m.page = cards, 0
	}
	return m, Act{Do: Open, Bill: m.bill.ID}
}

// able are the cards that may pay the bill: in its currency, and not locked.
func (m Menu) able() []Card {
	var able []Card
	for _, c := range m.wallet.Cards {
		if c.Currency == m.bill.Sum.Currency && !c.Locked {
			able = append(able, c)
		}
	}
	return able
}

func (m Menu) pickCard(input string) Menu {
	if input == "0" && m.page == 0 {
		m.screen = oneBill
		return m
	}
	at, next, note := m.cardList().pick(m.page, input)
	if at < 0 {
		m.page, m.note = next, note
		return m
	}
	m.screen, m.card = pin, m.able()[at]
	return m
}

func (m Menu) typePIN(input string) (Menu, Act) {
	if input == "0" {
		return m.back(), Act{}
	}
	typed, err := applet.ParsePIN(input)
	if err != nil {
		m.note = "4 to 12 digits."
		return m, Act{}
	}
	return m, Act{Do: Pay, Bill: m.bill.ID, Slot: m.card.Slot, PIN: typed}
}

// back leads from the PIN to the cards, or to the bill when there is no choice.
func (m Menu) back() Menu {
	m.screen, m.page = cards, 0
	if len(m.able()) < 2 {
		m.screen = oneBill
	}
	return m
}

// close ends the menu with a text.
func (m Menu) close(last string) Menu {
	m.screen, m.last = closed, last
	return m
}

// Answered takes what came of an act.
func (m Menu) Answered(a Act, r Result) Menu {
	switch {
	case r.Code == applet.CodeApproved && a.Do == Pay:
		return m.close(m.paid(r.Approval))
	case r.Code == applet.CodeApproved:
		return m
	case a.Do != Pay:
	case r.Code == applet.CodeFunds: // back to the same bill, for another card (S10)
		m = m.back()
		m.note = "Not enough money."
		return m
	case r.Code == applet.CodeWrongPIN:
		m.note = tries(r.TriesLeft)
		return m
	}
	return m.close(ending(r.Code))
}

func tries(left int) string {
	if left == 1 {
		return "Wrong PIN, 1 try left."
	}
	return "Wrong PIN, " + string(rune('0'+min(max(left, 0), 9))) + " tries left."
}

// ending is the last text after a result that ends a menu.
func ending(c applet.ResponseCode) string {
	switch c {
	case applet.CodePINLocked:
		return "Wrong PIN. This card is locked now; see your branch. The bill is not paid."
	case applet.CodeNotPermitted:
		return "This card cannot be used; see your branch. The bill is not paid."
	case applet.CodeOverLimit:
		return "This bill is too high to be paid here. It is not paid."
	case applet.CodeExpired:
		return "This bill has expired."
	case applet.CodeCancelled:
		return "The shop has withdrawn this bill."
	case applet.CodeDuplicate:
		return "This bill is closed."
	case "":
		return "We could not do that now. Please look at the bill again before you pay."
	}
	return "Not paid. Please try again later."
}
