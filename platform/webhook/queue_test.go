package webhook_test

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/webhook"
)

// shops are merchants' servers on a network in memory. What answers may change; an
// empty answer is silence.
type shops struct {
	t      *testing.T
	answer func(host string) string

	mu    sync.Mutex
	asked map[string]int // requests, by host
	now   map[string]int // that are not answered yet
	most  map[string]int // of them at a time
}

func newShops(t *testing.T, answer func(host string) string) *shops {
	return &shops{t: t, answer: answer, asked: map[string]int{}, now: map[string]int{}, most: map[string]int{}}
}

func answered(status int, header ...string) string {
	return fmt.Sprintf("HTTP/1.1 %d X\r\nContent-Length: 0\r\n%s\r\n", status, strings.Join(append(header, ""), "\r\n"))
}

func (s *shops) dial(_ context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	ours, theirs := net.Pipe()
	go s.serve(host, theirs)
	return ours, nil
}

func (s *shops) serve(host string, conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	for {
		r, err := http.ReadRequest(in)
		if err != nil {
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
		s.note(host, +1)
		text := s.answer(host)
		if text == "" {
			_, _ = io.Copy(io.Discard, in) // until the platform gives up
		}
		s.note(host, -1)
		if _, err := io.WriteString(conn, text); err != nil || text == "" {
			return
		}
	}
}

func (s *shops) note(host string, by int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.now[host] += by
	s.most[host] = max(s.most[host], s.now[host])
	s.asked[host] += max(by, 0)
}

func (s *shops) count(host string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[host]
}

// everybody is a partner.
func everybody(_ context.Context, m platform.MerchantID) (api.Partner, error) {
	p, err := partner(context.Background(), "10000001")
	p.Merchant.ID = m
	return p, err
}

func billOf(merchant int) platform.BillID { return platform.BillID(fmt.Sprint("bill_", merchant)) }

// callback is the effect of the n-th attempt for a merchant whose host is its number.
func callback(t *testing.T, merchant, n int, byHand bool) engine.Effect {
	t.Helper()
	body, err := json.Marshal(billing.Callback{
		URL: fmt.Sprintf("http://%d.example/cb?n=%d", merchant, n), Merchant: platform.MerchantID(fmt.Sprint(merchant)),
		Bill: billOf(merchant), Attempt: n, ByHand: byHand, Event: json.RawMessage(event),
	})
	if err != nil {
		t.Fatal(err)
	}
	return engine.Effect{ID: fmt.Sprint(merchant, "/", n), Kind: "callback", Body: body}
}

func send(t *testing.T, d *webhook.Deliverer, merchant, from, to int) {
	t.Helper()
	for n := from; n <= to; n++ {
		if err := d.Perform(t.Context(), 0, callback(t, merchant, n, false)); err != nil {
			t.Fatal(err)
		}
	}
}

// One merchant that hangs delays nobody else: of 100 merchants with 50 callbacks each the
// other 99 have theirs while the first attempts to it are under way.
func TestOneMerchantHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const merchants, each, first = 100, 50, 10_000_001
		hung := fmt.Sprint(first, ".example")
		s := newShops(t, func(host string) string {
			if host == hung {
				return ""
			}
			return answered(204)
		})
		at := newDesk()
		d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial})
		began := time.Now()
		for n := 1; n <= each; n++ {
			for m := range merchants {
				send(t, d, first+m, n, n)
			}
		}
		synctest.Wait()
		if took := time.Since(began); took != 0 {
			t.Errorf("to queue them took %s: an effect waited for a merchant", took)
		}
		done := at.reported()
		if len(done) != (merchants-1)*each {
			t.Errorf("%d of %d callbacks of others are delivered while one merchant hangs", len(done), (merchants-1)*each)
		}
		for _, o := range done {
			if o.Problem != "" {
				t.Errorf("%+v", o)
			}
		}
		st := d.Stats()
		if s.count(hung) != webhook.DefaultConcurrency || st.Active != webhook.DefaultConcurrency || st.Waiting != each-webhook.DefaultConcurrency {
			t.Errorf("the one that hangs has %d requests, %d active, %d waiting", s.count(hung), st.Active, st.Waiting)
		}
		time.Sleep(16 * time.Second)
		synctest.Wait()
		if all := at.reported(); len(all) != merchants*each {
			t.Errorf("%d outcomes in all, want %d", len(all), merchants*each)
		}
	})
}

