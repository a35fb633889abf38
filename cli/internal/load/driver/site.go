package driver

import (
	"context"
	"net/http"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/handsetsim"
)

// Site is a network to be loaded.
type Site interface {
	// Run has the network up while body runs, and ends with it.
	Run(ctx context.Context, w Watch, body func(ctx context.Context, n *Network) error) error
	// Name is what it is: "embedded network", or a URL.
	Name() string
}

// Watch looks on at the wires of a network that lets it. None may block.
type Watch struct {
	Phones  func(handsetsim.Event)
	Carrier func(smsc.Event)
	Deaf    func(why error) // the phones are not heard of any more
}

// Network is a network under test, as those who load it see it.
type Network struct {
	Branch   *world.Branch // enrols handsets
	Platform string        // base URL
	HTTP     *http.Client  // to it
	Listen   network.Network
	Host     string        // to listen for callbacks at
	Phones   Seen          // whether its phones' events come to Watch
	Carrier  Seen          // whether its carrier's do
	Ahead    time.Duration // its platform's clock, of this process's; phones' events have been put right
	Says     []string      // what its load should know of it
	Store    string
	Server   []int // process ids, if it is of other processes and they are known
	Audit    func(ctx context.Context) load.Audit
}

// Seen is whether somebody tells what they do: "" is that they do, and all else is why not.
type Seen string

// NotAtTarget is of what a running network tells nobody.
const NotAtTarget Seen = "not seen at a target"

// httpConnections is how many orders are with the platform at the same time.
const httpConnections = 256

// httpClient is for orders: its connections are kept alive, and there are enough of them.
func httpClient(n network.Network) *http.Client {
	c := world.HTTPClient(n)
	t := c.Transport.(*http.Transport)
	t.MaxIdleConns, t.MaxIdleConnsPerHost, t.MaxConnsPerHost = httpConnections, httpConnections, httpConnections
	t.DisableCompression = true
	return c
}
