package enginetest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/engine"
)

// The hazards of a server that is the record. In each the engine runs on, gets into it
// under load, and comes back by itself with nothing lost and nothing done twice.
func TestHazards(t *testing.T) {
	for _, test := range []struct {
		name string
		run  func(t *testing.T)
	}{
		{"no room in memory", hazardOOM},
		{"no snapshot can be written", hazardMISCONF},
		{"the server stands still", hazardStopped},
		{"the server reads its file", hazardLoading},
		{"the server is made a replica", hazardReadOnly},
		{"the server asks for a password", hazardPassword},
		{"too many clients", hazardCrowded},
		{"killed, synced every second", hazardEverySecond},
	} {
		t.Run(test.name, test.run)
	}
}

func always(t *testing.T, settings ...string) (*Server, *load) {
	t.Helper()
	s := NewServer(t, append([]string{"--appendfsync", "always"}, settings...)...)
	return s, underLoad(t, Redis(s.Addr))
}

// hazardOOM: at maxmemory with noeviction EXEC is refused whole.
func hazardOOM(t *testing.T) {
	s, l := always(t)
	for range 3 {
		s.Do(t, "CONFIG", "SET", "maxmemory", "1")
		refusals(t, s, "OOM", 10)
		s.Do(t, "CONFIG", "SET", "maxmemory", "0")
		s.Do(t, "CONFIG", "RESETSTAT")
		l.more(50)
	}
	l.end()
}

// hazardMISCONF: with save points, one snapshot that fails stops every write.
func hazardMISCONF(t *testing.T) {
	s, l := always(t, "--dbfilename", "blocked.rdb")
	blocked := filepath.Join(s.Dir, "blocked.rdb")
	if err := os.MkdirAll(filepath.Join(blocked, "x"), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "CONFIG", "SET", "save", "3600 1")
	s.Do(t, "BGSAVE")
	refusals(t, s, "MISCONF", 10)
	if err := os.RemoveAll(blocked); err != nil {
		t.Fatal(err)
	}
	s.Do(t, "BGSAVE")
	l.end()
}

// hazardStopped: SIGSTOP for longer than a commit may take. What is in the server's
// socket then is run late, when its writer has long connected anew, or not at all.
func hazardStopped(t *testing.T) {
	s, l := always(t)
	for range 5 {
		s.Stop(t)
		l.refuses()
		s.Continue(t)
		l.more(50)
	}
	l.end()
}

// hazardLoading: a server that is started again answers LOADING until it has read its file.
func hazardLoading(t *testing.T) {
	s, l := always(t)
	ballast := s.client()
	defer ballast.Close()
	pipe := ballast.Pipeline()
	for range 20_000 {
		pipe.Set(t.Context(), "ballast", "", 0)
	}
	if _, err := pipe.Exec(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	s.args = append(s.args, "--key-load-delay", "20")
	s.Launch(t)
	refusals(t, s, "LOADING", 3)
	l.end()
}

// hazardReadOnly: a master that was made a replica refuses, and takes up again when it is
// a master.
func hazardReadOnly(t *testing.T) {
	s, l := always(t)
	for range 3 {
		s.Do(t, "REPLICAOF", "127.0.0.1", "1")
		refusals(t, s, "READONLY", 10)
		s.Do(t, "REPLICAOF", "NO", "ONE")
		s.Do(t, "CONFIG", "RESETSTAT")
		l.more(50)
	}
	l.end()
}

// shut has the server drop everybody and let nobody in any more, by a setting. open sets
// it otherwise, through a connection that is left.
func shut(t *testing.T, s *Server, name, value string) (open func(value string)) {
	t.Helper()
	client := s.client()
	conn := client.Conn()
	t.Cleanup(func() { _ = errors.Join(conn.Close(), client.Close()) }) // the server may be gone
	do := func(command ...any) {
		t.Helper()
		if err := conn.Do(t.Context(), command...).Err(); err != nil {
			t.Fatal(err)
		}
	}
	do("CONFIG", "SET", name, value)
	do("CLIENT", "KILL", "TYPE", "normal")
	return func(value string) { do("CONFIG", "SET", name, value) }
}

// refuses waits until some inputs were refused.
func (l *load) refuses() {
	l.t.Helper()
	refused := 0
	until(l.t, "inputs are refused", func() bool {
		if !l.tryAdd(add{ID: "refused"}) {
			refused++
		}
		return refused > 3
	})
}

// hazardPassword: it does not pass by itself, so that a commit is given up at once; the
// partition is served again when the password is gone.
func hazardPassword(t *testing.T) {
	s, l := always(t)
	open := shut(t, s, "requirepass", "sesame")
	l.refuses()
	open("")
	l.end()

	h := take(t, l.store)
	open = shut(t, s, "requirepass", "sesame")
	err := h.Commit(t.Context(), &engine.Batch{Seq: h.Seq() + 1, Puts: []engine.Put{put("a", "1")}}) // for which there is all the time
	if !errors.Is(err, engine.ErrDoubt) && !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "NOAUTH") {
		t.Errorf("without a password a commit ends with %v", err)
	}
	open("")
}

// hazardCrowded: a server that takes no more connections.
func hazardCrowded(t *testing.T) {
	s, l := always(t)
	open := shut(t, s, "maxclients", "1")
	l.refuses()
	open("1000")
	l.end()
}

// hazardEverySecond: what is lost when such a server is killed is the end of what was
// acknowledged, and what is left is whole: each caller's numbers up to one of them.
func hazardEverySecond(t *testing.T) {
	s := NewServer(t, "--appendfsync", "everysec")
	l := underLoad(t, Redis(s.Addr))
	l.more(500)
	s.Kill()
	l.leave()
	l.kill()
	s.Start(t)
	store := Redis(s.Addr).Open(t, nil)
	audit(t, store.Read(1), nil)
	applied, err := store.Read(1).Fields(t.Context(), "applied")
	if err != nil {
		t.Fatal(err)
	}
	for c := range callers {
		n := 0
		for ; applied[fmt.Sprintf("%d.%d", c, n)] != ""; n++ {
			delete(applied, fmt.Sprintf("%d.%d", c, n))
		}
	}
	if len(applied) > 0 {
		t.Errorf("something before these is lost: %v", applied)
	}
	again := startHasty(t, Redis(s.Addr), nil)
	again.add(add{ID: "after", Amount: 1})
	again.halt()
	audit(t, again.store.Read(1), []string{"after"})
}
