package callout_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/gateway/ussd/callout"
)

const phone = "254700000001"

// nobody is a carrier without accounts: sessions here are on handsets of programs.
type nobody struct{}

func (nobody) Owner(string) (string, bool) { return "", false }
func (nobody) Deliver(_ string, _ *smpp.SubmitSM, done func(smpp.Status)) {
	done(smpp.RSYSERR)
}

// serve runs a Switch that calls out, and says how to stop it.
func serve(t *testing.T, c callout.Config, client *http.Client) (s *ussd.Switch, stop func()) {
	t.Helper()
	routes, err := c.Routes(client)
	if err != nil {
		t.Fatal(err)
	}
	s, err = ussd.New(ussd.Config{Routes: routes, ShowTexts: true, Rand: rand.New(rand.NewPCG(1, 2))}, nobody{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx) }()
	return s, func() {
		cancel()
		if err := <-served; err != nil {
			t.Error(err)
		}
	}
}

func dial(t *testing.T, s *ussd.Switch, code string) *ussd.Dialog {
	t.Helper()
	d, err := s.Dial(t.Context(), phone, code)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// application is an HTTP application with answers prepared, and what it was asked.
type application struct {
	*httptest.Server
	answers chan string
	asked   chan string // kind of content, body
}

func newApplication(t *testing.T, answers ...string) *application {
	a := &application{answers: make(chan string, len(answers)), asked: make(chan string, 10)}
	for _, text := range answers {
		a.answers <- text
	}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		a.asked <- r.Method + " " + r.URL.Path + " " + r.Header.Get("Content-Type") + "\n" + string(body)
		select {
		case text := <-a.answers:
			_, _ = io.WriteString(w, text)
		default: // a notice
		}
	}))
	t.Cleanup(a.Close)
	return a
}

// client dials as httptest's does.
func client() *http.Client { return callout.Client((&net.Dialer{}).DialContext) }

func (a *application) wantAsked(t *testing.T, want ...string) {
	t.Helper()
	for _, w := range want {
		if diff := cmp.Diff(w, <-a.asked); diff != "" {
			t.Error(diff)
		}
	}
}

func reply(t *testing.T, d *ussd.Dialog, text string, want ussd.Screen) {
	t.Helper()
	got, err := d.Reply(t.Context(), text)
	if err != nil || got != want {
		t.Fatalf("%+v, %v; want %+v", got, err, want)
	}
}

