package push_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/menu"
	"github.com/airtill/airtill/platform/push"
)

const typedPIN = "736482915064"

// till is a phone's partition and the carrier, of which a test sees what they were asked.
type till struct {
	*push.Menus
	t    *testing.T
	logs bytes.Buffer

	mu      sync.Mutex
	log     []string
	wallet  menu.Wallet
	results []menu.Result    // of acts, one after the other; then approved
	fails   []error          // of inputs, one after the other
	refuse  map[string]error // of what is submitted: ask, end or SMS
	texts   int
}

func newTill(t *testing.T) *till {
	b := menu.Bill{ID: theBill, Merchant: "Sky Travel", Subject: "flight CA1405"}
	b.Sum.Amount, b.Sum.Currency = 128000, "CNY"
	k := &till{t: t, refuse: make(map[string]error), wallet: menu.Wallet{
		Bills: []menu.Bill{b}, Cards: []menu.Card{{Slot: 1, Alias: "Blue", Tail: "1234", Currency: "CNY"}},
	}}
	k.Menus = &push.Menus{
		Carrier: k, Partitions: k, Home: func(gateway.MSISDN) engine.Partition { return 3 },
		Code: "*120#", Address: "10658", Log: zerolog.New(&k.logs),
	}
	return k
}

// Do answers as a phone's partition does, and logs what it is asked.
func (k *till) Do(_ context.Context, n engine.Partition, in any) (any, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if n != 3 {
		k.t.Errorf("partition %d was asked", n)
	}
	if len(k.fails) > 0 {
		err := k.fails[0]
		k.fails = k.fails[1:]
		k.say("  %T: %v", in, err)
		return nil, err
	}
	switch in := in.(type) {
	case billing.FindBills:
		return k.wallet, nil
	case billing.Chosen:
		k.say("  chosen: %s", in.Event)
	case billing.Typed:
		k.say("  typed: card %d, right: %t", in.Slot, in.PIN.Reveal() == typedPIN)
	case billing.Submitted:
		k.say("  bill: %q %s", in.MessageID, in.Refused)
		return nil, nil
	}
	result := menu.Result{Code: "00", Approval: "123456"}
	if len(k.results) > 0 {
		result, k.results = k.results[0], k.results[1:]
	}
	return result, nil
}

func (k *till) Post(engine.Partition, any, func(any, error)) error { return errors.New("not asked so") }

// Submit takes what goes to the phone.
func (k *till) Submit(_ context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kind, text := "SMS", string(sm.UserData())
	if ussd.IsUSSD(sm) {
		m := must(ussd.Spec.Decode(false, sm))
		kind, text = m.Kind.String(), m.Text
		if m.Code != "*120#" || m.Phone != string(phone) || m.ID == 0 {
			k.t.Errorf("%+v", m)
		}
		secret, _ := sm.TLVs.Uint8(smpp.TagPrivacyIndicator)
		if (secret == 3) != strings.Contains(text, "PIN (") {
			k.t.Errorf("%q has privacy_indicator %d", text, secret)
		}
	} else if sm.RegisteredDelivery != smpp.ReceiptFinal || sm.Source.Digits != "10658" || sm.Destination.Digits != string(phone) {
		k.t.Errorf("the SMS is %+v", sm)
	}
	if err := k.refuse[kind]; err != nil {
		k.say("  %s refused", kind)
		return "", err
	}
	k.say("  %s: %s", kind, strings.ReplaceAll(text, "\n", " / "))
	k.texts++
	return gateway.MessageID(fmt.Sprintf("M%d", k.texts)), nil
}

// say logs a line; the lock is held.
func (k *till) say(format string, args ...any) { k.log = append(k.log, fmt.Sprintf(format, args...)) }

// deliver hands over what a phone says.
func (k *till) deliver(m ussd.Message) smpp.Status {
	m.Phone, m.Code = string(phone), "*120#"
	sm := must(ussd.Spec.Encode(m))
	var status smpp.Status
	if !k.Takes((*smpp.DeliverSM)(sm)) {
		k.t.Error("it is not taken for USSD")
	}
	k.Deliver((*smpp.DeliverSM)(sm), func(s smpp.Status) { status = s })
	return status
}

