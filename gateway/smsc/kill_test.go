package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/msgstore/msgstoretest"
	"github.com/airtill/airtill/gateway/smpp"
)

// traffic is what goes through a gateway that is killed and started again, and what was
// promised and told about it.
type traffic struct {
	t     *testing.T
	redis *msgstoretest.Server
	wg    sync.WaitGroup

	mu       sync.Mutex
	process  *gatewayProcess
	ids      map[string]string   // what a message said, by the id it was answered with
	receipts map[string][]string // states, by id
	taken    map[string]bool     // what a phone said ESME_ROK to
	seen     map[string]bool     // and what it was given at all
	changed  chan struct{}       // something of this has changed
}

func newTraffic(t *testing.T) *traffic {
	l := &traffic{
		t: t, redis: msgstoretest.NewServer(t), ids: make(map[string]string), receipts: make(map[string][]string),
		taken: make(map[string]bool), seen: make(map[string]bool), changed: make(chan struct{}, 1),
	}
	l.process = startGateway(t, l.redis.Addr)
	return l
}

func (l *traffic) dial(ctx context.Context) (net.Conn, error) {
	l.mu.Lock()
	address := l.process.address
	l.mu.Unlock()
	return dialTCP(address)(ctx)
}

// bind keeps a client bound until ctx ends.
func (l *traffic) bind(ctx context.Context, systemID string, deliver func(*smpp.DeliverSM, func(smpp.Status))) *esme.Client {
	client, err := esme.New(esme.Config{
		Dial: l.dial, SystemID: systemID, Password: "secret", Window: 50, ReconnectMost: 100 * time.Millisecond, Deliver: deliver,
	})
	if err != nil {
		l.t.Fatal(err)
	}
	l.wg.Go(func() {
		if err := client.Run(ctx); err != nil {
			l.t.Errorf("%s: %v", systemID, err)
		}
	})
	return client
}

// mood is what a phone makes of a message that begins with its name.
type mood struct {
	name   string
	share  int // of 100
	status smpp.Status
	once   bool // ESME_ROK after that
	state  string
}

// moods are what the phones make of messages; there is no phone to reach for "absent".
var moods = []mood{
	{"good", 64, smpp.ROK, false, "DELIVRD"},
	{"later", 10, smpp.RXTAPPN, true, "DELIVRD"},
	{"full", 10, smpp.RMSGQFUL, true, "DELIVRD"},
	{"refused", 6, smpp.RXRAPPN, false, "REJECTD"},
	{"useless", 6, smpp.RINVDSTADR, false, "UNDELIV"},
	{"absent", 4, smpp.ROK, false, "EXPIRED"},
}

// answer is what a phone says to a message.
func (l *traffic) answer(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	said := string(sm.ShortMessage)
	name, _, _ := strings.Cut(said, " ")
	status := smpp.RSYSERR
	l.mu.Lock()
	for _, m := range moods {
		if m.name == name {
			if status = m.status; m.once && l.seen[said] {
				status = smpp.ROK
			}
		}
	}
	l.seen[said] = true
	if status == smpp.ROK {
		l.taken[said] = true
	}
	l.mu.Unlock()
	reply(status)
}

// receipt is told to a sender.
func (l *traffic) receipt(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	r, err := smpp.ParseReceipt(string(sm.ShortMessage))
	if err != nil {
		l.t.Errorf("%q: %v", sm.ShortMessage, err)
	}
	l.mu.Lock()
	l.receipts[r.ID] = append(l.receipts[r.ID], r.Stat)
	l.mu.Unlock()
	l.nudge()
	reply(smpp.ROK)
}

func (l *traffic) nudge() {
	select {
	case l.changed <- struct{}{}:
	default:
	}
}

// submit sends message after message until ctx ends.
func (l *traffic) submit(ctx context.Context, client *esme.Client, source, name string, random *rand.Rand) {
	for n := 0; ctx.Err() == nil; n++ {
		if client.WaitBound(ctx) != nil {
			return
		}
		i, p := 0, random.IntN(100)
		for ; p >= moods[i].share; i++ {
			p -= moods[i].share
		}
		sm := text(source, fmt.Sprint(8613800000000+random.IntN(500)), fmt.Sprintf("%s %s.%d", moods[i].name, name, n))
		sm.RegisteredDelivery = smpp.ReceiptFinal
		if moods[i].name == "absent" {
			sm.Destination.Digits, sm.ValidityPeriod = "10999", smpp.After(time.Second).String()
		}
		// An answer is waited for to the last.
		id, err := client.Submit(context.WithoutCancel(ctx), sm)
		switch {
		case err == nil:
			l.mu.Lock()
			l.ids[string(id)] = string(sm.ShortMessage)
			l.mu.Unlock()
			l.nudge()
		case errors.Is(err, esme.ErrNotBound), errors.Is(err, esme.ErrUnknown): // nothing was promised
		default:
			l.t.Errorf("submit: %v", err)
		}
	}
}

// until waits for a condition.
func (l *traffic) until(what string, met func() bool) {
	l.t.Helper()
	limit := time.NewTimer(time.Minute)
	defer limit.Stop()
	for {
		l.mu.Lock()
		ok := met()
		l.mu.Unlock()
		if ok {
			return
		}
		select {
		case <-l.changed:
		case <-limit.C:
			l.t.Fatalf("%s: %d messages were answered, and %d have receipts", what, len(l.ids), len(l.receipts))
		}
	}
}

