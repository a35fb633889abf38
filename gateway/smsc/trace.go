package smsc

import (
	"net"
	"time"
)

// Frame is a PDU that came or went.
type Frame struct {
	At      time.Time
	Session uint64 // of a Server's: see Server.Sessions
	Account string // system_id; empty before a bind
	Out     bool   // sent by the server
	Local   net.Addr
	Peer    net.Addr
	Octets  []byte // the whole PDU, valid during the call
}

// trace hands a PDU to who watches.
func (s *session) trace(out bool, octets []byte) {
	f := Frame{
		At: time.Now(), Session: s.id, Out: out, Local: s.conn.LocalAddr(), Peer: s.conn.RemoteAddr(), Octets: octets,
	}
	if b := s.bound.Load(); b != nil {
		f.Account = b.account.SystemID
	}
	s.server.config.Trace(&f)
}