// An endpoint that fails is left in peace for longer each time, and tried with one attempt
// at a time until it works; then all is as before.
func TestBreaker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		works := false
		s := newShops(t, func(string) string {
			if works {
				return answered(200)
			}
			return answered(500)
		})
		at := newDesk()
		d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial, Concurrency: 1})
		send(t, d, 10000001, 1, 30)
		synctest.Wait()
		if n := s.count("10000001.example"); n != 5 {
			t.Errorf("%d attempts in a row, want 5", n)
		}
		var tried []time.Duration
		began := time.Now()
		for range 12 {
			time.Sleep(time.Second)
			synctest.Wait()
			if n := s.count("10000001.example"); n > 5+len(tried) {
				tried = append(tried, time.Since(began))
			}
		}
		if diff := cmp.Diff([]time.Duration{time.Second, 3 * time.Second, 7 * time.Second}, tried); diff != "" {
			t.Error(diff)
		}
		all := at.reported()
		if last := all[len(all)-1]; len(all) != 30 || last.Problem != "not tried: the endpoint fails, and is left in peace" || last.RetryAfter != 5*time.Second {
			t.Errorf("%d outcomes, the last %+v", len(all), last) // paused from 7 s to 15 s; given up at 10 s
		}
		works = true
		time.Sleep(time.Minute)
		send(t, d, 10000001, 31, 130)
		synctest.Wait()
		if all := at.reported(); len(all) != 130 || all[129].Problem != "" {
			t.Errorf("%d outcomes, the last %+v", len(all), all[len(all)-1])
		}
	})
}

// Who answers that it is too much gets less, and its pause; others hear nothing of it.
func TestSlowedDown(t *testing.T) {
	for _, status := range []int{429, 502, 503, 504} {
		synctest.Test(t, func(t *testing.T) {
			refusing := true
			s := newShops(t, func(host string) string {
				if refusing && host == "10000001.example" {
					return answered(status, "Retry-After: 3")
				}
				return answered(200)
			})
			at := newDesk()
			d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial})
			send(t, d, 10000001, 1, 1)
			synctest.Wait()
			refusing = false
			send(t, d, 10000001, 2, 20)
			send(t, d, 10000002, 1, 20)
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if n, other := s.count("10000001.example"), s.count("10000002.example"); n != 1 || other != 20 {
				t.Errorf("%d: %d attempts in the pause, %d to the other", status, n, other)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
			if n := s.count("10000001.example"); n != 20 || len(at.reported()) != 40 {
				t.Errorf("%d: %d attempts after the pause, %d outcomes", status, n, len(at.reported()))
			}
			if most := s.most["10000001.example"]; most > 8 {
				t.Errorf("%d at a time", most)
			}
			if o := at.reported()[0]; o.RetryAfter != 3*time.Second || o.Status != status {
				t.Errorf("%+v", o)
			}
		})
	}
}

// One by hand is made at once, whatever waits; and what is too much is not even queued.
func TestByHandAndTooMany(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShops(t, func(string) string { return "" })
		at := newDesk()
		d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial, Concurrency: 2, Queue: 3})
		send(t, d, 10000001, 1, 6)
		synctest.Wait()
		want := []billing.Reported{{Bill: billOf(10000001), Attempt: 6, Problem: "not tried: too many callbacks of this merchant wait"}}
		if diff := cmp.Diff(want, at.reported()); diff != "" || s.count("10000001.example") != 2 {
			t.Error(diff, s.count("10000001.example"))
		}
		if err := d.Perform(t.Context(), 0, callback(t, 10000001, 7, true)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if n := s.count("10000001.example"); n != 3 {
			t.Errorf("%d attempts, want one by hand more", n)
		}
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if o := at.reported(); len(o) != 4 || o[3].Problem != "not tried: others to this merchant take too long" {
			t.Errorf("%+v", o)
		}
	})
}

// What was taken is finished before the end, and no longer than one is willing to wait.
func TestDrain(t *testing.T) {
	for _, patience := range []time.Duration{time.Minute, 3 * time.Second} {
		synctest.Test(t, func(t *testing.T) {
			s := newShops(t, func(string) string { time.Sleep(5 * time.Second); return answered(200) })
			at := newDesk()
			d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial})
			send(t, d, 10000001, 1, 12)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			began := time.Now()
			err := d.Drain(ctx)
			took, n := time.Since(began), len(at.reported())
			switch {
			case patience == time.Minute && (err != nil || n != 12 || took != 10*time.Second):
				t.Errorf("%v, %d outcomes after %s", err, n, took)
			case patience < time.Minute && (!errors.Is(err, context.DeadlineExceeded) || n != 0 || took != patience):
				t.Errorf("%v, %d outcomes after %s", err, n, took) // none is made up
			}
			if err := d.Perform(t.Context(), 0, callback(t, 10000001, 13, false)); !errors.Is(err, webhook.ErrClosed) {
				t.Error(err)
			}
			time.Sleep(5 * time.Second) // the shop ends
		})
	}
}

