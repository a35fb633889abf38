package world

import (
	"bytes"
	"context"
	"testing"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// S1: secure elements that are kept in a directory are there again when the room of
// the handsets is opened anew; without one they are gone.
func TestHandsets_KeptElements(t *testing.T) {
	var keys [][]byte
	for _, state := range []string{t.TempDir(), ""} {
		for run := range 2 {
			inHandsets(t, state, func(phones *fleet.Client) {
				page, err := phones.Phones(t.Context(), "", 0)
				if err != nil {
					t.Fatal(err)
				}
				if there, want := len(page.Phones), run > 0 && state != ""; there > 0 != want {
					t.Errorf("run %d, kept in %q: %d phones at the start", run, state, there)
				}
				if len(page.Phones) > 0 {
					return
				}
				made, err := phones.Add(t.Context(), fleet.NewPhone{MSISDN: "8613800000001", Form: "sim"})
				if err != nil {
					t.Fatal(err)
				}
				keys = append(keys, made.PublicKey)
			})
		}
	}
	if len(keys) != 3 || bytes.Equal(keys[1], keys[2]) {
		t.Errorf("%d elements were made", len(keys))
	}
}

// inHandsets opens a carrier and the handsets' room, and closes them again.
func inHandsets(t *testing.T, state string, do func(*fleet.Client)) {
	t.Helper()
	n := new(network.Memory)
	accounts := Accounts(func(string) string { return "secret" })
	gateway, err := NewGateway(t.Context(), GatewayConfig{Network: n, Listen: loopback, Accounts: accounts})
	if err != nil {
		t.Fatal(err)
	}
	handsets, err := NewHandsets(t.Context(), HandsetsConfig{
		Network: n, Listen: loopback, SMSC: gateway.Address(), SystemID: handsetsAccount, Password: "secret", State: state,
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 2)
	go func() { ended <- gateway.Run(ctx) }()
	go func() { ended <- handsets.Run(ctx) }()
	phones, err := fleet.NewClient(handsets.URL(), HTTPClient(n))
	if err != nil {
		t.Fatal(err)
	}
	do(phones)
	stop()
	for range 2 {
		if err := <-ended; err != nil {
			t.Error(err)
		}
	}
}
