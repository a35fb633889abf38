package ussd_test

import (
	"errors"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/ussd"
)

var epoch = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

func limits() ussd.Timeouts {
	return ussd.Timeouts{User: 60 * time.Second, Application: 15 * time.Second, Session: 100 * time.Second}
}

// after is a session in a state, by the shortest way there.
func after(t *testing.T, s ussd.State) ussd.Session {
	t.Helper()
	way := map[ussd.State][]ussd.Kind{
		ussd.Closed: nil, ussd.AwaitsApplication: {ussd.Dial},
		ussd.AwaitsUser: {ussd.Dial, ussd.Ask}, ussd.AwaitsAck: {ussd.Dial, ussd.Notify},
	}
	se := ussd.Session{Limits: limits()}
	for _, k := range way[s] {
		if err := se.Apply(k, epoch); err != nil {
			t.Fatal(err)
		}
	}
	return se
}

// Every kind of message in every state (SMPP 3.4 §5.3.2.44: which op answers which).
func TestRules(t *testing.T) {
	no := ussd.State(99)
	kinds := []ussd.Kind{ussd.Dial, ussd.Ask, ussd.Notify, ussd.End, ussd.Answer, ussd.Ack, ussd.Abort}
	for from, row := range map[ussd.State][7]ussd.State{
		ussd.Closed:            {ussd.AwaitsApplication, ussd.AwaitsUser, ussd.AwaitsAck, no, no, no, no},
		ussd.AwaitsApplication: {no, ussd.AwaitsUser, ussd.AwaitsAck, ussd.Closed, no, no, ussd.Closed},
		ussd.AwaitsUser:        {no, no, no, ussd.Closed, ussd.AwaitsApplication, no, ussd.Closed},
		ussd.AwaitsAck:         {no, no, no, ussd.Closed, no, ussd.AwaitsApplication, ussd.Closed},
	} {
		for i, k := range kinds {
			se := after(t, from)
			before := se
			err := se.Apply(k, epoch)
			switch want := row[i]; {
			case want == no && (!errors.Is(err, ussd.ErrOrder) || se != before):
				t.Errorf("%s, %s: %v, %v; want refused and unchanged", from, k, err, se.State)
			case want != no && (err != nil || se.State != want):
				t.Errorf("%s, %s: %v, %v; want %v", from, k, err, se.State, want)
			}
		}
	}
}

// A session that a notify opened has nothing more to wait for than that it was shown.
func TestNotifyOpens(t *testing.T) {
	se := ussd.Session{Limits: limits()}
	for _, k := range []ussd.Kind{ussd.Notify, ussd.Ack} {
		if err := se.Apply(k, epoch); err != nil {
			t.Fatal(err)
		}
	}
	if se.State != ussd.Closed {
		t.Error(se.State)
	}
}

// PSSD knows one text and that is the last (SMPP 3.4 §5.3.2.44, ops 0 and 16).
func TestPhase1(t *testing.T) {
	for k, legal := range map[ussd.Kind]bool{ussd.Ask: false, ussd.Notify: false, ussd.End: true} {
		se := after(t, ussd.AwaitsApplication)
		se.Phase1 = true
		if err := se.Apply(k, epoch); (err == nil) != legal {
			t.Errorf("%s: %v", k, err)
		}
	}
}

func TestDeadlines(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state ussd.State
		began time.Duration // before now
		after time.Duration
		want  ussd.Result
	}{
		{"the application has its time", ussd.AwaitsApplication, 0, 15 * time.Second, ussd.ApplicationTimeout},
		{"the user has hers", ussd.AwaitsUser, 0, 60 * time.Second, ussd.UserTimeout},
		{"to confirm as well", ussd.AwaitsAck, 0, 60 * time.Second, ussd.UserTimeout},
		{"and both together theirs", ussd.AwaitsUser, 70 * time.Second, 30 * time.Second, ussd.UserTimeout},
	} {
		t.Run(tt.name, func(t *testing.T) {
			se := ussd.Session{Limits: limits()}
			steps := map[ussd.State]ussd.Kind{ussd.AwaitsUser: ussd.Ask, ussd.AwaitsAck: ussd.Notify}
			_ = se.Apply(ussd.Dial, epoch.Add(-tt.began))
			if k, ok := steps[tt.state]; ok {
				_ = se.Apply(k, epoch)
			}
			if r, over := se.Overdue(epoch.Add(tt.after - 1)); over {
				t.Errorf("%v a nanosecond early", r)
			}
			if r, over := se.Overdue(epoch.Add(tt.after)); !over || r != tt.want {
				t.Errorf("%v %t, want %v", r, over, tt.want)
			}
		})
	}
}

func TestCodes(t *testing.T) {
	for code, good := range map[string]bool{
		"*120#": true, "#100#": true, "*#06#": true, "**61*1#": true, "*384*1*2#": true, "*1#": true,
		"": false, "*#": false, "#": false, "120#": false, "*120": false, "*12a#": false, "*120# ": false,
	} {
		if err := ussd.CheckCode(code); (err == nil) != good {
			t.Errorf("%q: %v", code, err)
		}
	}
}
