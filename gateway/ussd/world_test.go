package ussd_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// carrier is an SMSC of which a test sees what it delivers. "fleet" owns the phones
// 2547..., "owner" the code *555#, anybody else nothing.
type carrier struct {
	mu     sync.Mutex
	log    []string
	last   map[string]*smpp.SubmitSM // to each account
	refuse map[string]smpp.Status    // by account
	mute   bool                      // nothing is logged
	format map[string]ussd.Dialect
}

func (c *carrier) Owner(number string) (string, bool) {
	switch {
	case strings.HasPrefix(number, "2547"):
		return "fleet", true
	case number == "*555#":
		return "owner", false
	}
	return "", false
}

func (c *carrier) Deliver(systemID string, sm *smpp.SubmitSM, done func(smpp.Status)) {
	c.mu.Lock()
	status := c.refuse[systemID]
	if !c.mute {
		c.last[systemID] = sm
		c.say("  %s", c.words(systemID, sm))
	}
	c.mu.Unlock()
	done(status)
}

// say logs a line; the caller holds the lock.
func (c *carrier) say(format string, args ...any) {
	c.log = append(c.log, fmt.Sprintf(format, args...))
}

// words is a delivery as a transcript has it: to whom, kind, id, text.
func (c *carrier) words(systemID string, sm *smpp.SubmitSM) string {
	up := systemID != "fleet"
	m, err := c.format[systemID].Decode(up, sm)
	if err != nil {
		return fmt.Sprintf("%s cannot read %s: %v", systemID, tlvs(sm), err)
	}
	words := fmt.Sprintf("%s: %s from %s to %s", systemID, m.Kind, sm.Source.Digits, sm.Destination.Digits)
	if m.ID != 0 {
		words += fmt.Sprintf(" id %d", m.ID)
	}
	if m.Phase1 {
		words += " phase 1"
	}
	if m.Text != "" {
		words += fmt.Sprintf(" %q", m.Text)
	}
	if m.Reason != "" {
		words += " (" + m.Reason + ")"
	}
	return words
}

// world is a Switch being served in a bubble.
type world struct {
	*ussd.Switch
	*carrier
	t *testing.T
}

func config() ussd.Config {
	return ussd.Config{
		Routes: []ussd.Route{{Code: "*120#", Account: "shop"}, {Code: "*120*9#", Account: "bank"}, {Code: "*130#", Account: "flag"}},
		Accounts: map[string]ussd.Account{
			"flag": {Dialect: ussd.FlagEnds, CodeInText: true, Address: "10658"},
			"long": {Dialect: ussd.LongID}, "ref": {Dialect: ussd.Reference, CodeInText: true}, "none": {Dialect: ussd.NoID},
		},
		ShowTexts: true, Rand: rand.New(rand.NewPCG(1, 2)),
	}
}

func newCarrier(c ussd.Config) *carrier {
	k := &carrier{last: make(map[string]*smpp.SubmitSM), refuse: make(map[string]smpp.Status), format: make(map[string]ussd.Dialect)}
	for id, a := range c.Accounts {
		k.format[id] = a.Dialect
	}
	return k
}

// inBubble runs a test with a Switch that is served meanwhile.
func inBubble(t *testing.T, c ussd.Config, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		k := newCarrier(c)
		s, err := ussd.New(c, k)
		if err != nil {
			t.Fatal(err)
		}
		ctx, stop := context.WithCancel(t.Context())
		var served sync.WaitGroup
		served.Go(func() {
			if err := s.Serve(ctx); err != nil {
				t.Error(err)
			}
		})
		synctest.Wait()
		test(t, &world{s, k, t})
		stop()
		served.Wait()
	})
}

// play does the lines of a script and returns the transcript: each line, its status
// unless that is ESME_ROK, and what was delivered because of it. A line is `wait 5s`, `refuse ACCOUNT
// STATUS`, or who does what:
//
//	phone dial *120#       phone answer 1       phone ack       phone abort
//	shop ask 1 Pay         shop notify Paid     shop end Bye
//
// With `id=N` after the kind it has this id, else the one that the account was last sent.
func (w *world) play(script string) string {
	w.t.Helper()
	for line := range strings.Lines(script) {
		if line = strings.TrimSpace(line); line != "" {
			w.line(line)
		}
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	return strings.Join(w.log, "\n")
}

func (w *world) line(line string) {
	w.mu.Lock()
	w.say("%s", line)
	w.mu.Unlock()
	who, rest, _ := strings.Cut(line, " ")
	switch who {
	case "wait":
		d, err := time.ParseDuration(rest)
		if err != nil {
			w.t.Fatal(err)
		}
		time.Sleep(d)
	case "refuse":
		w.mu.Lock()
		w.refuse[rest] = smpp.RXPAPPN
		w.mu.Unlock()
	default:
		from, sm := w.message(who, rest)
		if status := w.Take(from, sm); status != smpp.ROK {
			w.mu.Lock()
			w.say("  %v", status)
			w.mu.Unlock()
		}
	}
	synctest.Wait()
}

var kinds = map[string]ussd.Kind{
	"dial": ussd.Dial, "ask": ussd.Ask, "notify": ussd.Notify, "end": ussd.End,
	"answer": ussd.Answer, "ack": ussd.Ack, "abort": ussd.Abort,
}

// message is a line's submit_sm, and the account it comes from.
func (w *world) message(who, rest string) (string, *smpp.SubmitSM) {
	kind, text, _ := strings.Cut(rest, " ")
	from, m := who, ussd.Message{Kind: kinds[kind], Phone: phone, Code: code, Text: text}
	if m.Kind.Up() {
		from = "fleet"
	}
	if m.Kind == 0 {
		w.t.Fatalf("%s %s: not a step", who, rest)
	}
	w.mu.Lock()
	if sm, ok := w.last[from]; ok {
		if last, err := w.format[from].Decode(from != "fleet", sm); err == nil && m.Kind != ussd.Dial {
			m.ID = last.ID
		}
	}
	w.mu.Unlock()
	if _, err := fmt.Sscanf(text, "id=%d", &m.ID); err == nil {
		_, m.Text, _ = strings.Cut(text, " ")
	}
	if m.Kind == ussd.Dial {
		m.Code, m.Text, _ = strings.Cut(m.Text, " ")
	}
	sm, err := w.format[from].Encode(m)
	if err != nil {
		w.t.Fatalf("%s %s: %v", who, rest, err)
	}
	return from, sm
}

// wantScript plays a script that is a transcript without what it brings about, and
// compares.
func (w *world) wantScript(transcript string) {
	w.t.Helper()
	var script, want []string
	for line := range strings.Lines(strings.Trim(transcript, "\n")) {
		line = strings.TrimRight(strings.TrimPrefix(line, "\t\t\t"), "\n")
		want = append(want, line)
		if !strings.HasPrefix(line, "  ") {
			script = append(script, line)
		}
	}
	if got := w.play(strings.Join(script, "\n")); got != strings.Join(want, "\n") {
		w.t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
}
