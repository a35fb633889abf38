package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
)

// Bounds of forwarding.
const (
	mostRetries    = 20
	mostForwarding = 8 // at a time
	mostWaiting    = 10_000
	forwardTimeout = 15 * time.Second // as the platform gives a merchant
	firstRetry     = time.Second      // doubled each time
	lastRetry      = 30 * time.Second
	endTime        = 5 * time.Second // for what is under way when listen ends
)

// forwarder gives callbacks to a server, to a command, or to both. What is not taken is
// tried again; what is never taken is listed at the end.
type forwarder struct {
	*call
	to, exec string
	retries  int
	secret   api.WebhookSecret
	http     *http.Client

	ctx     context.Context // of the work, which ends with the command
	cancel  context.CancelFunc
	turns   chan struct{}
	ending  chan struct{} // closed when nothing more is tried
	working sync.WaitGroup

	mu      sync.Mutex
	waiting int
	failed  []forwardFailure
}

// forwardFailure is a callback that was not taken.
type forwardFailure struct {
	id      platform.CallbackID
	problem string
}

func newForwarder(c *call, l *listenConfig, secret api.WebhookSecret) *forwarder {
	f := &forwarder{
		call: c, to: l.forwardTo, exec: l.exec, retries: l.retries, secret: secret, turns: make(chan struct{}, mostForwarding), ending: make(chan struct{}),
		http: &http.Client{
			Timeout: forwardTimeout, Transport: &http.Transport{},
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	f.ctx, f.cancel = context.WithCancel(context.Background())
	return f
}

// say says one line, whoever else says one.
func (f *forwarder) say(format string, args ...any) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.talk(format, args...)
}

// take forwards a callback, without being waited for.
func (f *forwarder) take(a platform.Attempt) {
	ways := []func(platform.Attempt) (string, error){}
	if f.to != "" {
		ways = append(ways, f.post)
	}
	if f.exec != "" {
		ways = append(ways, f.command)
	}
	for _, way := range ways {
		if !f.room() {
			f.fail(a.ID, "too many wait to be forwarded")
			continue
		}
		f.working.Go(func() { f.forward(a, way) })
	}
}

func (f *forwarder) room() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.waiting >= mostWaiting {
		return false
	}
	f.waiting++
	return true
}

// forward tries until the callback is taken, or often enough.
func (f *forwarder) forward(a platform.Attempt, way func(platform.Attempt) (string, error)) {
	defer func() {
		f.mu.Lock()
		f.waiting--
		f.mu.Unlock()
	}()
	pause := firstRetry
	for try := 0; ; try++ {
		select {
		case f.turns <- struct{}{}:
		case <-f.ending:
			f.fail(a.ID, "interrupted before it was forwarded")
			return
		}
		said, err := way(a)
		<-f.turns
		switch {
		case err == nil:
			f.say("  %s: %s", a.ID, said)
			return
		case f.ctx.Err() != nil:
			f.fail(a.ID, "interrupted")
			return
		case try == f.retries:
			f.say("  %s: %v; given up", a.ID, err)
			f.fail(a.ID, err.Error())
			return
		}
		f.say("  %s: %v; again in %s, %d of %d", a.ID, err, pause, try+1, f.retries)
		select {
		case <-time.After(pause):
		case <-f.ending:
			f.fail(a.ID, err.Error())
			return
		}
		pause = min(2*pause, lastRetry)
	}
}

func (f *forwarder) fail(id platform.CallbackID, problem string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failed = append(f.failed, forwardFailure{id, problem})
}

// post sends the callback as the platform would: the same body and id, signed now.
func (f *forwarder) post(a platform.Attempt) (string, error) {
	r, err := http.NewRequestWithContext(f.ctx, http.MethodPost, f.to, bytes.NewReader(a.Event))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	api.SignCallback(r.Header, string(a.ID), time.Now(), a.Event, f.secret)
	began := time.Now()
	answer, err := f.http.Do(r)
	if err != nil {
		return "", fmt.Errorf("%s: %w", f.to, plainly(err))
	}
	defer answer.Body.Close()
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, 4<<10)) // so that the connection serves again
	if answer.StatusCode/100 != 2 {
		return "", fmt.Errorf("%s answered %d", f.to, answer.StatusCode)
	}
	return fmt.Sprintf("%s answered %d in %s", f.to, answer.StatusCode, time.Since(began).Round(time.Millisecond)), nil
}

// command runs the command with the callback on its stdin.
func (f *forwarder) command(a platform.Attempt) (string, error) {
	run := exec.CommandContext(f.ctx, "sh", "-c", f.exec) //nolint:gosec // it is what its user asks for
	run.Env = append(os.Environ(), "AIRTILL_EVENT="+a.Type, "AIRTILL_WEBHOOK_ID="+string(a.ID))
	run.Stdin = bytes.NewReader(a.Event)
	run.WaitDelay = time.Second // a child of its own may hold on to the output
	said, err := run.CombinedOutput()
	text := strings.TrimSpace(string(said))
	if err != nil {
		return "", fmt.Errorf("the command failed: %w: %s", err, text)
	}
	return "the command said: " + text, nil
}

// end lets what is under way come to its end, gives up what waits, and lists what was
// never taken.
func (f *forwarder) end() {
	close(f.ending)
	late := time.AfterFunc(endTime, f.cancel)
	f.working.Wait()
	late.Stop()
	f.cancel()
	f.http.CloseIdleConnections()
	if len(f.failed) == 0 {
		return
	}
	slices.SortStableFunc(f.failed, func(a, b forwardFailure) int { return strings.Compare(string(a.id), string(b.id)) })
	f.say("not forwarded: %d", len(f.failed))
	for _, one := range f.failed {
		f.say("  %s: %s; once more: airtill callbacks resend %s", one.id, one.problem, one.id)
	}
}
