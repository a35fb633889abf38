package screen

import (
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/charmbracelet/x/vt"
	"golang.org/x/sys/unix"
)

// pty is a pseudo-terminal with somebody before it: what the program writes is shown
// by an emulator, which answers the program's questions as a terminal does.
type pty struct {
	program *os.File // the program's end
	person  *os.File

	mu      sync.Mutex
	shown   *vt.Emulator
	changed chan struct{}
}

func newPTY(t *testing.T, width, height int) *pty {
	t.Helper()
	person, program := openPTY(t)
	term := &pty{program: program, person: person, shown: vt.NewEmulator(width, height), changed: make(chan struct{}, 1)}
	term.size(t, width, height)
	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(term, person) }) // ends when the program's end is closed
	both.Go(func() { _, _ = io.Copy(person, term.shown) })
	t.Cleanup(func() {
		_ = program.Close()
		_ = term.shown.InputPipe().(io.Closer).Close()
		both.Wait()
		_ = person.Close()
	})
	return term
}

func openPTY(t *testing.T) (person, program *os.File) {
	t.Helper()
	person, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(person.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err = errors.Join(err, unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)); err != nil {
		t.Fatal(err)
	}
	program, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	return person, program
}

// Write shows what the program wrote.
func (m *pty) Write(b []byte) (int, error) {
	m.mu.Lock()
	n, err := m.shown.Write(b)
	m.mu.Unlock()
	select {
	case m.changed <- struct{}{}:
	default:
	}
	return n, err
}

// size makes the window another size. The process is told so as by a terminal of its own.
func (m *pty) size(t *testing.T, width, height int) {
	t.Helper()
	m.mu.Lock()
	m.shown.Resize(width, height)
	m.mu.Unlock()
	size := &unix.Winsize{Col: uint16(width), Row: uint16(height)}
	err := unix.IoctlSetWinsize(int(m.person.Fd()), unix.TIOCSWINSZ, size)
	if err = errors.Join(err, syscall.Kill(os.Getpid(), syscall.SIGWINCH)); err != nil {
		t.Fatal(err)
	}
}

func (m *pty) press(t *testing.T, keys string) {
	t.Helper()
	if _, err := io.WriteString(m.person, keys); err != nil {
		t.Fatal(err)
	}
}

// until waits for the terminal to be as it should.
func (m *pty) until(t *testing.T, what string, is func(*vt.Emulator) bool) {
	t.Helper()
	limit := time.After(30 * time.Second)
	for {
		m.mu.Lock()
		done := is(m.shown)
		m.mu.Unlock()
		if done {
			return
		}
		select {
		case <-m.changed:
		case <-limit:
			m.mu.Lock()
			defer m.mu.Unlock()
			t.Fatalf("never came: %s\nthere is:\n%s", what, m.shown.String())
		}
	}
}

// shows waits for a picture, all of it.
func (m *pty) shows(t *testing.T, picture string) {
	t.Helper()
	m.until(t, "\n"+picture, func(e *vt.Emulator) bool { return trimmed(e.String()) == trimmed(picture) })
}

// trimmed is text without the blanks at the ends of its lines, which cannot be seen.
func trimmed(s string) string {
	var b strings.Builder
	for line := range strings.Lines(strings.ReplaceAll(s, "\r", "")) {
		b.WriteString(strings.TrimRight(line, " \n") + "\n")
	}
	return strings.TrimRight(b.String(), "\n")
}

// mode is how the terminal treats what is typed.
func (m *pty) mode(t *testing.T) unix.Termios {
	t.Helper()
	state, err := unix.IoctlGetTermios(int(m.program.Fd()), unix.TCGETS)
	if err != nil {
		t.Fatal(err)
	}
	return *state
}
