package conformance_test

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/gateway/ussd/callout"
)

// HTTP, Africa's Talking's form: a POST of all that was typed so far, `CON` goes on and
// `END` is the last; then the end is told, with status, hops and the last answer. An HTTP
// error, another text, silence and an application that is not there end the session with
// a text for the user.
func TestUSSD_CallOut(t *testing.T) {
	const unavailable, silent = "The service is not available. Please try again later.", "The service does not answer. Please try again later."
	for _, tc := range []struct {
		name, last string // what the application says to the first input
		status     int
		screen     string
		ended      string
	}{
		{"END", "END Paid", 200, "Paid", "Success"},
		{"an HTTP error", "END Paid", 500, unavailable, "Failed"},
		{"another text", "Paid", 200, unavailable, "Failed"},
		{"too long a text", "END " + strings.Repeat("x", 183), 200, unavailable, "Failed"},
		{"nothing", "", 200, unavailable, "Failed"},
		{"silence", "", 0, silent, "Failed"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			called(t, func(t *testing.T, s *switched, sh *shop) {
				s.says(s.fleet, 0, step(phone, "*384*1#", "", op(pssrInd, info(7, 0))))
				asked := sh.hears("/ussd", "CON 1 Pay", 200)
				if asked.Get("phoneNumber") != "+"+phone || asked.Get("serviceCode") != "*384*1#" || asked.Get("text") != "" || asked.Get("sessionId") == "" {
					t.Errorf("asked %v", asked)
				}
				s.hears(s.fleet, "*384*1#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
				s.says(s.fleet, 0, step(phone, "*384*1#", "1", op(ussrConfirm, info(7, 0))))
				again := sh.hears("/ussd", tc.last, tc.status)
				if again.Get("text") != "1" || again.Get("sessionId") != asked.Get("sessionId") {
					t.Errorf("then asked %v, at first %v", again, asked)
				}
				s.hears(s.fleet, "*384*1#", phone, tc.screen, op(pssrResp, info(7, 1<<1|1)))
				ended := sh.hears("/end", "", 200)
				if ended.Get("sessionId") != asked.Get("sessionId") || ended.Get("status") != tc.ended || ended.Get("hopsCount") != "2" {
					t.Errorf("the end was told as %v", ended)
				}
				s.says(s.fleet, 0x45, step(phone, "*384*1#", "1", op(ussrConfirm, info(7, 0))))
			})
		})
	}
}

// The user who gives up is told of as Incomplete; who is not there to be asked is an end.
func TestUSSD_CallOutAbort(t *testing.T) {
	called(t, func(t *testing.T, s *switched, sh *shop) {
		s.says(s.fleet, 0, step(phone, "*384*1*5#", "", op(pssrInd, info(7, 0))))
		if asked := sh.hears("/ussd", "CON 1 Pay", 200); asked.Get("text") != "5" {
			t.Errorf("asked %v", asked)
		}
		s.hears(s.fleet, "*384*1#", phone, "1 Pay", op(ussrRequest, info(7, 0)))
		s.says(s.fleet, 0, step(phone, "*384*1#", "", op(vendorAbort, info(7, 1))))
		if ended := sh.hears("/end", "", 200); ended.Get("status") != "Incomplete" {
			t.Errorf("the end was told as %v", ended)
		}
		_ = sh.ln.Close()
		s.says(s.fleet, 0, step(phone, "*384*1#", "", op(pssrInd, info(8, 0))))
		s.hears(s.fleet, "*384*1#", phone, "The service is not available. Please try again later.", op(pssrResp, info(8, 1)))
	})
}

// shop is an HTTP application that answers as a test has it.
type shop struct {
	t      *testing.T
	client *http.Client // that the centre calls it with
	ln     *memory
	asked  chan *http.Request
	answer chan reply
}

// reply is what a request is answered with; one without a status never is.
type reply struct {
	text   string
	status int
}

// ServeHTTP implements http.Handler.
func (sh *shop) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err != nil || r.Method != http.MethodPost {
		sh.t.Errorf("%s %s: %v", r.Method, r.URL, err)
	}
	sh.asked <- r
	a := <-sh.answer
	if a.status == 0 {
		<-r.Context().Done()
		return
	}
	w.WriteHeader(a.status)
	_, _ = io.WriteString(w, a.text) // who asked may be gone
}

// hears is the next request, which is answered so.
func (sh *shop) hears(path, text string, status int) url.Values {
	sh.t.Helper()
	r := <-sh.asked
	if r.URL.Path != path {
		sh.t.Errorf("asked at %s, want %s", r.URL.Path, path)
	}
	form := r.PostForm
	sh.answer <- reply{text, status}
	return form
}

// called runs a test against a centre where *384*1# is answered by a shop.
func called(t *testing.T, test func(t *testing.T, s *switched, sh *shop)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		sh := &shop{t: t, ln: newMemory(), asked: make(chan *http.Request), answer: make(chan reply)}
		sh.client = callout.Client(func(context.Context, string, string) (net.Conn, error) { return sh.ln.dial() })
		server := &http.Server{Handler: sh, ReadHeaderTimeout: time.Minute}
		server.SetKeepAlivesEnabled(false)
		var wg sync.WaitGroup
		wg.Go(func() { _ = server.Serve(sh.ln) }) // until it is closed
		codes := callout.Config{Codes: []callout.Code{{Code: "*384*1#", To: "http://shop.example/ussd", Notify: "http://shop.example/end"}}}
		routes, err := codes.Routes(sh.client)
		if err != nil {
			t.Fatal(err)
		}
		defer wg.Wait()
		defer func() { _ = server.Close() }()
		switchedBy(t, ussd.Config{Routes: routes}, func(t *testing.T, s *switched) { test(t, s, sh) })
	})
}
