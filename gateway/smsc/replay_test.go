package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// Of a run that is to be the same twice.
const (
	replayedPhones   = 200
	replayedMessages = 2000
)

// transcript is all that happened in a run, each with its instant: what the centre did,
// and what each client was given and answered, in the order they saw it. What two of them
// see at one instant has no order.
type transcript struct {
	began time.Time

	mu    sync.Mutex
	lines map[string][]string // by who saw it
	kinds map[string]int
}

func newTranscript() *transcript {
	return &transcript{began: time.Now(), lines: make(map[string][]string), kinds: make(map[string]int)}
}

func (r *transcript) add(who, kind string, what ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.kinds[kind]++
	r.lines[who] = append(r.lines[who], fmt.Sprintln(append([]any{time.Since(r.began), kind}, what...)...))
}

func (r *transcript) observe(e smsc.Event) {
	r.add("the centre", e.Kind.String(), e.Message.ID, e.From, e.To, e.Message.Source, e.Message.Destination, e.State, e.Status, e.Attempt)
}

// differs is the first difference between two transcripts, empty if there is none.
func (r *transcript) differs(o *transcript) string {
	for who, x := range r.lines {
		y := o.lines[who]
		for i := range max(len(x), len(y)) {
			if i >= len(x) || i >= len(y) || x[i] != y[i] {
				return fmt.Sprintf("%s, of %d and %d lines, line %d:\n%s%s", who, len(x), len(y), i, x[i:min(i+1, len(x))], y[i:min(i+1, len(y))])
			}
		}
	}
	return ""
}

// replayed is a centre with all that is left to chance: cells in towns and villages, a
// stadium, phones that are off or full, faults, senders and receivers who take their time.
func replayed(t *testing.T, seed uint64, durable bool) *transcript {
	var r *transcript
	synctest.Test(t, func(t *testing.T) {
		r = newTranscript()
		c := config()
		c.Rand = rand.New(rand.NewPCG(seed, 0))
		c.Radio, c.Faults = replayedAir(t, seed), replayedFaults(t, seed)
		if durable {
			c.Durable = msgstore.NewMemory(msgstore.Keep{})
		}
		c.Observer = r.observe
		w := &world{t: t, ln: newPipes(), server: newServer(t, c)}
		var ctx context.Context
		ctx, w.stop = context.WithCancel(context.Background())
		w.wg.Go(func() {
			if err := w.server.Serve(ctx, w.ln); err != nil {
				t.Errorf("serve: %v", err)
			}
		})
		r.runs(w, seed)
		w.end()
	})
	return r
}

func replayedAir(t *testing.T, seed uint64) *radio.Air {
	t.Helper()
	urban, err := radio.ParseProfile("urban")
	if err != nil {
		t.Fatal(err)
	}
	air, err := radio.New(seed, urban)
	if err != nil {
		t.Fatal(err)
	}
	plan := radio.Plan{Profile: urban, Cells: []radio.Cell{{Name: "town"}}}
	for _, name := range []string{"rural", "stadium", "roaming"} {
		p, err := radio.ParseProfile(name)
		if err != nil {
			t.Fatal(err)
		}
		plan.Cells = append(plan.Cells, radio.Cell{Name: name, Profile: &p})
	}
	plan.Subscribers = []radio.Settings{
		{Number: replayedNumber(3), Off: true}, {Number: replayedNumber(4), Memory: new(2)}, {Number: replayedNumber(5), Busy: true},
	}
	if err := air.SetPlan(plan); err != nil {
		t.Fatal(err)
	}
	return air
}

func replayedFaults(t *testing.T, seed uint64) *fault.Faults {
	t.Helper()
	faults := fault.New(seed)
	for _, text := range []string{
		"submit_sm=ESME_RSYSERR@5%", "submit_sm=delay:50ms-2s@10%", "receipt=delay:5s-1m@20%", "receipt=twice@2%", "receipt=lose@2%", "receipt=reorder:2s@10%",
	} {
		set, err := fault.Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := faults.Set(time.Now(), set...); err != nil {
			t.Fatal(err)
		}
	}
	return faults
}

func replayedNumber(i int) string { return fmt.Sprint(8613800000000 + i) }

