package torture

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
)

// site is a network of processes.
type site struct {
	config Config
	dir    string
	random *rand.Rand
	key    string // the operator's
	web    *http.Client

	servers   []*server // of the store; none: embedded
	messages  *server   // of the carrier; nil: in its memory
	proxy     *proxy    // before the one server
	disk      *disk     // of the one server; nil: the usual one
	gateway   *process
	smpp      string
	handsets  *process
	platforms []*node

	office atomic.Pointer[api.OfficeClient]
	phones *fleet.Client
	people []*person
	shop   *shop
	points []fault.Name // to end at, in turn

	mu     sync.Mutex
	result Result
	dead   bool
}

func newSite(c Config) *site {
	s := &site{
		config: c, dir: c.Dir, random: c.generator(1),
		web:    &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{MaxIdleConnsPerHost: 64}},
		result: Result{Seed: c.Seed, Store: c.Store, Faults: make(map[string]int), Points: []string{}, Differences: []string{}},
	}
	var octets [16]byte
	for i := range octets {
		octets[i] = byte(s.random.Uint32())
	}
	s.key = "op_" + hex.EncodeToString(octets[:])
	if s.points = slices.Clone(c.Points); len(s.points) > 0 {
		return s
	}
	for _, n := range fault.Names() {
		if !n.Embedded() || c.Store == Embedded {
			s.points = append(s.points, n)
		}
	}
	s.random.Shuffle(len(s.points), func(i, j int) { s.points[i], s.points[j] = s.points[j], s.points[i] })
	return s
}

// The kinds of differences.
const (
	lost   = "lost"
	double = "double"
	other  = ""
)

// differ notes what is not as it should be.
func (s *site) differ(kind, format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Differences = append(s.result.Differences, fmt.Sprintf(format, args...))
	switch kind {
	case lost:
		s.result.Lost++
	case double:
		s.result.Double++
	}
}

// broken says that something was found that makes going on useless.
func (s *site) broken() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dead || len(s.result.Differences) > 0
}

// died hears of a process that ended by itself.
func (s *site) died(p *process) {
	s.differ(other, "%s ended by itself: %s: %s", p.name, p.command.ProcessState, p.said())
}

// killed counts a fault, and the kill that it is.
func (s *site) killed(kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Faults[string(kind)]++
	s.result.Kills++
}

// struck counts a fault that is no kill.
func (s *site) struck(kind Kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.result.Faults[string(kind)]++
}

// open starts everything, and enrols people and a merchant.
func (s *site) open(ctx context.Context) error {
	if err := s.openStore(ctx); err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	if err := s.openCarrier(ctx); err != nil {
		return fmt.Errorf("open the carrier: %w", err)
	}
	for n := range s.config.Platforms {
		p, err := s.newPlatform(n)
		if err != nil {
			return err
		}
		s.platforms = append(s.platforms, p)
		if err := p.start(ctx, ""); err != nil {
			return fmt.Errorf("open the platform: %w", err)
		}
	}
	if err := s.ask(s.platforms[0]); err != nil {
		return err
	}
	if err := s.openHandsets(ctx); err != nil {
		return fmt.Errorf("open the handsets: %w", err)
	}
	var err error
	if s.shop, err = s.openShop(ctx); err != nil {
		return fmt.Errorf("open the merchant: %w", err)
	}
	return s.enrol(ctx)
}

func (s *site) openStore(ctx context.Context) (err error) {
	switch s.config.Store {
	case Embedded:
		return nil
	case Cluster:
		s.servers, err = s.newCluster(ctx)
		return err
	}
	dir := filepath.Join(s.dir, "redis")
	if s.planned(FillDisk) {
		if s.disk, err = newDisk(dir); err != nil {
			return err
		}
	}
	r, err := s.newServer(ctx, "redis", dir)
	if err != nil {
		return err
	}
	s.servers = []*server{r}
	s.proxy, err = newProxy(r.address())
	return err
}

func (s *site) planned(kind Kind) bool {
	for _, k := range s.config.Plan {
		if k == kind {
			return true
		}
	}
	return false
}

// openCarrier starts the gateway. It keeps its messages when it is to be killed.
func (s *site) openCarrier(ctx context.Context) (err error) {
	port, err := freePort()
	if err != nil {
		return err
	}
	s.smpp = "127.0.0.1:" + port
	if s.planned(KillGateway) {
		if s.messages, err = s.newServer(ctx, "messages", filepath.Join(s.dir, "messages")); err != nil {
			return err
		}
	}
	return s.startGateway(ctx)
}

func (s *site) startGateway(ctx context.Context) (err error) {
	ready := filepath.Join(s.dir, "gateway.json")
	args := []string{"gateway", "--smpp", s.smpp, "--radio", "ideal loss=0.01 duplication=0.05", "--seed", fmt.Sprint(s.config.Seed), "--ready-file", ready}
	if s.messages != nil {
		args = append(args, "--redis", "redis://"+s.messages.address())
	}
	_ = os.Remove(ready) // of one that was killed
	if s.gateway, err = start(s.dir, "gateway", s.config.Binary, s.env(), args, s.died); err != nil {
		return err
	}
	return s.gateway.await(ctx, startTime, func() bool { _, err := world.ReadReady(ready); return err == nil })
}

// startTime is how long a process may take to become ready, on a machine that does much else.
const startTime = 60 * time.Second

// env is the environment of every process.
func (s *site) env(more ...string) []string {
	return append([]string{
		"XDG_STATE_HOME=" + filepath.Join(s.dir, "state"), "AIRTILL_OPERATOR_KEY=" + s.key,
		"AIRTILL_LISTEN_CARRIER=127.0.0.1:0", "AIRTILL_LISTEN_HANDSETS=127.0.0.1:0",
		"AIRTILL_CONFIG=none", "AIRTILL_REDIS=", "AIRTILL_DATA=", "AIRTILL_FAULT=", "AIRTILL_MUTANT=", "GORACE=atexit_sleep_ms=0",
	}, more...)
}

func (s *site) openHandsets(ctx context.Context) (err error) {
	ready := filepath.Join(s.dir, "handsets.json")
	s.handsets, err = start(s.dir, "handsets", s.config.Binary, s.env(), []string{
		"handsets", "--smsc", s.smpp, "--http", "127.0.0.1:0", "--state", filepath.Join(s.dir, "elements"),
		"--seed", fmt.Sprint(s.config.Seed), "--ready-file", ready,
	}, s.died)
	if err != nil {
		return err
	}
	var up world.Ready
	err = s.handsets.await(ctx, startTime, func() bool {
		var err error
		up, err = world.ReadReady(ready)
		return err == nil
	})
	if err != nil {
		return err
	}
	s.phones, err = fleet.NewClient(up.Handsets, s.web)
	return err
}

// close ends everything. What a stopped process would have to say is told before.
func (s *site) close() {
	s.mu.Lock()
	s.dead = true
	s.mu.Unlock()
	if s.shop != nil {
		s.shop.close()
	}
	for _, p := range s.platforms {
		p.process.kill()
	}
	for _, p := range []*process{s.handsets, s.gateway} {
		p.kill()
	}
	if s.proxy != nil {
		s.proxy.close()
	}
	for _, r := range append(s.servers, s.messages) {
		if r != nil {
			r.up.kill()
		}
	}
	if s.disk != nil {
		s.disk.close()
	}
	s.web.CloseIdleConnections()
}

// errEnded is for a platform that ended before it was ready.
var errEnded = errors.New("it has ended")