// The three forms from the first request to the last, octet by octet. Session ids come
// of the seed.
func TestForms(t *testing.T) {
	const id = "c4f5a58656eef5109dcec3ad077dec6c"
	for _, tt := range []struct {
		form    string
		answers []string
		asked   []string
	}{
		{"africastalking", []string{"CON Pay?\n1. Yes", "CON PIN", "END Paid"}, []string{
			"POST / application/x-www-form-urlencoded\nnetworkCode=99999&phoneNumber=%2B254700000001&serviceCode=%2A384%2A1%23&sessionId=ATUid_ID&text=",
			"POST / application/x-www-form-urlencoded\nnetworkCode=99999&phoneNumber=%2B254700000001&serviceCode=%2A384%2A1%23&sessionId=ATUid_ID&text=1",
			"POST / application/x-www-form-urlencoded\nnetworkCode=99999&phoneNumber=%2B254700000001&serviceCode=%2A384%2A1%23&sessionId=ATUid_ID&text=1%2A1234",
		}},
		{"hubtel", []string{
			`{"SessionId":"x","Type":"response","Message":"Pay?\n1. Yes","Label":"l","ClientState":"menu","DataType":"input","FieldType":"text"}`,
			`{"Type":"Response","Message":"PIN"}`, `{"Type":"release","Message":"Paid","ClientState":""}`,
		}, []string{
			"POST / application/json\n" + `{"SessionId":"ID","Mobile":"254700000001","ServiceCode":"384*1","Type":"initiation","Message":"*384*1#","Operator":"airtill","Sequence":1,"ClientState":""}`,
			"POST / application/json\n" + `{"SessionId":"ID","Mobile":"254700000001","ServiceCode":"384*1","Type":"response","Message":"1","Operator":"airtill","Sequence":2,"ClientState":"menu"}`,
			"POST / application/json\n" + `{"SessionId":"ID","Mobile":"254700000001","ServiceCode":"384*1","Type":"response","Message":"1234","Operator":"airtill","Sequence":3,"ClientState":""}`,
		}},
		{"arkesel", []string{
			`{"sessionID":"ID","userID":"airtill","msisdn":"254700000001","message":"Pay?\n1. Yes","continueSession":true}`,
			`{"message":"PIN","continueSession":true}`, `{"message":"Paid","continueSession":false}`,
		}, []string{
			"POST / application/json\n" + `{"sessionID":"ID","userID":"airtill","newSession":true,"msisdn":"254700000001","userData":"*384*1#","network":"airtill"}`,
			"POST / application/json\n" + `{"sessionID":"ID","userID":"airtill","newSession":false,"msisdn":"254700000001","userData":"1","network":"airtill"}`,
			"POST / application/json\n" + `{"sessionID":"ID","userID":"airtill","newSession":false,"msisdn":"254700000001","userData":"1234","network":"airtill"}`,
		}},
	} {
		t.Run(tt.form, func(t *testing.T) {
			for i := range tt.answers {
				tt.answers[i] = strings.ReplaceAll(tt.answers[i], "ID\"", id+"\"")
				tt.asked[i] = strings.ReplaceAll(strings.ReplaceAll(tt.asked[i], "\"ID\"", "\""+id+"\""), "_ID", "_"+id)
			}
			a := newApplication(t, tt.answers...)
			s, stop := serve(t, callout.Config{Codes: []callout.Code{{Code: "*384*1#", To: a.URL + "/", Form: tt.form}}}, client())
			defer stop()
			d := dial(t, s, "*384*1#")
			if want := (ussd.Screen{Kind: ussd.Ask, Text: "Pay?\n1. Yes"}); d.Screen() != want {
				t.Errorf("%+v, want %+v", d.Screen(), want)
			}
			reply(t, d, "1", ussd.Screen{Kind: ussd.Ask, Text: "PIN"})
			reply(t, d, "1234", ussd.Screen{Kind: ussd.End, Text: "Paid"})
			a.wantAsked(t, tt.asked...)
			if r := s.Sessions(ussd.Filter{}); len(r) != 1 || r[0].Result != ussd.Completed || r[0].Application != a.URL+"/" {
				t.Errorf("%+v", r)
			}
		})
	}
}

// What is dialled after the code is the first input.
func TestFirstInput(t *testing.T) {
	a := newApplication(t, "END Bye")
	s, stop := serve(t, callout.Config{Codes: []callout.Code{{Code: "*384*1#", To: a.URL}}}, client())
	defer stop()
	dial(t, s, "*384*1*5*6#")
	if asked := <-a.asked; !strings.HasSuffix(asked, "&text=5%2A6") {
		t.Error(asked)
	}
}

// An answer that is none ends the session with a text for the user, and is recorded.
func TestBadAnswers(t *testing.T) {
	const sorry = "The service is not available. Please try again later."
	text := func(form, body, detail string) [3]string { return [3]string{form, body, detail} }
	for _, tt := range [][3]string{
		text("africastalking", "", "neither `CON ` nor `END `"),
		text("africastalking", "Welcome", "neither `CON ` nor `END `"),
		text("africastalking", "con x", "neither `CON ` nor `END `"),
		text("africastalking", "CONTINUE x", "neither `CON ` nor `END `"),
		text("africastalking", "END \xff", "not UTF-8"),
		text("africastalking", "END "+strings.Repeat("x", 183), "ESME_RINVMSGLEN"),
		text("africastalking", "END "+strings.Repeat("x", 5000), "over 4096 octets"),
		text("hubtel", `{"Type":"response"}`, "needs Type and Message"),
		text("hubtel", `{"Type":"AddToCart","Message":"x"}`, "neither response nor release"),
		text("hubtel", `{"Type":"response","Message":1}`, "not a JSON object"),
		text("hubtel", `null`, "needs Type and Message"),
		text("arkesel", `{"message":"x"}`, "needs continueSession and message"),
		text("arkesel", `{"message":"x","continueSession":"true"}`, "not a JSON object"),
		text("arkesel", `{"message":"x","continueSession":true} {}`, "something follows"),
		text("arkesel", `{"sessionID":"other","message":"x","continueSession":true}`, "another session's"),
	} {
		t.Run(tt[0]+" "+tt[2], func(t *testing.T) {
			a := newApplication(t, tt[1])
			s, stop := serve(t, callout.Config{Codes: []callout.Code{{Code: "*1#", To: a.URL, Form: tt[0]}}}, client())
			defer stop()
			if got, want := dial(t, s, "*1#").Screen(), (ussd.Screen{Kind: ussd.End, Text: sorry}); got != want {
				t.Errorf("%+v, want %+v", got, want)
			}
			r := s.Sessions(ussd.Filter{})[0]
			if r.Result != ussd.ApplicationError || !strings.Contains(r.Detail, tt[2]) {
				t.Errorf("%v: %q, want %q", r.Result, r.Detail, tt[2])
			}
		})
	}
}

