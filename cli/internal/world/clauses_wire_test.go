package world_test

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/scp80"
)

// S12: account, PIN, identity and the phone number inside the message are ciphered on
// the way, and are nowhere else in clear: not in the store, not in a log, not on a wire.
func TestS12_NothingInClear(t *testing.T) {
	inBothSuites(t, people(person("wrong-pin-once", rich, rich), plain()), func(r *rig) {
		o := r.endsAs(r.place(flight, payer, buyer).ID, merchant.Paid)
		r.told(platform.BillID(o.Bill))
		r.nowhere("the PIN", pin, wrongPIN)
		r.nowhere("a card number", pan(0), pan(1))
		r.nowhere("the identity number", identity)
		id := r.bound(r.enrolled(payer).ElementID)
		mo, err := r.vault.MO(id)
		r.ok(err)
		mt, err := r.vault.MT(id)
		r.ok(err)
		card, err := r.vault.CardDataKey(id)
		r.ok(err)
		initial, _, err := r.vault.InitialKey(id)
		r.ok(err)
		for _, key := range [][]byte{mo.KIc.Reveal(), mo.KID.Reveal(), mt.KIc.Reveal(), mt.KID.Reveal(), card.Reveal(), initial.Reveal()} {
			for place, content := range r.places() {
				for _, spelling := range octetSpellings(key) {
					if bytes.Contains(content, spelling) {
						r.t.Errorf("a key is in clear in %s", place)
					}
				}
			}
		}
		for _, s := range append(r.said(payer), r.heard(payer)...) {
			for _, spelling := range append(spellings(string(payer)), s.payload) {
				if bytes.Contains(s.UserData, spelling) {
					r.t.Errorf("%v shows its payload, or the phone number, on the wire", s.message.Type())
				}
			}
		}
		if shown := r.card(payer, 1).Masked; !strings.Contains(string(joined(r.places())), shown) {
			r.t.Errorf("not even %s was found: the search is blind", shown)
		}
	})
}

func joined(places map[string][]byte) []byte {
	var all []byte
	for _, content := range places {
		all = append(all, content...)
	}
	return all
}

// S12: every message has a MAC. A packet to the platform with any one bit flipped, of
// each type of message, is dropped in silence, counted once and changes nothing, and
// the true ones still count.
func TestS12_EveryFlippedBitToThePlatform(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		o := r.place(flight, payer, buyer)
		asked := g.bill(platform.BillID(o.Bill))
		r.reaches(platform.BillID(o.Bill), "delivered")
		opened := g.wrap(&applet.Open{Ref: asked.Ref, Status: applet.Opened, Time: time.Now(), Slots: 1, Version: 1})
		forged := slices.Concat(flips(opened),
			flips(g.wrap(&applet.Refuse{Ref: asked.Ref, Reason: applet.RefuseNotMine, Time: time.Now(), Text: "not mine"})),
			flips(g.wrap(&applet.Receipt{Ref: asked.Ref, Time: time.Now()})),
			flips(g.wrap(&applet.Keyed{Version: 1})))
		whole := g.wrap(g.pay(asked, 1, pin))
		forged = append(forged, flips(whole)...)
		before := r.still()
		g.pour(forged)
		r.unchanged(before)
		if n := r.dropped(billing.DropForged); n != len(forged) {
			r.t.Errorf("%d drops were told, %d packets were forged", n, len(forged))
		}
		if sent := r.secured(world.PlatformAddress, gateway.Address(payer)); len(sent) != 1 || len(r.heard(payer)) != 1 {
			r.t.Errorf("a forged packet was answered: %d packets to the phone", len(sent))
		}
		g.send(opened)
		r.reaches(platform.BillID(o.Bill), "opened")
		g.send(whole)
		r.endsAs(o.ID, merchant.Paid)
	})
}

// flips are a packet's copies with one bit flipped in each.
func flips(packet []byte) [][]byte {
	var all [][]byte
	for bit := range len(packet) * 8 {
		flipped := bytes.Clone(packet)
		flipped[bit/8] ^= 1 << (bit % 8)
		all = append(all, flipped)
	}
	return all
}

// S12: the same on the way to the phone, new keys included, which take two short
// messages in the modern suite.
func TestS12_EveryFlippedBitToThePhone(t *testing.T) {
	inBothSuites(t, people(person("manual", rich)), func(r *rig) {
		b := r.bound(r.enrolled(payer).ElementID)
		wrapped, err := r.vault.Rekey(b, b.Version)
		r.ok(err)
		ref := applet.BillRef{1, 2, 3, 4, 5, 6, 7, 8}
		bill := &applet.Bill{
			Ref: ref, Amount: 100, Currency: "CNY", Expires: time.Now().Add(time.Hour),
			Merchant: applet.MerchantNumber(world.ShopMerchant), Name: "Sky Travel", Subject: "CA1405",
		}
		result := &applet.Result{Ref: ref, Code: applet.CodeApproved, Approval: "123456", Amount: 100, Currency: "CNY", Time: time.Now(), Text: "Paid"}
		guest, forged := r.guest(nil), 0
		var whole []byte
		for i, m := range []applet.Message{&applet.Keys{Version: 2, Wrapped: wrapped}, result, bill} {
			whole, err = r.vault.WrapMT(b, uint64(1000+i), applet.Encode(r.suite, m))
			r.ok(err)
			for _, packet := range flips(whole) {
				r.toSIM(guest, packet)
				forged++
			}
		}
		r.until("the phone to drop them", func() bool {
			p, err := r.Phones.Phone(r.ctx, payer)
			r.ok(err)
			return p.Dropped == forged
		})
		bills, err := r.Phones.Bills(r.ctx, payer)
		r.ok(err)
		if len(bills) != 0 || len(r.secured(gateway.Address(payer), world.PlatformAddress)) != 0 {
			r.t.Error("a forged packet showed a bill, or was answered")
		}
		r.toSIM(guest, whole)
		r.until("the true bill to show", func() bool { return len(r.seen.events(payer, handsetsim.Shown)) == 1 })
	})
}

