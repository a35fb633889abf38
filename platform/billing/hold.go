package billing

import (
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
)

// An element never uses a counter twice: it keeps each before it uses it. So some
// authentic packets prove that there is a second element with the same keys - a clone,
// or the same one put back to an earlier state:
//
//   - two different packets under one packet counter;
//   - a PIN key used for two different payments;
//   - a packet about a bill, under a counter that is not higher than one that was taken
//     before the bill was made. Whoever made it knew the bill, and an element that had
//     used the higher counter cannot have.
//
// What the radio does proves nothing: a packet that is lost, late, overtaken, twice
// there, or played back by somebody who captured it, is the packet that the element
// made. It has the same octets as the first time, or is about a bill that was there
// when its counter was new.
const (
	signCounter = "two packets under one counter"
	signPIN     = "a PIN key used twice"
	signPast    = "a bill under a counter from before it"
)

// hold says since when and why a phone's payments are declined.
type hold struct {
	Since time.Time `json:"since,omitzero"`
	Why   string    `json:"why,omitempty"`
}

func (ph *phone) held() bool { return !ph.counters.Held.Since.IsZero() }

// alarm tells operators of a hold.
func (ph *phone) alarm() platform.Alarm {
	h := ph.counters.Held
	return platform.Alarm{
		Phone: ph.MSISDN.Masked(), Kind: platform.AlarmElement, Since: h.Since,
		Last: later(h.Since, ph.lastSign), Count: max(1, ph.signs), Detail: h.Why,
	}
}

// past says whether a packet is about a bill that its element cannot have known. What
// was there before an operator released the phone is settled by that.
func (p *Partition) past(ph *phone, counter uint64, m applet.Message) bool {
	if m == nil {
		return false
	}
	r := p.billOf(ph, m.Reference())
	return r != nil && counter <= r.Known && r.Created.After(ph.counters.Released)
}

// hold declines a phone's payments until an operator releases them. The first sign of a
// second element is told in the journal and raises the alarm; more are counted.
func (p *Partition) hold(tx *engine.Tx, ph *phone, sign string) {
	ph.signs++
	ph.lastSign = tx.Now()
	if ph.held() {
		return
	}
	ph.counters.Held = hold{Since: tx.Now(), Why: sign}
	tx.SetField("held", ph.id, tx.Now().Format(time.RFC3339))
	p.keepCounters(ph)
	tx.Record(engine.Event{Subject: ph.subject(), Name: "hold", From: free, To: held, Cause: CausePhone, Data: story{Detail: sign}})
	p.config.Log.Warn().Str("msisdn", ph.MSISDN.Masked()).Str("why", sign).
		Msg("alarm: this phone's element was cloned or restored; its payments are held until an operator releases them")
}

// What a phone's payments are, as the journal tells it.
const (
	free = "free"
	held = "held"
)

// release ends a hold. What was taken from the phone so far is no sign any more.
func (p *Partition) release(tx *engine.Tx, in platform.Release) error {
	ph, ok := p.phones[in.Phone]
	switch {
	case !ok:
		return noSuchPhone()
	case !ph.held():
		return &platform.Error{Code: platform.CodeIllegalState, Field: "phone", Detail: "this phone is not held; there is nothing to release"}
	}
	c := &ph.counters
	c.Held, c.Settled, c.Released = hold{}, c.In, tx.Now()
	tx.DeleteField("held", ph.id)
	ph.signs = 0
	p.keepCounters(ph)
	p.act(tx, ph, "release", in.By, in.Note, engine.Event{From: held, To: free})
	return nil
}