// HTTP errors end the session; a redirect is one and is not followed.
func TestStatuses(t *testing.T) {
	for _, status := range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusNotFound, http.StatusInternalServerError} {
		asked := make(chan string, 10)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			asked <- r.URL.Path
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(status)
			_, _ = io.WriteString(w, "END this must not be shown")
		}))
		s, stop := serve(t, callout.Config{Codes: []callout.Code{{Code: "*1#", To: server.URL + "/here?key=secret"}}}, client())
		dial(t, s, "*1#")
		r := s.Sessions(ussd.Filter{})[0]
		if want := fmt.Sprintf("callout: HTTP status %d", status); r.Result != ussd.ApplicationError || r.Detail != want {
			t.Errorf("%v: %q, want %q", r.Result, r.Detail, want)
		}
		if r.Application != server.URL+"/here" {
			t.Errorf("the record says %q", r.Application)
		}
		stop()
		server.Close()
		if len(asked) != 1 {
			t.Errorf("%d: asked %d times", status, len(asked))
		}
	}
}

// Nobody listens: no URL in what is recorded, for there may be a key in it.
func TestNobodyListens(t *testing.T) {
	refused := callout.Client(func(context.Context, string, string) (net.Conn, error) { return nil, errors.New("refused") })
	s, stop := serve(t, callout.Config{Codes: []callout.Code{{Code: "*1#", To: "http://app.test/?key=secret"}}}, refused)
	defer stop()
	dial(t, s, "*1#")
	if r := s.Sessions(ussd.Filter{})[0]; r.Detail != "callout: refused" {
		t.Errorf("%q", r.Detail)
	}
}

// pipes is a network for a bubble.
type pipes struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newPipes() *pipes { return &pipes{conns: make(chan net.Conn), done: make(chan struct{})} }

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.done:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error   { p.once.Do(func() { close(p.done) }); return nil }
func (p *pipes) Addr() net.Addr { return &net.IPAddr{} }

func (p *pipes) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	near, far := net.Pipe()
	select {
	case p.conns <- far:
		return near, nil
	case <-p.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// inBubble runs a test against a handler, over pipes.
func inBubble(t *testing.T, c callout.Config, h http.HandlerFunc, test func(t *testing.T, s *ussd.Switch)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		net := newPipes()
		server := &http.Server{Handler: h}
		var served sync.WaitGroup
		served.Go(func() { _ = server.Serve(net) })
		client := callout.Client(net.dial)
		s, stop := serve(t, c, client)
		synctest.Wait()
		test(t, s)
		synctest.Wait()
		stop()
		client.CloseIdleConnections()
		_ = server.Close()
		served.Wait()
	})
}

