package redisstore

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// facts are what a server tells of itself.
type facts struct {
	server       string
	config, info map[string]string
	found        []Setting
}

// Judge says what each setting of the server at address, and each state it is in, can
// cost, from its answers to CONFIG GET * and INFO. Those that are right are listed too.
//
// Danger is what can lose what was acknowledged, or bring a part of a batch back:
// appendonly, appendfsync, aof-load-truncated, a policy that evicts keys without an
// expiry, a disk that has failed, a replica, a version that was not tried. The rest can
// stop the store, which loses nothing: a batch that was refused was never acknowledged.
func Judge(address string, config, info map[string]string) []Setting {
	f := &facts{server: address, config: config, info: info}
	f.version()
	for _, w := range kept() {
		f.equal(w)
	}
	f.policy()
	f.snapshots()
	f.memory()
	f.rewrites()
	f.disk()
	f.replication()
	f.cluster()
	return f.found
}

// kept are the settings of the append-only file, what each should be, and what another
// value can cost.
func kept() []Setting {
	return []Setting{
		{Name: "appendonly", Right: "yes", Weight: Danger, Cost: "what was acknowledged since the last snapshot is lost when the server ends"},
		{Name: "appendfsync", Right: "always", Weight: Danger, Cost: "up to two seconds of what was acknowledged are lost when the machine or the server is killed"},
		{Name: "no-appendfsync-on-rewrite", Right: "no", Weight: Danger, Cost: "while the file is rewritten nothing is synced: what was acknowledged meanwhile is lost when the machine is killed"},
		{Name: "aof-load-truncated", Right: "no", Weight: Danger, Cost: "a torn tail can bring back half a transaction on the second restart: money out of nothing"},
	}
}

// equal judges a setting that should have one value.
func (f *facts) equal(w Setting) {
	f.judge(w, f.config[w.Name] == w.Right, fmt.Sprintf("CONFIG SET %s %s", w.Name, w.Right))
}

// judge notes a setting by its name in the configuration; command is what mends it.
func (f *facts) judge(w Setting, right bool, command string) {
	w.Value = f.config[w.Name]
	f.note(w, right, redisCLI(f.server, command))
}

func (f *facts) note(w Setting, right bool, mend string) {
	w.Server, w.Mend = f.server, mend
	if right {
		w.Weight, w.Cost, w.Mend = Fine, "", ""
	}
	f.found = append(f.found, w)
}

// version wants what the store is tried with: 7.0 and later.
func (f *facts) version() {
	value := f.info["redis_version"]
	major, _, _ := strings.Cut(value, ".")
	n, err := strconv.Atoi(major)
	f.note(Setting{
		Name: "version", Value: value, Right: "7.0 or later", Weight: Danger,
		Cost: "the store was never tried on it; before 7.0.1 a power cut after a rewrite of the file can lose it",
	}, err == nil && n >= 7, "install Redis 7.0 or later, or Valkey")
}

// policy wants that nothing is evicted. The store sets no expiry, so policies that evict
// only what has one evict nothing of it.
func (f *facts) policy() {
	w := Setting{Name: "maxmemory-policy", Right: "noeviction", Weight: Danger, Cost: "bills and balances may be evicted when memory is short"}
	if strings.HasPrefix(f.config[w.Name], "volatile-") {
		w.Weight, w.Cost = Note, "nothing of the store has an expiry and is evicted; say so plainly"
	}
	f.equal(w)
}

// snapshots wants none by the clock: one that fails stops all writes, and each one forks.
func (f *facts) snapshots() {
	stops := f.config["stop-writes-on-bgsave-error"] == "yes"
	save := Setting{Name: "save", Right: `""`, Weight: Note, Cost: "each snapshot forks the server, and the append-only file has all that is in it"}
	if stops {
		save.Weight, save.Cost = Warning, "one snapshot that fails stops every write until one succeeds; take them by hand, with BGSAVE"
	}
	f.judge(save, f.config["save"] == "", `CONFIG SET save ""`)
	f.equal(Setting{
		Name: "stop-writes-on-bgsave-error", Right: "yes", Weight: Warning,
		Cost: "a disk that fails is noticed late: snapshots and backups stop, and nothing says so",
	})
}

// nearly is the part of maxmemory from which on it is short, in percent.
const nearly = 90

