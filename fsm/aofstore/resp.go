package aofstore

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// What a command in RESP may be at most, as a redis-server has it.
const (
	maxArgs = 1 << 20
	maxBulk = 512 << 20
)

// errMalformed is for octets that are no command in RESP, however many more would come.
var errMalformed = errors.New("no command in RESP")

// commands reads commands, each an array of bulk strings, and takes only the one form
// in which they are written, so that a command written again is the same octets.
type commands struct {
	in *bufio.Reader
	at int64 // octets read so far
}

func newCommands(r io.Reader) *commands { return &commands{in: bufio.NewReaderSize(r, 64<<10)} }

// next reads a command of at least one argument. The error is io.EOF between two
// commands, io.ErrUnexpectedEOF inside one, or errMalformed.
func (c *commands) next() ([]string, error) {
	if _, err := c.in.Peek(1); err != nil {
		return nil, err
	}
	n, err := c.count('*', maxArgs)
	if err != nil {
		return nil, err
	}
	if n == 0 {
		return nil, fmt.Errorf("%w: an array of nothing", errMalformed)
	}
	args := make([]string, 0, min(n, 1024))
	for range n {
		arg, err := c.bulk()
		if err != nil {
			return nil, err
		}
		args = append(args, arg)
	}
	return args, nil
}

// count reads a line of a sign and a number.
func (c *commands) count(sign byte, most int) (int, error) {
	line, err := c.in.ReadSlice('\n')
	c.at += int64(len(line))
	switch {
	case errors.Is(err, bufio.ErrBufferFull) || err == nil && len(line) > 16:
		return 0, fmt.Errorf("%w: a line without an end", errMalformed)
	case errors.Is(err, io.EOF) && plausible(line, sign):
		return 0, io.ErrUnexpectedEOF
	case err != nil && !errors.Is(err, io.EOF):
		return 0, err
	}
	text, ended := bytes.CutSuffix(line, []byte("\r\n"))
	if !ended || len(text) == 0 || text[0] != sign {
		return 0, fmt.Errorf("%w: %q instead of %q and a number", errMalformed, line, sign)
	}
	n, ok := digits(text[1:])
	if !ok || n > most {
		return 0, fmt.Errorf("%w: %q is no count of at most %d", errMalformed, line, most)
	}
	return n, nil
}

// digits reads a number in the one way in which it is written: without a sign, and no
// zero in front.
func digits(text []byte) (n int, ok bool) {
	for _, c := range text {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = 10*n + int(c-'0') // a line has 16 octets at most
	}
	return n, len(text) == 1 || len(text) > 1 && text[0] != '0'
}

// plausible says whether more octets could make a count of the beginning of a line.
func plausible(line []byte, sign byte) bool {
	if len(line) == 0 {
		return true
	}
	begun := strings.TrimSuffix(string(line[1:]), "\r")
	return line[0] == sign && strings.Trim(begun, "0123456789") == "" && len(line) <= 16
}

// bulk reads a bulk string. What is announced is not believed before it comes.
func (c *commands) bulk() (string, error) {
	n, err := c.count('$', maxBulk)
	if err != nil {
		return "", err
	}
	var text string
	if n+2 <= c.in.Size() {
		text, err = c.short(n + 2)
	} else {
		var long strings.Builder
		_, err = io.CopyN(&long, c.in, int64(n+2))
		text = long.String()
	}
	c.at += int64(len(text))
	switch {
	case errors.Is(err, io.EOF):
		return "", io.ErrUnexpectedEOF
	case err != nil:
		return "", err
	case !strings.HasSuffix(text, "\r\n"):
		return "", fmt.Errorf("%w: a bulk string of %d octets without an end", errMalformed, n)
	}
	return text[:n], nil
}

func (c *commands) short(n int) (string, error) {
	octets, err := c.in.Peek(n)
	text := string(octets)
	_, _ = c.in.Discard(len(octets)) // they are there
	return text, err
}

// appendCommand appends a command as an array of bulk strings.
func appendCommand(b []byte, args ...string) []byte {
	b = append(b, '*')
	b = strconv.AppendInt(b, int64(len(args)), 10)
	b = append(b, "\r\n"...)
	for _, arg := range args {
		b = append(b, '$')
		b = strconv.AppendInt(b, int64(len(arg)), 10)
		b = append(b, "\r\n"...)
		b = append(b, arg...)
		b = append(b, "\r\n"...)
	}
	return b
}

// cutReply cuts the first reply off, which is whole, and says whether it is an error.
func cutReply(b []byte) (rest []byte, failed bool) {
	line, rest, _ := bytes.Cut(b, []byte("\r\n"))
	if len(line) == 0 {
		return nil, true
	}
	n, _ := strconv.Atoi(string(line[1:])) // a reply without a number has none to use
	switch line[0] {
	case '-':
		return rest, true
	case '$', '=', '!':
		if n < 0 {
			return rest, false // nothing
		}
		return rest[min(len(rest), min(n, maxBulk)+2):], line[0] == '!'
	case '%':
		n *= 2
	case '*', '~', '>':
	default:
		return rest, false
	}
	for ; n > 0 && len(rest) > 0; n-- {
		rest, _ = cutReply(rest)
	}
	return rest, false
}
