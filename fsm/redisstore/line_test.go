package redisstore

import (
	"bufio"
	"errors"
	"io"
	"net"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/redis/go-redis/v9"
)

func answerIn(text string) (any, error) {
	l := line{in: bufio.NewReader(strings.NewReader(text))}
	return l.answer(deepest)
}

// The five kinds of answers of RESP 2, as far as they are asked for.
func TestLineReads(t *testing.T) {
	tests := map[string]any{
		"+OK\r\n":                            "OK",
		"+QUEUED\r\n":                        "QUEUED",
		"+PONG\r\n":                          "PONG",
		":0\r\n":                             int64(0),
		":-7\r\n":                            int64(-7),
		"$5\r\na\r\nbc\r\n":                  "a\r\nbc",
		"$0\r\n\r\n":                         "",
		"$-1\r\n":                            nil,
		"*-1\r\n":                            nil,
		"*0\r\n":                             []any{},
		"-OOM command not allowed\r\n":       refusal("OOM command not allowed"),
		"*3\r\n:1\r\n-ERR no\r\n$1\r\nx\r\n": []any{int64(1), refusal("ERR no"), "x"},
		"*1\r\n*1\r\n+OK\r\n":                []any{[]any{"OK"}},
	}
	for text, want := range tests {
		if got, err := answerIn(text); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%q is %#v (%v), want %#v", text, got, err, want)
		}
	}
}

func TestLineRefuses(t *testing.T) {
	for _, text := range []string{
		"\r\n", "\n", "OK\r\n", "+OK\n", ":\r\n", ":x\r\n", "$x\r\n", "$-2\r\n", "*-2\r\n", "$9999999999\r\n",
		"$2\r\nabc\r\n", "_\r\n", "%1\r\n", "*1\r\n*1\r\n*1\r\n:1\r\n", "+" + strings.Repeat("x", 5000) + "\r\n",
	} {
		if got, err := answerIn(text); err == nil || errors.Is(err, io.EOF) {
			t.Errorf("%.20q is %#v (%v)", text, got, err)
		}
	}
	for _, text := range []string{"", "+OK", "$5\r\nabc", "*2\r\n:1\r\n"} {
		if got, err := answerIn(text); !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Errorf("%q is %#v (%v), want the end of it", text, got, err)
		}
	}
}

func FuzzLineAnswer(f *testing.F) {
	for _, text := range []string{"+OK\r\n", "-ERR\r\n", ":1\r\n", "$1\r\nx\r\n", "*2\r\n$-1\r\n:3\r\n", "*-1\r\n"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := answerIn(text)
		if _, said := got.(redis.Error); err != nil && (got != nil || said) {
			t.Errorf("%q is %#v and an error: %v", text, got, err)
		}
	})
}

func TestCommands(t *testing.T) {
	var c commands
	c.add("MULTI")
	c.add("SET", "k", "")
	c.begin(2)
	c.arg([]byte("GET"))
	c.arg([]byte("é"))
	want := "*1\r\n$5\r\nMULTI\r\n" + "*3\r\n$3\r\nSET\r\n$1\r\nk\r\n$0\r\n\r\n" + "*2\r\n$3\r\nGET\r\n$2\r\né\r\n"
	if string(c.octets) != want || c.count != 3 {
		t.Errorf("%d commands: %q", c.count, c.octets)
	}
}

// Whoever answers half and then nothing is not waited for without end, and what was
// answered counts.
func TestLineIsPatient(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ours, theirs := net.Pipe()
		defer theirs.Close()
		l := &line{conn: ours, in: bufio.NewReader(ours), patience: 3 * time.Second}
		defer l.close()
		go func() {
			_, _ = io.ReadAtLeast(theirs, make([]byte, 64), 14)
			_, _ = io.WriteString(theirs, "+OK\r\n")
		}()
		var c commands
		c.add("PING")
		c.count = 2
		began := time.Now()
		answers, err := l.ask(t.Context(), c)
		var timeout net.Error
		if !errors.As(err, &timeout) || !timeout.Timeout() || len(answers) != 1 || time.Since(began) != 3*time.Second {
			t.Errorf("after %v: %v, %v", time.Since(began), answers, err)
		}
	})
}
