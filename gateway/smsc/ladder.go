package smsc

import (
	"slices"
	"time"

	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// Ladders are retry ladders of single causes, each in the place of Config.Retry.
type Ladders struct {
	Absent []time.Duration // the phone cannot be reached, or its ESME says 0x64
	Busy   []time.Duration // the phone takes another message, or its ESME throttles, 0x58
	Full   []time.Duration // the phone's memory is full, or its ESME's queue, 0x14
	Error  []time.Duration // no answer came, or the network or the ESME failed
}

func (l *Ladders) all() []time.Duration { return slices.Concat(l.Absent, l.Busy, l.Full, l.Error) }

// ladder is how long to wait after each failure of a cause in a row.
func (c *Config) ladder(cause radio.Cause) []time.Duration {
	own := c.Ladders.Error
	switch cause {
	case radio.Absent:
		own = c.Ladders.Absent
	case radio.Busy:
		own = c.Ladders.Busy
	case radio.MemoryFull:
		own = c.Ladders.Full
	case radio.Lost, radio.Failed, radio.Through:
	}
	if len(own) > 0 {
		return own
	}
	return c.Retry
}

// temporary says whether a refusal of a deliver_sm may be otherwise later
// (SMPP 3.4 §5.1.3: 0x64 and 0x14; and what a receiver says that has too much to do).
func temporary(s smpp.Status) bool {
	switch s {
	case smpp.RXTAPPN, smpp.RMSGQFUL, smpp.RSYSERR, smpp.RTHROTTLED:
		return true
	default:
		return false
	}
}

// causeOf is what a receiver's refusal says of a phone behind it.
func causeOf(s smpp.Status) radio.Cause {
	switch s {
	case smpp.ROK:
		return radio.Through
	case smpp.RXTAPPN:
		return radio.Absent
	case smpp.RMSGQFUL:
		return radio.MemoryFull
	case smpp.RTHROTTLED:
		return radio.Busy
	default:
		return radio.Failed
	}
}

// retry puts a mailbox on the ladder after a temporary failure. Failures of messages
// that were in flight together count once.
func (a *account) retry(b *mailbox, m *message, now time.Time) {
	if b.retryAt.After(now) {
		return
	}
	ladder := a.server.config.ladder(m.cause)
	b.retryAt = now.Add(ladder[min(b.failures, len(ladder)-1)])
	b.failures++
	if a.Kind != Subscribers || m.kind != plain || m.cause != radio.Absent && m.cause != radio.MemoryFull || m.last != smpp.ROK {
		return
	}
	// The air says when coverage is back. If it is already, since the failure was on
	// its way here, the ladder begins anew.
	switch at := a.server.config.Radio.Returns(now, b.key); {
	case at.IsZero():
	case at.After(now):
		b.retryAt = earlier(b.retryAt, at)
	default:
		b.retryAt = earlier(b.retryAt, now.Add(ladder[0]))
	}
}
