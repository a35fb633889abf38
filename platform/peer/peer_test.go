package peer

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"reflect"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
)

// place is one process: an engine that answers what it is told to, behind a router.
type place struct {
	*Router
	id, address string
	answer      func(p engine.Partition, in any) (any, error)

	mu     sync.Mutex
	owners [2]engine.Ownership // by partition
	asked  []any
	bodies [][]byte // of the calls that came, sealed
	came   chan struct{}
}

func (h *place) Owner(p engine.Partition) engine.Ownership {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.owners[p]
}

func (h *place) Owners() []engine.Ownership { return h.owners[:] }

func (h *place) Ready(context.Context) error { return nil }

func (h *place) Do(_ context.Context, p engine.Partition, in any) (any, error) {
	if !h.Owner(p).Here {
		return nil, engine.ErrUnavailable
	}
	h.mu.Lock()
	h.asked = append(h.asked, in)
	h.mu.Unlock()
	return h.answer(p, in)
}

func (h *place) Post(p engine.Partition, in any, done func(any, error)) error {
	if !h.Owner(p).Here {
		return engine.ErrUnavailable
	}
	go func() { done(h.Do(context.Background(), p, in)) }()
	return nil
}

// ServeHTTP remembers what came.
func (h *place) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	h.mu.Lock()
	h.bodies = append(h.bodies, body)
	h.mu.Unlock()
	select {
	case h.came <- struct{}{}:
	default:
	}
	r.Body = io.NopCloser(bytes.NewReader(body))
	h.Router.ServeHTTP(w, r)
}

// forgetCalls has came tell of those to come.
func (h *place) forgetCalls() {
	select {
	case <-h.came:
	default:
	}
}

func (h *place) calls() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.bodies)
}

func newVault(t testing.TB) *keys.Vault {
	t.Helper()
	v, err := keys.Generate(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func newPlace(t testing.TB, id string, v keys.Rest) *place {
	t.Helper()
	h := &place{id: id, came: make(chan struct{}, 1), answer: func(engine.Partition, any) (any, error) { return nil, nil }}
	server := httptest.NewServer(h)
	h.address = server.Listener.Addr().String()
	var err error
	h.Router, err = New(Config{
		Engine: h, Vault: v, ID: id, Dial: new(net.Dialer).DialContext, Patience: 200 * time.Millisecond, Timeout: 5 * time.Second,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		h.Close()
		server.Close()
	})
	return h
}

// own gives a partition to a place, in an epoch, and tells the others.
func own(p engine.Partition, epoch uint64, owner *place, all ...*place) {
	for _, h := range all {
		h.mu.Lock()
		h.owners[p] = engine.Ownership{
			Partition: p, Here: h == owner, Live: true,
			Lease: engine.Lease{Owner: owner.id, Address: owner.address, Epoch: epoch},
		}
		h.mu.Unlock()
	}
}

func pair(t testing.TB) (here, there *place) {
	v := newVault(t)
	here, there = newPlace(t, "here", v), newPlace(t, "there", v)
	own(0, 1, here, here, there)
	own(1, 1, there, here, there)
	return here, there
}

func typed(t testing.TB) billing.Typed {
	t.Helper()
	pin, err := applet.ParsePIN("493817")
	if err != nil {
		t.Fatal(err)
	}
	return billing.Typed{Phone: "8613800000001", Bill: "bill_1", Slot: 1, PIN: pin}
}

// TestDo: an input is run where its partition is, and its answer comes back.
func TestDo(t *testing.T) {
	here, there := pair(t)
	in := typed(t)
	there.answer = func(p engine.Partition, in any) (any, error) { return billing.Outcome{Bill: "bill_1"}, nil }
	reply, err := here.Router.Do(t.Context(), 1, in)
	if reply != (billing.Outcome{Bill: "bill_1"}) || err != nil {
		t.Errorf("the answer is %v, %v", reply, err)
	}
	if !reflect.DeepEqual(there.asked, []any{in}) || len(here.asked) != 0 {
		t.Errorf("asked were %v there, %v here", there.asked, here.asked)
	}
	if _, err := here.Router.Do(t.Context(), 0, billing.Alarms{}); err != nil || there.calls() != 1 || len(here.asked) != 1 {
		t.Errorf("an input for this place went elsewhere: %v", err)
	}
	for _, secret := range []string{"493817", "8613800000001", "bill_1", "Typed"} {
		if bytes.Contains(there.bodies[0], []byte(secret)) {
			t.Errorf("%s is on the wire in clear", secret)
		}
	}
}

func TestErrors(t *testing.T) {
	here, there := pair(t)
	refusal := &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"}
	for _, tt := range []struct{ says, comes error }{
		{refusal, refusal},
		{errors.Join(errors.New("context"), refusal), refusal},
		{billing.ErrLookAgain, billing.ErrLookAgain},
		{engine.ErrUnknown, engine.ErrUnknown},
		{engine.ErrBusy, engine.ErrBusy},
		{engine.ErrUnavailable, engine.ErrUnavailable},
	} {
		there.answer = func(engine.Partition, any) (any, error) { return nil, tt.says }
		_, err := here.Router.Do(t.Context(), 1, billing.Alarms{})
		if r, ok := tt.comes.(*platform.Error); ok {
			if got, ok := err.(*platform.Error); !ok || *got != *r {
				t.Errorf("%v comes as %#v", tt.says, err)
			}
		} else if !errors.Is(err, tt.comes) {
			t.Errorf("%v comes as %v", tt.says, err)
		}
	}
	there.answer = func(engine.Partition, any) (any, error) { return nil, errors.New("no rule") }
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); err == nil || err.Error() != "no rule" {
		t.Errorf("another error comes as %v", err)
	}
	there.answer = func(engine.Partition, any) (any, error) { return struct{}{}, nil }
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); err == nil {
		t.Error("a reply that cannot be carried came")
	}
	if _, err := here.Router.Do(t.Context(), 1, struct{}{}); err == nil {
		t.Error("an input that cannot be carried went")
	}
}

