package smsc_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"net"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
)

// crashed is a store, the servers that live and die on it one after the other, and who
// is bound to them all the while.
type crashed struct {
	t     *testing.T
	store *msgstore.Memory
	wg    sync.WaitGroup

	mu       sync.Mutex
	ln       *pipes
	ids      map[string]string          // of messages answered ESME_ROK, by what they say
	told     map[string]map[string]bool // final states that the sender was told, by id
	receipts map[string]int             // by id
	handed   map[string]int             // how often a phone was given a text
	changed  map[string]bool            // cancel_sm and replace_sm answered ESME_ROK, by what the message says
}

// What the phones make of messages, by what they say.
const (
	good      = "good"
	twice     = "at the second attempt"
	slow      = "slow"
	refused   = "refused"
	useless   = "useless"
	nobody    = "nobody there"
	cancelled = "cancelled"
	replaced  = "replaced"
	instead   = "instead"
	displaced = "displaced"
	displaces = "displaces"
)

// fates is how each message shall end.
var fates = map[string]string{
	good: "DELIVRD", twice: "DELIVRD", slow: "DELIVRD", refused: "REJECTD", useless: "UNDELIV", nobody: "EXPIRED",
	cancelled: "DELETED", replaced: "DELIVRD", displaced: "DELETED", displaces: "DELIVRD",
}

// live serves until the server is killed at its at-th step, or the time is over.
func (c *crashed) live(at int, most time.Duration) (steps int) {
	c.t.Helper()
	d := newDoom(at)
	conf := config()
	conf.Durable = doomedStore{c.store, d}
	ln := newPipes()
	server := newServer(c.t, conf)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(ctx, doomedListener{ln, d}) }()
	c.mu.Lock()
	c.ln = ln
	c.mu.Unlock()
	select {
	case <-d.dead:
	case <-time.After(most):
	}
	stop()
	if err := <-ended; err != nil && !errors.Is(err, msgstore.ErrFenced) {
		c.t.Errorf("served until %v", err)
	}
	return d.count()
}

// dial reaches the server that lives at present.
func (c *crashed) dial(ctx context.Context) (net.Conn, error) {
	c.mu.Lock()
	ln := c.ln
	c.mu.Unlock()
	return ln.dial(ctx)
}

// run keeps a client bound until ctx ends.
func (c *crashed) run(ctx context.Context, systemID string, deliver func(*smpp.DeliverSM, func(smpp.Status))) *esme.Client {
	client, err := esme.New(esme.Config{
		Dial: c.dial, SystemID: systemID, Password: "secret", ReconnectMost: time.Second, Deliver: deliver,
	})
	if err != nil {
		c.t.Fatal(err)
	}
	c.wg.Go(func() {
		if err := client.Run(ctx); err != nil {
			c.t.Errorf("%s: %v", systemID, err)
		}
	})
	return client
}

// asks asks on a session of its own. The answer is ESME_ROK's or none.
func (c *crashed) asks(body smpp.Body) (smpp.Body, bool) {
	conn, err := c.dial(c.t.Context())
	if err != nil {
		return nil, false
	}
	defer conn.Close() //nolint:errcheck // it is done with
	frames := smpp.NewReader(conn, 0)
	var p smpp.PDU
	for i, b := range []smpp.Body{new(smpp.BindTransmitter(as("platform"))), body} {
		octets, err := smpp.Append(nil, smpp.PDU{Sequence: uint32(1 + i), Body: b})
		if err != nil {
			c.t.Fatal(err)
		}
		if _, err := conn.Write(octets); err != nil {
			return nil, false
		}
		frame, err := frames.Next()
		if err != nil {
			return nil, false
		}
		if p, err = smpp.Decode(frame); err != nil || p.Status != smpp.ROK {
			return nil, false
		}
	}
	return p.Body, true
}

// query asks what became of a message, and notes it if that is final.
func (c *crashed) query(text string) {
	c.mu.Lock()
	id := c.ids[text]
	c.mu.Unlock()
	body, ok := c.asks(&smpp.QuerySM{MessageID: id, Source: smpp.Address{Digits: code}})
	if ok {
		c.hears(id, gateway.MessageState(body.(*smpp.QuerySMResp).State).String())
	}
}

// hears notes a state that the sender was told.
func (c *crashed) hears(id, state string) {
	if state == gateway.Enroute.String() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told[id] == nil {
		c.told[id] = make(map[string]bool)
	}
	c.told[id][state] = true
}

// receive is the sender's side: receipts.
func (c *crashed) receive(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	r, err := smpp.ParseReceipt(string(sm.ShortMessage))
	if err != nil {
		c.t.Errorf("%q: %v", sm.ShortMessage, err)
	}
	c.hears(r.ID, r.Stat)
	c.mu.Lock()
	c.receipts[r.ID]++
	c.mu.Unlock()
	reply(smpp.ROK)
}

// hand is the phones' side. Just after each answer the sender asks.
func (c *crashed) hand(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	said := string(sm.ShortMessage)
	c.mu.Lock()
	c.handed[said]++
	n := c.handed[said]
	if id, ok := c.ids[said]; ok && len(c.told[id]) > 0 {
		c.t.Errorf("%q is delivered after its sender was told %v", said, c.told[id])
	}
	c.mu.Unlock()
	status, after := smpp.ROK, time.Duration(0)
	switch {
	case said == twice && n == 1:
		status = smpp.RXTAPPN
	case said == refused:
		status = smpp.RXRAPPN
	case said == useless:
		status = smpp.RINVDSTADR
	case said == slow:
		after = time.Second
	}
	c.wg.Go(func() {
		time.Sleep(after)
		reply(status)
		time.Sleep(storeDelay / 2)
		c.query(said)
	})
}

