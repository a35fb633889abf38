// Package demo plays the story of Airtill: a network comes up, people order and pay,
// refuse, put off and forget, and each hop is told as it happens. It ends with the
// bills, how long each took, and the books checked.
//
// The scenes are those of the clauses S5, S10, S11, S16, S17 and S18; the others show
// on the way. Nothing is staged but the people: every hop that is told was seen on a
// wire or on a phone.
package demo

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/scp80"
)

// Config is how a demo is played.
type Config struct {
	Network network.Network
	Store   *world.Store // must be empty
	Seed    uint64
	Suite   scp80.Suite // of everything that is secured; 0 is modern
	SMPP    string      // address of the carrier; empty is a free port
	Tell    Teller
	Log     zerolog.Logger
}

// Teller is told the story as it goes on, one call at a time.
type Teller interface {
	Scene(Scene)
	Hop(Hop)
	Bill(Bill)
}

// Hop is one thing that happened: a message on a wire, or what somebody did.
type Hop struct {
	Type   string    `json:"type"` // hop
	At     time.Time `json:"at"`
	From   string    `json:"from"`
	To     string    `json:"to,omitempty"` // empty: it stayed where it was
	What   string    `json:"what"`
	Wire   string    `json:"wire,omitempty"`   // HTTP or SMPP; empty: it crossed none
	Octets int       `json:"octets,omitempty"` // of the body, or of the short message's user data
	Clause string    `json:"clause,omitempty"` // what it shows
}

// Bill is how one bill ended.
type Bill struct {
	Type     string `json:"type"` // bill
	Scene    string `json:"scene"`
	ID       string `json:"id"`
	What     string `json:"what"`
	Amount   string `json:"amount"`
	Payer    string `json:"payer"`
	State    string `json:"state"`
	Reason   string `json:"reason,omitempty"`
	Attempts int    `json:"attempts"`
	Millis   int64  `json:"took_ms"` // from the order to the end
	OK       bool   `json:"ok"`      // ended as the scene was written
}

// Summary is the end of a demo.
type Summary struct {
	Type            string   `json:"type"` // summary
	OK              bool     `json:"ok"`   // every scene ended as written and the books are right
	Bills           int      `json:"bills"`
	Paid            int      `json:"paid"`
	Refused         int      `json:"refused"`
	Expired         int      `json:"expired"`
	LedgerSum       int64    `json:"ledger_sum"`
	DuplicateDebits int      `json:"duplicate_debits"`
	Clearing        int64    `json:"clearing"` // on its way between partitions
	JournalEntries  int      `json:"journal_entries"`
	Differences     []string `json:"differences,omitempty"`
	Failed          []string `json:"failed,omitempty"` // scenes that did not end as written
	Suite           string   `json:"suite"`
	Seed            uint64   `json:"seed"`
	Millis          int64    `json:"took_ms"`
}

// ErrNotAsWritten is a demo that did not end as it was written.
var ErrNotAsWritten = errors.New("the demo did not end as written")

// sceneTime bounds one scene.
const sceneTime = 20 * time.Second

// Run plays the demo and answers its summary. The error is [ErrNotAsWritten] when a
// scene went wrong or the books are, or what kept the network from living.
func Run(ctx context.Context, c Config) (Summary, error) {
	begin := time.Now()
	c.Suite = cmp.Or(c.Suite, scp80.Modern)
	st := newStage(c)
	w, err := world.New(ctx, world.Config{
		Network: c.Network, Store: c.Store, Seed: c.Seed, SMPP: c.SMPP, Suite: c.Suite, Profile: profile(c.Suite),
		People: people(), ShopName: shopName, Catalogue: catalogue(),
		Timing: timing(), Pace: pace(), Watch: st.watch(), Log: c.Log,
	})
	if err != nil {
		return Summary{}, err
	}
	st.world = w
	sum := Summary{Type: "summary", Suite: c.Suite.String(), Seed: c.Seed}
	err = w.Run(ctx, func(ctx context.Context) error {
		if err := st.playAll(ctx, &sum); err != nil {
			return err
		}
		return check(ctx, c.Store, &sum)
	})
	if err != nil {
		return sum, err
	}
	sum.Millis = time.Since(begin).Milliseconds()
	sum.OK = len(sum.Failed) == 0 && len(sum.Differences) == 0
	if !sum.OK {
		return sum, ErrNotAsWritten
	}
	return sum, nil
}

