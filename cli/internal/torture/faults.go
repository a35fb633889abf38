package torture

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/fault"
)

// fault lets one fault happen, and has everything up again.
func (s *site) fault(ctx context.Context, kind Kind) error {
	switch kind {
	case KillPlatform:
		p := s.victim()
		p.process.kill()
		s.killed(kind)
		return p.again(ctx)
	case KillAtPoint:
		return s.killAtPoint(ctx, s.victim())
	case StallAtPoint:
		return s.stallAtPoint(ctx, s.victim())
	case KillRedis:
		r := s.servers[s.random.IntN(len(s.servers))]
		r.up.kill()
		s.killed(kind)
		return s.restart(ctx, r)
	case TearTail:
		if s.config.Store == Embedded {
			return s.tearFile(ctx, s.victim())
		}
		return s.tearServer(ctx, s.servers[0])
	case LoseReplies:
		return s.loseReplies(ctx)
	case CutNetwork:
		s.proxy.set(cutOff)
		pause(ctx, time.Duration(500+s.random.IntN(1500))*time.Millisecond)
		s.proxy.set(passes)
		s.struck(kind)
		return nil
	case FreezePlatform:
		return s.freeze(ctx, kind, s.victim().process)
	case FreezeRedis:
		return s.freeze(ctx, kind, s.servers[s.random.IntN(len(s.servers))].up)
	case KillGateway:
		s.gateway.kill()
		s.killed(kind)
		return s.startGateway(ctx)
	case FillDisk:
		return s.fillDisk(ctx, s.servers[0])
	case TakeOver:
		return s.takeOver(ctx, s.victim())
	}
	return fmt.Errorf("there is no fault %q", kind)
}

// restart starts a server again, and waits until its cluster is whole.
func (s *site) restart(ctx context.Context, r *server) error {
	if err := r.start(ctx); err != nil || s.config.Store != Cluster {
		return err
	}
	for _, master := range s.servers {
		if err := master.up.await(ctx, 30*time.Second, master.knowsAll); err != nil {
			return err
		}
	}
	return nil
}

// victim is one of the platforms.
func (s *site) victim() *node { return s.platforms[s.random.IntN(len(s.platforms))] }

// pointWithin is how long a platform under load may take to pass a point.
const pointWithin = 40 * time.Second

// nextPoint takes the next point; after the last comes the first.
func (s *site) nextPoint() fault.Name {
	at := s.points[0]
	s.points = append(s.points[1:], at)
	return at
}

// stopped has a platform stop as an operator stops it, and wants it to do so.
func (s *site) stopped(p *node) {
	if err := p.process.stop(); err != nil {
		s.differ(other, "%v: %s", err, p.process.said())
	}
}

// killAtPoint starts a platform that ends itself at the next point, and then one that
// does not.
func (s *site) killAtPoint(ctx context.Context, p *node) error {
	at := s.nextPoint()
	s.stopped(p)
	return s.endAt(ctx, p, at, s.passOf(at))
}

// stallAtPoint starts a platform of which somebody waits at the next point while all
// others go on, kills it, and starts one that does not.
func (s *site) stallAtPoint(ctx context.Context, p *node) error {
	at := s.nextPoint()
	s.stopped(p)
	if err := p.start(ctx, fmt.Sprintf("%s:%d:30s", at, s.passOf(at))); err != nil {
		return err
	}
	if !until(ctx, pointWithin, func() bool { return strings.Contains(p.process.said(), "stalled") || !p.process.up() }) {
		s.differ(other, "%s did not stall at %s within %s: %s", p.name(), at, pointWithin, p.process.said())
		return nil
	}
	pause(ctx, time.Duration(1500+s.random.IntN(1000))*time.Millisecond)
	p.process.kill()
	s.killed(StallAtPoint)
	return p.again(ctx)
}

// endAt starts a platform that ends itself at a pass of a point, and then one that does not.
func (s *site) endAt(ctx context.Context, p *node, at fault.Name, pass int) error {
	err := p.start(ctx, fmt.Sprintf("%s:%d", at, pass))
	if err != nil && !errors.Is(err, errEnded) {
		return err
	}
	if !p.endAt(ctx, pointWithin) {
		s.differ(other, "%s did not end at pass %d of %s within %s: %s", p.name(), pass, at, pointWithin, p.process.said())
		return nil
	}
	s.killed(KillAtPoint)
	s.mu.Lock()
	s.result.Points = append(s.result.Points, string(at))
	s.mu.Unlock()
	return p.again(ctx)
}

// passOf draws at which pass of a point to end: points that are passed often are let
// pass more often.
func (s *site) passOf(n fault.Name) int {
	switch n {
	case fault.AfterSnapshot, fault.BeforeRename, fault.AfterRename:
		return 1
	case fault.BeforeHome, fault.AfterHome, fault.BeforeCursor:
		return 1 + s.random.IntN(4)
	case fault.AfterTake, fault.AfterLoad, fault.AfterRecover:
		return 1 + s.random.IntN(6)
	}
	return 1 + s.random.IntN(20)
}

