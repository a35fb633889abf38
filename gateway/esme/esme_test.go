package esme_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
)

// smscEnd is the other end of a client's connection, driven by the test.
type smscEnd struct {
	t      *testing.T
	conn   net.Conn
	frames *smpp.Reader
}

func (e *smscEnd) next() smpp.PDU {
	e.t.Helper()
	f, err := e.frames.Next()
	if err != nil {
		e.t.Fatalf("read: %v", err)
	}
	p, err := smpp.Decode(f)
	if err != nil {
		e.t.Fatalf("decode: %v", err)
	}
	return p
}

func (e *smscEnd) want(id smpp.CommandID, status smpp.Status) smpp.PDU {
	e.t.Helper()
	p := e.next()
	if p.Body.CommandID() != id || p.Status != status {
		e.t.Errorf("got %v %v, want %v %v", p.Body.CommandID(), p.Status, id, status)
	}
	return p
}

func (e *smscEnd) send(p smpp.PDU) {
	e.t.Helper()
	b, err := smpp.Append(nil, p)
	if err != nil {
		e.t.Fatal(err)
	}
	if _, err := e.conn.Write(b); err != nil {
		e.t.Fatalf("write: %v", err)
	}
}

func (e *smscEnd) answer(p smpp.PDU, status smpp.Status) {
	e.t.Helper()
	e.send(smpp.PDU{Status: status, Sequence: p.Sequence, Body: smpp.Response(p.Body)})
}

// farewell answers a polite unbind and wants the end.
func (e *smscEnd) farewell() {
	e.t.Helper()
	e.answer(e.want(smpp.IDUnbind, smpp.ROK), smpp.ROK)
	if _, err := e.frames.Next(); err == nil {
		e.t.Error("more after unbind")
	}
}

// run is a running client and the connections it makes.
type run struct {
	t     *testing.T
	c     *esme.Client
	dials chan net.Conn
	stop  context.CancelFunc
	ended chan error
}

func start(t *testing.T, c esme.Config) *run {
	t.Helper()
	r := &run{t: t, dials: make(chan net.Conn), ended: make(chan error, 1)}
	c.SystemID = "platform"
	c.Dial = func(ctx context.Context) (net.Conn, error) {
		near, far := net.Pipe()
		select {
		case r.dials <- far:
			return near, nil
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	client, err := esme.New(c)
	if err != nil {
		t.Fatal(err)
	}
	r.c = client
	var ctx context.Context
	ctx, r.stop = context.WithCancel(context.Background())
	go func() { r.ended <- client.Run(ctx) }()
	return r
}

func (r *run) accept() *smscEnd {
	conn := <-r.dials
	return &smscEnd{r.t, conn, smpp.NewReader(conn, 0)}
}

// bound takes the next connection and its bind.
func (r *run) bound() *smscEnd {
	r.t.Helper()
	e := r.accept()
	e.answer(e.want(smpp.IDBindTransceiver, smpp.ROK), smpp.ROK)
	if err := r.c.WaitBound(context.Background()); err != nil {
		r.t.Fatal(err)
	}
	return e
}

// finish stops the client as it should be.
func (r *run) finish(e *smscEnd) {
	r.t.Helper()
	r.stop()
	e.farewell()
	if err := <-r.ended; err != nil {
		r.t.Errorf("run: %v", err)
	}
}

// outcome is how a submit ended.
type outcome struct {
	id  string
	err error
}

func (r *run) submit(ctx context.Context) <-chan outcome {
	done := make(chan outcome, 1)
	go func() {
		id, err := r.c.Submit(ctx, &smpp.SubmitSM{Destination: smpp.Address{Digits: "8613800000001"}, ShortMessage: []byte("x")})
		done <- outcome{string(id), err}
	}()
	return done
}

func TestSubmit(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		e := r.bound()
		good, bad, nacked := r.submit(t.Context()), outcome{}, outcome{}
		p := e.want(smpp.IDSubmitSM, smpp.ROK)
		e.send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.SubmitSMResp{MessageID: "7B"}})
		if got := <-good; got.err != nil || got.id != "7B" {
			t.Errorf("%+v", got)
		}
		refused := r.submit(t.Context())
		e.answer(e.next(), smpp.RINVDSTADR)
		if bad = <-refused; !errors.Is(bad.err, smpp.RINVDSTADR.Err()) || errors.Is(bad.err, esme.ErrUnknown) {
			t.Errorf("refused: %v", bad.err)
		}
		unknown := r.submit(t.Context())
		e.send(smpp.PDU{Status: smpp.RINVCMDID, Sequence: e.next().Sequence, Body: &smpp.GenericNack{}})
		if nacked = <-unknown; !errors.Is(nacked.err, smpp.RINVCMDID.Err()) {
			t.Errorf("nacked: %v", nacked.err)
		}
		if _, err := r.c.Submit(t.Context(), &smpp.SubmitSM{ShortMessage: make([]byte, 255)}); !errors.Is(err, smpp.RINVMSGLEN.Err()) {
			t.Errorf("too long: %v", err)
		}
		r.finish(e)
	})
}

