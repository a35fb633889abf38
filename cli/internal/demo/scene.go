package demo

import (
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform/money"
)

// Scene is one order and how it is to end.
type Scene struct {
	Type   string `json:"type"` // scene
	Title  string `json:"title"`
	Clause string `json:"clause"`

	item     string
	payer    gateway.MSISDN
	buyer    gateway.MSISDN
	state    fsm.State
	attempts int      // payments tried
	passes   []string // events the bill must have gone through
}

// The people of the demo. Wang Wei has a phone and no card: he buys, others pay.
const (
	liNa    gateway.MSISDN = "8613800000001"
	zhao    gateway.MSISDN = "8613800000002"
	chen    gateway.MSISDN = "8613800000003"
	liu     gateway.MSISDN = "8613800000004"
	sun     gateway.MSISDN = "8613800000005"
	wangWei gateway.MSISDN = "8613900000002"
)

const shopName = "Sky Travel"

// holdTime is how long the last-minute seat of the last scene is kept.
const holdTime = 1200 * time.Millisecond

func catalogue() []merchant.Item {
	return append(merchant.DefaultCatalogue(), merchant.Item{
		SKU: "train-last-minute", Name: "A last-minute seat", Amount: 19900, Currency: money.CNY, Hold: holdTime,
		Goods: merchant.Goods{Kind: merchant.Train, Train: "G7", From: "Beijing South", To: "Nanjing", Date: "2026-12-01", Seat: "02-01A"},
	})
}

func scenes() []Scene {
	s := []Scene{
		{Title: "A train ticket, paid from the buyer's own phone", Clause: "S5", item: "train-g1", payer: liNa, buyer: liNa, state: bill.Settled, attempts: 1},
		{Title: "A flight ticket, paid from somebody else's phone", Clause: "S5", item: "flight-ca1405", payer: liNa, buyer: wangWei, state: bill.Settled, attempts: 1},
		{Title: "No money on the first card, then another card", Clause: "S10", item: "flight-mu5101", payer: zhao, buyer: wangWei, state: bill.Settled, attempts: 2, passes: []string{"decline"}},
		{Title: "The holder refuses", Clause: "S11", item: "train-d301", payer: chen, buyer: wangWei, state: bill.Refused},
		{Title: "Put off, and paid later from the list", Clause: "S16", item: "tea-longjing-100", payer: liu, buyer: liu, state: bill.Settled, attempts: 1, passes: []string{"defer"}},
		{Title: "A voucher, delivered to the phone", Clause: "S17", item: "voucher-top-up-50", payer: liNa, buyer: liNa, state: bill.Settled, attempts: 1},
		{Title: "Nobody answers: reminded, then expired", Clause: "S18", item: "train-last-minute", payer: sun, buyer: wangWei, state: bill.Expired, passes: []string{"remind"}},
	}
	for i := range s {
		s[i].Type = "scene"
	}
	return s
}

func people() []world.Person {
	person := func(name string, phone gateway.MSISDN, form string, habit persona.Kind, cards ...world.BankCard) world.Person {
		return world.Person{
			Name: name, Phone: phone, Form: form, Persona: string(habit), PIN: "246813", ID: "11010519900307" + string(phone[len(phone)-3:]) + "X",
			Cards: cards,
		}
	}
	card := func(alias string, balance money.Amount) world.BankCard {
		return world.BankCard{Alias: alias, Balance: balance, Currency: money.CNY}
	}
	return []world.Person{
		person("Li Na", liNa, "sim", persona.Pays, card("Blue", 900000)),
		person("Zhao Min", zhao, "sdtf", persona.PoorFirstCard, card("Empty", 1200), card("Savings", 400000)),
		person("Chen Jie", chen, "standalone", persona.Refuses, card("Green", 300000)),
		person("Liu Yang", liu, "sim", persona.PaysLater, card("Red", 100000)),
		person("Sun Li", sun, "sim", persona.Never, card("Gold", 100000)),
		{Name: "Wang Wei", Phone: wangWei, Persona: string(persona.Manual)},
	}
}
