package webhook_test

import (
	"errors"
	"net/netip"
	"testing"

	"github.com/airtill/airtill/platform/webhook"
)

func TestGuard(t *testing.T) {
	public := []string{"8.8.8.8:443", "198.20.0.1:80", "[2606:4700::1111]:443", "[::ffff:8.8.8.8]:443"}
	inner := []string{
		"127.0.0.1:80", "127.255.0.1:80", "10.0.0.1:80", "172.16.9.9:80", "192.168.1.1:80", "169.254.169.254:80", "0.0.0.0:80", "0.1.2.3:80",
		"100.64.0.1:80", "192.0.0.8:80", "198.18.0.1:80", "224.0.0.1:80", "255.255.255.255:80", "240.0.0.1:80", "192.0.2.1:80",
		"[::1]:80", "[::]:80", "[fe80::1%eth0]:80", "[fd00::1]:80", "[ff02::1]:80", "[::ffff:127.0.0.1]:80", "[::ffff:10.0.0.1]:80",
		"[64:ff9b::7f00:1]:80", "[2002:7f00:1::]:80", "[2001:0:1::]:80", "localhost:80", "127.1:80", "", "2130706433:80",
	}
	guard := webhook.Guard()
	for _, address := range public {
		if err := guard("tcp", address, nil); err != nil {
			t.Errorf("%s: %v", address, err)
		}
	}
	for _, address := range inner {
		if err := guard("tcp", address, nil); !errors.Is(err, webhook.ErrNotPublic) {
			t.Errorf("%s: %v", address, err)
		}
	}
	testbed := webhook.Guard(netip.MustParsePrefix("127.0.0.0/8"))
	for _, address := range []string{"127.0.0.1:80", "[::ffff:127.0.0.1]:80"} {
		if err := testbed("tcp", address, nil); err != nil {
			t.Errorf("allowed %s: %v", address, err)
		}
	}
	if err := testbed("tcp", "10.0.0.1:80", nil); !errors.Is(err, webhook.ErrNotPublic) {
		t.Errorf("not allowed: %v", err)
	}
}