// toSIM sends a packet to the payer's element in the platform's name.
func (r *rig) toSIM(guest *esme.Client, packet []byte) {
	r.t.Helper()
	r.parts++
	segments, err := tpdu.ToSIM(packet, tpdu.Reference{Number: r.parts, Wide: true})
	r.ok(err)
	for _, segment := range segments {
		r.ok(submit(r.ctx, guest, world.PlatformAddress, string(payer), segment))
	}
}

// wire.md 5: the carrier takes binary messages to phones from the platform alone, unless
// it is told otherwise.
func TestS12_BinaryFromThePlatformOnly(t *testing.T) {
	config := quick(people(person("manual", rich)))
	config.Network, config.Suite = new(network.Memory), scp80.Modern
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	r, c := newRig(ctx, t, config, nil)
	c.OpenCards = false
	r.live(ctx, c, func(r *rig) {
		segments, err := tpdu.ToSIM(make([]byte, 40), tpdu.Reference{Number: 1})
		r.ok(err)
		err = submit(r.ctx, r.guest(nil), world.PlatformAddress, string(payer), segments[0])
		if !errors.Is(err, smpp.RSUBMITFAIL.Err()) {
			r.t.Errorf("a guest's binary message: %v", err)
		}
		r.phoneHas(payer, r.send(order("from the platform")).ID, handsetsim.StateShown)
	})
}

// S12: packets keyed for one direction, one element or one number are no good in another.
func TestS12_KeysOfOneDirectionAndElement(t *testing.T) {
	other := person("manual", rich)
	other.Phone, other.Cards[0].PAN = "8613800000066", pan(5)
	inBothSuites(t, people(other, plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		b := r.send(order("forged"))
		asked := g.bill(b.ID)
		r.reaches(b.ID, "delivered")
		payload := applet.Encode(r.suite, g.pay(asked, 1, pin))
		reflected := r.heard(payer)[0].packet()
		asMT, err := scp80.Wrap(r.suite.Profile(scp80.MT, 1), g.inside.MT, 50, payload)
		r.ok(err)
		wrongKeys, err := scp80.Wrap(r.suite.Profile(scp80.MO, 1), g.inside.MT, 51, payload)
		r.ok(err)
		before := r.still()
		g.send(reflected, asMT, wrongKeys)
		g.sendAs(other.Phone, g.wrapAt(52, payload)) // the right keys, from another phone
		g.sendAs("8613800000099", g.wrapAt(53, payload))
		r.unchanged(before)
		if n := r.dropped(billing.DropForged); n != 4 {
			r.t.Errorf("%d forged packets were told", n)
		}
		if n := r.dropped(billing.DropUnknown); n != 1 {
			r.t.Errorf("%d packets of nobody were told", n)
		}
	})
}

// S13: the client takes the account as the element stores it, encrypted, and encrypts
// it again on the wire: two keys, and one alone shows nothing.
func TestS13_TwiceEncrypted(t *testing.T) {
	inBothSuites(t, people(plain()), func(r *rig) {
		g := r.glass(person("manual", rich))
		b := r.send(order("twice encrypted"))
		asked := g.bill(b.ID)
		g.say(g.pay(asked, 1, pin))
		r.reaches(b.ID, "settled")
		said := of[*applet.Pay](r.said(payer))[0]
		blob := g.inside.Cards[0].Blob
		if bytes.Contains(said.UserData, blob[:]) {
			r.t.Error("the account is on the wire as the element stores it: encrypted once")
		}
		if !bytes.Contains(said.payload, blob[:]) {
			r.t.Error("inside the packet is not the account as the element stores it")
		}
		for _, spelling := range spellings(pan(0)) {
			if bytes.Contains(said.payload, spelling) {
				r.t.Error("whoever opens the packet reads the account")
			}
		}
		if _, err := applet.OpenCard(r.suite, scp80Key(g.inside.MO.KIc.Reveal()), blob); err == nil {
			r.t.Error("the packet's key opens the account")
		}
		if record, err := applet.OpenCard(r.suite, g.inside.CardData, said.message.(*applet.Pay).Blob); err != nil || record.PAN.Reveal() != pan(0) {
			r.t.Errorf("the card-data key does not open the account: %v", err)
		}
	})
}

func scp80Key(octets []byte) applet.CardDataKey { return scp80.NewKey[applet.CardDataKey](octets) }

// S13: so does the fleet's own element: its payment holds what personalisation made.
func TestS13_TheElementHandsOnWhatItStores(t *testing.T) {
	inBothSuites(t, people(person("pays", rich)), func(r *rig) {
		b := r.send(order("as stored"))
		r.reaches(b.ID, "settled")
		element := r.bound(r.enrolled(payer).ElementID)
		pay := pays(r.said(payer))[0]
		record, err := r.vault.CardRecord(element, pay.Blob)
		r.ok(err)
		key, err := r.vault.CardDataKey(element)
		r.ok(err)
		stored, err := applet.SealCard(r.suite, key, record)
		r.ok(err)
		if record.PAN.Reveal() != pan(0) || stored != pay.Blob {
			r.t.Error("the payment holds another blob than the branch made")
		}
	})
}
