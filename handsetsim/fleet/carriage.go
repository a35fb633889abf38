package fleet

import (
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/handsetsim"
)

// partsAge is how long the parts of a message wait for each other.
const partsAge = 10 * time.Minute

// parts joins the parts of messages. Texts and what is for elements wait apart, so that
// a flood of the one cannot push out the other.
type parts struct{ texts, packets *tpdu.Reassembler }

func newParts() (p parts, err error) {
	if p.texts, err = tpdu.NewReassembler(tpdu.Limits{Age: partsAge}); err != nil {
		return p, err
	}
	p.packets, err = tpdu.NewReassembler(tpdu.Limits{Parts: 8, Messages: 1024, Octets: 256 << 10, Age: partsAge})
	return p, err
}

func (p parts) add(now time.Time, link tpdu.Link, s tpdu.Segment) (whole tpdu.Segment, ok bool, err error) {
	if s.Alphabet() == tpdu.Octets {
		return p.packets.Add(now, link, s)
	}
	return p.texts.Add(now, link, s)
}

// take takes what the carrier delivers and says what to answer.
func (f *Fleet) take(sm *smpp.DeliverSM) smpp.Status {
	if sm.IsReceipt() {
		return smpp.ROK // phones ask for none
	}
	n := gateway.MSISDN(sm.Destination.Digits)
	s, status := f.shardOf(n), smpp.RXPAPPN
	s.with(n, func(h *handset, now time.Time, fx *handsetsim.Effects) { status = s.arrive(h, sm, now, fx) })
	switch status {
	case smpp.ROK:
		f.counts.received.Add(1)
	case smpp.RXTAPPN:
		f.counts.missed.Add(1)
	case smpp.RXRAPPN:
		f.counts.unreadable.Add(1)
	default:
		f.counts.unknown.Add(1)
	}
	return status
}

// arrive hands a short message to a phone, once it is whole.
func (s *shard) arrive(h *handset, sm *smpp.DeliverSM, now time.Time, fx *handsetsim.Effects) smpp.Status {
	from := gateway.Address(sm.Source.Digits)
	if !h.On() {
		h.Miss(from, now, fx)
		return smpp.RXTAPPN
	}
	if isUSSD(sm) {
		return s.showUSSD(h, sm, now, fx)
	}
	segment, err := tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, sm.ESMClass&smpp.ESMUDHI != 0, sm.UserData())
	if err != nil {
		return smpp.RXRAPPN
	}
	link := tpdu.Link{Source: sm.Source.Digits, Destination: sm.Destination.Digits}
	whole, ok, err := s.parts.add(now, link, segment)
	switch {
	case err != nil:
		return smpp.RXRAPPN
	case !ok: // the rest is on its way
		return smpp.ROK
	}
	s.hand(h, arrival{from: from, whole: whole, octets: wholeSize(whole, segment), at: now}, fx)
	return smpp.ROK
}

// arrival is a whole message for a phone.
type arrival struct {
	from   gateway.Address
	whole  tpdu.Segment
	octets int
	at     time.Time
}

// wholeSize is the user data of a message in octets. Of a message in parts it counts
// the payload of all and the header of one.
func wholeSize(whole, last tpdu.Segment) int {
	if _, part := last.Header.Concat(); part {
		return last.Header.Size() + len(whole.Payload)
	}
	return whole.Size()
}

// hand gives a message to whom it is for: the element, by the way its form is
// reached, or the inbox.
func (s *shard) hand(h *handset, a arrival, fx *handsetsim.Effects) {
	if _, secured := tpdu.ReadSecured(a.whole); !secured {
		text, _ := a.whole.Text() // what cannot be read shows as U+FFFD
		h.Text(handsetsim.SMS{From: a.from, Text: text, At: a.at}, a.octets, fx)
		return
	}
	was := h.Drops()
	in := handsetsim.Arrival{From: a.from, Octets: a.octets, At: a.at}
	reached := false
	if h.element != nil {
		in.Packet, reached = h.element.Reached(a.whole)
	}
	if reached {
		h.Packet(in, fx)
	} else {
		h.Stray(in, fx)
	}
	s.fleet.counts.dropped.Add(uint64(h.Drops() - was))
}

// pack makes short messages of what a phone sends.
func (s *shard) pack(h *handset, send handsetsim.Send) ([]*smpp.SubmitSM, error) {
	if send.USSD != nil {
		sm, err := writeUSSD(h.Number(), *send.USSD)
		return []*smpp.SubmitSM{sm}, err
	}
	segments, err := s.split(h, send)
	if err != nil {
		return nil, err
	}
	to := send.To
	if send.Packet != nil || to == "" {
		to = gateway.Address(s.fleet.config.PlatformAddress)
	}
	all := make([]*smpp.SubmitSM, 0, len(segments))
	for _, segment := range segments {
		sm, err := submit(h.Number(), to, segment)
		if err != nil {
			return nil, fmt.Errorf("pack %s: %w", send.Name, err)
		}
		all = append(all, sm)
	}
	return all, nil
}

func (s *shard) split(h *handset, send handsetsim.Send) ([]tpdu.Segment, error) {
	s.ref++
	ref := tpdu.Reference{Number: s.ref}
	switch {
	case send.Packet == nil:
		return tpdu.SplitText(send.Text, ref)
	case h.element == nil:
		return nil, errors.New("a packet of no element")
	}
	return h.element.Carry(send.Packet, ref)
}

func submit(from gateway.MSISDN, to gateway.Address, segment tpdu.Segment) (*smpp.SubmitSM, error) {
	ud, err := segment.UserData()
	if err != nil {
		return nil, err
	}
	sm := &smpp.SubmitSM{
		Source:      smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(from)},
		Destination: destination(to),
		ProtocolID:  segment.Protocol, DataCoding: segment.Coding, ShortMessage: ud,
	}
	if segment.Indication() {
		sm.ESMClass |= smpp.ESMUDHI
	}
	return sm, nil
}

// destination is a number, or a short code of the network.
func destination(a gateway.Address) smpp.Address {
	if _, err := gateway.ParseMSISDN(string(a)); err != nil {
		return smpp.Address{TON: smpp.TONNetwork, NPI: smpp.NPIUnknown, Digits: string(a)}
	}
	return smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(a)}
}

// countParts is how many short messages a text takes.
func countParts(text string) int {
	segments, err := tpdu.SplitText(text, tpdu.Reference{})
	if err != nil {
		return 0
	}
	return len(segments)
}