// A code's timeout is kept to the nanosecond, the request is given up, and the end told.
func TestTimeout(t *testing.T) {
	c := callout.Config{Codes: []callout.Code{{Code: "*1#", To: "http://app.test/", Timeout: callout.Duration(5 * time.Second), Notify: "http://app.test/end"}}}
	ended := make(chan string, 1)
	gone := make(chan time.Time, 1)
	inBubble(t, c, func(_ http.ResponseWriter, r *http.Request) {
		_ = r.ParseForm()
		if r.URL.Path == "/end" {
			ended <- r.Form.Encode()
			return
		}
		<-r.Context().Done()
		gone <- time.Now()
	}, func(t *testing.T, s *ussd.Switch) {
		began := time.Now()
		d := dial(t, s, "*1#")
		if took := time.Since(began); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
		if want := (ussd.Screen{Kind: ussd.End, Text: "The service does not answer. Please try again later."}); d.Screen() != want {
			t.Errorf("%+v", d.Screen())
		}
		if at := <-gone; at.Sub(began) != 5*time.Second {
			t.Errorf("the request was given up after %v", at.Sub(began))
		}
		want := "cost=0&date=2000-01-01+00%3A00%3A05&durationInMillis=5000&errorMessage=application-timeout&hopsCount=1&input=&lastAppResponse=&networkCode=99999&phoneNumber=%2B254700000001&serviceCode=%2A1%23&sessionId=ATUid_" +
			s.Sessions(ussd.Filter{})[0].ID + "&status=Failed"
		if diff := cmp.Diff(want, <-ended); diff != "" {
			t.Error(diff)
		}
	})
}

// The end notification: status, hops, duration, last response.
func TestEndNotifications(t *testing.T) {
	c := callout.Config{Codes: []callout.Code{{Code: "*1#", To: "http://app.test/", Notify: "http://app.test/end"}}}
	for _, tt := range []struct {
		name    string
		answers []string
		do      func(t *testing.T, d *ussd.Dialog)
		want    string // status, hops, ms, input, last
	}{
		{"done", []string{"CON A", "END B"}, func(t *testing.T, d *ussd.Dialog) {
			time.Sleep(2 * time.Second)
			reply(t, d, "7", ussd.Screen{Kind: ussd.End, Text: "B"})
		}, "Success 2 2000 7 END B"},
		{"the user gives up", []string{"CON A"}, func(_ *testing.T, d *ussd.Dialog) { d.Abort() }, "Incomplete 1 0  CON A"},
		{"the user sleeps", []string{"CON A"}, func(*testing.T, *ussd.Dialog) { time.Sleep(time.Hour) }, "Incomplete 1 60000  CON A"},
		{"nonsense", []string{"CON A", "B"}, func(t *testing.T, d *ussd.Dialog) {
			_, _ = d.Reply(t.Context(), "7")
		}, "Failed 2 0 7 CON A"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ended := make(chan string, 1)
			turn := 0
			inBubble(t, c, func(w http.ResponseWriter, r *http.Request) {
				_ = r.ParseForm()
				if r.URL.Path == "/end" {
					f := r.Form
					ended <- strings.Join([]string{f.Get("status"), f.Get("hopsCount"), f.Get("durationInMillis"), f.Get("input"), f.Get("lastAppResponse")}, " ")
					return
				}
				_, _ = io.WriteString(w, tt.answers[turn])
				turn++
			}, func(t *testing.T, s *ussd.Switch) {
				tt.do(t, dial(t, s, "*1#"))
				if got := <-ended; got != tt.want {
					t.Errorf("%q, want %q", got, tt.want)
				}
			})
		})
	}
}

// Hubtel is told of a user who has gone, in a request of its own type.
func TestHubtelRelease(t *testing.T) {
	c := callout.Config{Codes: []callout.Code{{Code: "*1#", To: "http://app.test/", Form: "hubtel"}}}
	for want, leave := range map[string]func(d *ussd.Dialog){
		`"Type":"release"`: func(d *ussd.Dialog) { d.Abort() },
		`"Type":"timeout"`: func(*ussd.Dialog) { time.Sleep(time.Hour) },
	} {
		asked := make(chan string, 2)
		inBubble(t, c, func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			asked <- string(body)
			_, _ = io.WriteString(w, `{"Type":"response","Message":"A","ClientState":"s"}`)
		}, func(t *testing.T, s *ussd.Switch) {
			leave(dial(t, s, "*1#"))
			<-asked
			if got := <-asked; !strings.Contains(got, want) || !strings.Contains(got, `"Sequence":2,"ClientState":"s"`) {
				t.Errorf("%s lacks %s", got, want)
			}
		})
	}
}
