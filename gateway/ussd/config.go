package ussd

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// Carrier is what a Switch sends with: the SMSC.
type Carrier interface {
	// Deliver sends a deliver_sm to a bound receiver of the account now, without storing
	// it, and in the order of the calls. It does not block. done is called once, from any
	// goroutine, with the answer, or with another status than ESME_ROK if nobody is bound
	// or no answer came.
	Deliver(systemID string, sm *smpp.SubmitSM, done func(smpp.Status))
	// Owner is the account that owns a number, empty if none does, and whether its numbers
	// are phones.
	Owner(number string) (systemID string, phones bool)
}

// Application answers dialled codes in this process: an HTTP call-out, or a test.
type Application interface {
	// Answer says what comes next in a session. It may take until ctx ends, which is when
	// the application's time is up or the user has given up. An error ends the session.
	Answer(ctx context.Context, t Turn) (Reply, error)
	// Ended is told once that a session is over, after the last Answer has returned. It
	// returns when ctx ends, which is when Serve does.
	Ended(ctx context.Context, s Summary)
}

// Turn is what an Application answers to.
type Turn struct {
	Session string // 32 hexadecimal digits, unlike any other session's
	Phone   string // international, digits only
	Code    string // the route's
	Dialled string
	Inputs  []string // all the user typed so far; what was dialled after the code is the first
	Number  int      // of this turn in its session, from 1
	State   string   // what the Reply before had
}

// Reply is an Application's word.
type Reply struct {
	Text  string
	End   bool   // it is the last one
	State string // for the next Turn
}

// Summary is a session that is over, for its Application.
type Summary struct {
	Turn     // the last one
	Result   Result
	Detail   string // what went wrong, in words
	Began    time.Time
	Duration time.Duration
	Last     Reply // the last one that was good
}

// Account is how an ESME speaks USSD. The zero Account speaks Spec and finds what was
// dialled in destination_addr.
type Account struct {
	Dialect Dialect
	// CodeInText puts all that was dialled into short_message, and Address into
	// destination_addr. Otherwise destination_addr is the route's code, and short_message
	// what was dialled after it.
	CodeInText bool
	Address    string // empty is the digits of the route's code
}

// Texts is what users read when something goes wrong. Each must fit one message; an
// empty one is the standard one.
type Texts struct {
	UserTimeout        string
	ApplicationTimeout string
	ApplicationError   string
}

// Config is how a Switch works. The zero Config routes by the numbers that accounts own.
type Config struct {
	Routes   []Route
	Accounts map[string]Account // by system_id; others are zero Accounts
	Timeouts Timeouts
	Texts    Texts

	MaxSessions int // open at once; more are refused with ESME_RTHROTTLED; zero is 100,000
	Finished    int // how many ended sessions to remember; zero is 1,000
	// ShowTexts keeps what users typed in the records of sessions. Otherwise only its
	// length is kept, for it may be a PIN.
	ShowTexts bool
	// Observer is told of each session that has ended, on the goroutine of Serve: it must
	// be quick.
	Observer func(Record)
	// Rand names sessions; nil is seeded by chance.
	Rand *rand.Rand
}

const (
	defaultMaxSessions = 100_000
	defaultFinished    = 1_000
)

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	if _, err := newRoutes(c.Routes); err != nil {
		return fmt.Errorf("ussd: config: %w", err)
	}
	if min(c.Timeouts.User, c.Timeouts.Application, c.Timeouts.Session) < 0 || min(c.MaxSessions, c.Finished) < 0 {
		return errors.New("ussd: config: a negative number")
	}
	for id, a := range c.Accounts {
		if int(a.Dialect) >= len(dialects) {
			return fmt.Errorf("ussd: config: account %q: no such dialect", id)
		}
		if len(a.Address) > maxAddress {
			return fmt.Errorf("ussd: config: account %q: address over %d characters", id, maxAddress)
		}
	}
	for _, text := range []string{c.Texts.UserTimeout, c.Texts.ApplicationTimeout, c.Texts.ApplicationError} {
		if err := CheckText(text); err != nil {
			return fmt.Errorf("ussd: config: text %q: %w", text, err)
		}
	}
	return nil
}

func (c *Config) setDefaults() {
	c.Timeouts = c.Timeouts.withDefaults()
	setDefault(&c.MaxSessions, defaultMaxSessions)
	setDefault(&c.Finished, defaultFinished)
	setDefault(&c.Texts.UserTimeout, "You took too long. Please dial again.")
	setDefault(&c.Texts.ApplicationTimeout, "The service does not answer. Please try again later.")
	setDefault(&c.Texts.ApplicationError, "The service is not available. Please try again later.")
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // names, not secrets
	}
}

// text is what the user reads when a session ends so.
func (c *Config) text(r Result) string {
	switch r {
	case UserTimeout:
		return c.Texts.UserTimeout
	case ApplicationTimeout:
		return c.Texts.ApplicationTimeout
	default:
		return c.Texts.ApplicationError
	}
}
