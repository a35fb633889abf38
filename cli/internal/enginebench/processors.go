package enginebench

import (
	"net"
	"net/url"
	"os"
	"runtime"
)

// processors is how many this process is to use at a time. A server on this machine needs
// one for itself: two that take turns on it are slower than one that has it.
func (c *Config) processors() int {
	all := runtime.GOMAXPROCS(0)
	switch {
	case c.Processors > 0:
		return c.Processors
	case os.Getenv("GOMAXPROCS") != "" || !c.besideServer():
		return all
	}
	return max(1, all-1)
}

// besideServer says that the store is a server on this machine.
func (c *Config) besideServer() bool {
	u, err := url.Parse(c.URL)
	if err != nil || c.URL == "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "unix" || u.Hostname() == "localhost" || ip.IsLoopback()
}

// limit has the process use so many, and answers how it uses as many as before again.
func limit(processors int) (undo func()) {
	before := runtime.GOMAXPROCS(processors)
	return func() { runtime.GOMAXPROCS(before) }
}