// begin starts senders and phones, some of which come and go, until stop is called.
func (l *traffic) begin(seed uint64) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	for i, systemID := range []string{"platform", "platform", "shop"} {
		client := l.bind(ctx, systemID, l.receipt)
		source := map[string]string{"platform": code, "shop": "10690"}[systemID]
		for j := range 20 {
			random := rand.New(rand.NewPCG(seed, uint64(100*i+j)))
			l.wg.Go(func() { l.submit(ctx, client, source, fmt.Sprintf("%d.%d", i, j), random) })
		}
	}
	l.bind(ctx, "phones", l.answer)
	l.wg.Go(func() {
		for random := rand.New(rand.NewPCG(seed, 1)); ctx.Err() == nil; {
			there, leave := context.WithTimeout(ctx, time.Duration(50+random.IntN(200))*time.Millisecond)
			l.wg.Go(func() { <-there.Done(); leave() })
			client, err := esme.New(esme.Config{Dial: l.dial, SystemID: "phones", Password: "secret", Deliver: l.answer, ReconnectMost: 100 * time.Millisecond})
			if err != nil {
				l.t.Error(err)
				return
			}
			if err := client.Run(there); err != nil {
				l.t.Errorf("phones: %v", err)
			}
		}
	})
	return cancel
}

// strike kills what is named, in the middle of it all, and starts it again.
func (l *traffic) strike(victims string) {
	gatewayToo := victims != "redis-server"
	if gatewayToo {
		l.process.kill()
	}
	if victims != "gateway" {
		l.redis.Kill()
		l.redis.Start(l.t)
	}
	if gatewayToo {
		p := startGateway(l.t, l.redis.Addr)
		l.mu.Lock()
		l.process = p
		l.mu.Unlock()
	}
}

// killed runs the load through these deaths, each at a moment by chance, and has the last
// gateway finish what there is.
func killed(t *testing.T, seed uint64, victims ...string) {
	l := newTraffic(t)
	defer func() { l.process.kill() }()
	stop := l.begin(seed)
	random := rand.New(rand.NewPCG(seed, 0))
	next := 0
	for _, v := range victims {
		next += 50 + random.IntN(400)
		l.until("before the next death", func() bool { return len(l.ids) >= next })
		l.strike(v)
		l.mu.Lock()
		next = len(l.ids)
		l.mu.Unlock()
	}
	l.until("after the last death", func() bool { return len(l.ids) >= next+200 })
	stop()
	l.wg.Wait()
	l.finish()
}

// finish waits for every receipt, asks for every state, and looks at what is left.
func (l *traffic) finish() {
	ctx, stop := context.WithCancel(context.Background())
	for _, systemID := range []string{"platform", "shop"} {
		l.bind(ctx, systemID, l.receipt)
	}
	l.bind(ctx, "phones", l.answer)
	l.until("in the end", func() bool {
		for id := range l.ids {
			if len(l.receipts[id]) == 0 {
				return false
			}
		}
		return true
	})
	states := l.query()
	stop()
	l.wg.Wait()
	if err := l.process.end(); err != nil {
		l.t.Errorf("the last gateway: %v", err)
	}
	l.audit(states)
}

// query asks for the state of every message that was answered.
func (l *traffic) query() map[string]string {
	states := make(map[string]string)
	for _, systemID := range []string{"platform", "shop"} {
		conn, err := l.dial(l.t.Context())
		if err != nil {
			l.t.Fatal(err)
		}
		c := newWire(l.t, conn)
		c.bind(new(smpp.BindTransmitter(as(systemID))))
		source := map[string]string{"platform": code, "shop": "10690"}[systemID]
		for id := range l.ids {
			c.sendPDU(2, &smpp.QuerySM{MessageID: id, Source: from(source)})
			if p := c.next(); p.Status == smpp.ROK {
				states[id] = gateway.MessageState(p.Body.(*smpp.QuerySMResp).State).String()
			}
		}
		_ = c.Close()
	}
	return states
}

// audit checks that every message that was answered ESME_ROK reached exactly one final
// state, which is what the phone said, and that all that was told agrees.
func (l *traffic) audit(states map[string]string) {
	count := make(map[string]int)
	for id, said := range l.ids {
		name, _, _ := strings.Cut(said, " ")
		state := states[id]
		count[state]++
		i := slices.IndexFunc(moods, func(m mood) bool { return m.name == name })
		if state != moods[i].state || state == "DELIVRD" && !l.taken[said] {
			l.t.Errorf("%s, %q: query_sm says %q, taken by a phone: %t", id, said, state, l.taken[said])
		}
		for _, told := range l.receipts[id] {
			if told != state {
				l.t.Errorf("%s, %q: query_sm says %s, and receipts %v", id, said, state, l.receipts[id])
			}
		}
	}
	for id, told := range l.receipts {
		if len(slices.Compact(slices.Sorted(slices.Values(told)))) != 1 {
			l.t.Errorf("%s: receipts %v", id, told)
		}
	}
	for r, err := range msgstoretest.On(l.redis.Addr)(l.t, nil, msgstore.Keep{}).Load(l.t.Context()) {
		_, answered := l.ids[string(r.ID)]
		if err != nil || answered && (r.Kind == msgstore.Receipt || !r.State.Final()) {
			l.t.Errorf("left in the store: %+v, %v", r, err)
		}
	}
	again := 0
	for _, told := range l.receipts {
		again += len(told) - 1
	}
	l.t.Logf("%d messages were answered: %v; %d receipts came again", len(l.ids), count, again)
}

// A gateway that is killed with SIGKILL under load, again and again, and started on its
// Redis: every message answered ESME_ROK reaches exactly one final state.
func TestGatewayKilled(t *testing.T) {
	killed(t, 1, "gateway", "gateway", "gateway", "gateway", "gateway", "gateway")
}

// The same with the redis-server killed (it runs with appendfsync always), alone and
// together with the gateway.
func TestRedisKilled(t *testing.T) {
	killed(t, 2, "redis-server", "both", "redis-server", "both")
}
