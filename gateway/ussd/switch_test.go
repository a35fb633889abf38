package ussd_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// Transcripts: what is done is at the margin, what it brings about is indented.
func TestSwitch(t *testing.T) {
	for _, tt := range []struct{ name, transcript string }{
		{"dialled: 1, 2, 18, 17 (carrier.md section 1)", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			shop ask 1 Pay 2 Refuse
			  fleet: ask from *120# to 254700000001 id 1 "1 Pay 2 Refuse"
			phone answer 1
			  shop: answer from 254700000001 to *120# id 1 "1"
			shop end Paid
			  fleet: end from *120# to 254700000001 id 1 "Paid"
			phone answer 2
			  ESME_RSUBMITFAIL
			shop end Paid again
			  ESME_RSUBMITFAIL`},
		{"what is dialled after the code is the first input", `
			phone dial *120*5*6#
			  shop: dial from 254700000001 to *120# id 1 "5*6"`},
		{"the longest code wins", `
			phone dial *120*9*6#
			  bank: dial from 254700000001 to *120*9# id 1 "6"`},
		{"a code is no prefix of another's digits", `
			phone dial *1201#
			  ESME_RINVDSTADR`},
		{"a long string goes in short_message", `
			phone dial *120# *120*123456789012345678#
			  shop: dial from 254700000001 to *120# id 1 "123456789012345678"`},
		{"a code that an account owns needs no route", `
			phone dial *555*1#
			  owner: dial from 254700000001 to *555# id 1 "1"`},
		{"the handset's own number is kept", `
			phone dial id=77 *120#
			  shop: dial from 254700000001 to *120# id 1
			shop ask PIN
			  fleet: ask from *120# to 254700000001 id 77 "PIN"
			phone answer id=78 1234
			  ESME_RINVOPTPARAMVAL
			phone answer id=77 1234
			  shop: answer from 254700000001 to *120# id 1 "1234"`},
		{"pushed ask: 2 with no session, then 18", `
			shop ask Pay 5?
			  fleet: ask from *120# to 254700000001 id 1 "Pay 5?"
			phone answer 1
			  shop: answer from 254700000001 to *120# id 1 "1"
			shop end Paid
			  fleet: end from *120# to 254700000001 id 1 "Paid"`},
		{"pushed notify: 3 with no session, then 19, and that is all", `
			shop notify Paid
			  fleet: notify from *120# to 254700000001 id 1 "Paid"
			phone ack
			  shop: ack from 254700000001 to *120# id 1
			shop end Bye
			  ESME_RSUBMITFAIL`},
		{"an application may number its push itself", `
			shop ask id=200 Pay?
			  fleet: ask from *120# to 254700000001 id 1 "Pay?"
			phone answer id=1 y
			  shop: answer from 254700000001 to *120# id 200 "y"`},
		{"a notify within a session goes on", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			shop notify Wait
			  fleet: notify from *120# to 254700000001 id 1 "Wait"
			shop ask Too early
			  ESME_RSUBMITFAIL
			phone ack
			  shop: ack from 254700000001 to *120# id 1
			shop end Done
			  fleet: end from *120# to 254700000001 id 1 "Done"`},
		{"one turn at a time", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			phone answer id=1 1
			  ESME_RSUBMITFAIL
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			shop ask B
			  ESME_RSUBMITFAIL
			phone ack
			  ESME_RSUBMITFAIL
			shop end
			  fleet: end from *120# to 254700000001 id 1`},
		{"the user gives up: op 129", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			phone abort
			  shop: abort from 254700000001 to *120# id 1 (user-abort)
			phone abort
			  ESME_RSUBMITFAIL`},
		{"a late word is not taken for a push", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			phone abort id=1
			  shop: abort from 254700000001 to *120# id 1 (user-abort)
			shop ask id=1 Too late
			  ESME_RINVOPTPARAMVAL
			shop ask id=0 New
			  fleet: ask from *120# to 254700000001 id 2 "New"`},
		{"collision: who dials wins, and the loser is told", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			phone dial *120*9#
			  shop: abort from 254700000001 to *120# id 1 (collision)
			  bank: dial from 254700000001 to *120*9# id 2
			shop ask id=1 Too late
			  ESME_RMSGQFUL
			shop end id=1 Too late
			  ESME_RSUBMITFAIL`},
		{"collision: who pushes loses", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			bank ask Loan?
			  ESME_RMSGQFUL
			bank notify Loan
			  ESME_RMSGQFUL
			shop notify id=9 Another
			  ESME_RMSGQFUL
			shop end id=9 Another
			  ESME_RINVOPTPARAMVAL
			shop ask id=1 A
			  fleet: ask from *120# to 254700000001 id 1 "A"`},
		{"collision: a dial beats a push on its way", `
			bank ask Loan?
			  fleet: ask from *120# to 254700000001 id 1 "Loan?"
			phone dial *120#
			  bank: abort from 254700000001 to *120# id 1 (collision)
			  shop: dial from 254700000001 to *120# id 2`},
		{"a code that leads nowhere ends nothing", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			phone dial *999#
			  ESME_RINVDSTADR
			shop end Bye
			  fleet: end from *120# to 254700000001 id 1 "Bye"`},
		{"an application that is not there", `
			refuse shop
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			  fleet: end from *120# to 254700000001 id 1 "The service is not available. Please try again later."`},
		{"a handset that is not there", `
			refuse fleet
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			  shop: abort from 254700000001 to *120# id 1 (network-error)`},
		{"dialect flag-ends, the code in short_message", `
			phone dial *130*1#
			  flag: dial from 254700000001 to 10658 id 1 "*130*1#"
			flag ask A
			  fleet: ask from *130# to 254700000001 id 1 "A"
			phone answer 1
			  flag: answer from 254700000001 to 10658 id 1 "1"
			flag end Bye
			  fleet: end from *130# to 254700000001 id 1 "Bye"`},
		{"dialect flag-ends has no notify: an end with no session is one", `
			flag end Hello
			  fleet: notify from *120# to 254700000001 id 1 "Hello"
			phone ack`},
		{"dialect flag-ends: the user gives up", `
			phone dial *130#
			  flag: dial from 254700000001 to 10658 id 1 "*130#"
			phone abort id=1
			  flag: abort from 254700000001 to 10658 id 1 (user-abort)
			flag end id=1 Too late
			  ESME_RINVOPTPARAMVAL`},
		{"dialect long-id: two sessions of one handset differ beyond 256", `
			long ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			phone answer 1
			  long: answer from 254700000001 to *120# id 1 "1"
			long end Bye
			  fleet: end from *120# to 254700000001 id 1 "Bye"
			long ask id=300 B
			  fleet: ask from *120# to 254700000001 id 2 "B"
			phone answer 2
			  long: answer from 254700000001 to *120# id 300 "2"`},
		{"dialect reference", `
			ref end Hello
			  fleet: notify from *120# to 254700000001 id 1 "Hello"
			phone ack
			ref ask id=40000 B
			  fleet: ask from *120# to 254700000001 id 2 "B"
			phone abort
			  ref: abort from 254700000001 to 120 id 40000 (user-abort)`},
		{"dialect no-id", `
			none ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			phone answer 1
			  none: answer from 254700000001 to *120# "1"
			none end Bye
			  fleet: end from *120# to 254700000001 id 1 "Bye"
			none end Bye
			  ESME_RSUBMITFAIL`},
		{"the application takes too long", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			wait 14.999999999s
			wait 1ns
			  fleet: end from *120# to 254700000001 id 1 "The service does not answer. Please try again later."
			  shop: abort from 254700000001 to *120# id 1 (application-timeout)`},
		{"the user takes too long", `
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			wait 59.999999999s
			wait 1ns
			  fleet: end from *120# to 254700000001 id 1 "You took too long. Please dial again."
			  shop: abort from 254700000001 to *120# id 1 (user-timeout)`},
		{"a word in the very instant is too late", `
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			wait 59.999999999s
			wait 1ns
			  fleet: end from *120# to 254700000001 id 1 "You took too long. Please dial again."
			  shop: abort from 254700000001 to *120# id 1 (user-timeout)
			phone answer 1
			  ESME_RSUBMITFAIL`},
		{"each turn has its time anew", `
			phone dial *120#
			  shop: dial from 254700000001 to *120# id 1
			wait 14s
			shop ask A
			  fleet: ask from *120# to 254700000001 id 1 "A"
			wait 59s
			phone answer 1
			  shop: answer from 254700000001 to *120# id 1 "1"
			wait 14s
			shop end Bye
			  fleet: end from *120# to 254700000001 id 1 "Bye"
			wait 2h`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, config(), func(_ *testing.T, w *world) { w.wantScript(tt.transcript) })
		})
	}
}

// A handset of phase 1 is told one text, by op 16 (SMPP 3.4 §5.3.2.44).
func TestPSSD(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		sm, err := ussd.Spec.Encode(ussd.Message{Kind: ussd.Dial, Phone: phone, Code: code, Phase1: true})
		if err != nil {
			t.Fatal(err)
		}
		if status := w.Take("fleet", sm); status != smpp.ROK {
			t.Fatal(status)
		}
		w.wantScript(`
			wait 0s
			  shop: dial from 254700000001 to *120# id 1 phase 1
			shop ask A
			  ESME_RSUBMITFAIL
			shop end Bye
			  fleet: end from *120# to 254700000001 id 1 phase 1 "Bye"`)
	})
}

// A message is a handset's only from the account that owns its number, and an
// application reaches only handsets.
func TestWhoIsWho(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		forged, _ := ussd.Spec.Encode(ussd.Message{Kind: ussd.Dial, Phone: phone, Code: code})
		if status := w.Take("shop", forged); status != smpp.RINVOPTPARAMVAL {
			t.Errorf("a handset's op from an application: %v", status)
		}
		astray, _ := ussd.Spec.Encode(ussd.Message{Kind: ussd.Ask, Phone: "4930123456", Code: code, Text: "x"})
		if status := w.Take("shop", astray); status != smpp.RINVDSTADR {
			t.Errorf("a push to nobody's number: %v", status)
		}
	})
}

