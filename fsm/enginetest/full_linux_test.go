package enginetest

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"unsafe"
)

// fullServer starts a server that is told of a write that its limit forbids, and not
// killed for it. To be its limit is what a full disk is to it, for every user.
func fullServer(t *testing.T, sync string) *Server {
	t.Helper()
	s := newServer(t)
	s.Addr = filepath.Join(s.Dir, "s")
	s.args = append([]string{"-c", `trap "" XFSZ; exec "$@"`, "sh", s.path}, append(s.args, "--port", "0", "--unixsocket", s.Addr)...)
	s.path = "/bin/sh"
	s.run(t, []string{"--appendfsync", sync})
	return s
}

// limit sets how large files the server may write (RLIMIT_FSIZE).
func (s *Server) limit(t *testing.T, octets uint64) {
	t.Helper()
	const fileSize = 1
	limit := syscall.Rlimit{Cur: octets, Max: ^uint64(0)}
	_, _, err := syscall.RawSyscall6(syscall.SYS_PRLIMIT64, uintptr(s.process.Process.Pid), fileSize, uintptr(unsafe.Pointer(&limit)), 0, 0, 0)
	if err != 0 {
		t.Fatal(err)
	}
}

// fill leaves the server a little room.
func (s *Server) fill(t *testing.T) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(s.Dir, "appendonlydir", "*.incr.aof"))
	if err != nil || len(files) != 1 {
		t.Fatalf("the append-only files are %v, %v", files, err)
	}
	info, err := os.Stat(files[0])
	if err != nil {
		t.Fatal(err)
	}
	s.limit(t, uint64(info.Size())+1000)
}

// TestDiskFull: a server that syncs always ends, and goes on when it is started with
// room; what was acknowledged is there.
func TestDiskFull(t *testing.T) {
	s := fullServer(t, "always")
	l := underLoad(t, Redis(s.Addr))
	for range 2 {
		s.fill(t)
		s.Wait()
		if !strings.Contains(s.Said(), "Can't recover from AOF write error") {
			t.Fatal("it ended for another reason")
		}
		l.refuses()
		s.Start(t)
		l.more(50)
	}
	l.end()
}

// TestDiskFullEverySecond: such a server runs on and refuses; when there is room it goes
// on by itself, and nothing is lost while it lives.
func TestDiskFullEverySecond(t *testing.T) {
	s := fullServer(t, "everysec")
	l := underLoad(t, Redis(s.Addr))
	s.fill(t)
	refusals(t, s, "MISCONF", 10)
	l.refuses()
	s.limit(t, ^uint64(0))
	l.end()
}
