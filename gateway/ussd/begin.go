package ussd

import (
	"encoding/binary"
	"encoding/hex"
	"time"

	"github.com/airtill/airtill/gateway/internal/due"
	"github.com/airtill/airtill/gateway/smpp"
)

type timer = due.Timer[*session]

// session is one conversation with its two ends.
type session struct {
	Session
	timer       // of its deadline
	id          string
	phone       string
	code        string // the application's address
	dialled     string
	number      uint8 // what the gateway would number it by
	inputs      []string
	handset     handset
	application application
	record      Record
}

// past is what is remembered of a handset.
type past struct {
	number uint8 // its last session's
	// An ESME that was still to speak may do so until then; it is too late.
	system string
	id     uint16
	until  time.Time
}

// call is what a user does who dials.
type call struct {
	phone, dialled string
	phase1         bool
	handset        handset
}

// dial begins a session that a user dialled.
func (s *Switch) dial(c call) (*session, smpp.Status) {
	if CheckCode(c.dialled) != nil {
		return nil, smpp.RINVDSTADR
	}
	r, rest, ok := s.routes.Load().find(c.dialled, s.ownerOf)
	if !ok {
		return nil, smpp.RINVDSTADR
	}
	now := s.lock()
	defer s.unlock()
	if old := s.sessions[c.phone]; old != nil {
		s.finish(old, Collision, "the user dialled "+r.Code, now)
	}
	if status := s.room(); status != smpp.ROK {
		return nil, status
	}
	se := s.newSession(c.phone, r.Code, now)
	se.dialled, se.Phase1, se.handset = c.dialled, c.phase1, c.handset
	setDefault(&r.Timeout, s.config.Timeouts.Application)
	se.Limits.Application = r.Timeout
	if rest != "" {
		se.inputs = []string{rest}
	}
	se.application = s.applicationOf(r, se)
	s.begin(se, Message{Kind: Dial, Text: rest, Phase1: c.phase1}, now)
	return se, smpp.ROK
}

// ownerOf is the account, not of phones, that owns a code.
func (s *Switch) ownerOf(code string) string {
	if len(code) > maxAddress {
		return ""
	}
	if system, phones := s.carrier.Owner(code); !phones {
		return system
	}
	return ""
}

func (s *Switch) applicationOf(r Route, se *session) application {
	if r.Application != nil {
		return &localApplication{answers: r.Application}
	}
	return s.newESME(r.Account, se)
}

// pushed begins a session that an ESME pushed.
func (s *Switch) pushed(system, fleet string, m Message, now time.Time) smpp.Status {
	switch p := s.pasts[m.Phone]; {
	case m.ID != 0 && p.system == system && p.id == m.ID && now.Before(p.until):
		return smpp.RINVOPTPARAMVAL
	case m.Kind == End && !m.Pushes:
		return smpp.RSUBMITFAIL
	case m.Kind == End:
		m.Kind = Notify
	}
	if status := s.room(); status != smpp.ROK {
		return status
	}
	se := s.newSession(m.Phone, m.Code, now)
	se.handset = &fleetHandset{fleet: fleet}
	a := s.newESME(system, se)
	if m.ID != 0 {
		a.id = m.ID
	}
	se.application = a
	s.begin(se, m, now)
	return smpp.ROK
}

// room says whether one more session can be had.
func (s *Switch) room() smpp.Status {
	switch {
	case s.stopped:
		return smpp.RSYSERR
	case len(s.sessions) >= s.config.MaxSessions:
		return smpp.RTHROTTLED
	}
	return smpp.ROK
}

func (s *Switch) newSession(phone, code string, now time.Time) *session {
	number := s.pasts[phone].number + 1
	if number == 0 {
		number = 1 // 0 is what an ESME writes that has none
	}
	s.order++
	se := &session{
		Session: Session{Limits: s.config.Timeouts},
		id:      s.newID(), phone: phone, code: code, number: number,
	}
	se.timer = timer{Of: se, Order: s.order}
	se.record.Began = now
	return se
}

func (s *Switch) newID() string {
	b := binary.BigEndian.AppendUint64(make([]byte, 0, 16), s.config.Rand.Uint64())
	return hex.EncodeToString(binary.BigEndian.AppendUint64(b, s.config.Rand.Uint64()))
}

// begin takes a session's first step.
func (s *Switch) begin(se *session, m Message, now time.Time) {
	_ = se.Apply(m.Kind, now) // Dial, Ask and Notify are legal in a closed session
	s.sessions[se.phone] = se
	s.due.Set(&se.timer, se.Deadline)
	if h, ok := se.handset.(*fleetHandset); ok && h.id == 0 {
		h.id = uint16(se.number)
	}
	se.say(s, m, now)
	if m.Kind.Up() {
		se.application.tell(s, se, m)
		return
	}
	se.handset.show(s, se, m)
}

// mostPasts bounds what is remembered of handsets that have no session.
const mostPasts = 1 << 17

// remember keeps what a session's end means for the handset's next one: its number, and
// what would be a late word of its application and not a new push.
func (s *Switch) remember(se *session, now time.Time) {
	if len(s.pasts) >= mostPasts {
		clear(s.pasts)
	}
	p := past{number: se.number}
	if a, ok := se.application.(*esmeApplication); ok && se.record.Result != Completed {
		p.system, p.id, p.until = a.system, a.id, now.Add(2*se.Limits.Application)
	}
	s.pasts[se.phone] = p
}

// idFor is the id of a session for an ESME: what its dialect has room for.
func (s *Switch) idFor(d Dialect, se *session) uint16 {
	switch d.idBits() {
	case 0:
		return 0
	case 8:
		return uint16(se.number)
	}
	s.lastID = s.lastID%(1<<15-1) + 1 // 1 to 32767
	return s.lastID
}
