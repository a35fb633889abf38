package app

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
)

const (
	fakeCallback       = "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_settled"
	fakeRefund         = "refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_2"
	fakeRefundCallback = "evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_2_posted"
)

// fakeCallbacks has three exhausted callbacks, on pages of two, and notes what is asked.
type fakeCallbacks struct{ asked []string }

func (f *fakeCallbacks) note(format string, args ...any) {
	f.asked = append(f.asked, fmt.Sprintf(format, args...))
}

func fakeCallbackOf(n int) platform.Callback {
	at := time.Date(2026, 11, 23, 10, 0, n, 0, time.UTC)
	id := fmt.Sprintf("01JDXK3Z7M0003ZZZZZZZZZZZ%d", n)
	return platform.Callback{
		ID: platform.CallbackID("evt_" + id + "_settled"), Bill: platform.BillID("bill_" + id), Merchant: "10000001", URL: "http://shop.example/cb",
		State: platform.CallbackExhausted, Attempts: 10, Status: 500, Problem: "answered 500", Ended: at,
	}
}

func (f *fakeCallbacks) Callbacks(_ context.Context, q platform.CallbackQuery) (platform.CallbackPage, error) {
	f.note("list %s %s %s", q.Merchant, q.State, q.After)
	if q.After == "" {
		return platform.CallbackPage{Callbacks: []platform.Callback{fakeCallbackOf(3), fakeCallbackOf(2)}, Next: "more"}, nil
	}
	return platform.CallbackPage{Callbacks: []platform.Callback{fakeCallbackOf(1)}}, nil
}

func (f *fakeCallbacks) Callback(_ context.Context, m platform.MerchantID, of platform.CallbackSubject) (platform.Callback, error) {
	f.note("show %s %s %s", m, of.Bill, of.Refund)
	c := fakeCallbackOf(1)
	c.Refund = of.Refund
	c.Tries = []platform.CallbackTry{
		{Number: 1, At: c.Ended, Ended: c.Ended, Status: 500, Problem: "answered 500", Next: c.Ended.Add(5 * time.Second)},
		{Number: 2, At: c.Ended.Add(5 * time.Second), ByHand: true},
	}
	return c, nil
}

func (f *fakeCallbacks) Resend(_ context.Context, r platform.Resend) (platform.Callback, error) {
	f.note("resend %s %s %s %s %s", r.Merchant, r.Bill, r.Refund, r.By, r.Note)
	return fakeCallbackOf(1), nil
}

func (f *fakeCallbacks) Endpoints(_ context.Context, m platform.MerchantID) ([]platform.Endpoint, error) {
	f.note("endpoints %s", m)
	return []platform.Endpoint{{Merchant: "10000001", URL: "http://shop.example/cb", Problem: "answered 410", Why: "it wants no more"}}, nil
}

func (f *fakeCallbacks) EnableEndpoint(_ context.Context, e platform.EnableEndpoint) error {
	f.note("enable %s %s %s %s", e.Merchant, e.URL, e.By, e.Note)
	return nil
}

