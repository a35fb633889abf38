package smsc

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/msgstore"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/gateway/trace"
)

// Kind says what an account's numbers are.
type Kind uint8

// The kinds of account.
const (
	// Auto is Application for a range of one number (^10658$), else Subscribers.
	Auto Kind = iota
	// Application numbers take many messages at once, over a wire.
	Application
	// Subscribers are phones: one message at a time to each, over the air.
	Subscribers
	// Discard numbers take every message and forget it: no state, no receipt. They
	// are for load tests.
	Discard
)

// Account is someone who may bind.
type Account struct {
	SystemID     string
	Password     string
	AddressRange string // regular expression of the numbers it owns; empty owns none
	Kind         Kind

	// Window is how many deliver_sm may be unanswered on one of its sessions; zero
	// is 10, what SMPP 3.4 §2.9 advises.
	Window int
	// SubmitWindow is how many of a session's messages may be unanswered: more are
	// refused with ESME_RTHROTTLED. Zero is no limit.
	SubmitWindow int
	Rate         float64 // messages a second it may submit; zero is no limit
	Burst        int     // messages at once after a pause; zero is a second's
	Binds        Binds

	Alphabet     tpdu.Alphabet // of data_coding 0: tpdu.GSM7, unpacked, or tpdu.Latin1
	IDs          IDStyle       // how message ids are written
	Sources      string        // regular expression of the addresses it may send from; empty is any
	Destinations string        // regular expression of the addresses it may send to; empty is any

	// HonourRange delivers to a session only what is for a number in the
	// address_range of its bind (SMPP 3.4 §5.2.7); an empty one is all numbers.
	HonourRange bool
	// Secured accounts may send binary messages to the cards of subscribers.
	Secured bool
	// DataSM has messages delivered by data_sm, not deliver_sm.
	DataSM bool
	// Outbind is an address to dial when something waits and nobody is bound to
	// receive (SMPP 3.4 §2.2.1); with OutbindPassword. Config.Dial makes the connection.
	Outbind         string
	OutbindPassword string
}

// Binds is how many sessions of an account may be bound at a time, in all and of
// each kind; zero is no limit. One too many is refused with ESME_RBINDFAIL.
type Binds struct {
	All, Transmitters, Receivers, Transceivers int
}

// Config is how a Server works. Only Accounts is needed.
type Config struct {
	SystemID string    // what binds are answered with; empty is "AIRTILL"
	Accounts []Account // where ranges overlap, the first one owns the number

	Log zerolog.Logger
	// Observer is told what happens to messages, in order for one number, on the
	// server's goroutines and under its locks: it must be quick, and must not call the server.
	Observer func(Event)
	Radio    *radio.Air // what lies between here and subscribers; nil is ideal

	// Retry is how long to wait after the first, second, ... temporary failure in a
	// row of one number; the last repeats. Empty is 1 s, 2 s, 5 s, 15 s, 30 s, 1 min, 5 min.
	// Ladders has others for single causes.
	Retry    []time.Duration
	Ladders  Ladders
	Validity time.Duration // of messages without one, and the most any has; zero is 24 h
	// Store is how many messages are kept for one account: more are refused with
	// ESME_RMSGQFUL, and so are those of a sender that has as many receipts to take and asks
	// for another. Zero is 100,000.
	Store int

	History    int           // messages in a final state that can still be asked for; zero is 65,536, negative none
	HistoryAge time.Duration // and for how long; zero is 24 h

	Canned map[uint8]string // texts of sm_default_msg_id, 1 to 254 (SMPP 3.4 §5.2.20)
	// OpenCards lets everybody send binary messages to the cards of subscribers. By
	// default only Secured accounts may.
	OpenCards bool

	SessionInit time.Duration // a connection not bound by then is closed; zero is 5 s
	EnquireLink time.Duration // a session quiet for so long is asked; zero is 30 s
	Inactivity  time.Duration // a session with nothing but enquire_link is closed; zero is never
	Response    time.Duration // a request unanswered by then has failed; zero is 10 s
	MaxPDU      int           // octets; zero is smpp.MaxPDU

	// Durable keeps messages beyond the server's own memory: a message is answered when
	// it is kept, and a server that starts again has what was not final, and the last of
	// what was. Nil keeps them in memory.
	Durable msgstore.Store
	USSD    USSD          // takes messages of USSD sessions; nil has none; see Server.SetUSSD
	Faults  *fault.Faults // what goes wrong; nil is nothing
	Trace   *trace.Trace  // writes every PDU down; nil is nowhere
	// Dial makes the connection for an account's Outbind.
	Dial func(ctx context.Context, address string) (net.Conn, error)

	Connections int // at a time; more are closed at once; zero is 20,000
	PerPeer     int // at a time from one address; zero is no limit
	// GuessDelay is how long a bind is held up, at most, after others of the same
	// address or system_id were refused in a row; zero is 1 s.
	GuessDelay time.Duration

	// Rand says where within a millisecond the serial numbers of messages begin, which ids
	// are made of; nil is seeded by chance.
	Rand *rand.Rand
}

