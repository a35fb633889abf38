package ussd_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// steps is a record's steps in words.
func steps(r ussd.Record) (words []string) {
	for _, s := range r.Steps {
		words = append(words, strings.TrimSpace(fmt.Sprintf("%v %s %s", s.At.Sub(r.Began), s.Kind, s.Text)))
	}
	return words
}

// A record has every step with its time, and how it ended; not what was typed.
func TestRecord(t *testing.T) {
	for _, show := range []bool{false, true} {
		c := config()
		c.ShowTexts = show
		var observed []ussd.Record
		c.Observer = func(r ussd.Record) { observed = append(observed, r) }
		inBubble(t, c, func(t *testing.T, w *world) {
			w.play("phone dial *120*5#\nwait 1s\nshop ask PIN?\nwait 2s\nphone answer 1234\nshop end Bye")
			want := []string{"0s dial [1 characters]", "1s ask PIN?", "3s answer [4 characters]", "3s end Bye"}
			dialled := "*120# [1 characters]"
			if show {
				want[0], want[2], dialled = "0s dial 5", "3s answer 1234", "*120*5#"
			}
			r := w.Sessions(ussd.Filter{})[0]
			if diff := cmp.Diff(want, steps(r)); diff != "" {
				t.Error(diff)
			}
			if r.Result != ussd.Completed || r.Dialled != dialled || r.Application != "shop" || r.Opened != ussd.Dial ||
				r.State != ussd.Closed || r.Duration(time.Now().Add(time.Hour)) != 3*time.Second {
				t.Errorf("%+v", r)
			}
			if diff := cmp.Diff([]ussd.Record{r}, observed); diff != "" {
				t.Error(diff)
			}
		})
	}
}

func TestSessions(t *testing.T) {
	c := config()
	c.Finished = 2
	inBubble(t, c, func(t *testing.T, w *world) {
		w.play(`
			phone dial *120#
			phone abort id=1
			wait 1s
			phone dial *120*9#
			phone abort id=2
			wait 1s
			phone dial *130#
			phone abort id=3
			wait 1s
			phone dial *120#`)
		for _, tt := range []struct {
			filter ussd.Filter
			want   string
		}{
			{ussd.Filter{}, "*120# open, *130# user-abort, *120*9# user-abort"}, // the oldest is forgotten
			{ussd.Filter{OpenOnly: true}, "*120# open"},
			{ussd.Filter{Limit: 2}, "*120# open, *130# user-abort"},
			{ussd.Filter{Result: ussd.UserAbort}, "*130# user-abort, *120*9# user-abort"},
			{ussd.Filter{Application: "bank"}, "*120*9# user-abort"},
			{ussd.Filter{Code: "*130#"}, "*130# user-abort"},
			{ussd.Filter{Phone: "254700000009"}, ""},
		} {
			var got []string
			for _, r := range w.Sessions(tt.filter) {
				got = append(got, r.Code+" "+r.Result.String())
			}
			if got := strings.Join(got, ", "); got != tt.want {
				t.Errorf("%+v: %q, want %q", tt.filter, got, tt.want)
			}
		}
	})
}

// A talkative session is kept in bounds.
func TestRecordBounds(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		w.line("phone dial *120#")
		for range 60 {
			w.line("shop ask A")
			w.line("phone answer id=1 1")
		}
		if r := w.Sessions(ussd.Filter{})[0]; len(r.Steps) != 100 || r.Left != 21 {
			t.Errorf("%d steps, %d left", len(r.Steps), r.Left)
		}
	})
}

func TestRecordJSON(t *testing.T) {
	began := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	r := ussd.Record{
		ID: "00", Phone: phone, Code: code, Application: "shop", Opened: ussd.Ask, State: ussd.AwaitsUser, Began: began,
		Steps: []ussd.Step{{At: began, Kind: ussd.Ask, Text: "Pay?"}},
	}
	got, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"id":"00","phone":"254700000001","code":"*120#","application":"shop","opened":"ask","state":"awaits-user","result":"open",` +
		`"began":"2026-01-02T03:04:05Z","steps":[{"at":"2026-01-02T03:04:05Z","kind":"ask","text":"Pay?"}]}`
	if string(got) != want {
		t.Errorf("%s\nwant\n%s", got, want)
	}
	var back ussd.Result
	for _, r := range []ussd.Result{0, ussd.Completed, ussd.NetworkError} {
		if err := back.UnmarshalText([]byte(r.String())); err != nil || back != r {
			t.Errorf("%v came back as %v, %v", r, back, err)
		}
	}
}

func TestConfigValidate(t *testing.T) {
	route := func(r ussd.Route) ussd.Config { return ussd.Config{Routes: []ussd.Route{r}} }
	for want, c := range map[string]ussd.Config{
		"not a USSD code":           route(ussd.Route{Code: "120", Account: "shop"}),
		"an account or an app":      route(ussd.Route{Code: "*120#"}),
		"over 20 characters":        route(ussd.Route{Code: "*12345678901234567890#", Account: "shop"}),
		"a negative timeout":        route(ussd.Route{Code: "*120#", Account: "shop", Timeout: -1}),
		"code *120#: twice":         {Routes: []ussd.Route{{Code: "*120#", Account: "a"}, {Code: "*120#", Account: "b"}}},
		"a negative number":         {Timeouts: ussd.Timeouts{User: -1}},
		`account "x": no such`:      {Accounts: map[string]ussd.Account{"x": {Dialect: 9}}},
		`account "y": address over`: {Accounts: map[string]ussd.Account{"y": {Address: strings.Repeat("1", 21)}}},
		"ESME_RINVMSGLEN":           {Texts: ussd.Texts{UserTimeout: strings.Repeat("x", 183)}},
	} {
		if _, err := ussd.New(c, newCarrier(c)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	if _, err := ussd.New(ussd.Config{}, nil); err == nil {
		t.Error("no carrier, no error")
	}
}

// Every status that Take answers with has its reason.
func TestStatuses(t *testing.T) {
	for _, s := range []smpp.Status{smpp.RMSGQFUL, smpp.RSUBMITFAIL, smpp.RINVOPTPARAMVAL, smpp.RINVDSTADR, smpp.RINVMSGLEN, smpp.RTHROTTLED, smpp.RSYSERR} {
		if ussd.Statuses[s] == "" {
			t.Errorf("%v has none", s)
		}
	}
}
