package platform

import (
	"time"

	"github.com/airtill/airtill/gateway"
)

// Unlock is an operator's act: a card entry that three wrong PINs have locked takes
// PINs again. The journal keeps who did it, when, to which slot, and why.
type Unlock struct {
	Phone gateway.MSISDN
	Slot  int
	By    string // who does it
	Note  string // why, in words
}

// Release is an operator's act: the payments of a phone that were held, because its
// element seemed to be there twice, are taken again.
type Release struct {
	Phone gateway.MSISDN
	By    string
	Note  string
}

// AlarmKind is what an alarm is about.
type AlarmKind string

// The alarms. Neither locks anybody out: a forger could silence a customer with it.
const (
	// AlarmForged: many packets in the name of a number were not authentic.
	AlarmForged AlarmKind = "forged_packets"
	// AlarmElement: a phone's element was cloned or restored; its payments are held.
	AlarmElement AlarmKind = "element_held"
)

// Alarm is something that an operator should look at.
type Alarm struct {
	Phone  string // masked
	Kind   AlarmKind
	Since  time.Time
	Last   time.Time // when it was last seen
	Count  int       // how often since then; of a held element since the platform started
	Detail string    // in words
}
