package webhook

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"time"
)

// Bounds of connecting, within those of the attempt.
const (
	lookupTimeout  = 5 * time.Second // of DNS
	connectTimeout = 5 * time.Second // to one address
)

// Resolver finds a host's addresses; a net.Resolver does.
type Resolver interface {
	LookupNetIP(ctx context.Context, network, host string) ([]netip.Addr, error)
}

// Dial makes a dialer over TCP that connects to public addresses, and to those in the
// prefixes allowed, as [Guard] has it. A nil resolver is the system's.
func Dial(r Resolver, allowed ...netip.Prefix) func(ctx context.Context, network, address string) (net.Conn, error) {
	if r == nil {
		r = net.DefaultResolver
	}
	dialer := &net.Dialer{Timeout: connectTimeout, Control: Guard(allowed...)}
	return func(ctx context.Context, network, address string) (net.Conn, error) {
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, err
		}
		all, err := lookup(ctx, r, host)
		if err != nil {
			return nil, err
		}
		var errs []error
		for _, ip := range all {
			conn, err := dialer.DialContext(ctx, network, net.JoinHostPort(ip.Unmap().String(), port))
			if err == nil {
				return conn, nil
			}
			errs = append(errs, err)
		}
		return nil, errors.Join(errs...)
	}
}

// mostAddresses is how many of a host's addresses are tried.
const mostAddresses = 4

// lookupError says why a host has no address, and not which host.
type lookupError string

func (e lookupError) Error() string { return string(e) }

// lookup finds the addresses of a host.
func lookup(ctx context.Context, r Resolver, host string) ([]netip.Addr, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		return []netip.Addr{ip}, nil
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	all, err := r.LookupNetIP(ctx, "ip", host)
	switch {
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return nil, lookupError("no address of the host was found within " + lookupTimeout.String())
	case err != nil:
		return nil, lookupError("the host has no address that could be found")
	case len(all) == 0:
		return nil, lookupError("the host has no address")
	}
	return all[:min(len(all), mostAddresses)], nil
}
