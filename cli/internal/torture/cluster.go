package torture

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"
)

// masters is how many masters a cluster has.
const masters = 3

// slots is how many hash slots a cluster has (Redis cluster specification).
const slots = 16384

// newCluster starts masters without replicas that share the slots, and waits until each
// has heard of all.
func (s *site) newCluster(ctx context.Context) ([]*server, error) {
	var all []*server
	for n := range masters {
		bus, err := freePort()
		if err != nil {
			return all, err
		}
		name := fmt.Sprintf("master-%d", n+1)
		r, err := s.newServer(ctx, name, filepath.Join(s.dir, name),
			"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-config-file", "nodes.conf",
			"--cluster-node-timeout", "2000", "--cluster-require-full-coverage", "no", "--cluster-replica-no-failover", "yes")
		if r != nil {
			all = append(all, r)
		}
		if err != nil {
			return all, err
		}
		first, last := n*slots/masters, (n+1)*slots/masters-1
		if err := r.tell("CLUSTER ADDSLOTSRANGE %d %d", first, last); err != nil {
			return all, err
		}
		host, port, _ := net.SplitHostPort(all[0].address())
		if n > 0 {
			if err := r.tell("CLUSTER MEET %s %s %s", host, port, all[0].bus()); err != nil {
				return all, err
			}
		}
	}
	for _, r := range all {
		if err := r.up.await(ctx, 30*time.Second, r.knowsAll); err != nil {
			return all, err
		}
	}
	return all, nil
}

// bus is the port of the cluster's own protocol.
func (r *server) bus() string {
	for i, setting := range r.more {
		if setting == "--cluster-port" {
			return r.more[i+1]
		}
	}
	return ""
}

func (r *server) tell(format string, args ...any) error {
	command := fmt.Sprintf(format, args...)
	answer, err := r.ask(command)
	if err == nil && !strings.HasPrefix(answer, "+OK") {
		err = fmt.Errorf("%s: %s: %s", r.name, command, answer)
	}
	return err
}

func (r *server) knowsAll() bool {
	answer, err := r.ask("CLUSTER INFO")
	return err == nil && strings.Contains(answer, "cluster_state:ok") &&
		strings.Contains(answer, fmt.Sprintf("cluster_slots_ok:%d", slots)) && strings.Contains(answer, fmt.Sprintf("cluster_size:%d", masters))
}
