// Package world builds Airtill's rooms and joins them by addresses.
//
// A room is made with its New function, which listens, so that its addresses are
// known, and lives in Run, which returns when all that it started has ended. Rooms
// meet only on wires, SMPP and HTTP, over the [network.Network] they are given: TCP
// for people, memory for tests. The commands gateway, platform, merchant and handsets
// run one room each; demo and dev run a [World], which is those four wired together,
// with a branch that enrols people.
package world

import (
	"context"
	"net"
	"net/http"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
)

// Addresses at the carrier: what the rooms are reached by.
const (
	PlatformAddress = "10658"
	ShopAddress     = "10690"
	USSDCode        = "*120#" // lists the bills of a phone without a payment client
)

// dialer is how a room reaches an address over the network.
func dialer(n network.Network, address string) func(context.Context) (net.Conn, error) {
	return func(ctx context.Context) (net.Conn, error) { return n.Dial(ctx, address) }
}

// HTTPClient is a client whose connections all go over the network, and nowhere through a proxy.
func HTTPClient(n network.Network) *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second,
		Transport: &http.Transport{
			DialContext:         func(ctx context.Context, _, address string) (net.Conn, error) { return n.Dial(ctx, address) },
			MaxIdleConnsPerHost: 64,
			IdleConnTimeout:     30 * time.Second,
		},
	}
}

// URL is the address of a listener as a base URL.
func URL(ln net.Listener) string { return "http://" + ln.Addr().String() }
