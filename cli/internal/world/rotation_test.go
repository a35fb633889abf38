package world_test

import (
	"crypto/rand"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/canary"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// Packet keys are changed in the middle of it all: a bill that is out is paid under the
// old ones, the next one brings the new ones, across a restart of the platform, and from
// the first packet under them the old ones are refused.
func TestRotation(t *testing.T) {
	inBothSuites(t, people(person("manual", rich), plain()), func(r *rig) {
		before := r.send(order("before"))
		r.paid(before)
		during := r.send(order("during"))
		r.phoneHas(payer, during.ID, handsetsim.StateShown)
		r.rotate()
		r.paid(during)
		r.keyVersion(payer, 1)

		r.power(payer, false)
		after := r.send(order("after"))
		r.reaches(after.ID, "pushed")
		r.restart()
		r.power(payer, true)
		r.phoneHas(payer, after.ID, handsetsim.StateShown)
		r.keyVersion(payer, 2)
		r.paid(after)
		r.newKeysCame()

		r.oldKeysRefused()
		r.ok(r.vault.Retire(keys.By{Name: "test", At: time.Now()}, 1))
		r.paid(r.send(order("without the old ones")))
		late := person("pays", rich)
		late.Phone, late.Cards[0].PAN = "8613800000031", pan(31)
		r.ok(r.Admit(r.ctx, late))
		r.keyVersion(late.Phone, 2)
		o := order("of one who came late")
		o.Phone = late.Phone
		r.reaches(r.send(o).ID, "settled")
	})
}

// A phone that missed a rotation gets the keys of the one after.
func TestRotation_Twice(t *testing.T) {
	inMemoryOnly(t, people(person("pays", rich)), func(r *rig) {
		r.reaches(r.send(order("under the first")).ID, "settled")
		r.rotate()
		r.rotate()
		r.reaches(r.send(order("under the third")).ID, "settled")
		r.keyVersion(payer, 3)
		r.reaches(r.send(order("and again")).ID, "settled")
	})
}

func (r *rig) rotate() {
	r.t.Helper()
	_, err := r.vault.Rotate(keys.By{Name: "test", At: time.Now()}, rand.Reader)
	r.ok(err)
}

// restart ends the platform's process, and starts another one.
func (r *rig) restart() {
	r.t.Helper()
	next := r.newHost(r.ctx)
	r.t.Cleanup(func() { _ = next.store.Close() })
	r.ok(r.RestartPlatform(r.ctx, nil, next.room()))
}

func (r *rig) power(n gateway.MSISDN, on bool) {
	r.t.Helper()
	_, err := r.Phones.Power(r.ctx, n, on)
	r.ok(err)
}

// paid pays a bill with the payer's first card once it shows.
func (r *rig) paid(b api.Bill) {
	r.t.Helper()
	r.phoneHas(payer, b.ID, handsetsim.StateShown)
	r.pay(payer, b.ID, 1, pin)
	r.reaches(b.ID, "settled")
	r.phoneHas(payer, b.ID, handsetsim.StatePaid)
}

// keyVersion waits until phone and platform are at a version of the packet keys.
func (r *rig) keyVersion(n gateway.MSISDN, want uint8) {
	r.t.Helper()
	r.until("the phone and the platform to have the keys", func() bool {
		p, err := r.Phones.Phone(r.ctx, n)
		r.ok(err)
		return p.KeyVersion == want && r.enrolled(n).Keys == int(want)
	})
}

// newKeysCame checks that the phone was sent new keys and has said that it has them. In
// the modern suite they are longer than a short message.
func (r *rig) newKeysCame() {
	r.t.Helper()
	parts := r.seen.hops(func(h *hop) bool {
		s, err := tpdu.ParseSegment(h.ProtocolID, h.DataCoding, true, h.UserData)
		if err != nil || h.kind != gateway.MessageAccepted || h.Destination != gateway.Address(payer) || h.Source != world.PlatformAddress {
			return false
		}
		_, part := s.Header.Concat()
		return part
	})
	if r.suite == scp80.Modern && len(parts) < 2 || r.suite == scp80.Legacy && len(parts) != 0 {
		r.t.Errorf("the keys came in %d parts", len(parts))
	}
	if len(of[*applet.Keyed](r.said(payer))) == 0 {
		r.t.Error("the phone did not say that it has the new keys")
	}
	found := new(canary.Search)
	for version := uint8(1); version <= 2; version++ {
		b := r.bound(r.enrolled(payer).ElementID)
		b.Version = version
		mo, err := r.vault.MO(b)
		r.ok(err)
		found.Octets("a cipher key", mo.KIc.Reveal())
		found.Octets("a MAC key", mo.KID.Reveal())
	}
	for place, content := range r.places() {
		if all := found.In(content); len(all) != 0 {
			r.t.Errorf("in %s: %v", place, all)
		}
	}
}

// oldKeysRefused says something under the old keys in either direction.
func (r *rig) oldKeysRefused() {
	r.t.Helper()
	b := r.send(order("old keys"))
	r.phoneHas(payer, b.ID, handsetsim.StateShown)
	r.reaches(b.ID, "delivered")
	old := r.bound(r.enrolled(payer).ElementID)
	old.Version = 1
	mo, err := r.vault.MO(old)
	r.ok(err)
	said := applet.Encode(r.suite, &applet.Refuse{Ref: b.ID.Ref(), Reason: applet.RefuseNotMine, Time: time.Now()})
	packet, err := scp80.Wrap(r.suite.Profile(scp80.MO, 1), mo, 1<<20, said)
	r.ok(err)
	before, dropped := r.still(), r.dropped(billing.DropForged)
	g := &glass{r: r, number: payer, guest: r.guest(nil)}
	g.send(packet)
	r.unchanged(before)
	if n := r.dropped(billing.DropForged) - dropped; n != 1 {
		r.t.Errorf("%d packets under the old keys were dropped", n)
	}
	told := applet.Encode(r.suite, &applet.Result{Ref: b.ID.Ref(), Code: applet.CodeCancelled, Time: time.Now(), Currency: "CNY", Text: "Cancelled"})
	packet, err = r.vault.WrapMT(old, 1<<20, told)
	r.ok(err)
	was, err := r.Phones.Phone(r.ctx, payer)
	r.ok(err)
	r.toSIM(g.guest, packet)
	r.until("the phone to drop what is under the old keys", func() bool {
		p, err := r.Phones.Phone(r.ctx, payer)
		r.ok(err)
		return p.Dropped == was.Dropped+1
	})
	_, err = r.Phones.Refuse(r.ctx, payer, fleet.Refusal{Bill: ref(b.ID), Reason: "not_mine"})
	r.ok(err)
	r.reaches(b.ID, "refused")
}
