package enginebench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/airtill/airtill/cli/internal/cputime"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/redisstore"
)

// server is a Redis.
type server struct {
	config  *Config
	options *redis.Options
	client  *redis.Client // beside the store
}

func openServer(ctx context.Context, c *Config) (*server, error) {
	options, err := redis.ParseURL(c.URL)
	if err != nil {
		return nil, errors.New("it is no URL like redis://127.0.0.1:6379/0")
	}
	options.MaintNotificationsConfig = &maintnotifications.Config{Mode: maintnotifications.ModeDisabled}
	options.DisableIdentity = true
	s := &server{config: c, options: options, client: redis.NewClient(options)}
	if err := s.claim(ctx); err != nil {
		return nil, errors.Join(err, s.client.Close())
	}
	return s, nil
}

// claim makes sure that nothing is there, or is not to stay.
func (s *server) claim(ctx context.Context) error {
	n, err := s.client.DBSize(ctx).Result()
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", ErrNotThere, err)
	case n > 0 && !s.config.Fresh:
		return fmt.Errorf("%w: %d keys", ErrTaken, n)
	}
	return nil
}

// empty empties the database.
func (s *server) empty(ctx context.Context) error {
	if err := s.client.FlushDB(ctx).Err(); err != nil {
		return fmt.Errorf("empty the database: %w", err)
	}
	return nil
}

func (s *server) open(ctx context.Context, t *tape) (engine.Store, func() error, error) {
	if err := s.empty(ctx); err != nil {
		return nil, nil, err
	}
	o, err := redisstore.ParseURL(s.config.URL)
	if err != nil {
		return nil, nil, err
	}
	o.Dialer = t.dialer(redis.NewDialer(s.options))
	store, err := redisstore.Open(ctx, redisstore.Options{Redis: o, Partitions: s.config.Partitions})
	if err != nil {
		return nil, nil, err
	}
	return store, store.Close, nil
}

// dial connects, says who it is, and chooses the database.
func (s *server) dial(ctx context.Context) (net.Conn, error) {
	conn, err := redis.NewDialer(s.options)(ctx, s.options.Network, s.options.Addr)
	if err != nil {
		return nil, err
	}
	if err := s.greet(conn); err != nil {
		return nil, errors.Join(err, conn.Close())
	}
	return conn, nil
}

func (s *server) cost(ctx context.Context, do func() error) (c cost, err error) {
	server, err := s.used(ctx)
	if err != nil {
		return c, err
	}
	process := cputime.Self()
	if err := do(); err != nil {
		return c, err
	}
	c.process = cputime.Self() - process
	after, err := s.used(ctx)
	c.server = after - server
	return c, err
}

// used is what the server has used of its processors.
func (s *server) used(ctx context.Context) (sum time.Duration, err error) {
	info, err := s.client.Info(ctx, "cpu").Result()
	if err != nil {
		return 0, fmt.Errorf("ask the server for its CPU: %w", err)
	}
	for line := range strings.Lines(info) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		if name == "used_cpu_sys" || name == "used_cpu_user" {
			seconds, err := strconv.ParseFloat(value, 64)
			if err != nil {
				return 0, fmt.Errorf("ask the server for its CPU: %w", err)
			}
			sum += time.Duration(seconds * float64(time.Second))
		}
	}
	return sum, nil
}

func (s *server) fsync(ctx context.Context) string {
	set, err := s.client.ConfigGet(ctx, "append*").Result()
	switch {
	case err != nil || set["appendonly"] == "":
		return "unknown"
	case set["appendonly"] != "yes":
		return "off"
	}
	return set["appendfsync"]
}

func (s *server) leave(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, leaveWithin)
	defer cancel()
	return errors.Join(s.empty(ctx), s.client.Close())
}

// leaveWithin is how long it may take to empty the database in the end.
const leaveWithin = 30 * time.Second

// greet says who it is, if the server wants to know, and chooses the database.
func (s *server) greet(conn net.Conn) error {
	var greeting [][]string
	switch {
	case s.options.Username != "":
		greeting = append(greeting, []string{"AUTH", s.options.Username, s.options.Password})
	case s.options.Password != "":
		greeting = append(greeting, []string{"AUTH", s.options.Password})
	}
	if s.options.DB != 0 {
		greeting = append(greeting, []string{"SELECT", strconv.Itoa(s.options.DB)})
	}
	var octets []byte
	for _, args := range greeting {
		octets = appendCommand(octets, args...)
	}
	if _, err := conn.Write(octets); err != nil {
		return err
	}
	return await(bufio.NewReader(conn), len(greeting))
}