func TestTooManySessions(t *testing.T) {
	c := config()
	c.MaxSessions = 1
	inBubble(t, c, func(t *testing.T, w *world) {
		w.line("phone dial *120#")
		w.line("phone dial *120#") // takes the place of the first
		other, _ := ussd.Spec.Encode(ussd.Message{Kind: ussd.Dial, Phone: "254700000002", Code: code})
		if status := w.Take("fleet", other); status != smpp.RTHROTTLED {
			t.Errorf("%v, want ESME_RTHROTTLED", status)
		}
		if w.Open() != 1 {
			t.Errorf("%d open", w.Open())
		}
	})
}

// What comes before Serve waits for it; with its end sessions end, and there are no more.
func TestStop(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := newCarrier(config())
		s, err := ussd.New(config(), k)
		if err != nil {
			t.Fatal(err)
		}
		sm, _ := ussd.Spec.Encode(ussd.Message{Kind: ussd.Dial, Phone: phone, Code: code})
		if status := s.Take("fleet", sm); status != smpp.ROK || len(k.log) != 0 {
			t.Errorf("before: %v, %q", status, k.log)
		}
		ctx, stop := context.WithCancel(t.Context())
		served := make(chan error)
		go func() { served <- s.Serve(ctx) }()
		synctest.Wait()
		if err := s.Serve(ctx); !errors.Is(err, ussd.ErrServing) {
			t.Errorf("twice: %v", err)
		}
		stop()
		if err := <-served; err != nil {
			t.Error(err)
		}
		if len(k.log) != 1 {
			t.Errorf("not only the dial: %q", k.log)
		}
		if status := s.Take("fleet", sm); status != smpp.RSYSERR {
			t.Errorf("after: %v, want ESME_RSYSERR", status)
		}
		if r := s.Sessions(ussd.Filter{}); len(r) != 1 || r[0].Result != ussd.NetworkError || r[0].Detail != "the gateway stopped" {
			t.Errorf("%+v", r)
		}
	})
}

func TestIsUSSD(t *testing.T) {
	for want, sm := range map[bool]*smpp.SubmitSM{true: {TLVs: smpp.TLVs{op(2)}}, false: {ServiceType: "CMT"}} {
		if got := ussd.IsUSSD(sm); got != want {
			t.Errorf("%v: %t", sm, got)
		}
	}
	if !ussd.IsUSSD(&smpp.SubmitSM{ServiceType: "USSD"}) {
		t.Error("service_type USSD is not")
	}
}