func TestCallbacksCommands(t *testing.T) {
	ids := []string{string(fakeCallbackOf(1).Bill), string(fakeCallbackOf(2).Bill), string(fakeCallbackOf(3).Bill)}
	tests := map[string]struct {
		line   string
		asked  []string
		stdout string // some of it
	}{
		"list":       {"list --state exhausted", []string{"list 10000001 exhausted "}, "answered 500"},
		"next page":  {"list --after more --json", []string{"list 10000001  more"}, `"attempts":10`},
		"all":        {"list --office --state pending", []string{"list  pending "}, "exhausted"},
		"one's":      {"list --office --merchant 10000001", []string{"list 10000001  "}, ""},
		"show":       {"show " + fakeCallback, []string{"show 10000001 " + string(fakeBill) + " "}, "not known yet"},
		"show any":   {"show --office " + string(fakeBill), []string{"show  " + string(fakeBill) + " "}, "BY HAND"},
		"refund":     {"show " + fakeRefundCallback, []string{"show 10000001 " + string(fakeBill) + " " + fakeRefund}, fakeRefund},
		"its json":   {"show --office --json " + fakeRefund, []string{"show  " + string(fakeBill) + " " + fakeRefund}, `"refund":"` + fakeRefund + `"`},
		"tell again": {"resend " + fakeRefundCallback + " " + fakeRefund, []string{"resend 10000001 " + string(fakeBill) + " " + fakeRefund + "  ", "resend 10000001 " + string(fakeBill) + " " + fakeRefund + "  "}, "evt_"},
		"resend":     {"resend " + fakeCallback, []string{"resend 10000001 " + string(fakeBill) + "   "}, "evt_"},
		"resend all": {"resend --exhausted", []string{"list 10000001 exhausted ", "list 10000001 exhausted more", "resend 10000001 " + ids[2] + "   ", "resend 10000001 " + ids[1] + "   ", "resend 10000001 " + ids[0] + "   "}, "evt_"},
		"by office":  {"resend --office --by Zhao --note back " + fakeCallback, []string{"resend  " + string(fakeBill) + "  Zhao back"}, "evt_"},
		"endpoints":  {"endpoints", []string{"endpoints 10000001"}, "answered 410"},
		"of all":     {"endpoints --office --json", []string{"endpoints "}, `"disabled_because":"it wants no more"`},
		"enable":     {"enable http://shop.example/cb", []string{"enable 10000001 http://shop.example/cb  "}, "takes callbacks again"},
		"enable for": {"enable --office --merchant 10000001 --by Zhao --note back http://shop.example/cb", []string{"enable 10000001 http://shop.example/cb Zhao back"}, "takes callbacks again"},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			f := &fakePlatform{}
			s := newShell(t)
			s.ready(readyFor(f.serve(t)))
			o := s.run(append([]string{"callbacks"}, strings.Fields(tt.line)...)...)
			if o.status != 0 || !strings.Contains(o.stdout, tt.stdout) {
				t.Errorf("status %d\n%s%s", o.status, o.stdout, o.stderr)
			}
			if !slices.Equal(f.callbacks.asked, tt.asked) {
				t.Errorf("asked %q, want %q", f.callbacks.asked, tt.asked)
			}
		})
	}
}

func TestCallbacksMisused(t *testing.T) {
	s := newShell(t)
	for _, line := range []string{
		"list --limit -1", "show 7", "show evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_0_posted", "resend", "resend --exhausted " + fakeCallback, "resend 7", "resend --office " + fakeCallback, "resend --by Zhao " + fakeCallback,
		"list --office --merchant 7", "enable shop.example", "enable --office --by a --note b http://shop.example/",
	} {
		s.ready(readyFor("http://127.0.0.1:1"))
		if o := s.run(append([]string{"callbacks"}, strings.Fields(line)...)...); o.status != 2 {
			t.Errorf("%s: status %d: %s", line, o.status, o.stderr)
		}
	}
}

func TestAllowCallbacks(t *testing.T) {
	tests := []struct {
		said     []string
		loopback bool
		in, out  []string
	}{
		{nil, true, []string{"127.0.0.1", "::1"}, []string{"10.0.0.1"}},
		{nil, false, nil, []string{"127.0.0.1"}},
		{[]string{"none"}, true, nil, []string{"127.0.0.1"}},
		{[]string{"private,loopback"}, false, []string{"10.0.0.1", "172.16.9.9", "192.168.1.1", "fd00::1", "127.0.0.9"}, []string{"169.254.169.254"}},
		{[]string{"10.1.2.3/16", "fc00::/8"}, true, []string{"10.1.9.9"}, []string{"10.2.0.1", "127.0.0.1"}},
	}
	for _, tt := range tests {
		a := allowed{said: *cli.NewStringSlice(tt.said...)}
		all, err := a.prefixes(tt.loopback)
		if err != nil {
			t.Fatal(err)
		}
		covers := func(text string) bool {
			return slices.ContainsFunc(all, func(p netip.Prefix) bool { return p.Contains(netip.MustParseAddr(text)) })
		}
		for _, ip := range tt.in {
			if !covers(ip) {
				t.Errorf("%q leaves out %s", tt.said, ip)
			}
		}
		for _, ip := range tt.out {
			if covers(ip) {
				t.Errorf("%q lets %s in", tt.said, ip)
			}
		}
	}
	for _, bad := range []string{"10.0.0.1", "shop.example", "10.0.0.0/33"} {
		a := allowed{said: *cli.NewStringSlice(bad)}
		if _, err := a.prefixes(true); err == nil {
			t.Errorf("%s is taken", bad)
		}
	}
	for address, want := range map[string]bool{"127.0.0.1:0": true, "localhost:80": true, "[::1]:80": true, "0.0.0.0:80": false, ":8080": false, "shop.example:80": false, "x": false} {
		if onLoopback(address) != want {
			t.Errorf("%s: %t", address, !want)
		}
	}
}

var _ platform.Callbacks = (*fakeCallbacks)(nil)
