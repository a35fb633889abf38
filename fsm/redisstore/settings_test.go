package redisstore_test

import (
	"context"
	"fmt"
	"maps"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

// forKeeps are the settings of a server that loses nothing.
func forKeeps() []string {
	return []string{"--appendfsync", "always", "--aof-load-truncated", "no", "--maxmemory", "100mb", "--auto-aof-rewrite-min-size", "256mb"}
}

// wrong are the settings that are not right, with their weights, by name.
func wrong(settings []redisstore.Setting) map[string]redisstore.Weight {
	found := make(map[string]redisstore.Weight)
	for _, s := range settings {
		if !s.OK() {
			found[s.Name] = s.Weight
		}
	}
	return found
}

// What each setting and state can cost is told for the server that really runs, when it
// is set so by hand.
func TestInspect(t *testing.T) {
	const ok, danger, warning, note = "", redisstore.Danger, redisstore.Warning, redisstore.Note
	tests := []struct {
		set    string // CONFIG SET
		want   redisstore.Weight
		about  string // the name that is wrong then; empty is that of the setting
		before func(t *testing.T, c *redis.Client)
	}{
		{set: "appendfsync always", want: ok},
		{set: "appendonly no", want: danger},
		{set: "appendfsync everysec", want: danger},
		{set: "appendfsync no", want: danger},
		{set: "no-appendfsync-on-rewrite yes", want: danger},
		{set: "aof-load-truncated yes", want: danger},
		{set: "maxmemory-policy allkeys-lru", want: danger},
		{set: "maxmemory-policy allkeys-random", want: danger},
		{set: "maxmemory-policy volatile-ttl", want: note},
		{set: "save '60 1'", want: warning},
		{set: "stop-writes-on-bgsave-error no", want: warning},
		{set: "maxmemory 0", want: note},
		{set: "auto-aof-rewrite-min-size 64mb", want: note},
		{set: "maxmemory 1", want: warning},
		{set: "min-replicas-to-write 1", want: warning},
		{about: "role", want: danger, before: func(t *testing.T, c *redis.Client) { do(t, c, "REPLICAOF", "127.0.0.1", "1") }},
	}
	for _, tt := range tests {
		name, value, _ := strings.Cut(tt.set, " ")
		t.Run(name+tt.about+" "+value, func(t *testing.T) {
			address := enginetest.RedisServer(t, forKeeps()...)
			options := &redis.UniversalOptions{Addrs: []string{address}}
			c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
			defer c.Close()
			if tt.before != nil {
				tt.before(t, c)
			} else {
				do(t, c, "CONFIG", "SET", name, strings.Trim(value, "'"))
			}
			want := map[string]redisstore.Weight{name + tt.about: tt.want}
			if tt.want == ok {
				want = nil
			}
			settings, err := redisstore.Inspect(t.Context(), options)
			if err != nil || !maps.Equal(wrong(settings), want) {
				t.Errorf("wrong are %v, want %v; %v", wrong(settings), want, err)
			}
			for _, s := range settings {
				if s.OK() != (s.Weight == redisstore.Fine) || s.OK() != (s.Mend == "") || s.Server != address || s.Right == "" {
					t.Errorf("%+v", s)
				}
			}
		})
	}
}

func do(t *testing.T, c *redis.Client, args ...any) {
	t.Helper()
	if err := c.Do(t.Context(), args...).Err(); err != nil {
		t.Fatalf("%v: %v", args, err)
	}
}

// What mends a setting does mend it.
func TestMend(t *testing.T) {
	address := enginetest.RedisServer(t, "--appendonly", "no", "--maxmemory-policy", "allkeys-lru", "--save", "60 1", "--no-appendfsync-on-rewrite", "yes", "--maxmemory", "100mb", "--auto-aof-rewrite-min-size", "256mb")
	options := &redis.UniversalOptions{Addrs: []string{address}}
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	defer c.Close()
	settings, err := redisstore.Inspect(t.Context(), options)
	if err != nil || len(redisstore.Dangers(settings)) != 5 {
		t.Fatalf("%v; %v", wrong(settings), err)
	}
	for _, s := range settings {
		if s.OK() {
			continue
		}
		command, ok := strings.CutPrefix(s.Mend, "redis-cli -s "+address+" ")
		if !ok {
			t.Fatalf("to mend %s: %s", s.Name, s.Mend)
		}
		var args []any
		for word := range strings.FieldsSeq(command) {
			args = append(args, strings.Trim(word, `"`))
		}
		do(t, c, args...)
	}
	if settings, err = redisstore.Inspect(t.Context(), options); err != nil || len(wrong(settings)) > 0 {
		t.Errorf("after it was mended: %v, %v", wrong(settings), err)
	}
}

// States that a test's server cannot well be brought into are judged by what it would answer.
func TestJudge(t *testing.T) {
	config := map[string]string{
		"appendonly": "yes", "appendfsync": "always", "no-appendfsync-on-rewrite": "no", "aof-load-truncated": "no", "maxmemory-policy": "noeviction", "auto-aof-rewrite-min-size": "268435456",
		"save": "", "stop-writes-on-bgsave-error": "yes", "maxmemory": "1000", "min-replicas-to-write": "0",
		"cluster-require-full-coverage": "no", "cluster-replica-no-failover": "yes",
	}
	info := map[string]string{
		"redis_version": "7.0.15", "loading": "0", "aof_last_write_status": "ok", "aof_last_bgrewrite_status": "ok", "rdb_last_bgsave_status": "ok",
		"used_memory": "500", "role": "master", "connected_slaves": "0", "cluster_enabled": "0",
	}
	tests := []struct {
		name string
		info []string // pairs
		conf []string
		want map[string]redisstore.Weight
	}{
		{"as it should be", nil, nil, nil},
		{"Redis 6", []string{"redis_version", "6.2.14"}, nil, map[string]redisstore.Weight{"version": redisstore.Danger}},
		{"Redis 8", []string{"redis_version", "8.2.0"}, nil, nil},
		{"no version", []string{"redis_version", ""}, nil, map[string]redisstore.Weight{"version": redisstore.Danger}},
		{"reading its files", []string{"loading", "1"}, nil, map[string]redisstore.Weight{"loading": redisstore.Warning}},
		{"disk full", []string{"aof_last_write_status", "err", "aof_last_bgrewrite_status", "err"}, nil, map[string]redisstore.Weight{
			"aof_last_write_status": redisstore.Danger, "aof_last_bgrewrite_status": redisstore.Warning}},
		{"no snapshot", []string{"rdb_last_bgsave_status", "err"}, nil, map[string]redisstore.Weight{"rdb_last_bgsave_status": redisstore.Warning}},
		{"nearly full", []string{"used_memory", "950"}, nil, map[string]redisstore.Weight{"maxmemory": redisstore.Warning}},
		{"full", []string{"used_memory", "1000"}, nil, map[string]redisstore.Weight{"maxmemory": redisstore.Warning}},
		{"replicas that are not waited for", []string{"connected_slaves", "2"}, nil, map[string]redisstore.Weight{"min-replicas-to-write": redisstore.Warning}},
		{"replicas", []string{"connected_slaves", "2"}, []string{"min-replicas-to-write", "1"}, nil},
		{"a cluster", []string{"cluster_enabled", "1"}, nil, nil},
		{"a cluster that stops whole", []string{"cluster_enabled", "1"}, []string{"cluster-require-full-coverage", "yes"},
			map[string]redisstore.Weight{"cluster-require-full-coverage": redisstore.Warning}},
		{"a cluster that fails over", []string{"cluster_enabled", "1", "connected_slaves", "1"}, []string{"cluster-replica-no-failover", "no", "min-replicas-to-write", "1"},
			map[string]redisstore.Weight{"cluster-replica-no-failover": redisstore.Warning}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			settings := redisstore.Judge("127.0.0.1:6379", changed(config, tt.conf), changed(info, tt.info))
			if got := wrong(settings); !maps.Equal(got, tt.want) {
				t.Errorf("wrong are %v, want %v", got, tt.want)
			}
		})
	}
}