// profile is how the demo's shop and the platform know each other.
func profile(s scp80.Suite) platform.Profile {
	if s == scp80.Legacy {
		return platform.ProfileLegacy
	}
	return platform.ProfileModern
}

// quick people, and a platform that waits for nobody: a demo is watched.
func pace() persona.Pace {
	return persona.Pace{
		Read: 40 * time.Millisecond, Type: 40 * time.Millisecond,
		Later: 300 * time.Millisecond, Off: 300 * time.Millisecond,
	}
}

func timing() billing.Timing {
	return billing.Timing{SweepEvery: 20 * time.Millisecond, RemindLeast: 400 * time.Millisecond}
}

// check audits the books.
func check(ctx context.Context, store *world.Store, sum *Summary) error {
	report, err := audit.Run(ctx, store, store.Partitions())
	if err != nil {
		return fmt.Errorf("audit: %w", err)
	}
	sum.LedgerSum, sum.DuplicateDebits = report.LedgerSum(), report.DuplicateDebits
	sum.JournalEntries, sum.Differences = report.Entries, report.Differences
	for currency, amount := range report.Clearing {
		sum.Clearing += max(amount, -amount)
		if amount != 0 {
			sum.Differences = append(sum.Differences, fmt.Sprintf("clearing holds %d %s after the last sweep", amount, currency))
		}
	}
	return nil
}

// playAll plays the scenes in turn.
func (st *stage) playAll(ctx context.Context, sum *Summary) error {
	for _, sc := range scenes() {
		b, err := st.play(ctx, sc)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err != nil {
			sum.Failed = append(sum.Failed, fmt.Sprintf("%s: %v", sc.Title, err))
		}
		sum.count(b)
		st.bills = append(st.bills, b)
	}
	for _, b := range st.bills {
		st.config.Tell.Bill(b)
	}
	return nil
}

func (s *Summary) count(b Bill) {
	s.Bills++
	switch merchant.Status(b.State) {
	case "settled":
		s.Paid++
	case merchant.Refused:
		s.Refused++
	case merchant.Expired:
		s.Expired++
	}
}

// play plays one scene to its end.
func (st *stage) play(ctx context.Context, sc Scene) (Bill, error) {
	st.begin(sc)
	ctx, cancel := context.WithTimeout(ctx, sceneTime)
	defer cancel()
	b := Bill{Type: "bill", Scene: sc.Title, Payer: st.name(string(sc.payer))}
	shop := st.world.Merchant.Shop
	o, err := shop.Place(ctx, merchant.Request{Item: sc.item, Phone: string(sc.payer), BuyerPhone: string(sc.buyer)})
	if err != nil {
		return b, err
	}
	b.What, b.Amount, b.ID = o.Goods.String(), o.Item.Price().String(), o.Bill
	if o, err = shop.Await(ctx, o.ID, told); err != nil {
		return b, err
	}
	bill, err := st.ended(ctx, sc, o)
	if err != nil {
		return b, err
	}
	b.State, b.Reason, b.Attempts = string(bill.State), string(bill.Reason), bill.Attempts
	b.Millis = bill.Ended.Sub(bill.Created).Milliseconds()
	err = st.asWritten(ctx, sc, bill)
	b.OK = err == nil
	return b, err
}

// told says that an order has ended and all its notices are with the carrier.
func told(o merchant.Order) bool {
	for _, n := range o.Notices {
		if n.Progress == merchant.Queued {
			return false
		}
	}
	return !o.Status.Open()
}

// ended waits until the merchant's acknowledgement is kept, tells the money moved, and
// waits until the phones have all that they were sent.
func (st *stage) ended(ctx context.Context, sc Scene, o merchant.Order) (api.Bill, error) {
	b, err := st.acknowledged(ctx, o.Bill)
	if err != nil {
		return b, err
	}
	if err := st.tellMoney(ctx, b); err != nil {
		return b, err
	}
	return b, st.arrived(ctx, sc, b, st.texts(o))
}