// submit sends a message, and notes that it was answered.
func (c *crashed) submit(client *esme.Client, number, said string) (ok bool) {
	sm := text(code, number, said)
	sm.RegisteredDelivery = smpp.ReceiptFinal
	switch said {
	case nobody:
		sm.ValidityPeriod = smpp.After(time.Minute).String()
	case cancelled, replaced, displaced:
		sm.ScheduleDeliveryTime = smpp.After(time.Minute).String()
	case displaces:
		sm.ReplaceIfPresent = 1
	}
	if err := client.WaitBound(context.Background()); err != nil {
		c.t.Error(err)
	}
	id, err := client.Submit(context.Background(), sm)
	if err != nil {
		return false // nothing was promised
	}
	c.mu.Lock()
	c.ids[said] = string(id)
	c.mu.Unlock()
	return true
}

// change has a message deleted or changed that was submitted a while ago, and notes that
// it was.
func (c *crashed) change(client *esme.Client, number, said string) {
	c.mu.Lock()
	id := c.ids[said]
	c.mu.Unlock()
	source, ok := smpp.Address{Digits: code}, false
	switch said {
	case cancelled:
		_, ok = c.asks(&smpp.CancelSM{MessageID: id, Source: source})
	case replaced:
		_, ok = c.asks(&smpp.ReplaceSM{MessageID: id, Source: source, ShortMessage: []byte(instead), RegisteredDelivery: smpp.ReceiptFinal})
	case displaced:
		ok = c.submit(client, number, displaces)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changed[said] = ok
}

// crash runs the story with servers that are killed at these of their steps, and one that
// is not. It says how many steps the first one made.
func crash(t *testing.T, at ...int) (steps int) {
	c := &crashed{
		t: t, store: msgstore.NewMemory(msgstore.Keep{}), ln: newPipes(), ids: make(map[string]string), told: make(map[string]map[string]bool),
		receipts: make(map[string]int), handed: make(map[string]int), changed: make(map[string]bool),
	}
	_ = c.ln.Close()
	ctx, stop := context.WithCancel(context.Background())
	c.run(ctx, "phones", c.hand)
	sender := c.run(ctx, "platform", c.receive)
	for i, said := range []string{good, twice, slow, refused, useless, nobody, cancelled, replaced, displaced} {
		number := fmt.Sprint("86138000000", 10+i)
		if said == nobody {
			number = "10690" // the shop is not bound
		}
		c.wg.Go(func() {
			if c.submit(sender, number, said) {
				time.Sleep(10 * time.Second)
				c.change(sender, number, said)
			}
		})
	}
	for i, step := range append(at, 0) {
		if n := c.live(step, 5*time.Minute); i == 0 {
			steps = n
		}
		time.Sleep(time.Second)
	}
	c.settle(stop)
	return steps
}

// settle has a last server tell what became of everything, and looks at it.
func (c *crashed) settle(stop func()) {
	var wg sync.WaitGroup
	wg.Go(func() { c.live(0, time.Minute) })
	time.Sleep(30 * time.Second)
	for said := range c.ids {
		c.query(said)
	}
	stop()
	c.wg.Wait()
	wg.Wait()
	c.audit()
}

// audit checks that every message that was answered ESME_ROK reached exactly one final
// state, the one it had to, and that its sender was told.
func (c *crashed) audit() {
	for said, id := range c.ids {
		want := fates[said]
		got := slices.Sorted(maps.Keys(c.told[id]))
		switch {
		case len(got) != 1:
			c.t.Errorf("%q: its sender was told %v", said, got)
		case got[0] != want && (want != "DELETED" || c.changed[said]): // else nothing was promised
			c.t.Errorf("%q: its sender was told %v, want %s", said, got, want)
		}
		if c.receipts[id] == 0 {
			c.t.Errorf("%q: no receipt came", said)
		}
		delete(c.told, id)
	}
	for id, states := range c.told {
		if len(states) != 1 {
			c.t.Errorf("%s, which was not answered: its sender was told %v", id, slices.Sorted(maps.Keys(states)))
		}
	}
	for said, changed := range c.changed {
		if changed && c.handed[said] > 0 {
			c.t.Errorf("%q: delivered as it was before", said)
		}
	}
	for r, err := range c.store.Load(context.Background()) {
		if err != nil || r.Kind == msgstore.Receipt || !r.State.Final() {
			c.t.Errorf("left in the store: %+v, %v", r, err)
		}
	}
}

// A server that is killed at any of its steps (each commit before it is in and before
// that is known, each write to a peer) keeps what it has answered, and says nothing that
// does not stay so.
func TestKilledAtEachStep(t *testing.T) {
	steps := 0
	synctest.Test(t, func(t *testing.T) { steps = crash(t, 0) })
	if steps < 50 {
		t.Errorf("there were %d steps only", steps)
	}
	for at := 1; at <= steps && !t.Failed(); at++ {
		t.Run(fmt.Sprint(at), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { crash(t, at) }) })
	}
}

// The same with three deaths, at steps by chance.
func TestKilledAgainAndAgain(t *testing.T) {
	random := rand.New(rand.NewPCG(7, 0))
	for range 40 {
		at := []int{1 + random.IntN(80), 1 + random.IntN(60), 1 + random.IntN(40)}
		t.Run(fmt.Sprint(at), func(t *testing.T) { synctest.Test(t, func(t *testing.T) { crash(t, at...) }) })
	}
}
