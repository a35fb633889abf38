package aofstore

import (
	"bytes"
	"errors"
	"hash/crc32"
	"io"
	"slices"
	"strings"
	"testing"
)

// Commands are arrays of bulk strings: RESP2, "Sending commands to a Redis server".
func TestCommands(t *testing.T) {
	long := strings.Repeat("x", 100_000)
	tests := []struct {
		name, octets string
		args         []string
		err          error
	}{
		{"a command", "*2\r\n$3\r\nGET\r\n$1\r\na\r\n", []string{"GET", "a"}, nil},
		{"an empty argument", "*2\r\n$3\r\nGET\r\n$0\r\n\r\n", []string{"GET", ""}, nil},
		{"line ends inside", "*1\r\n$4\r\n\r\n\r\n\r\n", []string{"\r\n\r\n"}, nil},
		{"longer than the buffer", "*1\r\n$100000\r\n" + long + "\r\n", []string{long}, nil},
		{"nothing", "", nil, io.EOF},
		{"half a count", "*", nil, io.ErrUnexpectedEOF},
		{"half a line end", "*1\r", nil, io.ErrUnexpectedEOF},
		{"no argument yet", "*1\r\n", nil, io.ErrUnexpectedEOF},
		{"half an argument", "*1\r\n$4\r\nPI", nil, io.ErrUnexpectedEOF},
		{"an argument without its end", "*1\r\n$4\r\nPING\r", nil, io.ErrUnexpectedEOF},
		{"half a long argument", "*1\r\n$100000\r\n" + long[1:], nil, io.ErrUnexpectedEOF},
		{"an inline command", "PING\r\n", nil, errMalformed},
		{"zeros", "\x00\x00\x00", nil, errMalformed},
		{"an empty array", "*0\r\n", nil, errMalformed},
		{"a negative array", "*-1\r\n", nil, errMalformed},
		{"a zero in front", "*01\r\n", nil, errMalformed},
		{"a bare line feed", "*1\n$4\r\nPING\r\n", nil, errMalformed},
		{"a wrong end", "*1\r\n$4\r\nPING..", nil, errMalformed},
		{"too many", "*1048577\r\n", nil, errMalformed},
		{"too long", "*1\r\n$536870913\r\n", nil, errMalformed},
		{"an endless line", "*" + long, nil, errMalformed},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			in := newCommands(strings.NewReader(tt.octets))
			args, err := in.next()
			if !errors.Is(err, tt.err) || !slices.Equal(args, tt.args) {
				t.Fatalf("%.40q, %v; want %.40q, %v", args, err, tt.args, tt.err)
			}
			if err == nil && in.at != int64(len(tt.octets)) {
				t.Errorf("%d octets read of %d", in.at, len(tt.octets))
			}
		})
	}
}

func TestCutReply(t *testing.T) {
	tests := []struct {
		reply  string
		failed bool
	}{
		{"+OK\r\n", false}, {":12\r\n", false}, {"-ERR no\r\n", true}, {"$3\r\na\r\n\r\n", false}, {"$-1\r\n", false},
		{"*-1\r\n", false}, {"*0\r\n", false}, {"*2\r\n*1\r\n:1\r\n$1\r\na\r\n", false}, {"*1\r\n-ERR inside\r\n", false},
		{"%1\r\n+a\r\n:1\r\n", false}, {"_\r\n", false}, {",1.5\r\n", false}, {"!5\r\nERR a\r\n", true},
	}
	for _, tt := range tests {
		rest, failed := cutReply([]byte(tt.reply + "+next\r\n"))
		if string(rest) != "+next\r\n" || failed != tt.failed {
			t.Errorf("%q leaves %q, failed %v", tt.reply, rest, failed)
		}
	}
}

// FuzzCommands: what is read is written again as the same octets; a file's checksums
// rest on that.
func FuzzCommands(f *testing.F) {
	for _, seed := range []string{"*1\r\n$4\r\nPING\r\n", "*1\r\n$5\r\nMULTI\r\n*1\r\n$4\r\nEXEC\r\n", "*2\r\n$1\r\n", "*00\r\n", "$1\r\n\x00\r\n"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, octets []byte) {
		in := newCommands(bytes.NewReader(octets))
		var again []byte
		for {
			args, err := in.next()
			if err != nil {
				break
			}
			again = appendCommand(again, args...)
			if int64(len(again)) != in.at {
				t.Fatalf("at %d after %d octets", in.at, len(again))
			}
		}
		if !bytes.HasPrefix(octets, again) {
			t.Errorf("read %q, written %q", octets, again)
		}
	})
}

// FuzzReplay: whatever a file has, what is kept of it is whole units, and replays again
// to the same.
func FuzzReplay(f *testing.F) {
	group := appendCommand(appendCommand(appendCommand(nil, "MULTI"), "SET", "a", "1"), "EXEC")
	f.Add(appendChecksum(group, crc32.Checksum(group, castagnoli)))
	f.Add(append(appendChecksum(group, 1), group...))
	f.Add(append(group, make([]byte, 64)...))
	f.Add(group[:len(group)-5])
	f.Fuzz(func(t *testing.T, octets []byte) {
		found, err := replay(bytes.NewReader(octets), int64(len(octets)), nothing)
		if found.keep < 0 || found.keep > int64(len(octets)) {
			t.Fatalf("%d octets are kept of %d", found.keep, len(octets))
		}
		if err != nil && !errors.Is(err, ErrDamaged) {
			t.Fatal(err)
		}
		again, err := replay(bytes.NewReader(octets[:found.keep]), found.keep, nothing)
		if err != nil || again != found {
			t.Fatalf("%+v and then %+v, %v", found, again, err)
		}
	})
}

// FuzzCutReply: whatever a reply is, cutting it ends.
func FuzzCutReply(f *testing.F) {
	f.Add([]byte("*2\r\n:1\r\n*-1\r\n"))
	f.Add([]byte("$9999999999\r\n"))
	f.Fuzz(func(t *testing.T, reply []byte) {
		for len(reply) > 0 {
			rest, _ := cutReply(reply)
			if len(rest) >= len(reply) {
				t.Fatalf("%q leaves %q", reply, rest)
			}
			reply = rest
		}
	})
}
