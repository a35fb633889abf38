package peers

import (
	"bufio"
	"io"
	"net"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// box is one of Kannel's programs in the foreground, and its log.
type box struct {
	t    testing.TB
	name string
	cmd  *exec.Cmd
	more chan struct{} // lines have come
	done chan struct{} // closed after the last line

	mu    sync.Mutex
	lines []string
}

// startBox starts a program of Kannel's. It ends with the test at the latest.
func startBox(t testing.TB, name, conf string) *box {
	t.Helper()
	// -v 0 logs everything to stderr, every PDU among it.
	b := &box{t: t, name: name, cmd: exec.CommandContext(t.Context(), name, "-v", "0", conf), more: make(chan struct{}, 1), done: make(chan struct{})}
	stderr, err := b.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go b.read(stderr)
	t.Cleanup(b.kill)
	return b
}

func (b *box) read(log io.Reader) {
	defer close(b.done)
	for lines := bufio.NewScanner(log); lines.Scan(); {
		b.mu.Lock()
		b.lines = append(b.lines, lines.Text())
		b.mu.Unlock()
		select {
		case b.more <- struct{}{}:
		default:
		}
	}
}

// await waits for a line that has the text.
func (b *box) await(text string) {
	b.t.Helper()
	timeout := time.After(patience)
	for !slices.ContainsFunc(b.log(), func(line string) bool { return strings.Contains(line, text) }) {
		select {
		case <-b.more:
		case <-b.done:
			b.t.Fatalf("%s has ended:\n%s", b.name, b.tail())
		case <-timeout:
			b.t.Fatalf("%s did not log %q:\n%s", b.name, text, b.tail())
		}
	}
}

func (b *box) log() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.lines)
}

// tail is the end of the log.
func (b *box) tail() string {
	log := b.log()
	return strings.Join(log[max(0, len(log)-60):], "\n")
}

// stop ends the program as an operator does, and waits for it. With status 0 it ends well.
func (b *box) stop() {
	b.t.Helper()
	if err := b.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		b.t.Fatalf("stop %s: %v:\n%s", b.name, err, b.tail())
	}
	select {
	case <-b.done:
	case <-time.After(patience):
		b.t.Fatalf("%s does not end:\n%s", b.name, b.tail())
	}
	if err := b.cmd.Wait(); err != nil {
		b.t.Errorf("%s ended with %v:\n%s", b.name, err, b.tail())
	}
}

// kill ends the program without its leave; of one that has ended it does nothing.
func (b *box) kill() {
	_ = b.cmd.Process.Kill()
	<-b.done
	_ = b.cmd.Wait()
}

// grave is a line of the log above INFO.
var grave = regexp.MustCompile(`^[-0-9]+ [:0-9]+ \[\d+\] \[\d+\] (WARNING|ERROR|PANIC|FATAL): .*$`)

// byTheStop is the only line above INFO that is let pass: bearerbox tells of its SIGTERM,
// and logs this for nothing else.
var byTheStop = regexp.MustCompile(`^\S+ \S+ \[\d+\] \[0\] WARNING: Killing signal or HTTP admin command received, shutting down\.\.\.$`)

// complaints are the lines of the log above INFO, but for the stop's.
func (b *box) complaints() []string {
	return slices.DeleteFunc(b.log(), func(line string) bool {
		return !grave.MatchString(line) || byTheStop.MatchString(line)
	})
}

// freePorts are ports of the loopback interface that nobody listens at.
func freePorts(t testing.TB, n int) []int {
	t.Helper()
	var ports []int
	for range n {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer ln.Close() // once all are found, so that they differ
		ports = append(ports, ln.Addr().(*net.TCPAddr).Port)
	}
	return ports
}

func onLoopback(port int) string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(port)) }

// listens says whether someone listens at the address.
func listens(address string) bool {
	conn, err := net.Dial("tcp", address)
	if err == nil {
		_ = conn.Close()
	}
	return err == nil
}

// poll waits until something is so; otherwise is what to say if it never is.
func poll(t testing.TB, otherwise string, so func() bool) {
	t.Helper()
	tick, timeout := time.NewTicker(10*time.Millisecond), time.After(patience)
	defer tick.Stop()
	for !so() {
		select {
		case <-tick.C:
		case <-timeout:
			t.Fatal(otherwise)
		}
	}
}
