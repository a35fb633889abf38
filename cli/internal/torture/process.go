package torture

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"syscall"
	"time"
)

// process is one of the real processes, with its log in a file.
type process struct {
	name    string
	command *exec.Cmd
	log     *os.File
	from    int64         // where its part of the log begins
	ended   chan struct{} // closed when it has
	ours    atomic.Bool   // its end was brought about by us
}

// start starts a program. Its log goes to the end of the file of its name. died, which
// may be nil, hears of an end that is not our doing.
func start(dir, name, path string, env, args []string, died func(*process)) (*process, error) {
	log, err := os.OpenFile(filepath.Join(dir, name+".log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return nil, err
	}
	p := &process{name: name, log: log, ended: make(chan struct{})}
	if p.from, err = log.Seek(0, 2); err != nil {
		return nil, errors.Join(err, log.Close())
	}
	p.command = exec.Command(path, args...)
	p.command.Env = append(os.Environ(), env...)
	p.command.Stdout, p.command.Stderr = log, log
	p.command.SysProcAttr = ownProcess()
	started := make(chan error, 1)
	go func() { // on a thread that lives as long as the process: its end is the process's
		runtime.LockOSThread()
		err := p.command.Start()
		started <- err
		if err != nil {
			return
		}
		_ = p.command.Wait() // ProcessState says how
		_ = log.Close()
		close(p.ended)
		if died != nil && !p.ours.Load() {
			died(p)
		}
	}()
	if err := <-started; err != nil {
		return nil, errors.Join(fmt.Errorf("start %s: %w", name, err), log.Close())
	}
	return p, nil
}

// kill ends it as a power cut does, and waits.
func (p *process) kill() {
	if p == nil {
		return
	}
	p.ours.Store(true)
	_ = p.command.Process.Kill() // it may have ended by itself
	<-p.ended
}

// stop asks it to end and waits; one that does not is killed, which is an error.
func (p *process) stop() error {
	if p == nil {
		return nil
	}
	p.ours.Store(true)
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have ended by itself
	patience := time.NewTimer(20 * time.Second)
	defer patience.Stop()
	select {
	case <-p.ended:
		return nil
	case <-patience.C:
		p.kill()
		return fmt.Errorf("%s does not stop when it is told to", p.name)
	}
}

// up says whether it runs.
func (p *process) up() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// await waits until ready says yes, looking again and again. An end is an error.
func (p *process) await(ctx context.Context, within time.Duration, ready func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !ready() {
		select {
		case <-tick.C:
		case <-p.ended:
			return fmt.Errorf("%s has ended: %s: %s", p.name, p.command.ProcessState, p.said())
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready within %s: %s", p.name, within, p.said())
		}
	}
	return nil
}

// lastWords is how much of a log is shown.
const lastWords = 600

// said is the end of what it has logged.
func (p *process) said() string {
	text, err := os.ReadFile(p.log.Name())
	if err != nil {
		return err.Error()
	}
	text = text[min(p.from, int64(len(text))):]
	return string(text[max(0, len(text)-lastWords):])
}