func changed(from map[string]string, pairs []string) map[string]string {
	to := maps.Clone(from)
	for pair := range slices.Chunk(pairs, 2) {
		to[pair[0]] = pair[1]
	}
	return to
}

// A cluster's masters are asked; one of its nodes that is named alone would be taken for
// a server, and that is said.
func TestInspectCluster(t *testing.T) {
	address := enginetest.RedisServer(t, append(forKeeps(), "--cluster-enabled", "yes", "--cluster-require-full-coverage", "no")...)
	c := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	defer c.Close()
	do(t, c, "CLUSTER", "ADDSLOTSRANGE", 0, 16383)
	do(t, c, "CONFIG", "SET", "appendfsync", "everysec")
	options := &redis.UniversalOptions{Addrs: []string{address}}
	for isCluster, want := range map[bool]map[string]redisstore.Weight{
		false: {"appendfsync": redisstore.Danger, "cluster": redisstore.Warning},
		true:  {"appendfsync": redisstore.Danger},
	} {
		options.IsClusterMode = isCluster
		options.Dialer = func(ctx context.Context, _, _ string) (net.Conn, error) { // a node knows no socket of its own
			return new(net.Dialer).DialContext(ctx, "unix", address)
		}
		settings, err := redisstore.Inspect(t.Context(), options)
		if err != nil || !maps.Equal(wrong(settings), want) {
			t.Errorf("as a cluster %t: wrong are %v, want %v; %v", isCluster, wrong(settings), want, err)
		}
	}
}

// A store tells the same, and a server that does not tell answers an error.
func TestSettings(t *testing.T) {
	options := &redis.UniversalOptions{Addrs: []string{enginetest.RedisServer(t, "--maxmemory", "100mb", "--auto-aof-rewrite-min-size", "256mb")}}
	store, err := redisstore.Open(t.Context(), redisstore.Options{Redis: options})
	if err != nil {
		t.Fatal(err)
	}
	defer store.Close()
	settings, err := store.Settings(t.Context())
	if want := map[string]redisstore.Weight{"appendfsync": redisstore.Danger, "aof-load-truncated": redisstore.Danger}; err != nil || !maps.Equal(wrong(settings), want) {
		t.Errorf("wrong are %v, want %v; %v", wrong(settings), want, err)
	}
	for _, s := range redisstore.Dangers(settings) {
		if want := fmt.Sprintf("%s %s (should be %s): %s", s.Name, s.Value, s.Right, s.Cost); s.String() != want {
			t.Errorf("%s, want %s", s, want)
		}
	}
	options.Addrs = []string{miniredis.RunT(t).Addr()}
	if _, err := redisstore.Inspect(t.Context(), options); err == nil {
		t.Error("miniredis has settings")
	}
}
