package enginebench

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"strconv"
)

// count counts the commands in a batch, and says whether it ends with one of them.
func count(batch []byte) (commands int, whole bool) {
	for len(batch) > 0 {
		args, rest, ok := number(batch, '*')
		if !ok {
			return commands, false
		}
		for range args {
			n, after, ok := number(rest, '$')
			if !ok || n+2 > len(after) {
				return commands, false
			}
			rest = after[n+2:]
		}
		batch = rest
		commands++
	}
	return commands, true
}

// number cuts a line of a sign and a number off.
func number(b []byte, sign byte) (n int, rest []byte, ok bool) {
	line, rest, ok := bytes.Cut(b, []byte("\r\n"))
	if !ok || len(line) < 2 || line[0] != sign {
		return 0, nil, false
	}
	n, err := strconv.Atoi(string(line[1:]))
	return n, rest, err == nil && n >= 0
}

// await reads so many replies, none of which may be an error, or the nothing that EXEC
// answers when it did nothing.
func await(in *bufio.Reader, replies int) error {
	for range replies {
		if err := reply(in); err != nil {
			return err
		}
	}
	return nil
}

func reply(in *bufio.Reader) error {
	line, err := in.ReadSlice('\n')
	if err != nil {
		return err
	}
	if len(line) < 3 {
		return fmt.Errorf("a reply is %q", line)
	}
	switch text := line[1 : len(line)-2]; line[0] {
	case '-':
		return fmt.Errorf("the server answers %s", text)
	case '+', ':':
		return nil
	case '$':
		n, err := strconv.Atoi(string(text))
		if err != nil || n < 0 {
			return err
		}
		_, err = io.CopyN(io.Discard, in, int64(n)+2)
		return err
	case '*':
		n, err := strconv.Atoi(string(text))
		if err != nil || n < 0 {
			return fmt.Errorf("a batch was not run: %q (%w)", line, err)
		}
		return await(in, n)
	}
	return fmt.Errorf("a reply is %q", line)
}

// appendCommand appends a command as an array of bulk strings.
func appendCommand(b []byte, args ...string) []byte {
	b = fmt.Appendf(b, "*%d\r\n", len(args))
	for _, arg := range args {
		b = fmt.Appendf(b, "$%d\r\n%s\r\n", len(arg), arg)
	}
	return b
}
