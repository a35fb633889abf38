package se

import (
	"errors"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Open takes the payload out of a packet from the platform, once: a repeat is
// [ErrReplay], and whatever is not authentic [ErrRefused]. The payload of a KEYS
// message comes out when its keys are in use.
func (e *Element) Open(packet []byte) ([]byte, error) {
	if e.held == nil {
		return nil, ErrBlank
	}
	counter, payload, under, err := e.held.open(packet)
	if err != nil {
		return nil, err
	}
	if err := scp80.CheckCounter(e.state.Received, counter); err != nil {
		return nil, ErrReplay
	}
	refused := e.change(payload, under)
	if refused != nil && !errors.Is(refused, ErrKeys) {
		return nil, refused
	}
	if err := e.keep(func(s *State) { s.Received = counter }); err != nil {
		return nil, err
	}
	if refused != nil {
		return nil, refused
	}
	return payload, nil
}

// open opens a packet under the keys of now or of before, and says which. No key is
// made ready for a packet whose clear header is not theirs.
func (h *holding) open(packet []byte) (counter uint64, payload []byte, under *packetKeys, err error) {
	for _, under = range []*packetKeys{&h.now, h.before} {
		if under == nil {
			continue
		}
		profile := h.suite.Profile(scp80.MT, under.version)
		if !profile.Admits(packet) {
			continue
		}
		counter, payload, err = scp80.Open(profile, under.mt, packet)
		if err == nil {
			return counter, payload, under, nil
		}
	}
	return 0, nil, nil, ErrRefused
}

// Wrap secures a payload for the platform under the next packet counter.
func (e *Element) Wrap(payload []byte) ([]byte, error) {
	if e.held == nil {
		return nil, ErrBlank
	}
	if e.state.Sent >= scp80.MaxCounter {
		return nil, scp80.ErrCounterBlocked
	}
	if err := e.keep(func(s *State) { s.Sent++ }); err != nil {
		return nil, err
	}
	now := &e.held.now
	return scp80.Wrap(e.held.suite.Profile(scp80.MO, now.version), now.mo, e.state.Sent, payload)
}

// PayRequest is what the client asks the element to pay.
type PayRequest struct {
	Bill        applet.Bill
	Slot        int
	PIN         applet.PIN
	Phone       gateway.MSISDN
	Time        time.Time
	Transaction uint64 // the client's own number, the same in a repeat of this payment
}

// Pay makes the payload of a PAY (S7): the card as it is stored, encrypted (S13), and
// the PIN in a block under a key that is used for nothing else.
func (e *Element) Pay(r PayRequest) ([]byte, error) {
	if e.held == nil {
		return nil, ErrBlank
	}
	card, err := e.held.card(r.Slot)
	if err != nil {
		return nil, err
	}
	pay := &applet.Pay{
		Ref: r.Bill.Ref, Amount: r.Bill.Amount, Currency: r.Bill.Currency, Time: r.Time,
		Phone: r.Phone, Identity: e.held.identity, Blob: card.Blob,
		Payee: r.Bill.Merchant, Transaction: applet.TransactionNumber(r.Transaction),
	}
	if pay.PINCounter, pay.PINBlock, err = e.pinBlock(r.PIN, card.Token); err != nil {
		return nil, err
	}
	return applet.Append(nil, e.held.suite, pay)
}

func (h *holding) card(slot int) (applet.CardEntry, error) {
	for _, c := range h.cards {
		if c.Slot == slot {
			return c, nil
		}
	}
	return applet.CardEntry{}, ErrNoCard
}

// pinBlock keeps the DUKPT counter, then makes the block under its key.
func (e *Element) pinBlock(pin applet.PIN, token applet.TokenPAN) (uint32, applet.PINBlock, error) {
	next := e.held.pins.Counter()
	if next == 0 {
		return 0, applet.PINBlock{}, applet.ErrPINCounter
	}
	if err := e.keep(func(s *State) { s.PIN = next }); err != nil {
		return 0, applet.PINBlock{}, err
	}
	counter, key, err := e.held.pins.Next()
	if err != nil {
		return 0, applet.PINBlock{}, err
	}
	block, err := applet.SealPIN(e.held.suite, key, pin, token, e.random)
	return counter, block, err
}
