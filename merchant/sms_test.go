package merchant_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/merchant"
)

// carrier takes short messages, after the failures that it was given.
type carrier struct {
	mu       sync.Mutex
	failures []error
	tries    int
	taken    []*smpp.SubmitSM
}

func (c *carrier) Submit(_ context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tries++
	if len(c.failures) > 0 {
		err := c.failures[0]
		c.failures = c.failures[1:]
		return "", err
	}
	c.taken = append(c.taken, sm)
	return "1", nil
}

// read joins what was taken as a phone does.
func (c *carrier) read(t *testing.T) (texts []string, codings []uint8) {
	t.Helper()
	joiner, err := tpdu.NewReassembler(tpdu.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	for _, sm := range c.taken {
		segment, err := tpdu.ParseSegment(sm.ProtocolID, sm.DataCoding, sm.ESMClass&smpp.ESMUDHI != 0, sm.ShortMessage)
		if err != nil {
			t.Fatal(err)
		}
		link := tpdu.Link{Source: sm.Source.Digits, Destination: sm.Destination.Digits}
		whole, ok, err := joiner.Add(time.Now(), link, segment)
		if err != nil {
			t.Fatal(err)
		}
		if !ok {
			continue
		}
		text, err := whole.Text()
		if err != nil {
			t.Fatal(err)
		}
		texts, codings = append(texts, text), append(codings, whole.Coding)
	}
	return texts, codings
}

func TestTextsReachThePhone(t *testing.T) {
	tests := []struct {
		text   string
		parts  int
		coding uint8
	}{
		{"Sky: order A1 is paid.", 1, 0},
		{strings.Repeat("x", 160), 1, 0}, {strings.Repeat("x", 161), 2, 0}, {strings.Repeat("€", 80), 1, 0}, {strings.Repeat("€", 81), 2, 0},
		{"航班 CA1405", 1, 8}, {strings.Repeat("票", 70), 1, 8}, {strings.Repeat("票", 71), 2, 8}, {strings.Repeat("票", 198), 3, 8}, {strings.Repeat("票", 199), 4, 8},
	}
	for _, tt := range tests {
		c := &carrier{}
		sms := merchant.NewSMS(c, "10690")
		for range 2 {
			if err := sms.SendText(t.Context(), buyer, tt.text); err != nil {
				t.Fatal(err)
			}
		}
		texts, codings := c.read(t)
		if len(c.taken) != 2*tt.parts || len(texts) != 2 || texts[0] != tt.text || texts[1] != tt.text || codings[0] != tt.coding {
			t.Errorf("%.20s: %d parts, %q, coding %v", tt.text, len(c.taken), texts, codings)
		}
		if sm := c.taken[0]; sm.Source.Digits != "10690" || sm.Destination.Digits != buyer || sm.Destination.TON != smpp.TONInternational {
			t.Errorf("%+v", sm)
		}
	}
}

// A part goes again while the carrier is away or busy, and not when it is refused for good; time here is the bubble's.
func TestSubmittedUntilTaken(t *testing.T) {
	tests := []struct {
		failure error
		times   int
		tries   int
		sent    bool
	}{
		{esme.ErrNotBound, 3, 4, true}, {esme.ErrUnknown, 1, 2, true}, {smpp.RTHROTTLED.Err(), 5, 6, true}, {smpp.RMSGQFUL.Err(), 11, 12, true},
		{esme.ErrNotBound, 12, 12, false}, {smpp.RINVDSTADR.Err(), 1, 1, false}, {smpp.RINVMSGLEN.Err(), 1, 1, false},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			c := &carrier{}
			for range tt.times {
				c.failures = append(c.failures, tt.failure)
			}
			err := merchant.NewSMS(c, "10690").SendText(t.Context(), buyer, "hello")
			if (err == nil) != tt.sent || c.tries != tt.tries || err != nil && !errors.Is(err, tt.failure) {
				t.Errorf("%v, %d times: %v after %d tries", tt.failure, tt.times, err, c.tries)
			}
			if err != nil && strings.Contains(err.Error(), buyer) {
				t.Errorf("the number is not masked: %v", err)
			}
		})
	}
}

func TestTextEndsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		c := &carrier{failures: make([]error, 100)}
		for i := range c.failures {
			c.failures[i] = esme.ErrNotBound
		}
		began := time.Now()
		if err := merchant.NewSMS(c, "10690").SendText(ctx, buyer, "hello"); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != time.Second {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
