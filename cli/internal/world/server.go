package world

import (
	"context"
	"fmt"
	"net"
	"os"
	"strconv"
	"strings"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/aofstore"
	"github.com/airtill/airtill/fsm/redisstore"
)

// Server is what a store is kept in.
type Server struct {
	Name string // "redis 7.0.15, appendfsync everysec", or "embedded, in memory"
	PID  int    // of a server that is another process of this machine; 0: it is not, or not known
}

// Server asks what the store is kept in. A server that does not tell is a redis.
func (s *Store) Server(ctx context.Context) Server {
	if _, embedded := s.under.(*aofstore.Store); embedded {
		if s.Dir == "" {
			return Server{Name: "embedded, in memory"}
		}
		return Server{Name: "embedded, in " + s.Dir}
	}
	options, err := redisstore.ParseURL(strings.Split(s.URL, ",")...)
	if err != nil {
		return Server{Name: "redis"}
	}
	client := redis.NewUniversalClient(options)
	defer func() { _ = client.Close() }() // nothing is under way
	return serverOf(ctx, client, options.Addrs)
}

// serverOf asks a server, or one of a cluster's.
func serverOf(ctx context.Context, client redis.UniversalClient, addresses []string) Server {
	text, err := client.Info(ctx, "server").Result()
	if err != nil {
		return Server{Name: "redis"}
	}
	s := Server{Name: strings.TrimSpace("redis " + infoLine(text, "redis_version"))}
	if config, err := client.ConfigGet(ctx, "append*").Result(); err == nil {
		s.Name += ", " + appending(config)
	}
	if len(addresses) == 1 && isHere(addresses[0]) {
		s.PID = redisHere(infoLine(text, "process_id"))
	}
	return s
}

// appending says what of a server's settings decides what a crash can cost.
func appending(config map[string]string) string {
	if config["appendonly"] != "yes" {
		return "appendonly no"
	}
	return "appendfsync " + config["appendfsync"]
}

// infoLine is the value of a name in INFO.
func infoLine(text, name string) string {
	for line := range strings.Lines(text) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// isHere says whether an address is a socket's or of this machine's own.
func isHere(address string) bool {
	if strings.HasPrefix(address, "/") {
		return true
	}
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

// redisHere is a process id if its process is a server of this machine: behind a port that
// is forwarded, it is one of another's.
func redisHere(text string) int {
	pid, err := strconv.Atoi(text)
	if err != nil || pid < 1 {
		return 0
	}
	name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid))
	if err != nil || !strings.Contains(string(name), "redis") {
		return 0
	}
	return pid
}
