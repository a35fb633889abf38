package smsc

import (
	"github.com/airtill/airtill/gateway/radio"
	"github.com/airtill/airtill/gateway/smpp"
)

// alert is somebody who waits for a subscriber to be back, SMPP 3.4 §4.12.
type alert struct {
	to         *account
	subscriber smpp.Address
	esme       smpp.Address
}

// Bounds of what is kept of alerts: subscribers of an account, and who waits for one.
const (
	mostAlerts  = 10_000
	mostWaiting = 16
)

// remind notes that a message's sender is to be told when the phone is back, if it
// asked for that by set_dpf (SMPP 3.4 §5.3.2.29) and the phone is away.
func (a *account) remind(m *message) {
	if !m.alert || m.reminded || m.cause != radio.Absent {
		return
	}
	key := routeKey(m.sm.Destination.Digits)
	waiting := a.alerts[key]
	if len(waiting) >= mostWaiting || waiting == nil && len(a.alerts) >= mostAlerts {
		return
	}
	m.reminded = true
	a.alerts[key] = append(waiting, alert{m.from, m.sm.Destination, m.sm.Source})
}

// alertFor tells all who wait for a subscriber that it is back.
func (a *account) alertFor(number string) {
	if len(a.alerts) == 0 {
		return
	}
	key := routeKey(number)
	for _, w := range a.alerts[key] {
		a.caused = append(a.caused, effect{done: func(smpp.Status) { w.to.notify(w) }})
	}
	delete(a.alerts, key)
}

// available is the ms_availability_status of a phone that is back, SMPP 3.4 §5.3.2.30.
const available = 0

// notify sends an alert_notification to a session that receives. It has no response,
// and is not kept where there is none.
func (a *account) notify(w alert) {
	first := a.lock()
	defer a.unlock(first)
	if len(a.receivers) == 0 {
		return
	}
	s := a.receivers[a.turn%len(a.receivers)]
	body := &smpp.AlertNotification{Source: w.subscriber, ESME: w.esme}
	if !s.bound.Load().old {
		body.TLVs = smpp.TLVs{smpp.Uint8TLV(smpp.TagMSAvailabilityStatus, available)}
	}
	_ = s.link.Send(smpp.PDU{Sequence: s.nextSequence(), Body: body})
}
