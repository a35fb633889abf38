package app

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/airtill/airtill/fsm/redisstore"
	"github.com/airtill/airtill/platform/webhook"
)

// What a handset asks of its machine: the most that one keeps when nothing happens to
// it, and how many of a hundred have a bill under way at once, each with a connection
// from the shop and one to it.
const (
	handsetBytes = 4 << 10
	filesPerBill = 4 // both ends of an order and of a callback, in one process
	busyPerCent  = 10
	ownFiles     = 512 // listeners, stores, logs, pools
)

// room looks whether so many handsets fit here.
func (d *doctorConfig) room() []finding {
	var limit syscall.Rlimit
	files := finding{Check: "open files", Found: "not known", Weight: redisstore.Fine}
	want := uint64(ownFiles + d.handsets*busyPerCent/100*filesPerBill)
	files.Wanted = fmt.Sprintf("%d, for %d handsets of which %d in 100 have a bill under way", want, d.handsets, busyPerCent)
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err == nil {
		files.Found = strconv.FormatUint(limit.Cur, 10)
		files.lacks(limit.Cur >= want, "connections are refused under load", fmt.Sprintf("ulimit -n %d, or LimitNOFILE= in the unit", want))
	}
	return append([]finding{files}, memory(d.handsets)...)
}

// memory compares what is free with what handsets keep, where /proc tells it (Linux).
func memory(handsets int) []finding {
	file, err := os.Open("/proc/meminfo")
	if err != nil {
		return nil
	}
	defer file.Close()
	free, found := available(bufio.NewScanner(file))
	if !found {
		return nil
	}
	want := uint64(handsets) * handsetBytes
	f := finding{
		Check: "memory", Found: fmt.Sprintf("%d MiB free", free>>20), Weight: redisstore.Fine,
		Wanted: fmt.Sprintf("%d MiB, for %d handsets", want>>20, handsets),
	}
	f.lacks(free >= want, "the system ends the process when memory runs out", "fewer handsets, or part of them on another machine")
	return []finding{f}
}

// available reads MemAvailable, in octets.
func available(lines *bufio.Scanner) (uint64, bool) {
	for lines.Scan() {
		if rest, ok := strings.CutPrefix(lines.Text(), "MemAvailable:"); ok {
			var kibibytes uint64
			_, err := fmt.Sscan(rest, &kibibytes)
			return kibibytes << 10, err == nil
		}
	}
	return 0, false
}

// lacks turns a finding into a warning unless it is well.
func (f *finding) lacks(well bool, cost, mend string) {
	if !well {
		f.Weight, f.Cost, f.Mend = redisstore.Warning, cost, mend
	}
}

// configured says which configuration and which context were in force. A file that is
// wrong has stopped doctor before, as it stops every command.
func configured(c *call) []finding {
	f := finding{Check: "configuration", At: c.configFile(), Found: "not there", Wanted: "right, or not there", Weight: redisstore.Fine}
	if _, err := os.Stat(f.At); err == nil {
		f.Found = "right"
	}
	name := contextInUse(c.env.Getenv)
	used := finding{Check: "context", Found: cmp.Or(name, "none in use"), Wanted: "one that is there, or none", Weight: redisstore.Fine}
	used.lacks(name == "" || contextPath(c.env.Getenv, name) != "", "commands find no network", "airtill context use none")
	return []finding{f, used}
}

// callbackTime is how long a merchant's server has to accept a connection.
const callbackTime = 5 * time.Second

// callbackFinding tries to connect to where callbacks would go, as the platform would.
func (d *doctorConfig) callbackFinding(ctx context.Context) ([]finding, error) {
	if d.callback == "" {
		return nil, nil
	}
	if err := checkAddress("callback-url", d.callback); err != nil {
		return nil, err
	}
	u, err := url.Parse(d.callback)
	if err != nil {
		return nil, usagef("--callback-url: %w", err)
	}
	address := net.JoinHostPort(u.Hostname(), cmp.Or(u.Port(), map[string]string{"http": "80", "https": "443"}[u.Scheme]))
	f := finding{Check: "callback", At: address, Found: "it accepts connections", Wanted: "an address that may be called, and answers", Weight: redisstore.Fine}
	ctx, cancel := context.WithTimeout(ctx, callbackTime)
	defer cancel()
	f.dialled(callbackDial(ctx, address))
	return []finding{f}, nil
}

func callbackDial(ctx context.Context, address string) error {
	conn, err := webhook.Dial(nil)(ctx, "tcp", address)
	if err != nil {
		return err
	}
	return conn.Close()
}

// dialled says what a connection came to.
func (f *finding) dialled(err error) {
	if err == nil {
		return
	}
	f.Weight, f.Found = redisstore.Warning, err.Error()
	f.Cost, f.Mend = "the merchant is not told; callbacks are tried again and then exhausted", "start the merchant's server, or open the way to it"
	if errors.Is(err, webhook.ErrNotPublic) {
		f.Cost = "the platform refuses to call it: its address is not public"
		f.Mend = "airtill platform --allow-callbacks private, or loopback, or its prefix"
	}
}