// Responses may come in any order, §2.9.
func TestAnswersOutOfOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		e := r.bound()
		var waiting []<-chan outcome
		var asked []smpp.PDU
		for range 5 {
			waiting = append(waiting, r.submit(t.Context()))
			asked = append(asked, e.want(smpp.IDSubmitSM, smpp.ROK))
		}
		for i := len(asked) - 1; i >= 0; i-- {
			e.send(smpp.PDU{Sequence: asked[i].Sequence, Body: &smpp.SubmitSMResp{MessageID: fmt.Sprint(i)}})
		}
		for i, w := range waiting {
			if got := <-w; got.err != nil || got.id != fmt.Sprint(i) {
				t.Errorf("submit %d: %+v", i, got)
			}
		}
		r.finish(e)
	})
}

// The window is honoured: the next submit waits for a place, or for its context.
func TestWindow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{Window: 2})
		e := r.bound()
		first, second := r.submit(t.Context()), r.submit(t.Context())
		a, b := e.next(), e.next()
		short, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		got := <-r.submit(short)
		if !errors.Is(got.err, context.DeadlineExceeded) || errors.Is(got.err, esme.ErrUnknown) {
			t.Errorf("third, over the window: %v", got.err)
		}
		e.answer(a, smpp.ROK)
		<-first
		third := r.submit(t.Context())
		e.answer(e.next(), smpp.ROK)
		e.answer(b, smpp.ROK)
		<-second
		if got := <-third; got.err != nil {
			t.Error(got.err)
		}
		r.finish(e)
	})
}

// Sent and no answer: unknown, whatever the reason.
func TestUnknown(t *testing.T) {
	for name, lose := range map[string]func(e *smscEnd, cancel func()){
		"no answer in time":  func(*smscEnd, func()) { time.Sleep(11 * time.Second) },
		"the caller gave up": func(_ *smscEnd, cancel func()) { cancel() },
		"connection lost":    func(e *smscEnd, _ func()) { _ = e.conn.Close() },
		"an answer to something else": func(e *smscEnd, _ func()) {
			e.send(smpp.PDU{Sequence: 999, Body: &smpp.SubmitSMResp{MessageID: "x"}})
			time.Sleep(11 * time.Second)
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				r := start(t, esme.Config{})
				e := r.bound()
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				done := r.submit(ctx)
				e.want(smpp.IDSubmitSM, smpp.ROK)
				lose(e, cancel)
				if got := <-done; !errors.Is(got.err, esme.ErrUnknown) || errors.Is(got.err, esme.ErrNotBound) {
					t.Errorf("%v", got.err)
				}
				if name == "connection lost" {
					e = r.bound()
				}
				r.finish(e)
			})
		})
	}
}

func TestNotBound(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		if got := <-r.submit(t.Context()); !errors.Is(got.err, esme.ErrNotBound) {
			t.Errorf("before the bind: %v", got.err)
		}
		e := r.bound()
		r.finish(e)
		if got := <-r.submit(t.Context()); !errors.Is(got.err, esme.ErrNotBound) {
			t.Errorf("after the end: %v", got.err)
		}
		if err := r.c.WaitBound(t.Context()); !errors.Is(err, esme.ErrNotBound) {
			t.Errorf("waiting after the end: %v", err)
		}
	})
}

// A bind refused for what the client is ends Run; any other refusal is tried again.
func TestRefusedBind(t *testing.T) {
	for _, status := range []smpp.Status{smpp.RBINDFAIL, smpp.RINVPASWD, smpp.RINVSYSID} {
		synctest.Test(t, func(t *testing.T) {
			r := start(t, esme.Config{})
			e := r.accept()
			p := e.next()
			e.answer(p, status)
			if err := <-r.ended; !errors.Is(err, status.Err()) {
				t.Errorf("%v: run ended with %v", status, err)
			}
			if err := r.c.WaitBound(t.Context()); !errors.Is(err, status.Err()) {
				t.Errorf("%v: waiting ended with %v", status, err)
			}
			r.stop()
		})
	}
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		e := r.accept()
		e.answer(e.next(), smpp.RSYSERR)
		r.finish(r.bound())
	})
}

// A lost session is bound again, after a pause that doubles.
func TestReconnect(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{ReconnectMost: 300 * time.Millisecond})
		began := time.Now()
		for range 5 {
			_ = r.accept().conn.Close()
		}
		e := r.bound()
		if took := time.Since(began); took != (50+100+200+300+300)*time.Millisecond {
			t.Errorf("bound after %v", took)
		}
		_ = e.conn.Close()
		r.finish(r.bound())
	})
}

