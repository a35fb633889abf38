package smsc_test

import (
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
)

// BenchmarkSubmit is the whole way over loopback TCP, client and server on the
// same processors: submit_sm in, stored, deliver_sm out, answered. The clients
// speak pre-encoded octets. With receipts, each submit has one, answered too.
func BenchmarkSubmit(b *testing.B) {
	for _, tc := range []struct {
		binds, window int
		receipts      bool
	}{{1, 1, false}, {1, 10, false}, {1, 100, false}, {4, 100, false}, {1, 10, true}, {1, 100, true}, {4, 100, true}} {
		b.Run(fmt.Sprintf("binds=%d/window=%d/receipts=%v", tc.binds, tc.window, tc.receipts), func(b *testing.B) {
			benchmarkSubmit(b, config(), tc.binds, tc.window, tc.receipts)
		})
	}
}

// BenchmarkDurable is the same with a store that answers at once, in memory.
func BenchmarkDurable(b *testing.B) {
	for _, receipts := range []bool{false, true} {
		b.Run(fmt.Sprintf("binds=4/window=100/receipts=%v", receipts), func(b *testing.B) {
			c := config()
			c.Durable = msgstore.NewMemory(msgstore.Keep{})
			benchmarkSubmit(b, c, 4, 100, receipts)
		})
	}
}

// BenchmarkDiscard is submit_sm answered and forgotten: no store, no states.
func BenchmarkDiscard(b *testing.B) {
	for _, tc := range []struct{ binds, window int }{{1, 10}, {1, 100}, {4, 100}, {1000, 10}} {
		b.Run(fmt.Sprintf("binds=%d/window=%d", tc.binds, tc.window), func(b *testing.B) {
			c := config()
			c.Accounts[2].Kind = smsc.Discard
			address, done := serveTCP(b, c), &load{}
			clients := make([]*raw, tc.binds)
			for i := range clients {
				clients[i] = rawBind(b, address, "platform", done)
			}
			messages := submits(b, 0, false)
			b.ResetTimer()
			var wg sync.WaitGroup
			for i, client := range clients {
				if share := (b.N + i) / tc.binds; share > 0 {
					own := clone(messages)
					wg.Go(func() { client.run(share, tc.window, own) })
				}
			}
			wg.Wait()
			b.StopTimer()
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
			if refused := done.refused.Load(); refused > 0 {
				b.Errorf("%d refused", refused)
			}
		})
	}
}

// clone is messages of one's own to put sequence numbers in.
func clone(messages [][]byte) [][]byte {
	own := make([][]byte, min(len(messages), 20))
	for i := range own {
		own[i] = append([]byte(nil), messages[i]...)
	}
	return own
}

func benchmarkSubmit(b *testing.B, c smsc.Config, binds, window int, receipts bool) {
	c.Store = 1 << 30
	for i := range c.Accounts {
		c.Accounts[i].Window = 1000
	}
	address := serveTCP(b, c)
	done := &load{}
	done.want.Store(int64(b.N))
	phones := rawBind(b, address, "phones", done)
	go phones.run(0, 0, nil)
	b.ResetTimer()
	var wg sync.WaitGroup
	for i := range binds {
		client := rawBind(b, address, "platform", done)
		share := (b.N + i) / binds
		if share == 0 {
			continue
		}
		wg.Go(func() { client.run(share, window, submits(b, i, receipts)) })
	}
	wg.Wait()
	for done.delivered.Load() < int64(b.N) || receipts && done.receipts.Load() < int64(b.N) {
		done.wait()
	}
	b.StopTimer()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "submits/s")
	if refused := done.refused.Load(); refused > 0 {
		b.Errorf("%d refused", refused)
	}
}

// load counts what the raw clients saw.
type load struct {
	want, delivered, receipts, refused atomic.Int64
	once                               sync.Once
	some                               chan struct{}
}

func (l *load) signal() chan struct{} {
	l.once.Do(func() { l.some = make(chan struct{}, 1) })
	return l.some
}

func (l *load) wait() { <-l.signal() }

func (l *load) tell() {
	select {
	case l.signal() <- struct{}{}:
	default:
	}
}

// submits are pre-encoded messages to different phones; their sequence numbers are put in later.
func submits(b *testing.B, bind int, receipts bool) [][]byte {
	var all [][]byte
	for i := range 1000 {
		sm := text(code, fmt.Sprintf("861380%02d%05d", bind, i), "A short message of some forty octets, more or less")
		if receipts {
			sm.RegisteredDelivery = smpp.ReceiptFinal
		}
		all = append(all, pdu(b, smpp.PDU{Body: sm}))
	}
	return all
}

// raw is a client without a state machine.
type raw struct {
	b      *testing.B
	conn   net.Conn
	frames *smpp.Reader
	load   *load
	out    []byte
	sent   uint32
}

func rawBind(b *testing.B, address, systemID string, l *load) *raw {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close() })
	r := &raw{b: b, conn: conn, frames: smpp.NewReader(conn, 0), load: l, sent: 1}
	if _, err := conn.Write(pdu(b, smpp.PDU{Sequence: 1, Body: transceiver(systemID)})); err != nil {
		b.Fatal(err)
	}
	if _, err := r.frames.Next(); err != nil {
		b.Fatal(err)
	}
	return r
}

// run keeps window submits unanswered until n are answered, and answers what is
// delivered for as long as the connection lasts.
func (r *raw) run(n, window int, messages [][]byte) {
	left, answered := n, 0
	for ; left > 0 && n-left < window; left-- {
		r.submit(messages)
	}
	r.flush()
	for n == 0 || answered < n {
		f, err := r.frames.Next()
		if err != nil {
			return
		}
		if r.take(f) {
			answered++
			if left > 0 {
				r.submit(messages)
				left--
			}
		}
		if !r.frames.Buffered() {
			r.flush()
		}
	}
	if n > 0 {
		go r.run(0, 0, nil) // go on answering receipts
	}
}

func (r *raw) submit(messages [][]byte) {
	r.sent++
	m := messages[int(r.sent)%len(messages)]
	binary.BigEndian.PutUint32(m[12:], r.sent)
	r.out = append(r.out, m...)
}

// take answers a deliver_sm, and says whether the frame answers a submit_sm.
func (r *raw) take(f []byte) (answer bool) {
	switch smpp.CommandID(binary.BigEndian.Uint32(f[4:])) {
	case smpp.IDSubmitSMResp:
		if binary.BigEndian.Uint32(f[8:]) != 0 {
			r.load.refused.Add(1)
		}
		return true
	case smpp.IDDeliverSM:
		r.out = append(r.out, 0, 0, 0, 17, 0x80, 0, 0, 5, 0, 0, 0, 0, f[12], f[13], f[14], f[15], 0)
		count := &r.load.receipts
		if r.sent == 1 {
			count = &r.load.delivered // phones send nothing
		}
		if count.Add(1) == r.load.want.Load() {
			r.load.tell()
		}
	}
	return false
}

func (r *raw) flush() {
	if len(r.out) > 0 {
		_, _ = r.conn.Write(r.out)
		r.out = r.out[:0]
	}
}
