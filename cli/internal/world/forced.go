package world

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

// A network can have numbers whose last four digits say what becomes of a bill for them:
// of phones with a payment client, and of phones without one, which pay over USSD. The
// platform knows nothing of it: who holds these phones, the air around them and the
// carrier's faults are so. Every bill ends as it would for anybody, with its callback.
const (
	ForcedPrefix     = "861350000" // of phones with a payment client
	ForcedUSSDPrefix = "861360000" // of phones without one
)

// Forced is what becomes of the bills for a number, by its last four digits.
type Forced struct {
	Digits    string
	What      string    // happens
	OverUSSD  string    // what happens without a client instead; empty: the same
	State     fsm.State // that a bill ends in
	Callbacks []string  // the types of the callbacks that its merchant gets
	Client    bool      // there is a phone with a client
	USSD      bool      // there is a phone without one
	persona   persona.Kind
	balance   money.Amount
	off       bool   // out of the carrier's reach
	fault     string // at the carrier, for this number alone
	faultUSSD string // the same, of the phone without a client
}

// The carrier's part: how late a receipt is, and of how many messages to a number that is
// throttled the first is refused. The others are more than the parts of a bill; or an SMS,
// and the menus that pay a bill.
const (
	receiptLate        = 3 * time.Second
	throttledEvery     = 3
	throttledEveryUSSD = 8
)

// richly is what the cards of these phones can pay.
const richly money.Amount = 100_000_000_000

// ForcedOutcomes are all of them, in order.
func ForcedOutcomes() []Forced {
	ends := func(s fsm.State) (fsm.State, []string) { return s, []string{"bill." + string(s)} }
	row := func(digits, what string, state fsm.State, kind persona.Kind) Forced {
		f := Forced{Digits: digits, What: what, Client: true, USSD: true, persona: kind, balance: richly}
		f.State, f.Callbacks = ends(state)
		return f
	}
	all := []Forced{
		row("0000", "pays at once", bill.Settled, persona.Pays),
		row("0001", "puts it off, and pays some seconds later", bill.Settled, persona.PaysLater),
		row("0002", "looks and never answers", bill.Expired, persona.LooksOnly),
		row("0003", "declines", bill.Refused, persona.Refuses),
		row("0004", "types three wrong PINs; a branch unlocks the card afterwards", bill.Failed, persona.WrongPIN),
		row("0005", "has no money on the card, and refuses then", bill.Refused, persona.Pays),
		row("0006", "is switched off and stays so", bill.Undelivered, persona.Pays),
		row("0007", "pays before the carrier's receipt for the bill is there", bill.Settled, persona.Pays),
		row("0008", "is throttled by the carrier: the first message and every third is refused; pays", bill.Settled, persona.Pays),
		row("0009", "pays twice; the second payment moves no money", bill.Settled, persona.PaysTwice),
		row("0010", "pays when the bill has expired; no money moves", bill.Expired, persona.PaysOver),
		row("0011", "loses the USSD session where it asks for the PIN, and does not dial again", bill.Expired, persona.DropsMenu),
		row("0012", "pays, and writes a text in UCS-2 besides", bill.Settled, persona.WritesUCS2),
	}
	all[2].OverUSSD = "closes the menu and never answers"
	all[5].balance = 0
	all[6].off = true
	all[7].fault = "receipt=delay:" + receiptLate.String()
	all[8].fault = fmt.Sprintf("submit_sm=ESME_RTHROTTLED every=%d", throttledEvery)
	all[8].faultUSSD = fmt.Sprintf("submit_sm=ESME_RTHROTTLED every=%d", throttledEveryUSSD)
	all[8].OverUSSD = "is throttled by the carrier: the first message and every eighth is refused; dials and pays"
	all[12].OverUSSD = "pays, with all replies in UCS-2"
	all[7].USSD, all[9].USSD, all[10].USSD = false, false, false
	all[11].Client = false
	return all
}

// Numbers are its phones: of a network without bills over USSD those with a client alone.
func (f Forced) Numbers(ussd bool) (all []gateway.MSISDN) {
	if f.Client || ussd { // the number of a phone without a client is there too
		all = append(all, f.Number())
	}
	if f.USSD && ussd {
		all = append(all, f.USSDNumber())
	}
	return all
}

// Number is its phone with a client; where none makes sense, one without.
func (f Forced) Number() gateway.MSISDN { return gateway.MSISDN(ForcedPrefix + f.Digits) }