// memory wants a bound, and room below it.
func (f *facts) memory() {
	most, used := f.count(f.config["maxmemory"]), f.count(f.info["used_memory"])
	w := Setting{Name: "maxmemory", Value: f.config["maxmemory"], Right: "a bound below what the machine has"}
	grow := redisCLI(f.server, "CONFIG SET maxmemory BYTES") + ", with more than it uses"
	switch {
	case most == 0:
		w.Weight, w.Cost = Note, "with memory full the kernel ends the server; with a bound it refuses writes and goes on"
	case used >= most:
		w.Value, w.Right = fmt.Sprintf("%d, used %d", most, used), "above what is used"
		w.Weight, w.Cost = Warning, "it is reached: every write is refused, and no bill moves"
	case used > most/100*nearly:
		w.Value, w.Right = fmt.Sprintf("%d, used %d", most, used), fmt.Sprintf("used up to %d %%", nearly)
		w.Weight, w.Cost = Warning, "it is nearly reached; then every write is refused, and no bill moves"
	}
	f.note(w, w.Weight == "", grow)
}

func (f *facts) count(text string) int64 {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0
	}
	return n
}

// seldom is the size of the append-only file from which on a rewrite is worth its while.
const seldom = 256 << 20

// rewrites wants that a small file is not rewritten again and again: while it is, a copy of
// the server reads all its memory and packs it, on a core that others need.
func (f *facts) rewrites() {
	w := Setting{
		Name: "auto-aof-rewrite-min-size", Right: "256mb or more", Weight: Note,
		Cost: "under load a file that is small is rewritten every few seconds, by a second process beside the server: bills wait for it",
	}
	f.judge(w, f.count(f.config[w.Name]) >= seldom, "CONFIG SET auto-aof-rewrite-min-size 256mb")
}

// disk says how the last writes ended, and whether the server is ready.
func (f *facts) disk() {
	for _, w := range []struct {
		Setting
		mend string
	}{
		{Setting{Name: "loading", Right: "0", Weight: Warning, Cost: "it reads its files, and answers nothing else until it has"}, "wait; its log says how far it is"},
		{Setting{Name: "aof_last_write_status", Right: "ok", Weight: Danger, Cost: "the append-only file could not be written: the last write before may be lost, and all others are refused"}, "make room on its disk; it goes on by itself"},
		{Setting{Name: "aof_last_bgrewrite_status", Right: "ok", Weight: Warning, Cost: "the append-only file grows until the disk is full"}, "make room on its disk, then " + redisCLI(f.server, "BGREWRITEAOF")},
		{Setting{Name: "rdb_last_bgsave_status", Right: "ok", Weight: Warning, Cost: "the last snapshot failed: there is no new backup, and with save points every write is refused"}, "make room on its disk, then " + redisCLI(f.server, "BGSAVE")},
	} {
		w.Value = f.info[w.Name]
		f.note(w.Setting, w.Value == w.Right, w.mend)
	}
}

// replication wants a master, and one that does not go on alone when it has replicas to
// which a failover may go.
func (f *facts) replication() {
	role := Setting{Name: "role", Value: f.info["role"], Right: "master", Weight: Danger, Cost: "it is a replica: it refuses writes, or forgets them when it is synchronised next"}
	f.note(role, role.Value == role.Right, "name its master; or "+redisCLI(f.server, "REPLICAOF NO ONE"))
	replicas, least := f.count(f.info["connected_slaves"]), f.count(f.config["min-replicas-to-write"])
	w := Setting{Name: "min-replicas-to-write", Value: fmt.Sprintf("%d, replicas %d", least, replicas), Right: "0 without replicas, else 1", Weight: Warning}
	mend := "CONFIG SET min-replicas-to-write 1"
	switch {
	case least > replicas:
		w.Cost, mend = "every write is refused (NOREPLICAS) until so many replicas follow", "CONFIG SET min-replicas-to-write 0"
	case replicas > 0 && least == 0:
		w.Cost = "cut off from its replicas it goes on alone; a failover then loses all of that"
	}
	f.note(w, w.Cost == "", redisCLI(f.server, mend))
}

// cluster wants that a cluster serves what it still has.
func (f *facts) cluster() {
	on := f.info["cluster_enabled"] == "1"
	if !on {
		f.note(Setting{Name: "cluster", Value: "off", Right: "on or off"}, true, "")
		return
	}
	f.equal(Setting{
		Name: "cluster-require-full-coverage", Right: "no", Weight: Warning,
		Cost: "one master that is away stops all partitions, not its own",
	})
	if f.count(f.info["connected_slaves"]) > 0 {
		f.equal(Setting{
			Name: "cluster-replica-no-failover", Right: "yes", Weight: Warning,
			Cost: "a replica that takes over has lost the last moments of what was acknowledged; restart masters in place, and run airtill audit after a failover",
		})
	}
}

// Dangers are the settings that can lose money.
func Dangers(all []Setting) []Setting {
	return slices.DeleteFunc(slices.Clone(all), func(s Setting) bool { return s.Weight != Danger })
}
