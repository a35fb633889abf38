package app

import (
	"net"
	"net/netip"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// allowed are the addresses that callbacks may go to besides the public ones.
type allowed struct{ said cli.StringSlice }

func (a *allowed) flag(otherwise string) cli.Flag {
	return &cli.StringSliceFlag{
		Name: "allow-callbacks", Usage: "let callbacks go to `CIDR,...` besides public addresses; or loopback, private, none",
		DefaultText: otherwise, EnvVars: []string{"AIRTILL_ALLOW_CALLBACKS"}, Destination: &a.said,
	}
}

// prefixes reads what was said; with nothing said it is the loopback, or none.
func (a *allowed) prefixes(loopback bool) ([]netip.Prefix, error) {
	var words []string
	for _, said := range a.said.Value() {
		words = append(words, strings.Split(said, ",")...)
	}
	if len(words) == 0 && loopback {
		words = []string{"loopback"}
	}
	var all []netip.Prefix
	for _, word := range words {
		switch word = strings.TrimSpace(word); word {
		case "none", "":
		case "loopback":
			all = append(all, netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128"))
		case "private":
			for _, text := range []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7"} {
				all = append(all, netip.MustParsePrefix(text))
			}
		default:
			p, err := netip.ParsePrefix(word)
			if err != nil {
				return nil, usagef("--allow-callbacks %q: a network such as 10.1.0.0/16, or loopback, private, none", word)
			}
			all = append(all, p.Masked())
		}
	}
	return all, nil
}

// onLoopback says whether an address to listen at is for this machine alone.
func onLoopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && ip.IsLoopback()
}

// devDrain is how long a network in one process waits for its merchants: its own shop
// stops with it.
const devDrain = 5 * time.Second

func drainTimeoutFlag(otherwise time.Duration, into *time.Duration) cli.Flag {
	return &cli.DurationFlag{
		Name: "drain-timeout", Usage: "give up after `TIME` to finish what was begun when told to stop; what is left is done after the next start",
		Value: otherwise, EnvVars: []string{"AIRTILL_DRAIN_TIMEOUT"}, Destination: into,
	}
}
