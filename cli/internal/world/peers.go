package world

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/peer"
	"github.com/airtill/airtill/platform/push"
)

// Share is how a platform shares its store with others.
type Share struct {
	Address string        // where they reach its HTTP; empty: where it listens
	Lease   time.Duration // how long one that stands still keeps its partitions; 0 is 3 s
}

// ErrOtherVault is for a store that platforms with another vault serve.
var ErrOtherVault = errors.New("this store is another vault's")

// sameVault makes sure that all who share a store have one vault: what one seals the
// others must open.
func (c PlatformConfig) sameVault(ctx context.Context) error {
	if c.Share == nil {
		return nil
	}
	mine := c.Vault.Fingerprint("vault", "of the store")
	kept, err := c.Store.Mark(ctx, "vault", mine)
	if err == nil && kept != mine {
		err = ErrOtherVault
	}
	return err
}

// inputs takes inputs to whoever has their partition.
type inputs = push.Partitions

// PeerAddress is where other processes reach a platform that listens at an address. One
// that listens at all addresses of its machine has no name for itself but the loopback.
func PeerAddress(listen net.Addr) string {
	host, port, err := net.SplitHostPort(listen.String())
	if err != nil {
		return listen.String()
	}
	if ip := net.ParseIP(host); host == "" || ip != nil && ip.IsUnspecified() {
		host = "127.0.0.1"
	}
	return net.JoinHostPort(host, port)
}

// share is what the engine is told of it.
func (p *Platform) share(c PlatformConfig) *engine.Share {
	if c.Share == nil {
		return nil
	}
	s := engine.Share{Address: c.Share.Address, Lease: c.Share.Lease}
	if s.Address == "" {
		s.Address = PeerAddress(p.ln.Addr())
	}
	return &s
}

// route sends inputs to the engine, or to other platforms' if the store is shared.
func (p *Platform) route(c PlatformConfig) (err error) {
	p.inputs = p.engine
	if c.Share == nil {
		return nil
	}
	p.router, err = peer.New(peer.Config{
		Engine: here{p.engine, p.take}, Vault: c.Vault, ID: c.Store.ID(), Log: c.Log,
		Dial: func(ctx context.Context, _, address string) (net.Conn, error) { return c.Network.Dial(ctx, address) },
	})
	if err == nil {
		p.inputs = p.router
	}
	return err
}

// here is what this process runs for others: its partitions, and for the phones that are
// in them what the carrier brings.
type here struct {
	*engine.Engine
	take func(sm *smpp.DeliverSM, reply func(smpp.Status))
}

// Do runs an input that is for this process.
func (h here) Do(ctx context.Context, n engine.Partition, in any) (any, error) {
	sm, ok := in.(*smpp.DeliverSM)
	switch {
	case !ok:
		return h.Engine.Do(ctx, n, in)
	case !h.Owner(n).Here:
		return nil, engine.ErrUnavailable
	}
	answers := make(chan smpp.Status, 1)
	h.take(sm, func(s smpp.Status) { answers <- s })
	select {
	case s := <-answers:
		return s, nil
	case <-ctx.Done():
		return nil, engine.ErrUnknown
	}
}

// deliver takes what the carrier brings to the process that has the phone's partition:
// there the parts of a message meet, and the turns of a USSD session.
func (p *Platform) deliver(sm *smpp.DeliverSM, reply func(smpp.Status)) {
	phone, err := gateway.ParseMSISDN(sm.Source.Digits)
	n := p.service.PhonePartition(phone)
	if p.router == nil || err != nil || p.engine.Owner(n).Here {
		p.take(sm, reply)
		return
	}
	err = p.router.Post(n, sm, func(out any, err error) {
		status, ok := out.(smpp.Status)
		if err != nil || !ok {
			status = smpp.RXTAPPN // the carrier brings it again
		}
		reply(status)
	})
	if err != nil {
		reply(smpp.RMSGQFUL)
	}
}

// withPeers takes the calls of other platforms besides what h serves.
func (p *Platform) withPeers(h http.Handler) http.Handler {
	if p.router == nil {
		return h
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == peer.Path {
			p.router.ServeHTTP(w, r)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// served waits until all partitions are served.
func (p *Platform) served(ctx context.Context) error {
	if p.router != nil {
		return p.router.Ready(ctx)
	}
	return p.engine.Ready(ctx)
}

func (p *Platform) closePeers() {
	if p.router != nil {
		p.router.Close()
	}
}

// owners tells which process serves which partition.
func (p *Platform) owners() []api.Partition {
	var all []api.Partition
	for _, o := range p.engine.Owners() {
		if o.Here && p.router == nil {
			o.Owner, o.Address = p.store.ID(), PeerAddress(p.ln.Addr())
		}
		all = append(all, api.Partition{
			Partition: o.Partition.String(), Owner: o.Owner, Address: o.Address, Epoch: o.Epoch,
			Here: o.Here, Live: o.Live, Age: o.Still.Seconds(),
		})
	}
	return all
}