// The lines of a script: push, push again, dial REST, answer TEXT, abort REASON, wait 5s.
// A session pushed has number 1, 2, ...; one that is dialled has 77.
func (k *till) line(ctx context.Context, line string) {
	what, rest, _ := strings.Cut(line, " ")
	kinds := map[string]ussd.Kind{"dial": ussd.Dial, "answer": ussd.Answer, "abort": ussd.Abort}
	switch what {
	case "push":
		m := billing.PhoneMessage{Bill: theBill, Phone: phone, Texted: rest == "again", Expires: time.Now().Add(time.Hour)}
		if err := k.Push(ctx, 3, m); err != nil {
			k.mu.Lock()
			k.say("  error: %v", err)
			k.mu.Unlock()
		}
	case "wait":
		time.Sleep(must(time.ParseDuration(rest)))
	default:
		m := ussd.Message{Kind: kinds[what], Text: rest}
		if what == "dial" {
			m.ID = 77
		}
		if what == "abort" {
			m.Text, m.Reason = "", rest
		}
		if _, err := fmt.Sscanf(m.Text, "id=%d", &m.ID); err == nil {
			_, m.Text, _ = strings.Cut(m.Text, " ")
		}
		if status := k.deliver(m); status != smpp.ROK {
			k.mu.Lock()
			k.say("  %v", status)
			k.mu.Unlock()
		}
	}
	synctest.Wait()
}

const (
	bill    = "CNY 1,280.00 to Sky Travel / for flight CA1405 / 1 Pay / 2 Refuse / 3 Later"
	listed  = "Bills to pay: / 1 Sky Travel CNY 1,280.00"
	askPIN  = "Pay CNY 1,280.00 with Blue *1234 / PIN (0 goes back):"
	paid    = "Paid CNY 1,280.00 to Sky Travel. Approval 123456."
	howTo   = "Bill of CNY 1,280.00 to Sky Travel, flight CA1405. Dial *120# to pay."
	unknown = "We could not do that now. Please look at the bill again before you pay."
)

