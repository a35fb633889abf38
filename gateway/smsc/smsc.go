// Package smsc is a short message service centre: an SMPP 3.4 server that takes
// messages, keeps them while who they are for is away, and says what became of them.
//
// Applications and handset fleets are alike here: accounts that bind. An account
// owns the numbers of its address range; a submit_sm goes to the account that owns
// its destination, whoever sent it, and arrives there as a deliver_sm. So a
// phone's message is a submit_sm from the fleet's bind, and a message to a phone is
// a deliver_sm to it.
//
// The order of messages to one number is kept. To a subscriber's number one
// message goes at a time; to an application's number as many as the account's
// window holds, and only a refused message can then come after a later one. A
// message is tried again by the retry ladder after a temporary refusal (0x64, 0x14,
// 0x08, 0x58) or a response that did not come, at once when its account binds or the
// subscriber sends something, and until its validity is over. Any other refusal is final.
//
// A receiver that does not answer, or whose session ends first, gets the message
// again: delivery is at least once.
//
// The standard is SMPP 3.4, issue 1.2. Messages are kept in memory. Left out for
// now: data_sm, submit_multi, query_sm, cancel_sm, replace_sm, outbind and
// alert_notification (answered as unknown), replace_if_present, canned messages,
// datagram and transaction mode (stored and forwarded like the rest), intermediate
// notifications, the address range in a bind (the account's holds), rate limits and
// limits on binds and connections, TLS, a durable store, receipts held across restarts.
package smsc

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
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
	// SubmitWindow is how many submit_sm one read may bring; more are refused with
	// ESME_RTHROTTLED. Zero is no limit.
	SubmitWindow int
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
	Retry    []time.Duration
	Validity time.Duration // of messages without one, and the most any has; zero is 24 h
	Store    int           // messages kept for one account; more are refused with ESME_RMSGQFUL; zero is 100,000

	SessionInit time.Duration // a connection not bound by then is closed; zero is 5 s
	EnquireLink time.Duration // a session quiet for so long is asked; zero is 30 s
	Inactivity  time.Duration // a session with nothing but enquire_link is closed; zero is never
	Response    time.Duration // a request unanswered by then has failed; zero is 10 s
	MaxPDU      int           // octets; zero is smpp.MaxPDU

	// Rand makes what message ids begin with; nil is seeded by chance.
	Rand *rand.Rand
}

// Event is a gateway.Event with who is at the two ends. A receipt's message is the
// receipt as it was delivered, under the id of the message it is about.
type Event struct {
	gateway.Event
	From    string      // system_id of who sent the message; empty for receipts
	To      string      // system_id of who owns the destination
	Status  smpp.Status // what the receiver answered, where that is why
	Attempt int         // how often it was tried
}

const (
	defaultSystemID    = "AIRTILL"
	defaultWindow      = 10
	defaultValidity    = 24 * time.Hour
	defaultStore       = 100_000
	defaultSessionInit = 5 * time.Second
	defaultEnquireLink = 30 * time.Second
	defaultResponse    = 10 * time.Second
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
	if slices.Min(append([]time.Duration{c.Validity, c.SessionInit, c.EnquireLink, c.Inactivity, c.Response}, c.Retry...)) < 0 || c.Store < 0 {
		return errors.New("smsc: config: a negative number")
	}
	return nil
}

// validate bounds an account by what a bind can carry, SMPP 3.4 §5.2.1 and §5.2.2.
func (a *Account) validate() error {
	bind := smpp.BindTransceiver{SystemID: a.SystemID, Password: smpp.Password(a.Password)}
	if _, err := smpp.Append(nil, smpp.PDU{Body: &bind}); err != nil {
		return err
	}
	if a.SystemID == "" {
		return errors.New("no system_id")
	}
	if a.Window < 0 || a.SubmitWindow < 0 || a.Kind > Subscribers {
		return errors.New("a number out of range")
	}
	if _, err := regexp.Compile(a.AddressRange); err != nil {
		return fmt.Errorf("address range: %w", err)
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
