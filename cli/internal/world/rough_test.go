package world_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// rough is a network on which short messages between the platform and the carrier get
// lost after they were taken, and neighbours change places.
type rough struct {
	network.Network
	carrier string // address

	mu            sync.Mutex
	rng           *rand.Rand
	lost, swapped atomic.Int32
}

// Dial implements network.Network.
func (n *rough) Dial(ctx context.Context, address string) (net.Conn, error) {
	far, err := n.Network.Dial(ctx, address)
	if err != nil || address != n.carrier {
		return far, err
	}
	near, mine := network.Pipe()
	out, in := &lane{to: far}, &lane{to: mine}
	go (&leg{rough: n, from: mine, ahead: out, back: in}).run()
	go (&leg{rough: n, from: far, ahead: in, back: out}).run()
	return near, nil
}

// fate is what becomes of a message.
type fate int

const (
	goesOn fate = iota
	isLost
	isOvertaken
)

func (n *rough) fate() fate {
	n.mu.Lock()
	defer n.mu.Unlock()
	switch n.rng.IntN(10) {
	case 0, 1:
		n.lost.Add(1)
		return isLost
	case 2, 3:
		return isOvertaken
	}
	return goesOn
}

// lane is where frames go to, from both legs.
type lane struct {
	mu sync.Mutex
	to net.Conn
}

func (l *lane) write(frame []byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, _ = l.to.Write(frame) // an end that is gone is the ends' matter
}

// leg carries frames one way.
type leg struct {
	*rough
	from        net.Conn
	ahead, back *lane
	held        []byte // until another message has gone, or for a moment
}

// moment is how long a message waits for a neighbour to overtake it.
const moment = 20 * time.Millisecond

func (l *leg) run() {
	frames := make(chan []byte)
	go func() {
		defer close(frames)
		for reader := smpp.NewReader(l.from, 0); ; {
			frame, err := reader.Next()
			if err != nil {
				return
			}
			frames <- append([]byte(nil), frame...)
		}
	}()
	for {
		select {
		case frame, open := <-frames:
			if !open {
				l.release()
				_ = l.ahead.to.Close() // both ends learn that the other is gone
				return
			}
			l.take(frame)
		case <-l.late():
			l.release()
		}
	}
}

// late comes when a message was held for long enough.
func (l *leg) late() <-chan time.Time {
	if l.held == nil {
		return nil
	}
	return time.After(moment)
}

func (l *leg) release() {
	if l.held != nil {
		l.ahead.write(l.held)
		l.held = nil
	}
}

func (l *leg) take(frame []byte) {
	p, err := smpp.Decode(frame)
	if err != nil || !isMessage(p.Body) {
		l.ahead.write(frame)
		return
	}
	switch fate := l.fate(); {
	case fate == isLost:
		l.back.write(taken(p))
	case fate == isOvertaken && l.held == nil:
		l.held = frame
	default:
		l.ahead.write(frame)
		if l.held != nil {
			l.swapped.Add(1)
		}
		l.release()
	}
}

func isMessage(b smpp.Body) bool {
	return b.CommandID() == smpp.IDSubmitSM || b.CommandID() == smpp.IDDeliverSM
}

// taken is the word that a message was taken, from somebody who then lost it.
func taken(p smpp.PDU) []byte {
	answer := smpp.PDU{Sequence: p.Sequence, Body: smpp.Response(p.Body)}
	if r, ok := answer.Body.(*smpp.SubmitSMResp); ok {
		r.MessageID = fmt.Sprintf("lost-%d", p.Sequence)
	}
	frame, err := smpp.Append(nil, answer)
	if err != nil {
		panic(err) // an answer of our own
	}
	return frame
}

// wire.md 7, 4: neighbours swapped, one in five lost, on the way to the phones and back:
// money moves once per bill, no PIN is counted twice, and the books are right.
func TestRoughCarrier(t *testing.T) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		t.Run(suite.String(), func(t *testing.T) {
			t.Parallel()
			const carrier = "127.0.0.1:2775"
			memory := new(network.Memory)
			road := &rough{Network: memory, carrier: carrier, rng: rand.New(rand.NewPCG(5, 6))}
			c := crowdOnTheRoad()
			c.Network, c.PlatformNetwork, c.SMPP, c.Suite = memory, road, carrier, suite
			run(t, c, nil, func(r *rig) { r.travel(road) })
		})
	}
}

