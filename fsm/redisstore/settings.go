package redisstore

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"slices"
	"strings"
	"sync"

	"github.com/redis/go-redis/v9"
)

// Partitions is how many partitions the store was made with.
func (s *Store) Partitions() int { return s.partitions }

// Weight is how much a setting matters.
type Weight string

// The weights, the least first.
const (
	Fine    Weight = "fine"
	Note    Weight = "note"    // worth knowing
	Warning Weight = "warning" // can stop the store, or slow it down, and loses nothing
	Danger  Weight = "danger"  // can lose what was acknowledged, or bring back a part of it: money
)

// Setting is a setting of a server, or a state it is in, that decides what it can lose.
type Setting struct {
	Server string // where it was asked
	Name   string
	Value  string
	Right  string // what it should be for a store for keeps
	Weight Weight
	Cost   string // what the value can cost; empty when it is right
	Mend   string // a command line, or what to do; empty when it is right
}

// OK says that the setting costs nothing.
func (s Setting) OK() bool { return s.Cost == "" }

// String is the setting as a configuration file has it, with what it can cost.
func (s Setting) String() string {
	if s.OK() {
		return s.Name + " " + s.Value
	}
	return fmt.Sprintf("%s %s (should be %s): %s", s.Name, cmp.Or(s.Value, `""`), s.Right, s.Cost)
}

// Settings asks the store's servers for the settings that decide what they can lose. A
// server that does not tell answers an error.
func (s *Store) Settings(ctx context.Context) ([]Setting, error) { return inspect(ctx, s.reader) }

// Inspect asks the servers at the options, of a cluster all masters, as
// [Store.Settings] does. It leaves them as they are: no store is made.
func Inspect(ctx context.Context, o *redis.UniversalOptions) ([]Setting, error) {
	options := reading(*o)
	options.MaxRetries, options.DialerRetries = -1, 1
	client := redis.NewUniversalClient(options)
	settings, err := inspect(ctx, client)
	if closing := client.Close(); err == nil {
		err = closing
	}
	return settings, err
}

func inspect(ctx context.Context, client redis.UniversalClient) ([]Setting, error) {
	cluster, ok := client.(*redis.ClusterClient)
	if !ok {
		single, ok := client.(*redis.Client)
		if !ok {
			return nil, fmt.Errorf("redisstore: the settings of a %T cannot be asked", client)
		}
		settings, err := ask(ctx, single)
		return append(settings, alone(settings)...), err
	}
	var mu sync.Mutex
	var all []Setting
	err := cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
		settings, err := ask(ctx, node)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, settings...)
		return err
	})
	slices.SortStableFunc(all, func(a, b Setting) int { return strings.Compare(a.Server, b.Server) })
	return all, err
}

// alone says that a node of a cluster was named as if it were a server.
func alone(settings []Setting) []Setting {
	for _, s := range settings {
		if s.Name == "cluster-require-full-coverage" {
			return []Setting{{
				Server: s.Server, Name: "cluster", Value: "one node named", Right: "several, as URL,URL", Weight: Warning,
				Cost: "the store takes the node for a server that has all keys, and does not open",
				Mend: "name two of its masters or more: --redis URL,URL",
			}}
		}
	}
	return nil
}

// ask judges one server.
func ask(ctx context.Context, client *redis.Client) ([]Setting, error) {
	config, err := client.ConfigGet(ctx, "*").Result()
	if err != nil {
		return nil, fmt.Errorf("ask the server for its settings: %w", err)
	}
	text, err := client.Info(ctx).Result()
	if err != nil {
		return nil, fmt.Errorf("ask the server for its state: %w", err)
	}
	return Judge(client.Options().Addr, config, parseInfo(text)), nil
}

// parseInfo reads the lines NAME:VALUE of INFO.
func parseInfo(text string) map[string]string {
	info := make(map[string]string)
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), ":"); ok && !strings.HasPrefix(name, "#") {
			info[name] = value
		}
	}
	return info
}

// redisCLI is the command line that says something to the server.
func redisCLI(address, command string) string {
	if strings.HasPrefix(address, "/") {
		return "redis-cli -s " + address + " " + command
	}
	host, port, err := net.SplitHostPort(address)
	if err != nil {
		return "redis-cli " + command
	}
	return "redis-cli -h " + host + " -p " + port + " " + command
}
