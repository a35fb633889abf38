package enginebench

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net"
	"time"

	"golang.org/x/sync/errgroup"
)

// replay writes what was recorded to an emptied store.
func replay(ctx context.Context, p place, reels []reel, r *Result) (err error) {
	_, done, err := p.open(ctx, nil)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	var conns []net.Conn
	defer func() {
		for _, conn := range conns {
			_ = conn.Close() // all that was written is answered
		}
	}()
	for range reels {
		conn, err := p.dial(ctx)
		if err != nil {
			return fmt.Errorf("connect to replay: %w", err)
		}
		conns = append(conns, conn)
	}
	var took time.Duration
	used, err := p.cost(ctx, func() error {
		start := time.Now()
		defer func() { took = time.Since(start) }()
		return playAll(ctx, conns, reels)
	})
	if err != nil {
		return fmt.Errorf("replay: %w", err)
	}
	r.replayed(took, used)
	return nil
}

// playAll plays each reel on its connection.
func playAll(ctx context.Context, conns []net.Conn, reels []reel) error {
	group, playing := errgroup.WithContext(ctx)
	for i, conn := range conns {
		stop := context.AfterFunc(playing, func() { _ = conn.SetDeadline(time.Now()) }) // it ends the play
		defer stop()
		group.Go(func() error { return play(conn, reels[i]) })
	}
	err := group.Wait()
	return cmp.Or(ctx.Err(), err)
}

// play writes batch after batch, each when the one before is answered.
func play(conn net.Conn, r reel) error {
	in := bufio.NewReader(conn)
	for _, s := range r {
		if _, err := conn.Write(s.octets); err != nil {
			return err
		}
		if err := await(in, s.replies); err != nil {
			return err
		}
	}
	return nil
}