// An attempt that is performed again while it is made, as after a reload, is made once.
func TestPerformedTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShops(t, func(string) string { time.Sleep(time.Second); return answered(200) })
		at := newDesk()
		d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial, Concurrency: 1})
		send(t, d, 10000001, 1, 2)
		send(t, d, 10000001, 1, 2)
		time.Sleep(time.Minute)
		if n := s.count("10000001.example"); n != 2 || len(at.reported()) != 2 {
			t.Errorf("%d requests, %d outcomes", n, len(at.reported()))
		}
		send(t, d, 10000001, 1, 1) // its outcome was lost with a partition's memory
		time.Sleep(time.Minute)
		if n := s.count("10000001.example"); n != 3 {
			t.Errorf("%d requests", n)
		}
	})
}

// An outcome that cannot be kept now is reported again.
func TestReportedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newShops(t, func(string) string { return answered(200) })
		var tries []time.Duration
		began := time.Now()
		report := func(context.Context, engine.Partition, billing.Reported) error {
			tries = append(tries, time.Since(began))
			if len(tries) < 4 {
				return fmt.Errorf("report: %w", []error{engine.ErrBusy, engine.ErrUnavailable, engine.ErrUnknown}[len(tries)-1])
			}
			return nil
		}
		d := deliverer(t, webhook.Config{Partner: everybody, Report: report, Dial: s.dial})
		send(t, d, 10000001, 1, 1)
		time.Sleep(time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 100 * time.Millisecond, 300 * time.Millisecond, 700 * time.Millisecond}
		if diff := cmp.Diff(want, tries); diff != "" {
			t.Error(diff)
		}
	})
}

// ends keep what is said of endpoints.
type ends struct {
	mu    sync.Mutex
	said  []string
	known map[string]platform.Endpoint
}

func (e *ends) Endpoint(_ context.Context, m platform.MerchantID, url string) (platform.Endpoint, bool, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	found, ok := e.known[url]
	return found, ok, nil
}

func (e *ends) EndpointFailed(_ context.Context, in billing.EndpointFailed) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, fmt.Sprintf("%s %s failed: %s", in.Merchant, in.URL, in.Problem))
	e.known[in.URL] = platform.Endpoint{Since: time.Now()}
	return nil
}

func (e *ends) EndpointWorks(_ context.Context, in billing.EndpointWorks) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.said = append(e.said, fmt.Sprintf("%s %s works", in.Merchant, in.URL))
	delete(e.known, in.URL)
	return nil
}

// What is wrong with an endpoint is told, without its query, and so is its recovery; a
// disabled one is tried by hand only.
func TestEndpoints(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		status := 200
		s := newShops(t, func(string) string { return answered(status) })
		at, e := newDesk(), &ends{known: map[string]platform.Endpoint{}}
		d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: s.dial, Endpoints: e})
		for n, next := range []int{200, 410, 500, 204, 204} {
			status = next
			send(t, d, 10000001, n+1, n+1)
			synctest.Wait()
		}
		const url = "http://10000001.example/cb"
		want := []string{"10000001 " + url + " failed: answered 410", "10000001 " + url + " failed: answered 500", "10000001 " + url + " works"}
		if diff := cmp.Diff(want, e.said); diff != "" {
			t.Error(diff)
		}
		e.known[url] = platform.Endpoint{Disabled: time.Now(), Why: "it wants no more"}
		send(t, d, 10000001, 6, 6)
		synctest.Wait()
		last := at.reported()[5]
		if diff := cmp.Diff(billing.Reported{Bill: billOf(10000001), Attempt: 6, Problem: "the endpoint is disabled: it wants no more", Stop: true}, last); diff != "" || s.count("10000001.example") != 5 {
			t.Error(diff, s.count("10000001.example"))
		}
		if err := d.Perform(t.Context(), 0, callback(t, 10000001, 7, true)); err != nil {
			t.Error(err)
		}
		synctest.Wait()
		if last := at.reported()[6]; last.Problem != "" || e.said[len(e.said)-1] != "10000001 "+url+" works" {
			t.Errorf("%+v, %q", last, e.said)
		}
	})
}
