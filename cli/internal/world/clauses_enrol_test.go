package world_test

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
)

// S1: a secure element is personalised, several cards are bound to it, it goes into a
// phone whose client shows bills and pays with any of them.
func TestS01_SeveralCardsInOneElement(t *testing.T) {
	inBothSuites(t, people(person("manual", rich, 70000, 0)), func(r *rig) {
		phone, err := r.Phones.Phone(r.ctx, payer)
		r.ok(err)
		if len(phone.Cards) != 3 {
			r.t.Fatalf("the element shows %d cards", len(phone.Cards))
		}
		for i, c := range phone.Cards {
			number := pan(i)
			masked := number[:6] + "******" + number[12:]
			if c.Slot != i+1 || c.Alias != fmt.Sprintf("Card %d", i+1) || c.Masked != masked {
				r.t.Errorf("card %d is shown as %+v", i+1, c)
			}
			bound := r.card(payer, i+1)
			if bound.Alias != c.Alias || bound.Masked != c.Masked || bound.Locked {
				r.t.Errorf("the platform has card %d as %+v", i+1, bound)
			}
		}
		if id := r.enrolled(payer).ElementID; id != phone.ElementID {
			r.t.Errorf("the platform knows element %s, the phone has %s", id, phone.ElementID)
		}
		for slot := 1; slot <= 2; slot++ {
			before := r.card(payer, slot).Balance
			b := r.send(order(fmt.Sprintf("slot-%d", slot)))
			r.phoneHas(payer, b.ID, handsetsim.StateShown)
			r.pay(payer, b.ID, slot, "")
			r.reaches(b.ID, "settled")
			if after := r.card(payer, slot).Balance; after != before-b.Amount {
				r.t.Errorf("card %d has %d after %d was paid from %d", slot, after, b.Amount, before)
			}
		}
		if left := r.card(payer, 3).Balance; left != 0 {
			r.t.Errorf("card 3 has %d", left)
		}
	})
}

// S1: who was not at a branch cannot be billed; an element goes into one phone; what was
// bound stays bound, and the same act again changes nothing.
func TestS01_OnlyEnrolledPhonesOnce(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		r.refusedAs(r.raw("POST", "/v1/bills", `{"reference":"a","amount":1,"currency":"CNY","phone":"`+string(payer)+`"}`),
			422, platform.CodeUnknownPhone, "phone")
		g := r.glass(person("manual", rich, rich))
		again, err := r.Office.Enrol(r.ctx, g.enrolment())
		r.ok(err)
		inside, err := applet.OpenPersonalisation(g.key, again.Personalisation)
		r.ok(err)
		if !slices.Equal(inside.Cards, g.inside.Cards) || !inside.MO.KIc.Equal(g.inside.MO.KIc) {
			r.t.Error("the same enrolment again gives another element")
		}
		if b := r.card(payer, 1).Balance; b != rich {
			r.t.Errorf("the account was opened again: %d", b)
		}
		other := g.enrolment()
		other.Phone = "8613800000077"
		refuses(r, other, "element_id")
		other = g.enrolment()
		p := g.person
		p.Cards = p.Cards[:1]
		other.Secrets, other.Accounts = r.sealed(p), other.Accounts[:1]
		refuses(r, other, "phone")
		stranger, err := keys.Generate(world.NewRandom(7, 7))
		r.ok(err)
		other = g.enrolment()
		if other.Secrets, err = applet.SealEnrolment(stranger.BranchPublicKey(), applet.EnrolmentSecrets{}); err == nil {
			refuses(r, other, "secrets")
		}
	})
}

// S2: the three forms differ in how packets reach the element and in how many cards
// fit; each pays (wire.md 1.7).
func TestS02_ThreeForms(t *testing.T) {
	sim := []byte{0x02, 0x70, 0x00}
	port := []byte{0x08, 0x05, 0x04, 0x3F, 0x48, 0x3F, 0x48, 0x70, 0x00} // 16200 both ways
	forms := []struct {
		form     string
		toPID    uint8
		toDCS    uint8
		header   []byte
		capacity int
	}{
		{"sim", 0x7F, 0xF6, sim, 4},
		{"standalone", 0x00, 0xF5, port, 8},
		{"sdtf", 0x00, 0xF5, port, 16},
	}
	for _, f := range forms {
		t.Run(f.form, func(t *testing.T) {
			p := person("pays", rich)
			p.Form = f.form
			inBothSuites(t, people(p, plain()), func(r *rig) {
				o := r.endsAs(r.place(flight, payer, buyer).ID, merchant.Paid)
				r.until("the receipt of the phone", func() bool { return len(of[*applet.Receipt](r.said(payer))) > 0 })
				to, from := r.heard(payer), r.said(payer)
				if len(of[*applet.Bill](to)) != 1 || len(of[*applet.Result](to)) != 1 || len(of[*applet.Pay](from)) != 1 {
					r.t.Fatalf("%d messages to the phone, %d from it for %s", len(to), len(from), o.Bill)
				}
				for _, s := range to {
					carried(r, s, f.toPID, f.toDCS, f.header)
				}
				for _, s := range from {
					carried(r, s, 0x00, 0xF5, f.header)
				}
				full(r, f.form, f.capacity)
			})
		})
	}
}