// TestOwnerMoves: a place that has not got the partition says so, runs nothing and asks
// nobody else; the caller finds the next owner.
func TestOwnerMoves(t *testing.T) {
	here, there := pair(t)
	own(1, 2, here, there) // it has moved, and only the other knows
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("nobody's partition answered %v", err)
	}
	if len(there.asked) != 0 || here.calls() != 0 {
		t.Errorf("asked were %v; %d calls came back", there.asked, here.calls())
	}
	done := make(chan error, 1)
	there.forgetCalls()
	if err := here.Router.Post(1, billing.Alarms{}, func(_ any, err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	<-there.came // and was asked in vain
	own(1, 2, here, here, there)
	if err := <-done; err != nil || len(here.asked) != 1 {
		t.Errorf("after the move the answer is %v", err)
	}
}

// TestUnreachable: a call that was surely not run is told from one that may have been.
func TestUnreachable(t *testing.T) {
	here, there := pair(t)
	gone, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = gone.Close()
	at := there.address
	there.address = gone.Addr().String()
	own(1, 2, there, here)
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("a refused connection is %v", err)
	}
	soon, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	if err := here.Router.Ready(soon); err == nil || !strings.Contains(err.Error(), there.address) {
		t.Errorf("it is ready without the other: %v", err)
	}
	there.address = at
	own(1, 3, there, here, there)
	if err := here.Router.Ready(t.Context()); err != nil || len(there.asked) != 0 {
		t.Errorf("it is not ready: %v", err)
	}
	wake := make(chan struct{})
	there.answer = func(engine.Partition, any) (any, error) { <-wake; return nil, nil }
	defer close(wake)
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if _, err := here.Router.Do(ctx, 1, billing.Alarms{}); !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("a call without an answer is %v", err)
	}
	there.forgetCalls()
	stuck := make(chan error, 1)
	if err := here.Router.Post(1, billing.Alarms{}, func(_ any, err error) { stuck <- err }); err != nil {
		t.Fatal(err)
	}
	<-there.came
	own(1, 4, here, here) // whoever was asked has lost it and does not answer
	if err := <-stuck; !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("a call to who was stopped is %v", err)
	}
}

// TestSealed: who has no vault is not listened to, and a call that was recorded does
// nothing when it is sent again, to whomever.
func TestSealed(t *testing.T) {
	here, there := pair(t)
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); err != nil {
		t.Fatal(err)
	}
	recorded := there.bodies[0]
	post := func(to *place, body []byte) int {
		response, err := http.Post("http://"+to.address+Path, contentType, bytes.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		defer response.Body.Close()
		return response.StatusCode
	}
	post(there, recorded)
	post(here, recorded)
	if len(there.asked) != 1 || len(here.asked) != 0 {
		t.Errorf("a call that was sent again was run: %v, %v", there.asked, here.asked)
	}
	flipped := bytes.Clone(recorded)
	flipped[len(flipped)-1] ^= 1
	stranger := newVault(t)
	foreign, err := seal(stranger, callMark, call{From: "x", To: "there", Number: 1, Partition: 1, Name: "billing.Alarms", Input: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	wrongKind, err := seal(there.config.Vault, answerMark, call{From: "x", To: "there", Number: 1, Partition: 1, Name: "billing.Alarms", Input: []byte("{}")})
	if err != nil {
		t.Fatal(err)
	}
	for name, body := range map[string][]byte{"nothing": nil, "a flipped bit": flipped, "another vault": foreign, "an answer": wrongKind} {
		if status := post(there, body); status != http.StatusForbidden {
			t.Errorf("%s was answered %d", name, status)
		}
	}
	if status := post(there, make([]byte, maxMessage+1)); status != http.StatusBadRequest {
		t.Errorf("a call too long was answered %d", status)
	}
	if len(there.asked) != 1 {
		t.Errorf("asked were %v", there.asked)
	}
	there.Router.config.Vault = stranger // and the other way round
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); !errors.Is(err, engine.ErrUnknown) {
		t.Errorf("the answer of another vault is %v", err)
	}
}

func TestBounds(t *testing.T) {
	here, there := pair(t)
	here.room = make(chan struct{}, 1)
	wake, done := make(chan struct{}), make(chan error, 1)
	there.answer = func(engine.Partition, any) (any, error) { <-wake; return nil, nil }
	if err := here.Router.Post(1, billing.Alarms{}, func(_ any, err error) { done <- err }); err != nil {
		t.Fatal(err)
	}
	if _, err := here.Router.Do(t.Context(), 1, billing.Alarms{}); !errors.Is(err, engine.ErrBusy) {
		t.Errorf("one too many is %v", err)
	}
	if err := here.Router.Post(1, billing.Alarms{}, nil); !errors.Is(err, engine.ErrBusy) {
		t.Errorf("one too many is %v", err)
	}
	close(wake)
	if err := <-done; err != nil {
		t.Error(err)
	}
	here.Close()
	if err := here.Router.Post(1, billing.Alarms{}, nil); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("after the end it is %v", err)
	}
	for _, c := range []Config{{}, {Engine: here}, {Engine: here, Vault: newVault(t)}, {Engine: here, Vault: newVault(t), ID: "x"}} {
		if _, err := New(c); err == nil {
			t.Errorf("%+v was accepted", c)
		}
	}
}
