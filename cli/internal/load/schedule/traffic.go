package schedule

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"

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
	Amount   Amounts // zero is 100 to 10000 in minor units
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
type Traffic struct {
	c      TrafficConfig
	stride uint64 // from one bill's handset to the next one's; coprime to the number of handsets
	first  uint64
}

// NewTraffic makes one, or says which flag is wrong.
func NewTraffic(c TrafficConfig) (*Traffic, error) {
	if len(c.Mix) == 0 {
		c.Mix = Mix{{Kind: persona.Pays, Share: 1}}
	}
	if c.Channel == "" {
		c.Channel = SMS
	}
	if c.Amount == (Amounts{}) {
		c.Amount = Amounts{Min: 100, Max: 10000}
	}
	if err := c.check(); err != nil {
		return nil, err
	}
	t := &Traffic{c: c}
	handsets := uint64(c.Handsets)
	t.first = mixed(c.Seed, aspectOrder) % handsets
	t.stride = coprime(mixed(c.Seed, aspectOrder+1), handsets)
	return t, nil
}

func (c *TrafficConfig) check() error {
	switch {
	case c.Handsets < 1:
		return errors.New("--handsets: a load needs one at least")
	case c.Segment.N > c.Handsets:
		return fmt.Errorf("--segment %s: %d handsets are too few for %d segments", c.Segment, c.Handsets, c.Segment.N)
	case c.Payers != nil && len(c.Payers) != c.Rows:
		return fmt.Errorf("%d rows of data have %d payers", c.Rows, len(c.Payers))
	case !c.Amount.Min.Payable() || !c.Amount.Max.Payable() || c.Amount.Min > c.Amount.Max:
		return fmt.Errorf("amounts from %d to %d cannot be paid", c.Amount.Min, c.Amount.Max)
	}
	for row, h := range c.Payers {
		if h < 0 || h >= c.Handsets {
			return fmt.Errorf("row %d of the data is of handset %d; there are %d", row+1, h, c.Handsets)
		}
	}
	if c.Payers != nil && !slices.ContainsFunc(c.Payers, c.Segment.holds) {
		return fmt.Errorf("--segment %s: no row of the data is in it", c.Segment)
	}
	return c.Mix.check()
}

// What is drawn for a bill or a handset, each from a line of its own: a flag that changes
// one leaves the others as they were.
const (
	aspectOrder = iota << 32
	aspectAmount
	aspectChannel
	aspectParts
	aspectUCS2
	aspectRow
	aspectKind
	aspectPace
	aspectPerson
	aspectGaps
)

// draw is the generator of one aspect of the n-th bill, or handset.
func (t *Traffic) draw(aspect, n uint64) *rand.Rand {
	return rand.New(rand.NewPCG(mixed(t.c.Seed, aspect), mixed(n, aspect)))
}

// mixed is the finaliser of SplitMix64 over two numbers.
func mixed(a, b uint64) uint64 {
	x := a + (b+1)*0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// coprime is a number from 1 to n, from x on, that shares no factor with n.
func coprime(x, n uint64) uint64 {
	for x = x%n + 1; gcd(x, n) != 1; x++ {
	}
	return x % max(n, 2)
}

func gcd(a, b uint64) uint64 {
	for b != 0 {
		a, b = b, a%b
	}
	return a
}

// Bill is the n-th bill of the run. Every handset has one bill before any has another,
// unless rows of data say whose bills are.
func (t *Traffic) Bill(n int64) Bill {
	number := uint64(n)
	b := Bill{Handset: t.handset(number), Row: t.row(number), Channel: t.c.Channel}
	if t.c.Payers != nil {
		b.Handset = t.c.Payers[b.Row]
	}
	b.Amount = t.c.Amount.Min + money.Amount(t.draw(aspectAmount, number).Int64N(int64(t.c.Amount.Max-t.c.Amount.Min)+1))
	if b.Channel == Both {
		b.Channel = []Channel{SMS, USSD}[t.draw(aspectChannel, number).IntN(2)]
	}
	if t.c.Parts.Max > 0 {
		b.Parts = t.c.Parts.Min + t.draw(aspectParts, number).IntN(t.c.Parts.Max-t.c.Parts.Min+1)
	}
	b.UCS2 = t.c.UCS2 > 0 && t.draw(aspectUCS2, number).Float64() < t.c.UCS2
	return b
}

func (t *Traffic) handset(n uint64) int {
	handsets := uint64(t.c.Handsets)
	return int((t.first + n%handsets*t.stride) % handsets)
}

func (t *Traffic) row(n uint64) int {
	switch {
	case t.c.Rows == 0:
		return -1
	case t.c.Order == Sequential:
		return int(n % uint64(t.c.Rows))
	}
	return t.draw(aspectRow, n).IntN(t.c.Rows)
}

// Person is who has the h-th handset, however many there are.
func (t *Traffic) Person(h int) Person {
	n := uint64(h)
	return Person{
		Kind: t.c.Mix.pick(t.draw(aspectKind, n).Float64()),
		Seed: t.draw(aspectPerson, n).Uint64(),
		Pace: t.c.Think.pace(t.draw(aspectPace, n)),
	}
}

// Holds says whether the h-th handset is of this segment.
func (t *Traffic) Holds(h int) bool { return t.c.Segment.holds(h) }

// Handsets lists the handsets of this segment.
func (t *Traffic) Handsets() []int {
	var all []int
	for h := range t.c.Handsets {
		if t.Holds(h) {
			all = append(all, h)
		}
	}
	return all
}

// Owns says whether the n-th bill is of this segment, which it is if its handset is.
func (t *Traffic) Owns(n int64) bool {
	if t.c.Payers == nil {
		return t.Holds(t.handset(uint64(n)))
	}
	return t.Holds(t.c.Payers[t.row(uint64(n))])
}