const (
	defaultSystemID    = "AIRTILL"
	defaultWindow      = 10
	defaultValidity    = 24 * time.Hour
	defaultStore       = 100_000
	defaultHistory     = 1 << 16
	defaultHistoryAge  = 24 * time.Hour
	defaultSessionInit = 5 * time.Second
	defaultEnquireLink = 30 * time.Second
	defaultResponse    = 10 * time.Second
	defaultConnections = 20_000
	defaultGuessDelay  = time.Second
)

// Validate says what is wrong with a configuration.
func (c *Config) Validate() error {
	if len(c.Accounts) == 0 {
		return errors.New("smsc: config: no accounts")
	}
	seen := make(map[string]bool, len(c.Accounts))
	for _, a := range c.Accounts {
		if err := a.validate(); err != nil {
			return fmt.Errorf("smsc: config: account %q: %w", a.SystemID, err)
		}
		if seen[a.SystemID] {
			return fmt.Errorf("smsc: config: account %q: twice", a.SystemID)
		}
		seen[a.SystemID] = true
	}
	times := append([]time.Duration{c.Validity, c.HistoryAge, c.SessionInit, c.EnquireLink, c.Inactivity, c.Response, c.GuessDelay}, c.Retry...)
	times = append(times, c.Ladders.all()...)
	if c.Dial == nil && slices.ContainsFunc(c.Accounts, func(a Account) bool { return a.Outbind != "" }) {
		return errors.New("smsc: config: Dial is missing, and an account has an address for outbind")
	}
	if slices.Min(times) < 0 || min(c.Store, c.Connections, c.PerPeer) < 0 {
		return errors.New("smsc: config: a negative number")
	}
	return c.validateCanned()
}

// validate bounds an account by what a bind can carry, SMPP 3.4 §5.2.1 and §5.2.2.
func (a *Account) validate() error {
	for _, password := range []string{a.Password, a.OutbindPassword} {
		bind := smpp.BindTransceiver{SystemID: a.SystemID, Password: smpp.Password(password)}
		if _, err := smpp.Append(nil, smpp.PDU{Body: &bind}); err != nil {
			return err
		}
	}
	switch {
	case a.SystemID == "":
		return errors.New("no system_id")
	case a.Kind > Discard || a.IDs > DecimalThenHex:
		return errors.New("a kind or style of ids that there is none of")
	case a.Alphabet != tpdu.GSM7 && a.Alphabet != tpdu.Latin1:
		return fmt.Errorf("alphabet: %v cannot be the one of data_coding 0; GSM 7 bit and Latin-1 can", a.Alphabet)
	case a.Rate < 0 || min(a.Window, a.SubmitWindow, a.Burst, a.Binds.All, a.Binds.Transmitters, a.Binds.Receivers, a.Binds.Transceivers) < 0:
		return errors.New("a negative number")
	}
	for name, expression := range map[string]string{"address range": a.AddressRange, "sources": a.Sources, "destinations": a.Destinations} {
		if _, err := regexp.Compile(expression); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// setDefaults fills what was left out, on a copy that shares nothing.
func (c *Config) setDefaults() {
	c.Accounts = slices.Clone(c.Accounts)
	for i := range c.Accounts {
		c.Accounts[i].setDefaults()
	}
	c.Retry = slices.Clone(c.Retry)
	if len(c.Retry) == 0 {
		c.Retry = []time.Duration{
			time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second,
			30 * time.Second, time.Minute, 5 * time.Minute,
		}
	}
	if c.SystemID == "" {
		c.SystemID = defaultSystemID
	}
	setDefault(&c.Validity, defaultValidity)
	setDefault(&c.SessionInit, defaultSessionInit)
	setDefault(&c.EnquireLink, defaultEnquireLink)
	setDefault(&c.Response, defaultResponse)
	setDefault(&c.Store, defaultStore)
	setDefault(&c.History, defaultHistory)
	setDefault(&c.HistoryAge, defaultHistoryAge)
	setDefault(&c.Connections, defaultConnections)
	setDefault(&c.GuessDelay, defaultGuessDelay)
	if c.Rand == nil {
		c.Rand = rand.New(rand.NewPCG(rand.Uint64(), rand.Uint64())) //nolint:gosec // ids are names, not secrets
	}
}

func setDefault[T comparable](v *T, standard T) {
	var zero T
	if *v == zero {
		*v = standard
	}
}

func (a *Account) setDefaults() {
	setDefault(&a.Window, defaultWindow)
	if a.Kind != Auto {
		return
	}
	a.Kind = Subscribers
	if oneNumber(a.AddressRange) != "" {
		a.Kind = Application
	}
}

// oneNumber is the only number that a range has, empty if it has more or none.
func oneNumber(addressRange string) string {
	literal := strings.TrimSuffix(strings.TrimPrefix(addressRange, "^"), "$")
	re, err := syntax.Parse(literal, syntax.Perl)
	if err != nil || re.Op != syntax.OpLiteral || len(literal)+2 != len(addressRange) {
		return ""
	}
	return string(re.Rune)
}

// expression compiles a regular expression that Validate has taken; nil if it is empty.
func expression(text string) *regexp.Regexp {
	if text == "" {
		return nil
	}
	return regexp.MustCompile(text)
}
