package webhook

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"syscall"
)

// ErrNotPublic refuses a callback to an address that only the platform itself could reach.
var ErrNotPublic = errors.New("the callback's address is not public")

// Guard makes the Control of a net.Dialer that connects to public addresses, and to those
// in the prefixes allowed. It judges the address that is really dialled, after DNS, so
// neither another spelling nor a name that changes gets around it.
func Guard(allowed ...netip.Prefix) func(network, address string, c syscall.RawConn) error {
	allowed, closed := slices.Clone(allowed), reserved()
	return func(_, address string, _ syscall.RawConn) error {
		at, err := netip.ParseAddrPort(address)
		if err != nil {
			return fmt.Errorf("%w: %s", ErrNotPublic, address)
		}
		ip := at.Addr().Unmap().WithZone("")
		in := func(p netip.Prefix) bool { return p.Contains(ip) }
		if slices.ContainsFunc(allowed, in) || ip.IsGlobalUnicast() && !ip.IsPrivate() && !slices.ContainsFunc(closed, in) {
			return nil
		}
		return fmt.Errorf("%w: %s", ErrNotPublic, ip)
	}
}

// reserved are the networks that netip takes for global unicast and that are not the public's:
// the IANA special-purpose registries (RFC 6890), and IPv6 that wraps an IPv4 address.
func reserved() []netip.Prefix {
	return []netip.Prefix{
		netip.MustParsePrefix("0.0.0.0/8"),       // this network, RFC 791
		netip.MustParsePrefix("100.64.0.0/10"),   // shared, RFC 6598
		netip.MustParsePrefix("192.0.0.0/24"),    // protocol assignments, RFC 6890
		netip.MustParsePrefix("192.0.2.0/24"),    // documentation, RFC 5737
		netip.MustParsePrefix("198.18.0.0/15"),   // benchmarking, RFC 2544
		netip.MustParsePrefix("198.51.100.0/24"), // documentation, RFC 5737
		netip.MustParsePrefix("203.0.113.0/24"),  // documentation, RFC 5737
		netip.MustParsePrefix("240.0.0.0/4"),     // reserved, RFC 1112
		netip.MustParsePrefix("64:ff9b::/96"),    // NAT64, RFC 6052
		netip.MustParsePrefix("64:ff9b:1::/48"),  // NAT64, RFC 8215
		netip.MustParsePrefix("100::/64"),        // discard, RFC 6666
		netip.MustParsePrefix("2001::/23"),       // protocol assignments, Teredo among them, RFC 2928
		netip.MustParsePrefix("2001:db8::/32"),   // documentation, RFC 3849
		netip.MustParsePrefix("2002::/16"),       // 6to4, RFC 3056
	}
}
