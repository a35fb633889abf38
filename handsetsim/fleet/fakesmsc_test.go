package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"testing"

	"github.com/airtill/airtill/gateway/smpp"
)

// fakeSMSC takes binds and submits on in-memory connections and delivers what a
// test wants delivered. It answers each submit with what the test says.
type fakeSMSC struct {
	t      testing.TB
	answer func(sm *smpp.SubmitSM) (status smpp.Status, say bool) // nil: ESME_ROK
	taken  chan *smpp.SubmitSM                                    // what was accepted

	refuse smpp.Status // of binds, if not ESME_ROK
	down   bool        // not to be reached

	mu    sync.Mutex
	bound []*fakeSession
	binds []smpp.BindTransceiver
	wg    sync.WaitGroup
}

type fakeSession struct {
	conn    net.Conn
	write   sync.Mutex
	mu      sync.Mutex
	seq     uint32
	waiting map[uint32]chan smpp.Status
}

func newFakeSMSC(t testing.TB) *fakeSMSC {
	return &fakeSMSC{t: t, taken: make(chan *smpp.SubmitSM, 10_000)}
}

// dial is what a fleet under test dials with.
func (f *fakeSMSC) dial(context.Context) (net.Conn, error) {
	if f.down {
		return nil, errors.New("no route to the SMSC")
	}
	near, far := net.Pipe()
	s := &fakeSession{conn: far, waiting: make(map[uint32]chan smpp.Status)}
	f.wg.Go(func() { f.serve(s) })
	return near, nil
}

func (f *fakeSMSC) serve(s *fakeSession) {
	defer func() { _ = s.conn.Close() }()
	r := smpp.NewReader(s.conn, 0)
	for {
		frame, err := r.Next()
		if err != nil {
			return
		}
		p, err := smpp.Decode(frame)
		if err != nil {
			f.t.Errorf("the fleet sent a bad PDU: %v", err)
			return
		}
		if !f.take(s, p) {
			return
		}
	}
}

func (f *fakeSMSC) take(s *fakeSession, p smpp.PDU) bool {
	switch b := p.Body.(type) {
	case *smpp.BindTransceiver:
		if f.refuse != smpp.ROK {
			s.send(smpp.PDU{Status: f.refuse, Sequence: p.Sequence, Body: &smpp.BindTransceiverResp{}})
			return true
		}
		f.mu.Lock()
		f.bound, f.binds = append(f.bound, s), append(f.binds, *b)
		f.mu.Unlock()
		s.send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.BindTransceiverResp{SystemID: "fake"}})
	case *smpp.SubmitSM:
		status, say := smpp.ROK, true
		if f.answer != nil {
			status, say = f.answer(b)
		}
		if say && status == smpp.ROK {
			f.taken <- b
		}
		if say {
			s.send(smpp.PDU{Status: status, Sequence: p.Sequence, Body: &smpp.SubmitSMResp{MessageID: fmt.Sprint(p.Sequence)}})
		}
	case *smpp.DeliverSMResp:
		s.mu.Lock()
		c := s.waiting[p.Sequence]
		delete(s.waiting, p.Sequence)
		s.mu.Unlock()
		if c == nil {
			f.t.Errorf("deliver_sm_resp %d answers nothing", p.Sequence)
			return false
		}
		c <- p.Status
	case *smpp.EnquireLink:
		s.send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.EnquireLinkResp{}})
	case *smpp.Unbind:
		s.send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.UnbindResp{}})
		return false
	}
	return true
}

func (s *fakeSession) send(p smpp.PDU) {
	b, err := smpp.Append(nil, p)
	if err != nil {
		panic(err)
	}
	s.write.Lock()
	defer s.write.Unlock()
	_, _ = s.conn.Write(b) // the fleet may be gone
}

// deliver sends a message on the connection of that number and answers the fleet's status.
func (f *fakeSMSC) deliver(conn int, sm *smpp.DeliverSM) smpp.Status {
	f.mu.Lock()
	s := f.bound[conn]
	f.mu.Unlock()
	answer := make(chan smpp.Status, 1)
	s.mu.Lock()
	s.seq++
	seq := s.seq
	s.waiting[seq] = answer
	s.mu.Unlock()
	s.send(smpp.PDU{Sequence: seq, Body: sm})
	return <-answer
}

// hangUp cuts a connection.
func (f *fakeSMSC) hangUp(conn int) {
	f.mu.Lock()
	s := f.bound[conn]
	f.mu.Unlock()
	_ = s.conn.Close()
}
