package world_test

import (
	"fmt"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// secured are the packets from one address to another, as the carrier took them.
func (r *rig) secured(from, to gateway.Address) []*hop {
	return r.seen.hops(func(h *hop) bool {
		return h.kind == gateway.MessageAccepted && h.Source == from && h.Destination == to && h.packet() != nil
	})
}

// packet is the secured packet in a message, or nil.
func (h *hop) packet() []byte {
	segment, err := tpdu.ParseSegment(h.ProtocolID, h.DataCoding, h.ESMClass&smpp.ESMUDHI != 0, h.UserData)
	if err != nil {
		return nil
	}
	s, ok := tpdu.ReadSecured(segment)
	if !ok {
		return nil
	}
	return s.Packet
}

// saying is a packet with what it says.
type saying struct {
	*hop
	message applet.Message
	payload []byte
	counter uint64
}

// said is what a phone has said to the platform, opened with the platform's keys.
func (r *rig) said(n gateway.MSISDN) []saying {
	r.t.Helper()
	versions := r.versions(n)
	var all []saying
	for _, h := range r.secured(gateway.Address(n), world.PlatformAddress) {
		for _, b := range versions {
			if counter, payload, err := r.vault.OpenMO(b, h.packet()); err == nil {
				all = append(all, r.saying(h, counter, payload))
			}
		}
	}
	return all
}

// heard is what the platform has said to a phone in one short message.
func (r *rig) heard(n gateway.MSISDN) []saying {
	r.t.Helper()
	versions := r.versions(n)
	var all []saying
	for _, h := range r.secured(world.PlatformAddress, gateway.Address(n)) {
		for _, b := range versions {
			mt, err := r.vault.MT(b)
			r.ok(err)
			if counter, payload, err := scp80.Open(r.suite.Profile(scp80.MT, b.Version), mt, h.packet()); err == nil {
				all = append(all, r.saying(h, counter, payload))
			}
		}
	}
	return all
}

// versions are what a phone's keys are found by, in each version that the vault has.
func (r *rig) versions(n gateway.MSISDN) []keys.Binding {
	r.t.Helper()
	b := r.bound(r.enrolled(n).ElementID)
	var all []keys.Binding
	for b.Version = 1; b.Version <= r.vault.Version(); b.Version++ {
		if _, err := r.vault.MO(b); err == nil {
			all = append(all, b)
		}
	}
	return all
}

func (r *rig) saying(h *hop, counter uint64, payload []byte) saying {
	r.t.Helper()
	m, err := applet.Decode(r.suite, payload)
	r.ok(err)
	return saying{hop: h, message: m, payload: payload, counter: counter}
}

// of are the messages of one type, as said.
func of[M applet.Message](all []saying) []saying {
	var some []saying
	for _, s := range all {
		if _, is := s.message.(M); is {
			some = append(some, s)
		}
	}
	return some
}

// pays are the payments among what was said.
func pays(all []saying) []*applet.Pay {
	var some []*applet.Pay
	for _, s := range all {
		if p, is := s.message.(*applet.Pay); is {
			some = append(some, p)
		}
	}
	return some
}

// codes are the response codes among what was said.
func codes(all []saying) []applet.ResponseCode {
	var some []applet.ResponseCode
	for _, s := range all {
		if m, is := s.message.(*applet.Result); is {
			some = append(some, m.Code)
		}
	}
	return some
}

// hears waits until the platform has said so many results to a phone.
func (r *rig) hears(n gateway.MSISDN, results int) []applet.ResponseCode {
	r.t.Helper()
	var all []applet.ResponseCode
	r.until(fmt.Sprintf("%d results to %s", results, n), func() bool {
		all = codes(r.heard(n))
		return len(all) >= results
	})
	return all
}

// taken counts the messages from a number that the platform has answered to the carrier.
func (r *rig) taken(from gateway.MSISDN) int {
	return len(r.seen.hops(func(h *hop) bool {
		return h.Source == gateway.Address(from) && h.Destination == world.PlatformAddress &&
			(h.kind == gateway.MessageDelivered || h.kind == gateway.MessageFailed)
	}))
}

// dropped counts the packets that the platform dropped in silence for a reason.
func (r *rig) dropped(why billing.Drop) int { return int(r.Platform.Dropped()[why]) }
