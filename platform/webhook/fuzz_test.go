package webhook_test

import (
	"context"
	"net"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/webhook"
)

// Whatever a merchant answers, there is one outcome within the time, and none of what it
// said is in it.
func FuzzAnswer(f *testing.F) {
	for _, text := range []string{
		answered(200), answered(204), answered(302, "Location: http://127.0.0.1/"), answered(410), answered(429, "Retry-After: 120"),
		answered(503, "Retry-After: Fri, 01 Jan 2999 00:00:00 GMT"), answered(200, "Content-Encoding: gzip"), "HTTP/1.1 200 OK\r\n\r\n\x1f\x8b\x08",
		"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "HTTP/1.1 999 \r\n\r\n", "220 mail ESMTP\r\n", "",
		"HTTP/1.1 200 OK\r\nX: " + strings.Repeat("y", 20<<10) + "\r\n\r\n", "HTTP/1.1 200 OK\r\nX-Hush: hush", "HTTP/1.1 hush OK\r\n\r\n", "hush\r\n", "HTTP/1.1 200 OK\r\nhush\r\n\r\n",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		synctest.Test(t, func(t *testing.T) {
			at := newDesk()
			s := newShops(t, func(string) string { return string(text) })
			dial := func(ctx context.Context, network, address string) (net.Conn, error) {
				return s.dial(ctx, network, address)
			}
			d := deliverer(t, webhook.Config{Partner: everybody, Report: at.report, Dial: dial})
			send(t, d, 10000001, 1, 1)
			time.Sleep(webhook.DefaultTimeout)
			synctest.Wait()
			all := at.reported()
			if len(all) != 1 {
				t.Fatalf("%d outcomes", len(all))
			}
			switch o := all[0]; {
			case o.Problem == "" && o.Status/100 != 2, o.Problem != "" && o.Status/100 == 2, o.RetryAfter < 0, o.RetryAfter > webhook.MaxRetryAfter, strings.Contains(o.Problem, "hush"):
				t.Errorf("%+v", o)
			}
			d.Close()
		})
	})
}

// An id that is read names the bill, or the refund, that it was made of.
func FuzzCallbackID(f *testing.F) {
	f.Add("evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_settled")
	f.Add("bill_01JDXK3Z7M0003ZZZZZZZZZZZZ")
	f.Add("evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_12_posted")
	f.Add("refund_01JDXK3Z7M0003ZZZZZZZZZZZZ_99")
	f.Add("evt_01JDXK3Z7M0003ZZZZZZZZZZZZ_007_posted")
	f.Add("evt_")
	f.Fuzz(func(t *testing.T, text string) {
		of, err := platform.ParseCallbackID(text)
		if err != nil {
			return
		}
		made := platform.Bill{ID: of.Bill, State: "refused"}.CallbackID()
		if of.Refund != "" {
			made = platform.Refund{ID: of.Refund, State: platform.RefundVoided}.CallbackID()
		}
		again, err := platform.ParseCallbackID(string(made))
		if err != nil || again != of || of.Refund != "" && of.Refund.Bill() != of.Bill {
			t.Errorf("%q is %+v, then %+v: %v", text, of, again, err)
		}
	})
}
