package aofstore

import (
	"bufio"
	"bytes"
	"net"
	"strings"
	"sync"

	"github.com/alicebob/miniredis/v2/server"
)

// session is one client's connection.
type session struct {
	store *Store
	conn  net.Conn
	peer  *server.Peer
	reply bytes.Buffer // of the command that runs

	queued  [][]string // what EXEC will run
	inMulti bool
	out     []byte // replies that wait for the file
	unit    []byte // what the file must have of the command that runs
}

func newSession(s *Store, conn net.Conn) *session {
	c := &session{store: s, conn: conn}
	c.peer = server.NewPeer(bufio.NewWriter(&c.reply))
	return c
}

// maxTogether is how many commands are run before their replies are written.
const maxTogether = 4096

// serve reads commands and answers them until the connection ends. What comes together
// is run together.
func (c *session) serve() {
	together := make(chan [][]string, 1)
	stop := make(chan struct{})
	var reading sync.WaitGroup
	reading.Go(func() {
		defer close(together)
		c.read(together, stop)
	})
	for commands := range together {
		if !c.answer(commands) {
			break
		}
	}
	close(stop)
	_ = c.conn.Close() // whoever is at the other end has left or must
	reading.Wait()
}

func (c *session) read(together chan<- [][]string, stop <-chan struct{}) {
	in := newCommands(c.conn)
	for {
		all := c.stretch(in)
		if len(all) == 0 {
			return
		}
		select {
		case together <- all:
		case <-stop:
			return
		}
	}
}

// stretch reads the commands that have come together; none when the connection has ended.
func (c *session) stretch(in *commands) (all [][]string) {
	for len(all) == 0 || in.in.Buffered() > 0 && len(all) < maxTogether {
		args, err := in.next()
		if err != nil {
			return all // the next stretch is empty
		}
		args[0] = strings.ToUpper(args[0])
		all = append(all, args)
	}
	return all
}

// answer runs the commands, and writes the replies when all that they have seen or
// written is kept. It says whether the connection is of more use.
func (c *session) answer(commands [][]string) bool {
	c.out = c.out[:0]
	if err := c.store.ready(); err != nil {
		for range commands {
			c.refuse("MISCONF " + err.Error() + "; it is tried again, make room on the disk")
		}
	} else if c.store.run(c, commands) != nil {
		return false // a reply would say that it is kept, an error that it was not run
	}
	_, err := c.conn.Write(c.out)
	return err == nil && !c.peer.Closed()
}

func (c *session) refuse(why string) {
	c.out = append(c.out, '-')
	c.out = append(c.out, strings.Map(printable, why)...)
	c.out = append(c.out, "\r\n"...)
}

// printable keeps a line a line.
func printable(r rune) rune {
	if r < ' ' {
		return ' '
	}
	return r
}

// do runs a command, and answers the unit that the file must have for it, if any. It is
// good until the next.
func (c *session) do(args []string) (written []byte) {
	kind, why := judge(args)
	if kind == refused {
		if c.inMulti {
			c.dispatch([]string{"GET"}) // of nothing, which spoils the transaction
		}
		c.refuse(why)
		return nil
	}
	reply := c.dispatch(args)
	c.out = append(c.out, reply...)
	_, failed := cutReply(reply)
	switch {
	case args[0] == "EXEC":
		written = c.executed(reply)
		c.inMulti, c.queued = false, c.queued[:0]
	case args[0] == "DISCARD" && !failed:
		c.inMulti, c.queued = false, c.queued[:0]
	case args[0] == "MULTI" && !failed:
		c.inMulti = true
	case c.inMulti && !failed:
		c.queued = append(c.queued, args)
	case kind == writing && !failed:
		c.unit = appendCommand(c.unit[:0], args...)
		written = c.unit
	}
	return written
}

// dispatch has miniredis run a command. The reply is good until the next.
func (c *session) dispatch(args []string) []byte {
	c.reply.Reset()
	c.store.redis.Server().Dispatch(c.peer, args)
	c.peer.Flush()
	return c.reply.Bytes()
}

// executed is the unit of a transaction: those of its commands that write and did not fail.
func (c *session) executed(reply []byte) []byte {
	head, rest, _ := bytes.Cut(reply, []byte("\r\n"))
	if len(head) == 0 || head[0] != '*' || string(head) == "*-1" {
		return nil // refused, or somebody has touched what was watched
	}
	c.unit = appendCommand(c.unit[:0], "MULTI")
	empty := len(c.unit)
	for _, args := range c.queued {
		var failed bool
		rest, failed = cutReply(rest)
		if kind, _ := judge(args); kind == writing && !failed {
			c.unit = appendCommand(c.unit, args...)
		}
	}
	if len(c.unit) == empty {
		return nil
	}
	c.unit = appendCommand(c.unit, "EXEC")
	return c.unit
}
