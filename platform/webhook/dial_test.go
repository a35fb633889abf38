package webhook_test

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/airtill/airtill/platform/webhook"
)

// names is a resolver that knows some hosts; of one without addresses it never hears.
type names map[string][]netip.Addr

func (n names) LookupNetIP(ctx context.Context, _, host string) ([]netip.Addr, error) {
	all, ok := n[host]
	if !ok {
		return nil, &net.DNSError{Err: "no such host", Name: host, IsNotFound: true}
	}
	if all == nil {
		<-ctx.Done()
		return nil, ctx.Err()
	}
	return all, nil
}

// A name is judged by where it leads, and every one of its addresses is tried.
func TestDial(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	_, port, _ := net.SplitHostPort(ln.Addr().String())
	known := names{
		"rebound.example": {netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("169.254.169.254")},
		"shop.example":    {netip.MustParseAddr("10.0.0.1"), netip.MustParseAddr("::ffff:127.0.0.1")},
	}
	dial := webhook.Dial(known, netip.MustParsePrefix("127.0.0.0/8"))
	for host, want := range map[string]string{
		"shop.example": "", "127.0.0.1": "", "rebound.example": "not public", "192.168.1.1": "not public", "::1": "not public", "nowhere.example": "no address",
	} {
		conn, err := dial(t.Context(), "tcp", net.JoinHostPort(host, port))
		if err == nil {
			_ = conn.Close()
		}
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", host, err, want)
		}
	}
	if _, err := dial(t.Context(), "tcp", "no port"); err == nil {
		t.Error("an address without a port is dialled")
	}
	if _, err := webhook.Dial(known)(t.Context(), "tcp", net.JoinHostPort("shop.example", port)); !errors.Is(err, webhook.ErrNotPublic) {
		t.Errorf("the loopback without leave: %v", err)
	}
}

// DNS that does not answer has 5 s of the attempt's 15.
func TestSilentDNS(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began := time.Now()
		_, err := webhook.Dial(names{"silent.example": nil})(t.Context(), "tcp", "silent.example:80")
		if err == nil || time.Since(began) != 5*time.Second || strings.Contains(err.Error(), "silent") {
			t.Errorf("%v after %s", err, time.Since(began))
		}
	})
}
