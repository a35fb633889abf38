package enginebench

import (
	"bufio"
	"context"
	"errors"
	"net"
	"strings"
	"testing"
	"time"
)

func TestCount(t *testing.T) {
	for batch, want := range map[string]struct {
		commands int
		whole    bool
	}{
		"": {0, true},
		"*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nGET\r\n$1\r\n\n\r\n": {2, true},
		"*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nGET\r\n":             {1, false},
		"*1\r\n$5\r\nMUL":              {0, false},
		"*1\r\n$-5\r\nMULTI\r\n":       {0, false},
		"+OK\r\n":                      {0, false},
		"*1\r\n$4\r\nEXEC\r\n*0\r\n*1": {2, false},
	} {
		if commands, whole := count([]byte(batch)); commands != want.commands || whole != want.whole {
			t.Errorf("%q has %d commands, whole: %t", batch, commands, whole)
		}
	}
}

func FuzzCount(f *testing.F) {
	f.Add([]byte("*1\r\n$5\r\nMULTI\r\n*2\r\n$3\r\nGET\r\n$1\r\n\n\r\n"))
	f.Add([]byte("*1\r\n$99999999999\r\nMULTI\r\n"))
	f.Fuzz(func(t *testing.T, batch []byte) {
		if n, _ := count(batch); n > len(batch) {
			t.Errorf("%d commands in %d octets", n, len(batch))
		}
	})
}

func TestAwait(t *testing.T) {
	for replies, want := range map[string]string{
		"+OK\r\n+QUEUED\r\n*2\r\n:1\r\n$3\r\n1-1\r\n": "",
		"+OK\r\n$-1\r\n+OK\r\n":                       "",
		"+OK\r\n+OK\r\n*-1\r\n":                       "a batch was not run",
		"+OK\r\n+OK\r\n*1\r\n-ERR no\r\n":             "the server answers ERR no",
		"-OOM\r\n":                                    "the server answers OOM",
		"+OK\r\n?\r\n":                                "a reply is",
		"+OK\r\n":                                     "EOF",
		"\n":                                          "a reply is",
	} {
		err := await(bufio.NewReader(strings.NewReader(replies)), 3)
		if want == "" && err != nil || want != "" && (err == nil || !strings.Contains(err.Error(), want)) {
			t.Errorf("%q: %v, want %q", replies, err, want)
		}
	}
}

// A tape that is full ends with the last batch that is whole.
func TestTapeIsFull(t *testing.T) {
	tape := newTape(100)
	near, far := net.Pipe()
	defer near.Close()
	go func() {
		var b [1 << 10]byte
		for {
			if _, err := far.Read(b[:]); err != nil {
				return
			}
		}
	}()
	conn, err := tape.dialer(func(context.Context, string, string) (net.Conn, error) { return near, nil })(t.Context(), "", "")
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range []string{"*2\r\n$6\r\nSELECT\r\n$1\r\n9\r\n", string(multi), "*1\r\n$4\r\nEXEC\r\n", string(multi), strings.Repeat("x", 100), string(multi)} {
		if _, err := conn.Write([]byte(b)); err != nil {
			t.Fatal(err)
		}
	}
	reels := tape.reels()
	if len(reels) != 1 || len(reels[0]) != 2 || reels[0][0].replies != 2 || reels[0][1].replies != 1 {
		t.Errorf("the tape has %+v", reels)
	}
	if want := int64(len(multi) + 14 + len(multi)); octets(reels) != want || tape.sent() <= want {
		t.Errorf("%d octets kept of %d, want %d", octets(reels), tape.sent(), want)
	}
}

// A run that is cut short says what it has measured.
func TestRunInterrupted(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	r, err := Run(ctx, Config{Time: time.Hour, InFlight: 4, Partitions: 2})
	if !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("the error is %v", err)
	}
	if r == nil || r.Errors != 0 || r.ReplayPerS != 0 {
		t.Errorf("the result is %+v", r)
	}
}
