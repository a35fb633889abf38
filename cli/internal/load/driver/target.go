package driver

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/url"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
)

// Target is a network that runs already, as its ready file says. Its handsets are
// enrolled at its own control face, and tell what they do in its feed; its callbacks come
// to shops that listen here.
type Target struct {
	Ready world.Ready
	Seed  uint64                               // of the cards that are issued
	Store func(ctx context.Context) load.Audit // has its store audited; nil: it cannot be
}

// Name implements [Site].
func (t Target) Name() string { return t.Ready.HTTP }

// Run implements [Site].
func (t Target) Run(ctx context.Context, watch Watch, body func(ctx context.Context, n *Network) error) error {
	n := network.TCP{}
	at, err := url.Parse(t.Ready.HTTP)
	if err != nil || t.Ready.Handsets == "" {
		return fmt.Errorf("%w: it does not say where platform and handsets are", ErrUnreachable)
	}
	client := httpClient(n)
	office, err := api.NewOfficeClient(api.ClientConfig{BaseURL: t.Ready.HTTP, Key: api.Key(t.Ready.OperatorKey), HTTP: client})
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	phones, err := fleet.NewClient(t.Ready.Handsets, client)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	if _, err := office.Merchants(ctx); err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	host, err := hostTowards(ctx, n, at.Host)
	if err != nil {
		return fmt.Errorf("%w: %w", ErrUnreachable, err)
	}
	news := followPhones(ctx, phones, watch)
	defer news.close()
	clock := platformSkew(ctx, office)
	seen := Seen("")
	if news.why != nil {
		seen = NotAtTarget
	}
	return body(ctx, &Network{
		Branch:   &world.Branch{Office: office, Phones: phones, Random: rand.New(rand.NewPCG(t.Seed, 0))},
		Platform: t.Ready.HTTP, HTTP: client, Listen: n, Host: host, Store: "the target's", Audit: t.audit,
		Phones: seen, Carrier: NotAtTarget, Ahead: clock.ahead, Server: t.processes(host),
		Says: append(news.skew.says("handsets"), clock.says("platform")...),
	})
}

// processes are those of the network that are of this machine, as far as they are known.
func (t Target) processes(host string) []int {
	at := net.ParseIP(host)
	if t.Ready.PID == 0 || at == nil || !at.IsLoopback() {
		return nil
	}
	return []int{t.Ready.PID}
}

// audit has the target's store audited, if it can be reached.
func (t Target) audit(ctx context.Context) load.Audit {
	if t.Store == nil {
		return load.Audit{Why: "the target does not say where its store is; run airtill audit beside it", Differences: []string{}}
	}
	return t.Store(ctx)
}

// hostTowards is this machine's address as the other end of a connection sees it: where
// callbacks can come in.
func hostTowards(ctx context.Context, n network.Network, address string) (string, error) {
	conn, err := n.Dial(ctx, address)
	if err != nil {
		return "", err
	}
	host, _, err := net.SplitHostPort(conn.LocalAddr().String())
	return host, errors.Join(err, conn.Close())
}
