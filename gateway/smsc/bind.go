package smsc

import (
	"crypto/subtle"
	"regexp"
	"slices"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// mode says what a session is bound for, SMPP 3.4 §2.2. The zero mode is open.
type mode uint8

const (
	open        mode = 0
	transmitter mode = 1
	receiver    mode = 2
	transceiver mode = transmitter | receiver
)

func (m mode) String() string {
	switch m {
	case transmitter:
		return "transmitter"
	case receiver:
		return "receiver"
	case transceiver:
		return "transceiver"
	default:
		return "open"
	}
}

// firstTLVVersion is the interface_version that optional parameters came with, SMPP 3.4 §3.3.
const firstTLVVersion = 0x34

// binding is what a bind made of a session; it does not change afterwards.
type binding struct {
	account *account
	mode    mode
	old     bool // bound with an interface_version below 3.4
}

func (b *binding) naming() naming { return naming{b.account.IDs, b.old} }

// mostRefusals is how many binds may fail on one connection.
const mostRefusals = 3

// bind lets an ESME in, SMPP 3.4 §4.1. It says whether the connection ends.
func (s *session) bind(p smpp.PDU, b *smpp.Bind, m mode) (ended bool) {
	keys := [...]string{"peer " + s.peer, "system_id " + b.SystemID}
	g := &s.server.guesses
	if !s.pause(g.delay(time.Now(), keys[:]...)) {
		return true
	}
	made, served, status := s.identify(b, m)
	if status == smpp.ROK {
		if !s.pause(made.account.brief.wait(time.Now())) {
			return true
		}
		status = s.enter(made, served)
	}
	if status != smpp.ROK {
		g.failed(time.Now(), keys[:]...)
		s.respond(p, status)
		return s.failedBind(p.Body)
	}
	g.passed(keys[:]...)
	s.bound.Store(made)
	s.welcome(p, made)
	if m&receiver != 0 {
		made.account.listen(s)
	}
	nudge(s.changed)
	s.server.config.Log.Info().Str("system_id", b.SystemID).Stringer("mode", m).Str("peer", s.peer).Msg("smpp bound")
	return false
}

// pause waits for the end of a delay. It is false if the session ended first.
func (s *session) pause(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-s.life.Done():
		return false
	}
}

// identify finds who binds, and what of its numbers the session is to serve; nil is all.
func (s *session) identify(b *smpp.Bind, m mode) (made *binding, served *regexp.Regexp, status smpp.Status) {
	a, ok := s.server.byID[b.SystemID]
	switch {
	case s.leaving.Load():
		return nil, nil, smpp.RBINDFAIL
	case !ok:
		return nil, nil, smpp.RINVSYSID
	case subtle.ConstantTimeCompare([]byte(a.Password), []byte(b.Password)) != 1:
		return nil, nil, smpp.RINVPASWD
	}
	if a.HonourRange && b.AddressRange != "" {
		var err error
		if served, err = regexp.Compile(b.AddressRange); err != nil {
			return nil, nil, smpp.RBINDFAIL
		}
	}
	return &binding{account: a, mode: m, old: b.InterfaceVersion < firstTLVVersion}, served, smpp.ROK
}

// enter counts a session among its account's, unless there are as many as may be.
func (s *session) enter(made *binding, served *regexp.Regexp) smpp.Status {
	a := made.account
	a.mu.Lock()
	defer a.mu.Unlock()
	all, own := a.Binds.All, a.Binds.most(made.mode)
	if all > 0 && len(a.sessions) >= all || own > 0 && a.binds[made.mode] >= own {
		return smpp.RBINDFAIL
	}
	a.sessions[s] = struct{}{}
	a.binds[made.mode]++
	s.served = served
	if made.mode&receiver != 0 {
		s.makeRing(a.Window)
	}
	return smpp.ROK
}

// failedBind counts what was not let in; guessing on costs a new connection.
func (s *session) failedBind(body smpp.Body) (ended bool) {
	switch body.(type) {
	case *smpp.BindTransmitter, *smpp.BindReceiver, *smpp.BindTransceiver:
		s.refusals++
	}
	return s.refusals >= mostRefusals
}

// welcome answers a good bind.
func (s *session) welcome(p smpp.PDU, b *binding) {
	resp := smpp.BindResp{SystemID: s.server.config.SystemID}
	if !b.old {
		resp.TLVs = smpp.TLVs{smpp.Uint8TLV(smpp.TagSCInterfaceVersion, smpp.SMSCVersion)}
	}
	var body smpp.Body
	switch b.mode {
	case transmitter:
		body = (*smpp.BindTransmitterResp)(&resp)
	case receiver:
		body = (*smpp.BindReceiverResp)(&resp)
	default:
		body = (*smpp.BindTransceiverResp)(&resp)
	}
	s.answer(smpp.PDU{Sequence: p.Sequence, Body: body})
}

// listen adds a receiver. All that waits is tried at once.
func (a *account) listen(s *session) {
	first := a.lock()
	defer a.unlock(first)
	if _, in := a.sessions[s]; !in {
		return // it has ended meanwhile
	}
	now := time.Now()
	s.receiving = true
	a.receivers = append(a.receivers, s)
	a.free++
	for _, b := range a.inOrder() {
		b.again()
		a.review(b, now)
	}
	a.pump(now)
}

// inOrder is all mailboxes in the order they were made.
func (a *account) inOrder() []*mailbox {
	all := make([]*mailbox, 0, len(a.boxes)+2)
	for _, b := range a.boxes {
		all = append(all, b)
	}
	all = append(all, a.receipts, a.direct)
	slices.SortFunc(all, func(x, y *mailbox) int { return int(int64(x.Order - y.Order)) })
	return all
}

// retire stops deliveries to a session. It says whether nothing is unanswered.
func (a *account) retire(s *session) (idle bool) {
	first := a.lock()
	defer a.unlock(first)
	a.dismiss(s)
	return s.unanswered == 0
}

func (a *account) dismiss(s *session) {
	if !s.receiving {
		return
	}
	if s.unanswered < a.Window {
		a.free--
	}
	s.receiving = false
	a.receivers = slices.DeleteFunc(a.receivers, func(r *session) bool { return r == s })
}

// part ends a session that has asked for it: nothing more is delivered, and another may
// bind in its place.
func (a *account) part(s *session) {
	first := a.lock()
	defer a.unlock(first)
	a.dismiss(s)
	a.exit(s)
}

// exit takes a session off the account's count.
func (a *account) exit(s *session) {
	if _, in := a.sessions[s]; in {
		delete(a.sessions, s)
		a.binds[s.bound.Load().mode]--
		a.counts.add(s.tally())
		if now := time.Now(); now.Sub(s.since) < futile {
			a.brief.count(now)
		}
	}
}

// unbind removes a session, and takes back what it has not answered.
func (a *account) unbind(s *session) {
	first := a.lock()
	defer a.unlock(first)
	now := time.Now()
	a.dismiss(s)
	a.exit(s)
	for _, m := range s.takeBack(func(*outgoing) bool { return true }) {
		a.returned(m, now)
	}
	a.pump(now)
	if len(a.receivers) == 0 {
		nudge(a.call)
	}
}

// returned puts a message back that was not refused: its session ended.
func (a *account) returned(m *message, now time.Time) {
	if m.once {
		a.finish(m, gateway.Undeliverable, now)
		return
	}
	b := m.box
	b.inFlight--
	m.crossed = false
	b.add(m)
	a.review(b, now)
}