// USSDNumber is its phone without a client.
func (f Forced) USSDNumber() gateway.MSISDN { return gateway.MSISDN(ForcedUSSDPrefix + f.Digits) }

// forced are the outcomes of this network.
func (c Config) forced() []Forced {
	if !c.Forced {
		return nil
	}
	return ForcedOutcomes()
}

// overUSSD says whether bills may be paid over USSD.
func (c Config) overUSSD() bool { return len(c.USSDCap) > 0 }

// forcedPeople hold the phones.
func (c Config) forcedPeople() (people []Person) {
	for _, f := range c.forced() {
		for _, n := range f.Numbers(c.overUSSD()) {
			form := "sim"
			if !f.Client || strings.HasPrefix(string(n), ForcedUSSDPrefix) {
				form = platform.FormNone
			}
			people = append(people, Person{
				Name: "Test " + f.Digits, Phone: n, Form: form, Persona: string(f.persona), PIN: forcedPIN, ID: forcedIdentity,
				Cards: []BankCard{{Alias: "Test", Balance: f.balance, Currency: money.CNY}},
			})
		}
	}
	return people
}

// What the holders of these phones keep to themselves.
const (
	forcedPIN      = "135791"
	forcedIdentity = "11010519900307123X"
)

// forcedRadio is the air around the phones that are off.
func (c Config) forcedRadio() (plan radio.Plan) {
	for _, f := range c.forced() {
		for _, n := range f.Numbers(c.overUSSD()) {
			if f.off {
				plan.Subscribers = append(plan.Subscribers, radio.Settings{Number: string(n), Off: true})
			}
		}
	}
	return plan
}

// forcedFaults are the carrier's, each for one number.
func (c Config) forcedFaults() (all []fault.Fault, err error) {
	for _, f := range c.forced() {
		for _, n := range f.Numbers(c.overUSSD()) {
			text := f.fault
			if n == f.USSDNumber() {
				text = f.faultUSSD
			}
			if text == "" {
				continue
			}
			one, err := fault.Parse(text + " account=" + platformAccount + " number=" + string(n))
			if err != nil {
				return nil, err
			}
			all = append(all, one...)
		}
	}
	return all, nil
}

// clerk unlocks the cards of phones whose holders type wrong PINs, so that the next bill
// for them ends as the one before.
type clerk struct {
	office *api.OfficeClient
	phones []gateway.MSISDN
	locked chan gateway.MSISDN
}

// newClerk makes one; nil, if nobody mistypes on purpose. The office is filled in later.
func (c Config) newClerk() *clerk {
	k := &clerk{}
	for _, f := range c.forced() {
		if f.persona == persona.WrongPIN {
			k.phones = append(k.phones, f.Numbers(c.overUSSD())...)
		}
	}
	if len(k.phones) == 0 {
		return nil
	}
	k.locked = make(chan gateway.MSISDN, 2*len(k.phones))
	return k
}

// watch stands around what is told of phones.
func (k *clerk) watch(tell func(handsetsim.Event)) func(handsetsim.Event) {
	if k == nil {
		return tell
	}
	return func(e handsetsim.Event) {
		if tell != nil {
			tell(e)
		}
		if slices.Contains(k.phones, e.Phone) && saysLocked(e) {
			select {
			case k.locked <- e.Phone:
			default: // it is seen to already
			}
		}
	}
}

// saysLocked says whether a phone has shown its holder that the card is locked.
func saysLocked(e handsetsim.Event) bool {
	switch e.Kind {
	case handsetsim.ResultShown:
		return strings.HasPrefix(e.Detail, string(applet.CodePINLocked))
	case handsetsim.ScreenShown:
		return strings.Contains(e.Detail, "locked")
	}
	return false
}

// run unlocks cards until ctx ends, those first that an earlier run has left locked.
func (k *clerk) run(ctx context.Context) {
	for _, n := range k.phones {
		k.unlock(ctx, n)
	}
	for {
		select {
		case n := <-k.locked:
			k.unlock(ctx, n)
		case <-ctx.Done():
			return
		}
	}
}

// unlock unlocks a card; one that is not locked is refused, and that is well.
func (k *clerk) unlock(ctx context.Context, n gateway.MSISDN) {
	_ = k.office.Unlock(ctx, n, api.Unlock{Slot: 1, By: "forced outcomes", Note: "the number is there to mistype again"})
}
