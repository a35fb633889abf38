package redisstore

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"strconv"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/engine"
)

// line is the connection of one partition's writer, to the server that has the partition.
// A batch goes over it as octets that are ready, in one write, and nothing is ever sent
// again: go-redis, a command at a time, would cost the engine a sixth more.
type line struct {
	conn     net.Conn
	in       *bufio.Reader
	patience time.Duration // for the answers to what is sent at once; 0 is as long as it takes
	answers  []any
}

// connect makes a partition's line: in a cluster to the master of its slot, as far as is
// known. How a server is reached and what it is told first is go-redis's to know.
func (s *Store) connect(ctx context.Context, p engine.Partition) (*line, error) {
	server, err := s.server(ctx, p)
	if err != nil {
		return nil, err
	}
	o := server.Options()
	conn, err := o.Dialer(ctx, o.Network, o.Addr)
	if err != nil {
		return nil, err
	}
	l := &line{conn: conn, in: bufio.NewReaderSize(conn, 4<<10), patience: o.ReadTimeout}
	if err := l.greet(ctx, o); err != nil {
		_ = l.close() // it is given up
		return nil, err
	}
	return l, nil
}

func (l *line) close() error { return l.conn.Close() }

// greet says who comes, and which database is meant.
func (l *line) greet(ctx context.Context, o *redis.Options) error {
	var c commands
	switch {
	case o.Username != "":
		c.add("AUTH", o.Username, o.Password)
	case o.Password != "":
		c.add("AUTH", o.Password)
	}
	if o.DB != 0 {
		c.add("SELECT", strconv.Itoa(o.DB))
	}
	if c.count == 0 {
		return nil
	}
	answers, err := l.ask(ctx, c)
	if err != nil {
		return err
	}
	return firstRefusal(answers)
}

// ask sends commands and reads their answers, each a string, an int64, nil, a refusal, or
// a []any of them. They are good until the next time. With an error there are those that
// came before it, and the line is of no more use.
func (l *line) ask(ctx context.Context, c commands) ([]any, error) {
	l.answers = l.answers[:0]
	if err := l.conn.SetDeadline(l.deadline(ctx)); err != nil {
		return nil, err
	}
	if _, err := l.conn.Write(c.octets); err != nil {
		return nil, err
	}
	for range c.count {
		answer, err := l.answer(deepest)
		if err != nil {
			return l.answers, err
		}
		l.answers = append(l.answers, answer)
	}
	return l.answers, nil
}

// deadline is when answers have to be there; the zero time is never.
func (l *line) deadline(ctx context.Context) time.Time {
	end, bound := ctx.Deadline()
	if l.patience == 0 {
		return end
	}
	if own := time.Now().Add(l.patience); !bound || own.Before(end) {
		return own
	}
	return end
}

// deepest is how deep answers lie in each other: those of the commands in EXEC's.
const deepest = 2

// answer reads one answer in RESP 2, with so many levels of them in it.
func (l *line) answer(levels int) (any, error) {
	text, err := l.in.ReadSlice('\n')
	if err != nil {
		return nil, err
	}
	if len(text) < 3 || text[len(text)-2] != '\r' {
		return nil, malformed(text)
	}
	sign, text := text[0], text[1:len(text)-2]
	switch sign {
	case '+':
		return simple(text), nil
	case '-':
		return refusal(text), nil
	}
	n, err := strconv.ParseInt(string(text), 10, 64)
	switch {
	case err != nil:
		return nil, malformed(text)
	case sign == ':':
		return n, nil
	case n == -1 && (sign == '$' || sign == '*'):
		return nil, nil
	case n < 0 || n > mostAnswered:
		return nil, malformed(text)
	case sign == '$':
		return l.bulk(int(n))
	case sign == '*' && levels > 0:
		return l.array(int(n), levels-1)
	}
	return nil, malformed(text)
}

// mostAnswered is far more, in octets or in answers, than anything that is asked here.
const mostAnswered = 1 << 20

func (l *line) bulk(n int) (any, error) {
	text := make([]byte, n+2)
	if _, err := io.ReadFull(l.in, text); err != nil {
		return nil, err
	}
	if string(text[n:]) != "\r\n" {
		return nil, malformed(text[n:])
	}
	return string(text[:n]), nil
}

func (l *line) array(n, levels int) (any, error) {
	all := make([]any, 0, min(n, 64))
	for range n {
		one, err := l.answer(levels)
		if err != nil {
			return nil, err
		}
		all = append(all, one)
	}
	return all, nil
}

func malformed(text []byte) error { return fmt.Errorf("redisstore: the server answers %.40q", text) }

// simple makes a word of an answer; those of every batch cost no allocation.
func simple(text []byte) any {
	switch string(text) {
	case "OK":
		return "OK"
	case "QUEUED":
		return "QUEUED"
	}
	return string(text)
}

// refusal is an error that the server answered.
type refusal string

func (r refusal) Error() string { return string(r) }

// RedisError makes it one of go-redis's.
func (refusal) RedisError() {}

var _ redis.Error = refusal("")

// firstRefusal looks for one.
func firstRefusal(answers []any) error {
	for _, a := range answers {
		if r, ok := a.(refusal); ok {
			return r
		}
	}
	return nil
}

// commands are commands in RESP as they go over a line.
type commands struct {
	octets []byte
	count  int
}

// add adds a command.
func (c *commands) add(args ...string) {
	c.begin(len(args))
	for _, arg := range args {
		c.octets = appendBulk(c.octets, arg)
	}
}

// begin begins a command of so many arguments.
func (c *commands) begin(args int) {
	c.octets = append(strconv.AppendInt(append(c.octets, '*'), int64(args), 10), "\r\n"...)
	c.count++
}

// arg adds an argument of a command that is begun.
func (c *commands) arg(text []byte) { c.octets = appendBulk(c.octets, text) }

// appendBulk appends a bulk string.
func appendBulk[T string | []byte](b []byte, text T) []byte {
	b = append(strconv.AppendInt(append(b, '$'), int64(len(text)), 10), "\r\n"...)
	return append(append(b, text...), "\r\n"...)
}
