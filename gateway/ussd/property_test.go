package ussd_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// mirror is the two ends of sessions as they see them: what is on each handset's screen,
// and which sessions each ESME believes to be open. It is a carrier that checks what it
// is given to deliver, and lets some of it fail.
type mirror struct {
	mu      sync.Mutex
	failing map[string]bool
	wrong   []string
	screens map[string]screen
	talks   map[string]map[string]bool // by account and phone
}

// screen is a handset's session: its id is 0 before the first text of a dialled one.
type screen struct {
	on bool
	id uint16
}

// say notes what is wrong, for the goroutine of the test.
func (m *mirror) say(format string, args ...any) {
	m.wrong = append(m.wrong, fmt.Sprintf(format, args...))
}

func (m *mirror) Owner(number string) (string, bool) {
	return map[bool]string{true: "fleet"}[len(number) == 12], len(number) == 12
}

func (m *mirror) Deliver(systemID string, sm *smpp.SubmitSM, done func(smpp.Status)) {
	done(m.delivered(systemID, sm))
}

func (m *mirror) delivered(systemID string, sm *smpp.SubmitSM) smpp.Status {
	m.mu.Lock()
	defer m.mu.Unlock()
	up := systemID != "fleet"
	msg, err := ussd.Spec.Decode(up, sm)
	switch {
	case err != nil:
		m.say("%s cannot read it: %v", systemID, err)
	case up:
		m.checkUp(systemID, msg)
	default:
		m.checkDown(msg)
	}
	if !m.failing[systemID] {
		return smpp.ROK
	}
	if !up {
		m.screens[msg.Phone] = screen{}
	}
	return smpp.RXPAPPN
}

// checkDown: a handset never sees a second session while its first is on.
func (m *mirror) checkDown(msg ussd.Message) {
	now := m.screens[msg.Phone]
	switch {
	case now.on && now.id != 0 && now.id != msg.ID:
		m.say("session %d is on the screen of %s, and %v comes", now.id, msg.Phone, msg)
	case !now.on && msg.Kind == ussd.End:
		m.say("an end of nothing: %v", msg)
	}
	m.screens[msg.Phone] = screen{msg.Kind != ussd.End, msg.ID}
}

// checkUp: an application hears of a session from its beginning to its end and not after.
func (m *mirror) checkUp(systemID string, msg ussd.Message) {
	open := m.talks[systemID]
	switch {
	case msg.Kind == ussd.Dial && open[msg.Phone]:
		m.say("%s has a session with %s already", systemID, msg.Phone)
	case msg.Kind != ussd.Dial && !open[msg.Phone]:
		m.say("%s has no session, and hears %v", systemID, msg)
	}
	open[msg.Phone] = msg.Kind != ussd.Abort && !m.failing[systemID]
}

// deed is one thing that a user, an application or the network may do, legal or not.
type deed struct {
	sleep time.Duration // or
	turn  string        // an account that fails from now on, or does no more; or
	from  string
	msg   ussd.Message
	own   bool // it has the id that is on the screen
}

func deeds() *rapid.Generator[deed] {
	sides := rapid.SampledFrom([]string{"a", "b", "fleet"})
	up := rapid.SampledFrom([]ussd.Kind{ussd.Dial, ussd.Answer, ussd.Ack, ussd.Abort})
	down := rapid.SampledFrom([]ussd.Kind{ussd.Ask, ussd.Notify, ussd.End})
	return rapid.Custom(func(t *rapid.T) deed {
		switch rapid.IntRange(0, 9).Draw(t, "what") {
		case 0:
			return deed{sleep: time.Duration(rapid.IntRange(1, 70).Draw(t, "seconds")) * time.Second}
		case 1:
			return deed{turn: sides.Draw(t, "who fails")}
		}
		d := deed{from: sides.Draw(t, "from"), own: rapid.Bool().Draw(t, "own id")}
		d.msg.Kind = up.Draw(t, "up")
		if d.from != "fleet" {
			d.msg.Kind = down.Draw(t, "down")
		}
		d.msg.Phone = rapid.SampledFrom([]string{"254700000001", "254700000002"}).Draw(t, "phone")
		d.msg.Code = rapid.SampledFrom([]string{"*1#", "*2#", "*7#"}).Draw(t, "code")
		d.msg.ID = rapid.SampledFrom([]uint16{0, 0, 1, 2}).Draw(t, "id")
		return d
	})
}