// travellers are the people on the rough road, by persona.
var travellers = []string{"pays", "pays", "poor-first-card", "wrong-pin-once", "pays-later", "refuses"}

func traveller(n int) gateway.MSISDN { return gateway.MSISDN(fmt.Sprintf("86137000000%02d", n)) }

func crowdOnTheRoad() world.Config {
	var c world.Config
	for n, persona := range travellers {
		p := person(persona, purse(n)...)
		p.Phone, p.Form = traveller(n), []string{"sim", "standalone", "sdtf"}[n%3]
		c.People = append(c.People, p)
	}
	c.Client.AnswerWithin = 200 * time.Millisecond
	c.Timing.PushAgain = []time.Duration{200 * time.Millisecond}
	return c
}

// travel sends the travellers their bills, one after the other to each, and looks how they end.
func (r *rig) travel(road *rough) {
	const rounds = 4
	var ended []api.Bill
	for round := range rounds {
		var sent []platform.BillID
		for n := range travellers {
			o := order(fmt.Sprintf("rough-%d-%d", round, n))
			o.Phone, o.ExpiresIn = traveller(n), api.Duration(6*time.Second)
			sent = append(sent, r.send(o).ID)
		}
		for _, id := range sent {
			ended = append(ended, r.over(id))
		}
	}
	paid := 0
	for _, b := range ended {
		if n := r.debits(b.ID); n > 1 || (n == 1) != (b.State == "settled") {
			r.t.Errorf("bill %s is %s and moved money %d times", b.ID, b.State, n)
		}
		if b.State == "settled" {
			paid++
		}
	}
	for n := range travellers {
		r.arrived(n, ended)
	}
	r.t.Logf("%d of %d bills were paid, %d messages lost, %d swapped", paid, len(ended), road.lost.Load(), road.swapped.Load())
	if paid < len(ended)/3 || road.lost.Load() == 0 || road.swapped.Load() == 0 {
		r.t.Error("the road was too rough, or not rough")
	}
}

// arrived checks a traveller's money, and that no payment was judged that nobody typed a PIN for.
func (r *rig) arrived(n int, ended []api.Bill) {
	r.t.Helper()
	var left, spent money.Amount
	attempts := 0
	for i, b := range ended {
		if i%len(travellers) != n {
			continue
		}
		if attempts += b.Attempts; b.State == "settled" {
			spent += b.Amount
		}
	}
	for _, c := range r.enrolled(traveller(n)).Cards {
		left += c.Balance
	}
	had := money.Amount(0)
	for _, balance := range purse(n) {
		had += balance
	}
	if had-left != spent {
		r.t.Errorf("who %s spent %d, the paid bills come to %d", travellers[n], had-left, spent)
	}
	if typed := len(r.seen.events(traveller(n), handsetsim.PINTyped)); attempts > typed {
		r.t.Errorf("%d payments of who %s were judged, a PIN was typed %d times", attempts, travellers[n], typed)
	}
}

// purse is what a traveller's cards had.
func purse(n int) []money.Amount {
	if travellers[n] == "poor-first-card" {
		return []money.Amount{0, rich}
	}
	return []money.Amount{rich, rich}
}

// over waits until a bill has ended, however.
func (r *rig) over(id platform.BillID) api.Bill {
	r.t.Helper()
	var b api.Bill
	r.until("bill "+string(id)+" to end", func() bool {
		b = r.bill(id)
		return !b.Ended.IsZero()
	})
	return b
}

// debits counts the steps of a bill that moved money.
func (r *rig) debits(id platform.BillID) int {
	r.t.Helper()
	n := 0
	for _, e := range r.events(id) {
		if len(e.Postings) > 0 {
			n++
		}
	}
	return n
}