// runs has two applications write to the phones, which answer some messages, and waits
// until it is quiet.
func (r *transcript) runs(w *world, seed uint64) {
	phones := w.tells(r, "phones", rand.New(rand.NewPCG(seed, 1)))
	var sending sync.WaitGroup
	send := func(p *esme.Client, generator uint64, n int, number func(*rand.Rand) (from, to string)) {
		random := rand.New(rand.NewPCG(seed, generator))
		for i := range n {
			time.Sleep(time.Duration(random.ExpFloat64() * float64(200*time.Millisecond)))
			from, to := number(random)
			sm := text(from, to, fmt.Sprint(generator, ".", i))
			sm.RegisteredDelivery = []uint8{0, smpp.ReceiptFinal, smpp.ReceiptFinal | smpp.IntermediateReceipt, smpp.ReceiptFailure}[random.IntN(4)]
			if random.IntN(20) == 0 {
				sm.ValidityPeriod = smpp.After(time.Minute).String()
			}
			sending.Go(func() {
				id, err := p.Submit(context.Background(), sm)
				if refused, ok := errors.AsType[*smpp.StatusError](err); err != nil && !(ok && refused.Status == smpp.RSYSERR) {
					w.t.Errorf("submit: %v", err)
				}
				r.add("who asked "+sm.Source.Digits, "answered", from, to, string(sm.ShortMessage), id, err)
			})
		}
	}
	var senders sync.WaitGroup
	for i, systemID := range []string{"platform", "shop"} {
		source := []string{code, "10690"}[i]
		client := w.tells(r, systemID, rand.New(rand.NewPCG(seed, uint64(2+i))))
		senders.Go(func() {
			send(client, uint64(10+i), replayedMessages*2/5, func(random *rand.Rand) (from, to string) {
				return source, replayedNumber(random.IntN(replayedPhones))
			})
		})
	}
	senders.Go(func() {
		send(phones, 12, replayedMessages/5, func(random *rand.Rand) (from, to string) {
			return replayedNumber(random.IntN(replayedPhones)), []string{code, "10690"}[random.IntN(2)]
		})
	})
	senders.Wait()
	sending.Wait()
	time.Sleep(2 * time.Hour)
}

// tells binds a client that writes down what it is given, and answers after a while.
func (w *world) tells(r *transcript, systemID string, random *rand.Rand) *esme.Client {
	p := &peer{done: make(chan struct{})}
	client, err := esme.New(esme.Config{
		Dial: w.ln.dial, SystemID: systemID, Password: "secret", Window: 100,
		Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			r.add(systemID, "given", sm.Source.Digits, sm.Destination.Digits, sm.ESMClass, string(sm.ShortMessage))
			status, after := smpp.ROK, time.Duration(random.Int64N(int64(300*time.Millisecond)))
			switch random.IntN(40) {
			case 0:
				status = smpp.RXTAPPN
			case 1:
				status = smpp.RMSGQFUL
			case 2:
				status = smpp.RXRAPPN
			}
			w.wg.Go(func() { time.Sleep(after); reply(status) })
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	ctx, stop := context.WithCancel(context.Background())
	p.Client, p.stop = client, stop
	w.wg.Go(func() {
		if err := client.Run(ctx); err != nil {
			w.t.Errorf("%s: %v", systemID, err)
		}
	})
	if err := client.WaitBound(ctx); err != nil {
		w.t.Fatal(err)
	}
	w.peers = append(w.peers, p)
	return client
}

// The same seed gives the same run, twice: every message's id, every delivery, its instant
// to the nanosecond, its attempts and its end, in the same order; another seed gives another.
func TestReplays(t *testing.T) {
	for _, tc := range []struct {
		name    string
		durable bool
	}{{"in memory", false}, {"with a durable store", true}} {
		t.Run(tc.name, func(t *testing.T) {
			first, second := replayed(t, 1, tc.durable), replayed(t, 1, tc.durable)
			for _, kind := range []string{"accepted", "delivered", "failed", "deferred", "receipt sent", "answered", "given"} {
				if first.kinds[kind] < 40 {
					t.Errorf("the run had %q only %d times", kind, first.kinds[kind])
				}
			}
			if where := first.differs(second); where != "" {
				t.Errorf("two runs differ: %s", where)
			}
			if !tc.durable && first.differs(replayed(t, 2, false)) == "" {
				t.Error("another seed, the same run")
			}
		})
	}
}
