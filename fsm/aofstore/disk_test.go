package aofstore

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// full is a disk that has room for so many octets more.
type full struct {
	disk
	room *atomic.Int64
}

func (f full) WriteAt(b []byte, at int64) (int, error) {
	if left := f.room.Load(); left < int64(len(b)) {
		n, err := f.disk.WriteAt(b[:max(0, left)], at)
		return n, errors.Join(err, syscall.ENOSPC)
	}
	f.room.Add(-int64(len(b)))
	return f.disk.WriteAt(b, at)
}

// TestFull: on a full disk commits are refused or in doubt, nothing is read that is not
// kept, and with room again the store goes on.
func TestFull(t *testing.T) {
	dir := t.TempDir()
	var room atomic.Int64
	room.Store(6000)
	s := mustOpen(t, Options{Dir: dir, wrap: func(d disk) disk { return full{d, &room} }})
	h := take(t, s, 0)
	var err error
	acknowledged := 0
	for err == nil && acknowledged < 1000 {
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		if err = h.Commit(ctx, batch(h.Seq()+1)); err == nil {
			acknowledged++
		}
		cancel()
	}
	if !errors.Is(err, engine.ErrDoubt) && !errors.Is(err, engine.ErrUnavailable) || acknowledged == 0 {
		t.Fatalf("after %d commits: %v", acknowledged, err)
	}
	if _, err := s.Read(0).Get(t.Context(), "last"); err == nil || !strings.Contains(err.Error(), "no space left") {
		t.Errorf("reading what is not kept: %v", err)
	}
	killed, err := os.ReadFile(filepath.Join(dir, fileName)) // as it is if the process is killed now
	if err != nil {
		t.Fatal(err)
	}
	room.Store(1 << 20)
	next := take(t, s, 0)
	if n := next.Seq(); n != uint64(acknowledged) && n != uint64(acknowledged)+1 {
		t.Errorf("%d were acknowledged, %d are in", acknowledged, n)
	}
	fill(t, next, 3)
	want := state(t, s)
	mustClose(t, s)
	s = mustOpen(t, Options{Dir: dir})
	if got := state(t, s); got != want {
		t.Errorf("after a restart there is\n%q, want\n%q", got, want)
	}
	mustClose(t, s)
	afterKill(t, killed, acknowledged)
}

func afterKill(t *testing.T, octets []byte, acknowledged int) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, fileName), octets, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := open(t, Options{Dir: dir}, new([]string))
	if err != nil {
		t.Fatal(err)
	}
	defer mustClose(t, s)
	if n := take(t, s, 0).Seq(); n != uint64(acknowledged) && n != uint64(acknowledged)+1 {
		t.Errorf("%d were acknowledged, after a kill %d are in", acknowledged, n)
	}
}

// TestFullCompaction: there is no room for the new file, and the old one goes on.
func TestFullCompaction(t *testing.T) {
	dir := t.TempDir()
	var room atomic.Int64
	room.Store(1 << 20)
	var told []string
	s, err := open(t, Options{Dir: dir, wrap: func(d disk) disk { return full{d, &room} }}, &told)
	if err != nil {
		t.Fatal(err)
	}
	h := take(t, s, 0)
	fill(t, h, 20)
	room.Store(10)
	if err := s.compact(); !errors.Is(err, syscall.ENOSPC) {
		t.Errorf("compacted on a full disk: %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, newName)); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the new file is left behind (%v)", err)
	}
	room.Store(1 << 20)
	fill(t, h, 1)
	if err := s.compact(); err != nil {
		t.Error(err)
	}
	fill(t, h, 1)
	want := state(t, s)
	mustClose(t, s)
	s = mustOpen(t, Options{Dir: dir})
	defer mustClose(t, s)
	if got := state(t, s); got != want {
		t.Errorf("after a restart there is\n%q, want\n%q", got, want)
	}
}

// TestHalfway: when it is not sure which file is in place, nothing more is acknowledged.
func TestHalfway(t *testing.T) {
	s := mustOpen(t, Options{Dir: t.TempDir()})
	h := take(t, s, 0)
	fill(t, h, 1)
	if _, err := s.log.beginRewriting(); err != nil {
		t.Fatal(err)
	}
	err := s.log.endRewriting(func([]byte) (disk, int64, error) { return nil, 0, errHalfway })
	if !errors.Is(err, errHalfway) {
		t.Errorf("it ended with %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Millisecond)
	defer cancel()
	if err := h.Commit(ctx, batch(2)); !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, engine.ErrDoubt) {
		t.Errorf("the commit said %v", err)
	}
	if err := s.Close(); !errors.Is(err, errHalfway) {
		t.Errorf("it closed with %v", err)
	}
}

// TestTogether: commits that come while one sync is in flight share the next.
func TestTogether(t *testing.T) {
	g := &gate{come: make(chan struct{}), pass: make(chan struct{})}
	l := newLog(g, 0, 0, 0)
	var done sync.WaitGroup
	one := func() { done.Go(func() { _ = l.await(l.append([]byte("x"))) }) }
	one()
	<-g.come
	for range 10 {
		one()
	}
	for l.mark() < 11 {
		runtime.Gosched() // lets them append
	}
	g.pass <- struct{}{}
	<-g.come
	g.pass <- struct{}{}
	done.Wait()
	if g.syncs != 2 || l.synced != 11 {
		t.Errorf("%d syncs for 11 commits, %d synced", g.syncs, l.synced)
	}
}

// gate is a disk whose syncs say that they have come and wait.
type gate struct {
	come, pass chan struct{}
	syncs      int
}

func (g *gate) WriteAt(b []byte, _ int64) (int, error) { return len(b), nil }
func (g *gate) Truncate(int64) error                   { return nil }
func (g *gate) Close() error                           { return nil }
func (g *gate) Sync() error {
	g.syncs++
	g.come <- struct{}{}
	<-g.pass
	return nil
}