// What goes to a phone and its bill, session by session.
func TestMenus(t *testing.T) {
	busy := &smpp.StatusError{Status: smpp.RMSGQFUL}
	tests := []struct {
		name   string
		before func(k *till)
		script string
	}{
		{"pushed and paid", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer 1
			  chosen: deliver
			  chosen: open
			  ask: ` + askPIN + `
			answer ` + typedPIN + `
			  typed: card 1, right: true
			  end: ` + paid},
		{"refused by its holder", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer 2
			  chosen: deliver
			  chosen: refuse
			  end: Refused. The shop is told.
			answer 1
			  ESME_RX_P_APPN`},
		{"given up: it was seen, and an SMS says how to pay", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			abort user-abort
			  chosen: deliver
			  SMS: ` + howTo + `
			  bill: "M2" `},
		{"nobody there: it was not seen", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			abort user-timeout
			  SMS: ` + howTo + `
			  bill: "M2" `},
		{"the phone is off, an SMS was sent before", nil, `
			push again
			  ask: ` + bill + `
			  bill: "" 
			abort network-error
			  bill: "" the USSD session ended: network-error`},
		{"given up at the PIN", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer 1
			  chosen: deliver
			  chosen: open
			  ask: ` + askPIN + `
			abort user-abort
			  SMS: ` + howTo + `
			  bill: "M3" `},
		{"given up after it was chosen", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer 3
			  chosen: deliver
			  chosen: defer
			  end: You can pay it later.
			abort user-abort
			  ESME_RX_P_APPN`},
		{"the handset is in a session", func(k *till) { k.refuse["ask"] = busy }, `
			push
			  ask refused
			  SMS: ` + howTo + `
			  bill: "M1" `},
		{"neither menu nor SMS", func(k *till) { k.refuse["ask"], k.refuse["SMS"] = busy, busy }, `
			push
			  ask refused
			  SMS refused
			  bill: "" ` + busy.Error() + `; SMS: ` + busy.Error()},
		{"the carrier is away", func(k *till) { k.refuse["ask"] = esme.ErrNotBound }, `
			push
			  ask refused
			  error: ` + esme.ErrNotBound.Error()},
		{"a session is open here", nil, `
			dial
			  ask: ` + listed + `
			push again
			  bill: "" the phone has a USSD session
			wait 3m
			push again
			  ask: ` + bill + `
			  bill: "" `},
		{"its time is over", func(k *till) { k.wallet.Bills = nil }, `
			push`},
		{"dialled", nil, `
			dial
			  ask: ` + listed + `
			answer 1
			  ask: ` + bill + ` / 0 Back
			answer 1
			  chosen: open
			  ask: ` + askPIN + `
			answer ` + typedPIN + `
			  typed: card 1, right: true
			  end: ` + paid},
		{"dialled with what is to be typed", nil, `
			dial 1*1
			  chosen: open
			  ask: ` + askPIN},
		{"a PIN that is dialled is not taken", nil, `
			dial 1*1*` + typedPIN + `
			  chosen: open
			  ask: ` + askPIN},
		{"dialled with what is not there", nil, `
			dial 7
			  ask: Not in the list. / ` + listed},
		{"dialled, and given up", nil, `
			dial
			  ask: ` + listed + `
			abort user-abort`},
		{"nothing to pay", func(k *till) { k.wallet = menu.Wallet{} }, `
			dial
			  end: ` + menu.NoBills},
		{"an answer to no session", nil, `
			answer 1
			  ESME_RX_P_APPN`},
		{"an answer to another session", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer id=9 2
			  ESME_RX_P_APPN
			answer id=1 2
			  chosen: deliver
			  chosen: refuse
			  end: Refused. The shop is told.`},
		{"dialled while a menu is open", nil, `
			push
			  ask: ` + bill + `
			  bill: "" 
			abort collision
			  SMS: ` + howTo + `
			  bill: "M2" 
			dial
			  ask: ` + listed},
		{"paid, but the session is over: an SMS says so", func(k *till) { k.refuse["end"] = busy }, `
			push
			  ask: ` + bill + `
			  bill: "" 
			answer 1
			  chosen: deliver
			  chosen: open
			  ask: ` + askPIN + `
			answer ` + typedPIN + `
			  typed: card 1, right: true
			  end refused
			  SMS: ` + paid},
		{"the outcome is not known at first", nil, `
			dial 1*1
			  chosen: open
			  ask: ` + askPIN + `
			unsure
			answer ` + typedPIN + `
			  billing.Typed: the outcome is unknown
			wait 1s
			  billing.Typed: the partition is not available
			  typed: card 1, right: true
			  end: ` + paid},
		{"the outcome stays unknown", nil, `
			dial 1*1
			  chosen: open
			  ask: ` + askPIN + `
			broken
			answer ` + typedPIN + `
			  billing.Typed: broken
			  end: ` + unknown},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				k := newTill(t)
				if tt.before != nil {
					tt.before(k)
				}
				k.play(tt.script)
			})
		})
	}
}

// play runs a script in a bubble and compares.
func (k *till) play(script string) {
	k.t.Helper()
	ctx, stop := context.WithCancel(k.t.Context())
	var running sync.WaitGroup
	running.Go(func() {
		if err := k.Run(ctx); err != nil {
			k.t.Error(err)
		}
	})
	synctest.Wait()
	var want []string
	for line := range strings.Lines(strings.Trim(script, "\n")) {
		line = strings.TrimRight(strings.TrimPrefix(line, "\t\t\t"), "\n")
		want = append(want, line)
		if strings.HasPrefix(line, "  ") {
			continue
		}
		k.mu.Lock()
		k.say("%s", line)
		k.mu.Unlock()
		switch line {
		case "unsure":
			k.fails = []error{engine.ErrUnknown, engine.ErrUnavailable}
		case "broken":
			k.fails = []error{errors.New("broken")}
		default:
			k.line(ctx, line)
		}
	}
	stop()
	running.Wait()
	if diff := cmp.Diff(want, k.log); diff != "" {
		k.t.Error(diff)
	}
	for _, secret := range []string{typedPIN, string(phone)} {
		if strings.Contains(k.logs.String(), secret) {
			k.t.Errorf("the log has %.3s...: %s", secret, &k.logs)
		}
	}
}

// What cannot be read is refused, which ends its session; so is anything before and after Run.
func TestMenusNotReady(t *testing.T) {
	k := newTill(t)
	if status := k.deliver(ussd.Message{Kind: ussd.Dial, ID: 1}); status != smpp.RXTAPPN {
		t.Errorf("before Run: %v", status)
	}
	var status smpp.Status
	bad := &smpp.DeliverSM{ServiceType: ussd.ServiceType, Source: smpp.Address{Digits: "x"}}
	k.Deliver(bad, func(s smpp.Status) { status = s })
	if status != smpp.RXRAPPN {
		t.Errorf("no number, no op: %v", status)
	}
}

// A push to a phone without an element begins a menu; to any other it does not.
func TestSenderPushesMenus(t *testing.T) {
	s, k := newSending(), newTill(t)
	s.Menus = k.Menus
	m := billing.PhoneMessage{Bill: theBill, Phone: phone, Expires: time.Now().Add(time.Hour)}
	if err := s.Perform(t.Context(), 3, engine.Effect{ID: "e", Kind: billing.EffectPush, Body: m.Seal(vault())}); err != nil {
		t.Fatal(err)
	}
	if len(k.log) != 2 || !strings.HasPrefix(k.log[0], "  ask: ") || len(s.carrier.taken) != 0 {
		t.Errorf("it came to %q and %d packets", k.log, len(s.carrier.taken))
	}
}
