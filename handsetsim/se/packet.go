package se

import (
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// Open takes the payload out of a packet from the platform, once: a repeat is
// [ErrReplay], and whatever is not authentic [ErrRefused].
func (e *Element) Open(packet []byte) ([]byte, error) {
	if e.mt == nil {
		return nil, ErrBlank
	}
	counter, payload, err := e.mt.Open(packet)
	if err != nil {
		return nil, ErrRefused
	}
	if err := scp80.CheckCounter(e.state.Received, counter); err != nil {
		return nil, ErrReplay
	}
	if err := e.keep(func(s *State) { s.Received = counter }); err != nil {
		return nil, fmt.Errorf("keep the packet counter: %w", err)
	}
	return payload, nil
}

// Wrap secures a payload for the platform under the next packet counter.
func (e *Element) Wrap(payload []byte) ([]byte, error) {
	if e.mo == nil {
		return nil, ErrBlank
	}
	if e.state.Sent >= scp80.MaxCounter {
		return nil, scp80.ErrCounterBlocked
	}
	if err := e.keep(func(s *State) { s.Sent++ }); err != nil {
		return nil, fmt.Errorf("keep the packet counter: %w", err)
	}
	return e.mo.Wrap(e.state.Sent, payload)
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
	if e.pins == nil {
		return nil, ErrBlank
	}
	card, err := e.card(r.Slot)
	if err != nil {
		return nil, err
	}
	pay := &applet.Pay{
		Ref: r.Bill.Ref, Amount: r.Bill.Amount, Currency: r.Bill.Currency, Time: r.Time,
		Phone: r.Phone, Identity: e.identity, Blob: card.Blob,
		Payee: r.Bill.Merchant, Transaction: applet.TransactionNumber(r.Transaction),
	}
	if pay.PINCounter, pay.PINBlock, err = e.pinBlock(r.PIN, card.Token); err != nil {
		return nil, err
	}
	return applet.Append(nil, scp80.Modern, pay)
}

func (e *Element) card(slot int) (applet.CardEntry, error) {
	for _, c := range e.cards {
		if c.Slot == slot {
			return c, nil
		}
	}
	return applet.CardEntry{}, ErrNoCard
}

// pinBlock keeps the DUKPT counter, then makes the block under its key.
func (e *Element) pinBlock(pin applet.PIN, token applet.TokenPAN) (uint32, applet.PINBlock, error) {
	next := e.pins.Counter()
	if next == 0 {
		return 0, applet.PINBlock{}, applet.ErrPINCounter
	}
	if err := e.keep(func(s *State) { s.PIN = next }); err != nil {
		return 0, applet.PINBlock{}, fmt.Errorf("keep the PIN counter: %w", err)
	}
	counter, key, err := e.pins.Next()
	if err != nil {
		return 0, applet.PINBlock{}, err
	}
	block, err := applet.SealPIN(scp80.Modern, key, pin, token, e.random)
	return counter, block, err
}