// loseReplies lets connections break at their next replies, for as many as there are
// partitions, or a little longer.
func (s *site) loseReplies(ctx context.Context) error {
	before := s.proxy.lostReplies()
	s.proxy.set(loseReplies)
	until(ctx, 3*time.Second, func() bool { return s.proxy.lostReplies() >= before+4 })
	s.proxy.set(passes)
	s.struck(LoseReplies)
	return nil
}

// freeze stops a process for longer than a commit may take.
func (s *site) freeze(ctx context.Context, kind Kind, p *process) error {
	if err := p.freeze(); err != nil {
		return err
	}
	pause(ctx, time.Duration(1000+s.random.IntN(11_000))*time.Millisecond)
	s.struck(kind)
	return p.thaw()
}

// tearServer holds replies back, so that what the file has from then on was acknowledged
// to nobody; kills the server; cuts the file anywhere in that; and mends it as an operator does.
func (s *site) tearServer(ctx context.Context, r *server) error {
	path, err := r.aof()
	if err != nil {
		return err
	}
	s.proxy.set(holdReplies)
	acknowledged, err := sizeOf(path)
	if err != nil {
		return err
	}
	until(ctx, 5*time.Second, func() bool { size, err := sizeOf(path); return err == nil && size > acknowledged })
	pause(ctx, time.Duration(s.random.IntN(20))*time.Millisecond)
	r.up.kill()
	size, err := sizeOf(path)
	if err == nil && size > acknowledged {
		err = os.Truncate(path, acknowledged+s.random.Int64N(size-acknowledged))
		s.killed(TearTail)
	}
	s.proxy.set(cutOff)
	if err == nil {
		err = r.fix(ctx)
	}
	if err == nil {
		err = r.start(ctx)
	}
	s.proxy.set(passes)
	return err
}

func sizeOf(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// tearFile ends a platform when a group is in its file and not synced, and cuts the file
// anywhere in that group.
func (s *site) tearFile(ctx context.Context, p *node) error {
	s.stopped(p)
	at, pass := fault.AfterWrite, 1+s.random.IntN(40)
	err := p.start(ctx, fmt.Sprintf("%s:%d", at, pass))
	if err != nil && !errors.Is(err, errEnded) {
		return err
	}
	if !p.endAt(ctx, pointWithin) {
		s.differ(other, "%s did not end at pass %d of %s", p.name(), pass, at)
		return nil
	}
	path := filepath.Join(p.file("data"), "appendonly.aof")
	from, size, err := lastGroup(path)
	if err != nil {
		return err
	}
	if err := os.Truncate(path, from+s.random.Int64N(size-from)); err != nil {
		return err
	}
	s.killed(TearTail)
	return p.again(ctx)
}

// lastGroup finds where the last group of an embedded store's file begins, after the
// checksum of the one before, as package aofstore says.
func lastGroup(path string) (from, size int64, err error) {
	f, err := os.Open(path)
	if err != nil {
		return 0, 0, err
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		return 0, 0, err
	}
	checksum := []byte("*2\r\n$4\r\nECHO\r\n")
	last := bytes.LastIndex(text, checksum)
	before := bytes.LastIndex(text[:max(last, 0)], checksum)
	if before < 0 {
		return 0, 0, fmt.Errorf("%s has not two groups", path)
	}
	end := before + len(checksum)
	for range 2 { // the bulk string's length, and the string
		end += bytes.IndexByte(text[end:], '\n') + 1
	}
	return int64(end), int64(len(text)), nil
}

// fillDisk fills the server's disk until it ends, which it does rather than acknowledge
// what it cannot keep; then there is room again.
func (s *site) fillDisk(ctx context.Context, r *server) error {
	path, err := r.aof()
	if err != nil {
		return err
	}
	r.up.ours.Store(true)
	if err := s.disk.fill(r.up.command.Process.Pid, path); err != nil {
		return err
	}
	if !until(ctx, 20*time.Second, func() bool { return !r.up.up() }) {
		s.differ(other, "the disk of redis is full, and it goes on")
		r.up.kill()
	}
	s.killed(FillDisk)
	if err := s.disk.free(); err != nil {
		return err
	}
	if err := r.fix(ctx); err != nil {
		return err
	}
	return r.start(ctx)
}

// takeOver stops a platform where it stands, has another one take its place, and lets
// the first go on: nothing that it still does may count. It ends, because it was fenced off.
func (s *site) takeOver(ctx context.Context, p *node) error {
	stale := p.process
	if err := stale.freeze(); err != nil {
		return err
	}
	stale.ours.Store(true)
	if err := p.move(); err != nil {
		return err
	}
	if err := s.follow(p); err != nil {
		return err
	}
	if err := p.again(ctx); err != nil {
		return errors.Join(err, stale.thaw())
	}
	err := stale.thaw()
	pause(ctx, time.Duration(200+s.random.IntN(800))*time.Millisecond)
	s.struck(TakeOver)
	stale.kill()
	return err
}