// carried checks how a packet travels.
func carried(r *rig, s saying, pid, dcs uint8, header []byte) {
	r.t.Helper()
	if s.ProtocolID != pid || s.DataCoding != dcs || s.ESMClass&smpp.ESMUDHI == 0 || !bytes.HasPrefix(s.UserData, header) {
		r.t.Errorf("%v with PID %02X, DCS %02X, esm_class %02X, % X", s.message.Type(), s.ProtocolID, s.DataCoding, s.ESMClass, s.UserData[:10])
	}
	if len(s.UserData) > 140 {
		r.t.Errorf("%v has %d octets of user data", s.message.Type(), len(s.UserData))
	}
}

// full checks that an element takes as many cards as its form holds and not one more.
func full(r *rig, form string, capacity int) {
	r.t.Helper()
	for i, cards := range []int{capacity + 1, capacity} {
		p := person("manual", make([]moneyAmount, cards)...)
		p.Phone, p.Form = gateway.MSISDN(fmt.Sprintf("861380000005%d", i)), form
		err := r.Admit(r.ctx, p)
		if cards > capacity {
			blames(r, err, "accounts")
			continue
		}
		r.ok(err)
		phone, err := r.Phones.Phone(r.ctx, p.Phone)
		r.ok(err)
		if len(phone.Cards) != capacity {
			r.t.Errorf("a %s element took %d of %d cards", form, len(phone.Cards), capacity)
		}
	}
}

// S3: bound means that the element stores the card encrypted under a symmetric key:
// nothing in it, and nothing the platform keeps, shows a card number.
func TestS03_BoundIsEncrypted(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich, rich))
		for i, c := range g.inside.Cards {
			number := pan(i)
			for _, shown := range spellings(number) {
				if bytes.Contains(c.Blob[:], shown) {
					r.t.Errorf("card %d is in its blob in clear", c.Slot)
				}
			}
			if string(c.Token) == number || c.Masked == number {
				r.t.Errorf("card %d is in its entry in clear", c.Slot)
			}
			record, err := applet.OpenCard(r.suite, g.inside.CardData, c.Blob)
			r.ok(err)
			if record.PAN.Reveal() != number || record.Slot != c.Slot {
				r.t.Errorf("the blob of card %d holds another card", c.Slot)
			}
			other, err := r.vault.CardDataKey(r.bound("89860000000000000002"))
			r.ok(err)
			if _, err := applet.OpenCard(r.suite, other, c.Blob); err == nil {
				r.t.Errorf("another element's key opens card %d", c.Slot)
			}
			for bit := range len(c.Blob) * 8 {
				flipped := c.Blob
				flipped[bit/8] ^= 1 << (bit % 8)
				if _, err := applet.OpenCard(r.suite, g.inside.CardData, flipped); err == nil {
					r.t.Fatalf("card %d opens with bit %d flipped", c.Slot, bit)
				}
			}
		}
		if g.inside.Cards[0].Blob == g.inside.Cards[1].Blob {
			r.t.Error("two cards are one blob")
		}
		r.nowhere("a card number", pan(0), pan(1))
		r.nowhere("the identity number", identity)
		r.nowhere("the PIN", pin)
	})
}

// A blank element, or one that was personalised for another, does nothing.
func TestS01_BlankElement(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		made, err := r.Phones.Add(r.ctx, fleet.NewPhone{MSISDN: payer, Form: "sim"})
		r.ok(err)
		key, err := applet.NewKeyPair(world.NewRandom(3, 3))
		r.ok(err)
		g := &glass{r: r, number: payer, person: person("manual", rich), id: made.ElementID, key: key}
		enrolled, err := r.Office.Enrol(r.ctx, g.enrolment()) // sealed to another key than the element's
		r.ok(err)
		_, err = r.Phones.Personalise(r.ctx, payer, fleet.Personalisation{Sealed: enrolled.Personalisation})
		if err == nil {
			r.t.Error("the element took what was sealed to another")
		}
		b := r.send(order("to a blank element"))
		r.reaches(b.ID, "delivered") // the carrier's word
		r.until("the blank element to drop the bill", func() bool {
			p, err := r.Phones.Phone(r.ctx, payer)
			r.ok(err)
			return p.Dropped == 1
		})
		if _, has := r.onPhone(payer, b.ID); has || len(r.secured(gateway.Address(payer), world.PlatformAddress)) > 0 {
			r.t.Error("a blank element shows a bill or says something")
		}
	})
}