// act does a deed.
func (m *mirror) act(s *ussd.Switch, d deed) {
	time.Sleep(d.sleep)
	m.mu.Lock()
	defer m.mu.Unlock()
	switch {
	case d.sleep > 0:
	case d.turn != "":
		m.failing[d.turn] = !m.failing[d.turn]
	default:
		if d.own {
			d.msg.ID = m.screens[d.msg.Phone].id
		}
		sm, err := ussd.Spec.Encode(d.msg)
		if err != nil {
			m.say("%v", err)
			return
		}
		m.note(d.from, d.msg, s.Take(d.from, sm))
	}
}

// note keeps the mirror up with what a side did itself.
func (m *mirror) note(from string, msg ussd.Message, status smpp.Status) {
	if status != smpp.ROK {
		return
	}
	switch msg.Kind {
	case ussd.Dial:
		m.screens[msg.Phone] = screen{on: true}
	case ussd.Abort:
		m.screens[msg.Phone] = screen{}
	case ussd.Ask, ussd.Notify:
		m.talks[from][msg.Phone] = true
	case ussd.End:
		m.talks[from][msg.Phone] = false
	case ussd.Answer, ussd.Ack:
	}
}

// settle lets the Switch do what it decided, and compares what it has with what the two
// sides believe.
func (m *mirror) settle(s *ussd.Switch) {
	synctest.Wait()
	m.mu.Lock()
	defer m.mu.Unlock()
	open := make(map[string]ussd.Record)
	for _, r := range s.Sessions(ussd.Filter{OpenOnly: true}) {
		if _, two := open[r.Phone]; two {
			m.say("%s has two sessions", r.Phone)
		}
		open[r.Phone] = r
	}
	for phone, now := range m.screens {
		if _, ok := open[phone]; now.on && !ok && !m.wordless(s, ussd.Filter{Phone: phone}) {
			m.say("%s shows session %d, which is over", phone, now.id)
		}
		m.screens[phone] = screen{now.on && open[phone].Phone != "", now.id}
	}
	for system, talks := range m.talks {
		for phone, on := range talks {
			ours := open[phone].Application == system
			if on && !ours && !m.wordless(s, ussd.Filter{Phone: phone, Application: system}) {
				m.say("%s was not told that its session with %s is over", system, phone)
			}
			talks[phone] = on && ours
		}
	}
}

// wordless says whether the last such session ended without a word that it did: a
// notification of its own does, once it is confirmed.
func (m *mirror) wordless(s *ussd.Switch, f ussd.Filter) bool {
	f.Limit = 1
	last := s.Sessions(f)
	return len(last) == 1 && last[0].Opened == ussd.Notify && last[0].Result == ussd.Completed
}

// Whatever users and applications do, and in whatever order, a handset has one session
// at most, each side knows of what it is in, and no session stays open for ever.
func TestInterleavings(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		plan := rapid.SliceOfN(deeds(), 1, 60).Draw(rt, "plan")
		seed := rapid.Uint64().Draw(rt, "seed of answers")
		var wrong []string
		synctest.Test(t, func(t *testing.T) { wrong = live(t, plan, seed) })
		if len(wrong) > 0 {
			rt.Fatal(wrong)
		}
	})
}

// live does a plan with a Switch, and says what went wrong.
func live(t *testing.T, plan []deed, seed uint64) []string {
	m := &mirror{failing: map[string]bool{}, screens: map[string]screen{}, talks: map[string]map[string]bool{"a": {}, "b": {}}}
	l := &local{answer: randomAnswers(seed), ended: make(chan ussd.Summary, 100)}
	s, err := ussd.New(ussd.Config{
		Routes: []ussd.Route{{Code: "*1#", Account: "a"}, {Code: "*2#", Account: "b"}, {Code: "*7#", Application: l}},
		Rand:   rand.New(rand.NewPCG(1, 2)),
	}, m)
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var served sync.WaitGroup
	served.Go(func() { _ = s.Serve(ctx) })
	for _, d := range plan {
		m.act(s, d)
		m.settle(s)
	}
	m.allEnded(s, l)
	stop()
	served.Wait()
	return m.wrong
}

