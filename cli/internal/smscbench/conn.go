package smscbench

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net"
	"time"

	"github.com/HdrHistogram/hdrhistogram-go"

	"github.com/airtill/airtill/gateway/smpp"
)

// conn is one bind. All but close is one goroutine's.
type conn struct {
	bench   *bench
	conn    net.Conn
	in      []byte
	out     []byte
	load    [][]byte // what is submitted, again and again; nil receives only
	turn    int
	last    uint32                  // sequence_number
	sent    []int64                 // when, by sequence_number, in nanoseconds since the start
	latency *hdrhistogram.Histogram // nil receives only

	// Of one read.
	ok, refused, answers int
}

const (
	smallBuffer = 4 << 10 // octets read at once at least
	mostBuffer  = 64 << 10
	perPDU      = 192 // octets that a PDU has, about
)

func newConn(b *bench, nc net.Conn, load [][]byte) *conn {
	c := &conn{bench: b, conn: nc, load: load, last: 1}
	size := mostBuffer
	if load != nil {
		size = min(mostBuffer, max(smallBuffer, b.config.Window*perPDU))
		ring := 1
		for ring < 16*b.config.Window { // far apart enough for answers out of order
			ring *= 2
		}
		c.sent = make([]int64, ring)
		c.latency = newHistogram()
	}
	c.in = make([]byte, size)
	return c
}

// bindWithin is how long a bind may take.
const bindWithin = 10 * time.Second

// bind binds as a transceiver, or to receive only.
func (c *conn) bind(who Login) error {
	fields := smpp.Bind{SystemID: who.SystemID, Password: who.Password, InterfaceVersion: smpp.Version}
	var body smpp.Body = (*smpp.BindTransceiver)(&fields)
	if c.load == nil {
		body = (*smpp.BindReceiver)(&fields)
	}
	request, err := smpp.Append(nil, smpp.PDU{Sequence: c.last, Body: body})
	if err != nil {
		return err
	}
	if err := c.conn.SetDeadline(time.Now().Add(bindWithin)); err != nil {
		return err
	}
	if _, err := c.conn.Write(request); err != nil {
		return err
	}
	p, err := c.response()
	switch {
	case err != nil:
		return err
	case p.Status != smpp.ROK:
		return fmt.Errorf("the SMSC answers %s", p.Status)
	}
	return c.conn.SetDeadline(time.Time{})
}

// response reads one PDU and no octet more.
func (c *conn) response() (smpp.PDU, error) {
	if _, err := io.ReadFull(c.conn, c.in[:smpp.HeaderLen]); err != nil {
		return smpp.PDU{}, err
	}
	n := binary.BigEndian.Uint32(c.in)
	if n < smpp.HeaderLen || int(n) > len(c.in) {
		return smpp.PDU{}, errLength
	}
	if _, err := io.ReadFull(c.conn, c.in[smpp.HeaderLen:n]); err != nil {
		return smpp.PDU{}, err
	}
	return smpp.Decode(c.in[:n])
}

var errLength = errors.New("a PDU of a length that cannot be")

// run submits and answers until the connection is closed. The error is nil when the run
// was over.
func (c *conn) run() error {
	c.submit(c.bench.draw(c.window()))
	have := 0
	for {
		if err := c.flush(); err != nil {
			return c.ended(err)
		}
		n, err := c.conn.Read(c.in[have:])
		if err != nil {
			return c.ended(err)
		}
		used, err := c.work(c.in[:have+n])
		if err != nil {
			return err
		}
		have = copy(c.in, c.in[used:have+n])
		if have == len(c.in) {
			return errLength
		}
	}
}

func (c *conn) window() int {
	if c.load == nil {
		return 0
	}
	return c.bench.config.Window
}

// ended is no error when the run was over.
func (c *conn) ended(err error) error {
	if c.bench.over.Load() {
		return nil
	}
	return fmt.Errorf("the connection to the SMSC is lost: %w", err)
}

// work takes all whole PDUs of a read, and submits as much as was answered.
func (c *conn) work(b []byte) (used int, err error) {
	now := int64(time.Since(c.bench.started))
	c.ok, c.refused, c.answers = 0, 0, 0
	for len(b)-used >= smpp.HeaderLen {
		l := int(binary.BigEndian.Uint32(b[used:]))
		if l < smpp.HeaderLen || l > len(c.in) {
			return used, errLength
		}
		if len(b)-used < l {
			break
		}
		c.take(b[used:used+l], now)
		used += l
	}
	if n := c.ok + c.refused; n > 0 {
		c.bench.answered.Add(int64(c.ok))
		c.bench.refused.Add(int64(c.refused))
		c.bench.open.Add(-int64(n))
		c.submit(c.bench.draw(n))
	}
	return used, nil
}

// take works on one PDU.
func (c *conn) take(f []byte, now int64) {
	switch smpp.CommandID(binary.BigEndian.Uint32(f[4:])) {
	case smpp.IDSubmitSMResp:
		c.answered(f, now)
	case smpp.IDDeliverSM:
		c.delivered(f)
		c.out = append(c.out, 0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0, f[12], f[13], f[14], f[15], 0)
	case smpp.IDEnquireLink:
		c.out = append(c.out, 0, 0, 0, 16, 0x80, 0, 0, 0x15, 0, 0, 0, 0, f[12], f[13], f[14], f[15])
	}
}

func (c *conn) answered(f []byte, now int64) {
	sequence := binary.BigEndian.Uint32(f[12:])
	micros := max(1, (now-c.sent[int(sequence)&(len(c.sent)-1)])/int64(time.Microsecond))
	_ = c.latency.RecordValue(micros) // over a minute is not recorded
	if binary.BigEndian.Uint32(f[8:]) != 0 {
		c.refused++
		return
	}
	c.ok++
	if c.bench.ledger != nil {
		c.bench.ledger.answered(text(f[smpp.HeaderLen:]))
	}
}

// delivered counts a message at a receiver; at a sender it is a receipt.
func (c *conn) delivered(f []byte) {
	switch {
	case c.load == nil:
		c.bench.took.Add(1)
	case c.bench.ledger != nil:
		c.bench.ledger.receipt(receiptID(f[smpp.HeaderLen:]))
	}
}

// submit stages so many messages.
func (c *conn) submit(n int) {
	if n <= 0 {
		return
	}
	c.bench.open.Add(int64(n))
	now := int64(time.Since(c.bench.started))
	for range n {
		c.last = smpp.NextSequence(c.last)
		m := c.load[c.turn]
		if c.turn++; c.turn == len(c.load) {
			c.turn = 0
		}
		start := len(c.out)
		c.out = append(c.out, m...)
		binary.BigEndian.PutUint32(c.out[start+12:], c.last)
		c.sent[int(c.last)&(len(c.sent)-1)] = now
	}
}

func (c *conn) flush() error {
	if len(c.out) == 0 {
		return nil
	}
	_, err := c.conn.Write(c.out)
	c.out = c.out[:0]
	return err
}