// The SMSC is asked when it is quiet, and left when it does not answer, §7.2.
func TestEnquireLink(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{EnquireLink: 20 * time.Second, ResponseTimeout: 5 * time.Second})
		e := r.bound()
		began := time.Now()
		e.answer(e.want(smpp.IDEnquireLink, smpp.ROK), smpp.ROK)
		e.want(smpp.IDEnquireLink, smpp.ROK)
		if _, err := e.frames.Next(); err == nil {
			t.Error("the session goes on")
		}
		if took := time.Since(began); took > 66*time.Second {
			t.Errorf("left after %v", took)
		}
		r.finish(r.bound())
	})
}

// What is delivered is handed over in order, and answered once the application says so.
func TestDeliver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var order []string
		replies := make(map[string]func(smpp.Status))
		r := start(t, esme.Config{Deliver: func(sm *smpp.DeliverSM, reply func(smpp.Status)) {
			mu.Lock()
			defer mu.Unlock()
			order = append(order, string(sm.ShortMessage))
			replies[string(sm.ShortMessage)] = reply
		}})
		e := r.bound()
		for i, s := range []string{"a", "b", "c"} {
			e.send(smpp.PDU{Sequence: uint32(70 + i), Body: &smpp.DeliverSM{ShortMessage: []byte(s)}})
		}
		synctest.Wait()
		if got := strings.Join(order, ""); got != "abc" {
			t.Errorf("handed over %s", got)
		}
		for i, s := range []string{"c", "a", "b"} {
			status := []smpp.Status{smpp.RXTAPPN, smpp.ROK, smpp.ROK}[i]
			go replies[s](status)
			if p := e.want(smpp.IDDeliverSMResp, status); p.Sequence != uint32(70+strings.Index("abc", s)) {
				t.Errorf("%s answered with sequence %d", s, p.Sequence)
			}
		}
		r.finish(e)
	})
}

// What an SMSC may ask besides: §4.11, §4.2, and what it may not.
func TestRequestsOfTheSMSC(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		e := r.bound()
		for _, tc := range []struct {
			body smpp.Body
			want smpp.CommandID
			say  smpp.Status
		}{
			{&smpp.EnquireLink{}, smpp.IDEnquireLinkResp, smpp.ROK},
			{&smpp.DeliverSM{}, smpp.IDDeliverSMResp, smpp.RXTAPPN}, // nobody takes messages here
			{&smpp.SubmitSM{}, smpp.IDSubmitSMResp, smpp.RINVBNDSTS},
			{&smpp.DataSM{}, smpp.IDDataSMResp, smpp.RXTAPPN},
			{&smpp.Outbind{}, smpp.IDGenericNack, smpp.RINVCMDID},
			{&smpp.Unknown{ID: 0x104}, smpp.IDGenericNack, smpp.RINVCMDID},
			{&smpp.Unbind{}, smpp.IDUnbindResp, smpp.ROK},
		} {
			e.send(smpp.PDU{Sequence: 5, Body: tc.body})
			if p := e.want(tc.want, tc.say); p.Sequence != 5 {
				t.Errorf("%v answered with sequence %d", tc.body.CommandID(), p.Sequence)
			}
		}
		if _, err := e.frames.Next(); err == nil {
			t.Error("the session goes on after unbind")
		}
		r.finish(r.bound())
	})
}

// The polite end waits for what is unanswered and takes no more.
func TestPoliteEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := start(t, esme.Config{})
		e := r.bound()
		done := r.submit(t.Context())
		p := e.want(smpp.IDSubmitSM, smpp.ROK)
		r.stop()
		synctest.Wait()
		if got := <-r.submit(t.Context()); !errors.Is(got.err, esme.ErrNotBound) {
			t.Errorf("submit at the end: %v", got.err)
		}
		time.Sleep(3 * time.Second)
		e.send(smpp.PDU{Sequence: p.Sequence, Body: &smpp.SubmitSMResp{MessageID: "last"}})
		if got := <-done; got.err != nil || got.id != "last" {
			t.Errorf("%+v", got)
		}
		r.finish(e)
	})
}

func TestConfig(t *testing.T) {
	dial := func(context.Context) (net.Conn, error) { return nil, net.ErrClosed }
	for name, c := range map[string]esme.Config{
		"no dial":       {SystemID: "x"},
		"no system_id":  {Dial: dial},
		"long password": {Dial: dial, SystemID: "x", Password: "123456789"},
		"long range":    {Dial: dial, SystemID: "x", AddressRange: strings.Repeat("1", 41)},
		"window":        {Dial: dial, SystemID: "x", Window: -1},
		"mode":          {Dial: dial, SystemID: "x", Mode: 9},
	} {
		if _, err := esme.New(c); err == nil {
			t.Errorf("%s: taken", name)
		}
	}
}
