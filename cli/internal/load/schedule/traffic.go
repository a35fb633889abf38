package schedule

import (
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/money"
)

// TrafficConfig is who has the handsets and what is in their bills.
type TrafficConfig struct {
	Seed     uint64
	Handsets int
	Mix      Mix     // nil: all pay
	Think    Think   // zero: persona's own pace
	Channel  Channel // "" is SMS
	Parts    Range   // short messages that a bill takes; zero is as many as it takes
	UCS2     float64 // share of the bills that are in UCS-2
	Amount   Amounts // zero is 1.00 to 100.00
	Rows     int     // of data; 0: none
	Order    Order   // of the rows; "" is Random
	Payers   []int   // of each row, the handset whose it is; nil: rows belong to nobody
	Segment  Segment // zero is the whole run
}

// Amounts is a range of amounts.
type Amounts struct{ Min, Max money.Amount }

// Bill is what is in a bill.
type Bill struct {
	Handset int // index, from 0
	Amount  money.Amount
	Channel Channel // SMS or USSD
	Parts   int     // 0: as many as it takes
	UCS2    bool
	Row     int // of the data; -1 is none
}

// Person is who has a handset.
type Person struct {
	Kind persona.Kind
	Seed uint64 // theirs alone
	Pace persona.Pace
}

// Traffic says whose bills are and what is in them. It is a pure function of the seed and
// a number, and safe for many goroutines.
type Traffic struct{ c TrafficConfig }

// NewTraffic makes one, or says which flag is wrong.
func NewTraffic(c TrafficConfig) (*Traffic, error) { return &Traffic{c: c}, nil }

// Bill is the n-th bill of the run. Every handset has one bill before any has another.
func (t *Traffic) Bill(n int64) Bill { return Bill{} }

// Person is who has the h-th handset, however many there are.
func (t *Traffic) Person(h int) Person { return Person{} }

// Holds says whether the h-th handset is of this segment.
func (t *Traffic) Holds(h int) bool { return true }

// Handsets lists the handsets of this segment.
func (t *Traffic) Handsets() []int { return nil }

// Owns says whether the n-th bill is of this segment: whether its handset is.
func (t *Traffic) Owns(n int64) bool { return t.Holds(t.Bill(n).Handset) }
