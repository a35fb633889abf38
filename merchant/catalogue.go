package merchant

import (
	"time"

	"fmt"
	"strings"

	"github.com/airtill/airtill/platform/money"
)

// Kind is what sort of thing is sold; it decides how it is delivered.
type Kind string

// The kinds, with what S4 names of each.
const (
	Flight  Kind = "flight"  // flight, date, seat; delivered as an e-ticket
	Train   Kind = "train"   // train, date, seat; delivered as an e-ticket
	Voucher Kind = "voucher" // virtual goods, delivered as a code
	Article Kind = "goods"   // model, origin; sent to an address
)

// Goods describe what an order is for. They go to the platform as they are here (S4).
type Goods struct {
	Kind      Kind   `json:"kind"`
	Flight    string `json:"flight,omitempty"`
	Train     string `json:"train,omitempty"`
	From      string `json:"from,omitempty"`
	To        string `json:"to,omitempty"`
	Date      string `json:"date,omitempty"`
	Seat      string `json:"seat,omitempty"`
	Model     string `json:"model,omitempty"`
	Origin    string `json:"origin,omitempty"`
	Traveller string `json:"traveller,omitempty"`
	Address   string `json:"address,omitempty"`
}

// Electronic goods are delivered to the buyer's phone (S17).
func (g Goods) Electronic() bool { return g.Kind != Article }

// String says in one line what it is: CA1405 PEK-CTU 2026-12-01 12A.
func (g Goods) String() string {
	var route string
	if g.From != "" && g.To != "" {
		route = g.From + "-" + g.To
	}
	var words []string
	for _, word := range []string{g.Flight, g.Train, g.Model, route, g.Date, g.Seat} {
		if word != "" {
			words = append(words, word)
		}
	}
	return strings.Join(words, " ")
}

// Item is one thing of the catalogue.
type Item struct {
	SKU      string         `json:"sku"`
	Name     string         `json:"name"`
	Amount   money.Amount   `json:"amount"` // minor units
	Currency money.Currency `json:"currency"`
	Goods    Goods          `json:"goods"`
	// Hold is for how long it is kept for who ordered it: the bill must be paid by
	// then (S18). 0 is as long as the shop's bills last.
	Hold time.Duration `json:"-"`
}

// Price is what it costs.
func (i Item) Price() money.Money { return money.Money{Amount: i.Amount, Currency: i.Currency} }

// DefaultCatalogue is a little of everything.
func DefaultCatalogue() []Item {
	return []Item{
		{"flight-ca1405", "Beijing to Chengdu", 128000, money.CNY, Goods{Kind: Flight, Flight: "CA1405", From: "PEK", To: "CTU", Date: "2026-12-01", Seat: "12A"}, 0},
		{"flight-mu5101", "Shanghai to Beijing", 99000, money.CNY, Goods{Kind: Flight, Flight: "MU5101", From: "SHA", To: "PEK", Date: "2026-12-02", Seat: "31C"}, 0},
		{"train-g1", "Beijing to Shanghai", 66200, money.CNY, Goods{Kind: Train, Train: "G1", From: "Beijing South", To: "Shanghai Hongqiao", Date: "2026-12-01", Seat: "07-05F"}, 0},
		{"train-d301", "Beijing to Shanghai by night", 39900, money.CNY, Goods{Kind: Train, Train: "D301", From: "Beijing", To: "Shanghai", Date: "2026-12-03", Seat: "04-11"}, 0},
		{"voucher-top-up-50", "Top-up of 50 yuan", 5000, money.CNY, Goods{Kind: Voucher, Model: "top-up 50"}, 0},
		{"tea-longjing-100", "Longjing tea, 100 g", 8800, money.CNY, Goods{Kind: Article, Model: "Longjing tea 100 g", Origin: "Hangzhou"}, 0},
	}
}

// item finds what a customer asks for.
func (s *Shop) item(sku string) (Item, error) {
	for _, i := range s.config.Catalogue {
		if i.SKU == sku {
			return i, nil
		}
	}
	return Item{}, invalid("item", fmt.Sprintf("nothing in the catalogue is called %q", clip(sku)))
}
