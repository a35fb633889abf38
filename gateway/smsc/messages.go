package smsc

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/tpdu"
)

// Message is a short message and how far it has come.
type Message struct {
	gateway.Message
	Serial   uint64 // the server's own number of it; pages are cut by it
	From     string // system_id of who submitted it
	To       string // system_id of who owns the destination
	Text     string // empty for binary
	State    gateway.MessageState
	Deliver  time.Time // scheduled for; zero is at once
	Ended    time.Time // when the state became final
	Tries    int
	Attempts []Attempt // the first, and the last ones
	Receipt  uint8     // registered_delivery
}

// MessageQuery says which messages to list. A zero field does not matter.
type MessageQuery struct {
	State       gateway.MessageState
	Source      string // digits, or the beginning of them
	Destination string
	Account     string    // system_id of who submitted it, or owns the destination
	Since       time.Time // accepted then or later
	Text        string    // that the text contains
	Before      uint64    // a serial number: older ones only, the last one of the page before
	Limit       int       // of messages; zero is 100
}

const defaultPage = 100

// Messages lists messages, the newest first. Finished ones are remembered as
// Config.History and Config.HistoryAge say; datagrams and transactions are not.
func (s *Server) Messages(q MessageQuery) []Message {
	if q.Limit <= 0 {
		q.Limit = defaultPage
	}
	var page []Message
	for _, m := range s.history.list(q.Before) {
		if d := m.describe(); q.wants(&d) {
			if page = append(page, d); len(page) == q.Limit {
				break
			}
		}
	}
	return page
}

// wants says whether a message is one that is asked for.
func (q *MessageQuery) wants(m *Message) bool {
	switch {
	case q.State != 0 && m.State != q.State:
	case !strings.HasPrefix(routeKey(string(m.Source)), routeKey(q.Source)):
	case !strings.HasPrefix(routeKey(string(m.Destination)), routeKey(q.Destination)):
	case q.Account != "" && m.From != q.Account && m.To != q.Account:
	case m.Accepted.Before(q.Since):
	case q.Text != "" && !strings.Contains(m.Text, q.Text):
	default:
		return true
	}
	return false
}

// ErrNoMessage says that no message of an id is remembered.
var ErrNoMessage = fmt.Errorf("no such message, or it is forgotten")

// Message finds messages by their id in either of its forms, or by serial number in
// decimal: one, or one for each destination of a submit_multi.
func (s *Server) Message(id string) ([]Message, error) {
	var found []Message
	for _, a := range s.accounts {
		for _, old := range []bool{false, true} {
			b := &binding{account: a, old: old}
			for _, m := range b.lookup(id) {
				found = append(found, m.describe())
			}
			if len(found) > 0 {
				return found, nil
			}
		}
	}
	if serial, err := strconv.ParseUint(id, 10, 64); err == nil {
		if m := s.history.find(serial); m != nil {
			return []Message{m.describe()}, nil
		}
	}
	return nil, fmt.Errorf("smsc: message %q: %w", id, ErrNoMessage)
}

func (m *message) describe() Message {
	m.to.mu.Lock()
	defer m.to.mu.Unlock()
	state, ended := m.known()
	return Message{
		Message: *m.noun(), Serial: m.serial, From: m.from.SystemID, To: m.to.SystemID, Text: m.text(), State: state,
		Deliver: m.deliver, Ended: ended, Tries: m.attempts, Attempts: slices.Clone(m.tries), Receipt: m.asked,
	}
}

// text is what a message says, read as who gets it reads it.
func (m *message) text() string {
	data := m.sm.UserData()
	if m.sm.ESMClass&0x40 != 0 && headerFits(data) {
		data = data[1+int(data[0]):]
	}
	alphabet := tpdu.AlphabetOf(m.sm.DataCoding)
	if m.sm.DataCoding == 0 {
		alphabet = m.to.Alphabet
	}
	words, _ := tpdu.Decode(data, alphabet) // what cannot be read is U+FFFD
	return words
}