// randomAnswers is an Application that takes up to 19 s, of which 15 s are allowed.
func randomAnswers(seed uint64) func(context.Context, ussd.Turn) (ussd.Reply, error) {
	r := rand.New(rand.NewPCG(seed, 0))
	var mu sync.Mutex
	return func(ctx context.Context, _ ussd.Turn) (ussd.Reply, error) {
		mu.Lock()
		wait, what := time.Duration(r.IntN(20))*time.Second, r.IntN(4)
		mu.Unlock()
		select {
		case <-time.After(wait):
		case <-ctx.Done():
		}
		switch what {
		case 0:
			return ussd.Reply{}, errors.New("broken")
		case 1:
			return ussd.Reply{Text: "bye", End: true}, nil
		default:
			return ussd.Reply{Text: "more"}, nil
		}
	}
}

// allEnded: when nobody does any more, everything ends within a turn of each, and
// applications in this process have heard of each end.
func (m *mirror) allEnded(s *ussd.Switch, l *local) {
	time.Sleep(2 * time.Minute)
	m.settle(s)
	if n := s.Open(); n != 0 {
		m.say("%d sessions are open", n)
	}
	locals := 0
	for _, r := range s.Sessions(ussd.Filter{}) {
		if r.Result == 0 || r.Ended.IsZero() {
			m.say("a finished session has no result: %+v", r)
		}
		if r.Application == "local" {
			locals++
		}
	}
	if len(l.ended) != locals {
		m.say("%d of %d ends told", len(l.ended), locals)
	}
}

// A dialogue without end is ended.
func TestLongSession(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		w.mute = true
		began := time.Now()
		w.line("phone dial *120#")
		for w.Open() == 1 {
			w.line("shop ask id=1 A")
			time.Sleep(47 * time.Second)
			w.line("phone answer id=1 1")
		}
		if r := w.Sessions(ussd.Filter{})[0]; r.Ended.Sub(began) != 10*time.Minute || r.Result != ussd.UserTimeout {
			t.Errorf("%v after %v", r.Result, r.Ended.Sub(began))
		}
	})
}

// instant is a carrier that answers at once and keeps nothing.
type instant struct{}

func (instant) Owner(number string) (string, bool) {
	if len(number) == 12 {
		return "fleet", true
	}
	return "", false
}
func (instant) Deliver(_ string, _ *smpp.SubmitSM, done func(smpp.Status)) { done(smpp.ROK) }

// Many goroutines at once, for the race detector; in the end no session is left.
func TestConcurrently(t *testing.T) {
	c, _ := withLocal(echo)
	c.Finished = 10
	s, err := ussd.New(c, instant{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	var served, at sync.WaitGroup
	served.Go(func() { _ = s.Serve(ctx) })
	for i := range 4 {
		at.Go(func() {
			r := rand.New(rand.NewPCG(uint64(i), 0))
			for range 500 {
				k := ussd.Kind(1 + r.IntN(7))
				from := map[bool]string{true: "fleet", false: "shop"}[k.Up()]
				sm, _ := ussd.Spec.Encode(ussd.Message{Kind: k, Phone: fmt.Sprint("25470000000", r.IntN(3)), Code: code})
				s.Take(from, sm)
				s.Sessions(ussd.Filter{Limit: 1})
			}
		})
		at.Go(func() {
			for range 50 {
				if d, err := s.Dial(ctx, fmt.Sprint("25470000000", i), "*7#"); err == nil {
					_, _ = d.Reply(ctx, "0")
				}
			}
		})
	}
	at.Wait()
	stop()
	served.Wait()
	if n := s.Open(); n != 0 {
		t.Errorf("%d open", n)
	}
}
