package fleet

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/handsetsim"
)

// outgoing is one short message on its way to the carrier.
type outgoing struct {
	send  handsetsim.Send // what it is a part of
	sm    *smpp.SubmitSM
	since time.Time
	kept  uint64 // position of the counters behind it in the elements' memory
	tries int
	last  bool // of the message's parts
}

// Waits before a message is tried again, multiplied by the number of tries up to tryMost.
const (
	tryUnbound   = 200 * time.Millisecond // not sent: nobody is bound
	tryThrottled = 250 * time.Millisecond // refused for now
	tryUnknown   = time.Second            // sent, not answered
	tryMost      = 8
)

// post puts a message into a phone's outbox, in as many parts as it takes.
func (s *shard) post(h *handset, send handsetsim.Send, now time.Time) {
	parts, err := s.pack(h, send)
	if err != nil {
		s.fleet.counts.failed.Add(1)
		s.fleet.teller.tell([]handsetsim.Event{{
			At: now, Phone: h.Number(), Kind: handsetsim.SendFailed, Bill: send.Bill, Peer: send.To,
			Detail: send.Name + ": " + err.Error(),
		}})
		return
	}
	kept := s.fleet.position()
	for i, sm := range parts {
		h.outbox = append(h.outbox, outgoing{send: send, sm: sm, since: now, kept: kept, last: i == len(parts)-1})
	}
}

// runSend sends what is ready until ctx ends.
func (s *shard) runSend(ctx context.Context) {
	for {
		h, out := s.takeReady()
		if h == nil {
			select {
			case <-ctx.Done():
				return
			case <-s.wakeSend:
			}
			continue
		}
		err := s.submit(ctx, out)
		if ctx.Err() != nil {
			s.putBack(h)
			return
		}
		s.sent(h, err)
	}
}

// submit sends a message once the counters that it was made with cannot be lost.
func (s *shard) submit(ctx context.Context, out outgoing) error {
	if err := s.fleet.sync(out.kept); err != nil {
		return err
	}
	_, err := s.client.Submit(ctx, out.sm)
	return err
}

// takeReady takes the next phone with something to send, and the message.
func (s *shard) takeReady() (*handset, outgoing) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.ready) == 0 {
		return nil, outgoing{}
	}
	h := s.ready[0]
	s.ready[0] = nil
	s.ready = s.ready[1:]
	if len(s.ready) > 0 {
		nudge(s.wakeSend)
	} else {
		s.ready = nil
	}
	out := &h.outbox[0]
	if out.tries == 0 {
		s.fleet.teller.tell([]handsetsim.Event{out.event(h, handsetsim.Sent, "", s.fleet.config.Now())})
	}
	out.tries++
	return h, *out
}

// putBack keeps what the end of the run left unsent.
func (s *shard) putBack(h *handset) {
	s.mu.Lock()
	defer s.mu.Unlock()
	h.sending = false
	s.settle(h, s.fleet.config.Now())
}

// sent takes the carrier's answer to a phone's first message.
func (s *shard) sent(h *handset, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.fleet.config.Now()
	h.sending, h.tryAt = false, time.Time{}
	out := &h.outbox[0]
	wait, again := tryAgain(err)
	switch {
	case err == nil:
		s.fleet.counts.sent.Add(1)
		if out.last && out.send.USSD == nil {
			s.fleet.teller.tell([]handsetsim.Event{out.event(h, handsetsim.Accepted, "", now)})
		}
		h.pop()
	case out.send.USSD != nil:
		s.fleet.counts.failed.Add(1)
		h.USSDRefused(*out.send.USSD, err.Error(), now, &s.fx)
		h.pop()
	case again && now.Sub(out.since) < s.fleet.config.GiveUp:
		s.fleet.counts.retried.Add(1)
		h.tryAt = now.Add(wait * time.Duration(min(out.tries, tryMost)))
	default:
		s.fleet.counts.failed.Add(1)
		s.fleet.teller.tell([]handsetsim.Event{out.event(h, handsetsim.SendFailed, err.Error(), now)})
		h.pop()
	}
	s.settle(h, now)
}

func (h *handset) pop() {
	h.outbox[0] = outgoing{}
	h.outbox = h.outbox[1:]
	if len(h.outbox) == 0 {
		h.outbox = nil
	}
}

// tryAgain says whether a message may be sent again as it is, and after how long.
// Not knowing is as good as refused for now: the element on the other side takes a
// packet once.
func tryAgain(err error) (time.Duration, bool) {
	switch {
	case errors.Is(err, esme.ErrNotBound):
		return tryUnbound, true
	case errors.Is(err, esme.ErrUnknown):
		return tryUnknown, true
	}
	refused, ok := errors.AsType[*smpp.StatusError](err)
	if !ok {
		return 0, false
	}
	switch refused.Status {
	case smpp.RTHROTTLED, smpp.RMSGQFUL, smpp.RSYSERR:
		return tryThrottled, true
	}
	return 0, false
}

func (o *outgoing) event(h *handset, kind handsetsim.Kind, why string, now time.Time) handsetsim.Event {
	detail := o.send.Name
	if why != "" {
		detail = fmt.Sprintf("%s: %s", detail, why)
	}
	octets := len(o.sm.UserData())
	if o.send.USSD != nil { // as long as what was typed, which may be a PIN
		octets = 0
	}
	return handsetsim.Event{
		At: now, Phone: h.Number(), Kind: kind, Bill: o.send.Bill, Detail: detail,
		Peer: gateway.Address(o.sm.Destination.Digits), Octets: octets,
	}
}
