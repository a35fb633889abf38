package management

import (
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/smsc"
	"github.com/airtill/airtill/gateway/tpdu"
)

// states are the names of SMPP 3.4 §5.2.28, in its order.
var states = [...]string{
	gateway.Enroute: "ENROUTE", gateway.Delivered: "DELIVERED", gateway.Expired: "EXPIRED", gateway.Deleted: "DELETED",
	gateway.Undeliverable: "UNDELIVERABLE", gateway.Accepted: "ACCEPTED", gateway.Unknown: "UNKNOWN", gateway.Rejected: "REJECTED",
}

// StateName is a message state as SMPP 3.4 §5.2.28 calls it.
func StateName(s gateway.MessageState) string {
	if int(s) < len(states) && states[s] != "" {
		return states[s]
	}
	return s.String()
}

// ParseState reads a state by its name, or by the word that receipts have for it.
func ParseState(text string) (gateway.MessageState, error) {
	for s := range states {
		if s > 0 && strings.EqualFold(states[s], text) {
			return gateway.MessageState(s), nil
		}
	}
	if s, err := gateway.ParseMessageState(text); err == nil {
		return s, nil
	}
	return 0, fmt.Errorf("%q is not a message state; there are %s", text, strings.Join(states[1:], ", "))
}

// Message is a message, and how far it has come.
type Message struct {
	ID          string    `json:"id"`
	Serial      uint64    `json:"serial,string"` // before= of the page that begins behind it
	State       string    `json:"state"`         // of SMPP 3.4 §5.2.28
	Account     string    `json:"account"`       // system_id of who submitted it
	ToAccount   string    `json:"to_account"`    // and of who owns the destination
	Source      string    `json:"source"`
	Destination string    `json:"destination"`
	Text        string    `json:"text,omitempty"` // none of a binary one
	Data        string    `json:"data"`           // the user data in hexadecimal, its header too
	Coding      uint8     `json:"coding"`         // data_coding
	ESMClass    uint8     `json:"esm_class"`
	Registered  uint8     `json:"registered"` // registered_delivery
	Part        *Part     `json:"part,omitempty"`
	Accepted    time.Time `json:"accepted"`
	Scheduled   time.Time `json:"scheduled,omitzero"`
	Expires     time.Time `json:"expires"`
	Ended       time.Time `json:"ended,omitzero"`
	Tries       int       `json:"tries"`
	Attempts    []Attempt `json:"attempts"` // the first, and the last ones
}

// Part is which one of a longer text's messages it is.
type Part struct {
	Reference uint16 `json:"reference"`
	Number    uint8  `json:"number"` // from 1
	Of        uint8  `json:"of"`
}

// Attempt is one try to deliver a message.
type Attempt struct {
	At     time.Time `json:"at"`
	Status string    `json:"status"`          // command_status that the receiver answered, ESME_ROK also where it was not reached
	Cause  string    `json:"cause,omitempty"` // why it failed: absent, busy, memory full, lost, failed
	Next   time.Time `json:"next,omitzero"`   // when it is tried again at the latest
}

// Final says whether the message stays in its state.
func (m *Message) Final() bool {
	s, err := ParseState(m.State)
	return err == nil && s.Final()
}

// Messages is a page of messages, the newest first.
type Messages struct {
	Messages []Message `json:"messages"`
	Next     uint64    `json:"next,omitempty,string"` // before= of the next page
}

func messageOf(m *smsc.Message) Message {
	w := Message{
		ID: string(m.ID), Serial: m.Serial, State: StateName(m.State), Account: m.From, ToAccount: m.To,
		Source: string(m.Source), Destination: string(m.Destination), Text: m.Text, Data: hex.EncodeToString(m.UserData),
		Coding: m.DataCoding, ESMClass: m.ESMClass, Registered: m.Receipt, Part: partOf(m),
		Accepted: m.Accepted.UTC(), Scheduled: utc(m.Deliver), Expires: m.Expires.UTC(), Ended: utc(m.Ended),
		Tries: m.Tries, Attempts: make([]Attempt, 0, len(m.Attempts)),
	}
	if tpdu.AlphabetOf(m.DataCoding) == tpdu.Octets {
		w.Text = ""
	}
	for _, a := range m.Attempts {
		t := Attempt{At: a.At.UTC(), Status: a.Status.String(), Next: utc(a.Next)}
		if a.Cause != radio.Through {
			t.Cause = a.Cause.String()
		}
		w.Attempts = append(w.Attempts, t)
	}
	return w
}

// utc leaves a zero time zero.
func utc(t time.Time) time.Time {
	if t.IsZero() {
		return time.Time{}
	}
	return t.UTC()
}

func partOf(m *smsc.Message) *Part {
	s, err := tpdu.ParseMessage(m.ProtocolID, m.DataCoding, m.ESMClass&smpp.ESMUDHI != 0, m.UserData)
	if err != nil {
		return nil
	}
	c, several := s.Header.Concat()
	if !several {
		return nil
	}
	return &Part{Reference: c.Number, Number: c.Part, Of: c.Total}
}

func messagesOf(all []smsc.Message) Messages {
	page := Messages{Messages: make([]Message, 0, len(all))}
	for i := range all {
		page.Messages = append(page.Messages, messageOf(&all[i]))
	}
	return page
}
