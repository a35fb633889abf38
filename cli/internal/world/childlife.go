package world

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// The pause before a server that has ended is started again, doubling; one that has run
// for longer than the longest begins anew with the shortest.
const (
	childPauseMin = 50 * time.Millisecond
	childPauseMax = 5 * time.Second
)

// childPatience is how long a server may take to end when it is asked to.
const childPatience = 10 * time.Second

// serve runs the server life after life until the child is closed. It does so on a thread
// that lives as long: its end is the server's, however it comes.
func (c *child) serve() {
	runtime.LockOSThread()
	defer close(c.ended)
	for pause := childPauseMin; ; pause = min(2*pause, childPauseMax) {
		begun := time.Now()
		why := c.life()
		if why == nil {
			return
		}
		cut, err := c.mend(why)
		switch {
		case cut:
			continue
		case !c.opened.Load():
			c.failed = errors.Join(c.explain("the redis-server ended at once", why), err)
			return
		case time.Since(begun) > childPauseMax:
			pause = childPauseMin
		}
		c.warn(errors.Join(c.explain("the redis-server has ended, and is started again", why), err))
		if !c.wait(pause) {
			return
		}
	}
}

func (c *child) explain(what string, why error) error {
	return fmt.Errorf("%s (%w); its log says why: %s", what, why, filepath.Join(c.dir, childLog))
}

// life runs the server once. It answers how the server ended, or nil when that was asked
// for.
func (c *child) life() error {
	command := exec.Command(c.path, childSettings(c.dir, c.socket)...)
	command.SysProcAttr = ownProcess()
	command.ExtraFiles = []*os.File{c.lock.File()} // it keeps the directory locked until it has ended
	if err := command.Start(); err != nil {
		return err
	}
	exited := make(chan error, 1)
	go func() { exited <- command.Wait() }()
	select {
	case err := <-exited:
		if err == nil {
			err = errors.New("somebody has shut it down")
		}
		return err
	case <-c.closing:
	}
	_ = command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	patience := time.NewTimer(childPatience)
	defer patience.Stop()
	select {
	case <-exited:
	case <-patience.C:
		_ = command.Process.Kill() // what it has answered is on the disk
		<-exited
	}
	return nil
}

// mend cuts off the torn tail for which a server has ended by itself, as it does when it
// cannot read its file.
func (c *child) mend(why error) (cut bool, err error) {
	exit, ok := errors.AsType[*exec.ExitError](why)
	if !ok || exit.ExitCode() < 0 {
		return false, nil
	}
	octets, err := mendTail(context.Background(), c.dir) // it takes about as long as the server does to read the file
	if octets == 0 || err != nil {
		return false, err
	}
	c.warn(fmt.Errorf("the redis-server's file ended in a batch that was never whole and never acknowledged: %d octets were cut off, and are kept in %s",
		octets, filepath.Join(c.dir, childTorn)))
	return true, nil
}

// wait lets a pause pass; false is that the child is closed.
func (c *child) wait(pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-c.closing:
		return false
	}
}
