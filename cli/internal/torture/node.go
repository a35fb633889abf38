package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/platform/api"
)

// node is a platform's process, and where it is each time.
type node struct {
	site    *site
	number  int
	address string
	process *process
	store   string // the URL of an embedded store
}

func (s *site) newPlatform(n int) (*node, error) {
	port, err := freePort()
	return &node{site: s, number: n, address: "127.0.0.1:" + port}, err
}

func (p *node) name() string { return fmt.Sprintf("platform-%d", p.number+1) }

func (p *node) url() string { return "http://" + p.address }

func (p *node) file(name string) string { return filepath.Join(p.site.dir, name) }

// start starts the process with a fault, "" for none, and waits until it is ready. With
// a fault it may end before that, which is errEnded.
func (p *node) start(ctx context.Context, armed string) error {
	s := p.site
	ready := p.file(p.name() + ".json")
	_ = os.Remove(ready) // of one that was killed
	args := append([]string{
		"platform", "--smsc", s.smpp, "--http", p.address, "--vault", p.file("vault.json"),
		"--audit-at-start", "20s", "--ready-file", ready,
	}, p.storeFlags()...)
	died := s.died
	if armed != "" {
		died = nil
	}
	env := s.env("AIRTILL_FAULT="+armed, "AIRTILL_MUTANT="+string(s.config.Bug))
	var err error
	if p.process, err = start(s.dir, p.name(), s.config.Binary, env, args, died); err != nil {
		return err
	}
	err = p.process.await(ctx, startTime, func() bool {
		up, err := world.ReadReady(ready)
		p.store = up.Redis
		return err == nil
	})
	if err != nil && !p.process.up() {
		return errors.Join(errEnded, err)
	}
	return err
}

func (p *node) storeFlags() []string {
	s := p.site
	switch s.config.Store {
	case Embedded:
		return []string{"--data", p.file("data")}
	case Cluster:
		return []string{"--redis", strings.Join(s.storeURLs(), ",")}
	}
	return []string{"--redis", "redis://" + s.proxy.address()}
}

// storeURLs is where the servers are themselves.
func (s *site) storeURLs() []string {
	var urls []string
	for _, r := range s.servers {
		urls = append(urls, "redis://"+r.address())
	}
	return urls
}

// again starts a platform that has ended. It is a difference when it cannot be started.
func (p *node) again(ctx context.Context) error {
	err := p.start(ctx, "")
	if errors.Is(err, errEnded) && ctx.Err() == nil {
		return nil // who watches it has noted the difference
	}
	return err
}

// endAt waits until an armed platform has ended at its point.
func (p *node) endAt(ctx context.Context, within time.Duration) bool {
	return until(ctx, within, func() bool { return !p.process.up() }) && strings.Contains(p.process.said(), "killed")
}

// move lets the next process of the platform listen at another address.
func (p *node) move() error {
	port, err := freePort()
	p.address = "127.0.0.1:" + port
	return err
}

// follow has merchant and office ask a platform that has moved where it is now.
func (s *site) follow(p *node) error {
	if err := s.shop.follow(p); err != nil || p.number != 0 {
		return err
	}
	return s.ask(p)
}

// ask makes the office's client.
func (s *site) ask(p *node) error {
	office, err := api.NewOfficeClient(api.ClientConfig{BaseURL: p.url(), Key: api.Key(s.key), HTTP: s.web})
	s.office.Store(office)
	return err
}
