package smscbench_test

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/smscbench"
	"github.com/airtill/airtill/gateway/smpp"
)

// target starts an SMSC in memory.
func target(t *testing.T, route smscbench.Route) (network.Network, string) {
	t.Helper()
	n := new(network.Memory)
	ctx, stop := context.WithCancel(t.Context())
	address, wait, err := (&smscbench.Target{Network: n, Route: route}).Serve(ctx)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stop()
		if err := wait(); err != nil {
			t.Error(err)
		}
	})
	return n, address
}

// Every message is answered, delivered, and has its receipt.
func TestRun(t *testing.T) {
	const messages = 2000
	for _, route := range smscbench.Routes() {
		for _, receipts := range []bool{false, true} {
			if receipts && route == smscbench.Discard {
				continue
			}
			t.Run(fmt.Sprintf("%s receipts=%v", route, receipts), func(t *testing.T) {
				n, address := target(t, route)
				c := smscbench.Config{
					Network: n, Address: address, Sender: smscbench.TargetSender,
					Binds: 3, Window: 7, Messages: messages, Receipts: receipts,
				}
				delivered, matched := int64(0), int64(0)
				if route != smscbench.Discard {
					c.Receiver, delivered = smscbench.TargetReceiver, messages
				}
				if receipts {
					matched = messages
				}
				r, err := smscbench.Run(t.Context(), c)
				if err != nil {
					t.Fatal(err)
				}
				if r.Answered != messages || r.Refused+r.Open+r.Missing+r.Stray != 0 || r.Delivered != delivered || r.Matched != matched {
					t.Errorf("the counts are %+v", r)
				}
				if l := r.Latency; l.P50 <= 0 || l.P50 > l.P99 || l.P99 > l.Max || r.SubmitsPerSec <= 0 {
					t.Errorf("the measures are %+v", r)
				}
			})
		}
	}
}

// With a time in place of a count, it ends by the clock.
func TestRunForATime(t *testing.T) {
	n, address := target(t, smscbench.Discard)
	r, err := smscbench.Run(t.Context(), smscbench.Config{
		Network: n, Address: address, Sender: smscbench.TargetSender, Time: 50 * time.Millisecond,
	})
	if err != nil || r.Answered == 0 || r.Open != 0 || r.Submitting < 0.05 {
		t.Errorf("%v, %+v", err, r)
	}
}

func TestRunRefuses(t *testing.T) {
	n, address := target(t, smscbench.Discard)
	good := smscbench.Config{Network: n, Address: address, Sender: smscbench.TargetSender, Messages: 1}
	for _, tt := range []struct {
		change func(c *smscbench.Config)
		why    string
	}{
		{func(c *smscbench.Config) { c.Messages = 0 }, "neither a count"},
		{func(c *smscbench.Config) { c.Binds = -1 }, "negative"},
		{func(c *smscbench.Config) { c.Sender = smscbench.Login{} }, "nobody"},
		{func(c *smscbench.Config) { c.Text = strings.Repeat("x", 141) }, "140"},
		{func(c *smscbench.Config) { c.Source = strings.Repeat("1", 21) }, "source_addr"},
		{func(c *smscbench.Config) { c.Address = "127.0.0.1:1" }, "connect"},
		{func(c *smscbench.Config) { c.Sender.Password = "wrong" }, smpp.RINVPASWD.String()},
	} {
		c := good
		tt.change(&c)
		if _, err := smscbench.Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), tt.why) {
			t.Errorf("%v, want %q", err, tt.why)
		}
	}
}

// An SMSC that answers some messages, refuses some, and sends receipts twice, of other
// messages, and never.
func TestWhatIsCounted(t *testing.T) {
	n := new(network.Memory)
	ln, err := n.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- liar(ln) }()
	r, err := smscbench.Run(t.Context(), smscbench.Config{
		Network: n, Address: ln.Addr().String(), Sender: smscbench.TargetSender, Messages: 6, Time: 50 * time.Millisecond,
		Receipts: true, Drain: 20 * time.Millisecond,
	})
	if err != nil {
		t.Fatal(err)
	}
	if r.Answered != 4 || r.Refused != 1 || r.Open != 1 || r.Matched != 2 || r.Missing != 2 || r.Stray != 3 {
		t.Errorf("the counts are %+v", r)
	}
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// liar answers one bind and six messages.
func liar(ln net.Listener) error {
	c, err := ln.Accept()
	if err != nil {
		return err
	}
	defer c.Close()
	frames := smpp.NewReader(c, 0)
	var out []byte
	send := func(p smpp.PDU) {
		out, err = smpp.Append(out, p)
	}
	receipt := func(text string) {
		send(smpp.PDU{Sequence: 1, Body: &smpp.DeliverSM{ESMClass: smpp.ESMReceipt, ShortMessage: []byte(text)}})
	}
	for i := range 7 {
		f, err := frames.Next()
		if err != nil {
			return err
		}
		p, err := smpp.Decode(f)
		if err != nil {
			return err
		}
		answer := smpp.PDU{Sequence: p.Sequence, Body: &smpp.SubmitSMResp{MessageID: fmt.Sprintf("id%d", i)}}
		switch i {
		case 0:
			answer.Body = &smpp.BindTransceiverResp{SystemID: "liar"}
		case 2: // its receipt comes before its answer
			receipt("id:id2 sub:001")
		case 5:
			answer.Status = smpp.RTHROTTLED
		case 6: // never answered
			continue
		}
		send(answer)
		if _, err := c.Write(out); err != nil {
			return err
		}
		out = out[:0]
	}
	receipt("id:id1 stat:DELIVRD")
	receipt("id:id1 stat:DELIVRD")
	receipt("id:other stat:DELIVRD")
	receipt("no name")
	if err == nil {
		_, err = c.Write(out)
	}
	if err == nil {
		for err == nil {
			_, err = frames.Next()
		}
		return nil
	}
	return err
}
