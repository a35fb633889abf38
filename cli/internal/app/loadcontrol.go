package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/driver"
	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
)

// serve serves --control and --out prom while the load runs, until the function that it
// answers is called.
func (l *loadTest) serve(ctx context.Context, c *call, files []outFile, orders chan<- load.Order, show *display) (stop func() error, err error) {
	var addresses []string
	var control driver.Control
	if l.control != "" {
		addresses, control.Orders = append(addresses, l.control), orders
	}
	for _, f := range files {
		if f.kind == outProm {
			addresses = append(addresses, f.path)
		}
	}
	if len(addresses) == 0 {
		return func() error { return nil }, nil
	}
	show.also = control.Watch
	var opened loadFaces
	for _, address := range addresses {
		if err := opened.open(ctx, c, hereUnlessSaid(address), &control); err != nil {
			return nil, errors.Join(err, opened.close())
		}
	}
	return opened.close, nil
}

// hereUnlessSaid is the address, of this machine alone unless it says otherwise.
func hereUnlessSaid(address string) string {
	if strings.HasPrefix(address, ":") {
		return "127.0.0.1" + address
	}
	return address
}

// loadFaces are HTTP servers that run beside a load.
type loadFaces struct {
	servers []*http.Server
	serving sync.WaitGroup
}

func (f *loadFaces) open(ctx context.Context, c *call, address string, handler http.Handler) error {
	ln, err := network.TCP{}.Listen(ctx, address)
	if err != nil {
		return unheard(err, "--control, --out prom")
	}
	c.talk("control and metrics at http://%s", ln.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 10 * time.Second}
	f.servers = append(f.servers, server)
	f.serving.Go(func() { _ = server.Serve(ln) }) // until it is closed
	return nil
}

func (f *loadFaces) close() error {
	var failed []error
	for _, s := range f.servers {
		failed = append(failed, s.Close())
	}
	f.serving.Wait()
	return errors.Join(failed...)
}

func loadControl() command {
	return command{
		name: "ctl", short: "change a run that is under way, or see how it stands", args: "ADDRESS [WHAT] [RATE]",
		about: "ADDRESS is what the run was told as --control. WHAT is rate, with 300 or +50; pause, resume or stop, " +
			"which lets bills under way end. A lower rate is rate -50, behind a --.",
		examples: []string{
			"airtill load ctl 127.0.0.1:7070",
			"airtill load ctl 127.0.0.1:7070 rate +50",
			"airtill load ctl 127.0.0.1:7070 rate 300",
			"airtill load ctl -- 127.0.0.1:7070 rate -50",
			"airtill load ctl 127.0.0.1:7070 pause",
			"airtill load ctl 127.0.0.1:7070 stop",
		},
		run: func(ctx context.Context, c *call) error {
			address, err := loadAddress(c.args[0])
			if err != nil {
				return err
			}
			client := driver.ControlClient{URL: "http://" + address, HTTP: world.HTTPClient(network.TCP{})}
			standing, err := control(ctx, client, c.args[1:])
			if _, ok := errors.AsType[*net.OpError](err); ok {
				return &Error{Status: StatusUnreachable, Err: fmt.Errorf("nobody answers at %s", c.args[0]), Hint: "is a load under way, with --control " + c.args[0] + "?"}
			}
			if err != nil {
				return err
			}
			return c.out.one(standing, standingFields(standing)...)
		},
	}
}

func loadAddress(text string) (string, error) {
	address := hereUnlessSaid(strings.TrimPrefix(text, "http://"))
	if _, _, err := net.SplitHostPort(address); err != nil {
		return "", usagef("%q is no HOST:PORT", text)
	}
	return address, nil
}

// control sends one order, or only looks.
func control(ctx context.Context, client driver.ControlClient, words []string) (driver.Standing, error) {
	if len(words) == 0 {
		return client.Standing(ctx)
	}
	order, err := parseOrder(words)
	if err != nil {
		return driver.Standing{}, err
	}
	return client.Order(ctx, order)
}

// parseOrder reads rate 300, rate +50, rate -50, pause, resume or stop.
func parseOrder(words []string) (load.Order, error) {
	switch {
	case words[0] == "rate" && len(words) == 2:
		text := strings.TrimSuffix(words[1], "/s")
		n, err := strconv.ParseFloat(text, 64)
		if err != nil || n != n {
			return load.Order{}, usagef("rate %q: write 300, +50 or -50", words[1])
		}
		if text[0] == '+' || text[0] == '-' {
			return load.Order{Kind: "rate+", Rate: n}, nil
		}
		return load.Order{Kind: "rate", Rate: n}, nil
	case words[0] == "rate":
		return load.Order{}, usagef("rate which? rate 300, rate +50")
	case len(words) == 2:
		return load.Order{}, usagef("%s takes nothing, and was given %q", words[0], words[1])
	case words[0] == "pause" || words[0] == "resume" || words[0] == "stop":
		return load.Order{Kind: words[0]}, nil
	}
	return load.Order{}, usagef("%q is none of rate, pause, resume, stop", words[0])
}

func standingFields(s driver.Standing) []field {
	return []field{
		{"run", s.Name}, {"phase", s.Phase}, {"stage", s.Stage}, {"since", fmt.Sprintf("%.1f s", s.Elapsed)},
		{"rate asked", fmt.Sprintf("%.4g/s", s.Asked)}, {"begun", fmt.Sprintf("%.4g/s", s.Begun)}, {"in flight", fmt.Sprint(s.Totals.InFlight)},
		{"ok", fmt.Sprint(s.Totals.OK)}, {"failed", fmt.Sprint(s.Totals.Failed)}, {"dropped", fmt.Sprint(s.Totals.Dropped)},
	}
}
