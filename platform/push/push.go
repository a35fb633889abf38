// Package push carries the platform's messages to phones and the phones' messages
// to the platform, through one ESME of the carrier.
//
// [Sender] performs the effects that want something sent: it secures the applet
// message with the element's keys and the counter that was kept for it, wraps it for
// the form of the element (wire.md 1.7) and submits it. [Receiver] takes what the
// carrier delivers: receipts, and secured packets from phones, which it hands to the
// partition that keeps the phone. It answers the carrier when the partition has kept
// the outcome. Anything that is not authentic is acknowledged to the carrier and
// dropped: its sender learns nothing. [Menus] are the USSD sessions with phones that have
// no element.
package push

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rs/zerolog"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/keys"
)

// Carrier submits a message; it is an ESME.
type Carrier interface {
	Submit(ctx context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error)
}

// Partitions hands an input to a partition; it is the engine.
type Partitions interface {
	Do(ctx context.Context, p engine.Partition, in any) (any, error)
	Post(p engine.Partition, in any, done func(reply any, err error)) error
}

// Vault opens messages as they are kept, and secures them for their elements.
type Vault interface {
	keys.Packets
	keys.Rest
}

// Sender submits the platform's messages to phones.
type Sender struct {
	Carrier    Carrier
	Partitions Partitions
	Vault      Vault
	Address    string // of the platform at the carrier: what phones answer to
	Menus      *Menus // for phones without an element
	Log        zerolog.Logger
}

var _ engine.Performer = (*Sender)(nil)

// submitTimeout bounds one try at submitting a message.
const submitTimeout = 30 * time.Second

// Perform sends one PhoneMessage, unless it is of no use any more. What the carrier
// answers to a push is told to the bill, which sends again in its own time when it is
// refused. An answer that never came is tried again with the same octets, which the
// phone takes once; so is a result that the carrier cannot take now.
func (s *Sender) Perform(ctx context.Context, p engine.Partition, effect engine.Effect) error {
	m, err := billing.OpenPhoneMessage(s.Vault, effect)
	if err != nil {
		return fmt.Errorf("push %s: %w", effect.ID, err)
	}
	if !time.Now().Before(m.Expires) {
		return nil
	}
	if m.Bare() {
		if err := s.Menus.Push(ctx, p, m); err != nil {
			return fmt.Errorf("push %s: %w", effect.ID, err)
		}
		return nil
	}
	if m.Payload, err = s.payload(m); err != nil {
		s.Log.Error().Err(err).Str("msisdn", m.Phone.Masked()).Msg("new packet keys cannot be sent; the phone stays with the old ones")
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, submitTimeout)
	defer cancel()
	id, err := s.submit(ctx, m, receiptOf(effect.Kind))
	refusal, refused := errors.AsType[*smpp.StatusError](err)
	if err != nil && !refused {
		return fmt.Errorf("push %s: %w", effect.ID, err)
	}
	outcome := billing.Submitted{Bill: m.Bill, MessageID: id}
	switch {
	case effect.Kind == billing.EffectPush && refused:
		outcome = billing.Submitted{Bill: m.Bill, Refused: refusal.Error()}
	case refused && passing(refusal.Status):
		return fmt.Errorf("push %s: %w", effect.ID, err)
	case refused:
		s.Log.Warn().Err(err).Str("bill", string(m.Bill)).Str("what", effect.Kind).Msg("the carrier refused a message; it goes out again with the next")
		return nil
	case effect.Kind != billing.EffectPush:
		return nil
	}
	fault.Point(fault.AfterSubmit)
	if _, err := s.Partitions.Do(ctx, p, outcome); err != nil {
		return fmt.Errorf("push %s: %w", effect.ID, err)
	}
	return nil
}

// passing says whether a refusal may be otherwise in a moment (SMPP 3.4 §5.1.3).
func passing(s smpp.Status) bool {
	switch s {
	case smpp.RTHROTTLED, smpp.RMSGQFUL, smpp.RSYSERR:
		return true
	}
	return false
}

// receiptOf is what a message's receipt is asked for with. A bill waits for those of its
// pushes; of what becomes of a result its phone tells, in a message of its own.
func receiptOf(kind string) uint8 {
	if kind == billing.EffectPush {
		return smpp.ReceiptFinal
	}
	return smpp.ReceiptNone
}

// submit sends all parts of a message and answers the id of the last, whose receipt it asks
// for if there is to be one.
func (s *Sender) submit(ctx context.Context, m billing.PhoneMessage, receipt uint8) (id gateway.MessageID, err error) {
	packet, err := s.Vault.WrapMT(m.Binding(), m.Counter, m.Payload)
	if err != nil {
		return "", fmt.Errorf("secure the message: %w", err)
	}
	segments, err := carry(m.Form, packet, tpdu.Reference{Number: uint16(m.Counter)})
	if err != nil {
		return "", fmt.Errorf("carry the packet: %w", err)
	}
	for i, segment := range segments {
		sm, err := s.short(m, segment)
		if err != nil {
			return "", err
		}
		if i == len(segments)-1 {
			sm.RegisteredDelivery = receipt
		}
		if id, err = s.Carrier.Submit(ctx, sm); err != nil {
			return "", err
		}
	}
	return id, nil
}

// payload is the applet message: new packet keys are wrapped for the element only now,
// and come out the same at every try.
func (s *Sender) payload(m billing.PhoneMessage) ([]byte, error) {
	if m.Keys == 0 {
		return m.Payload, nil
	}
	wrapped, err := s.Vault.Rekey(m.Binding(), m.Keys)
	if err != nil {
		return nil, err
	}
	return applet.Append(nil, m.Suite, &applet.Keys{Version: m.Keys, Wrapped: wrapped})
}

// carry splits a packet the way that leads to an element of this form (wire.md 1.7).
func carry(form applet.Form, packet []byte, ref tpdu.Reference) ([]tpdu.Segment, error) {
	if form.InSIM() {
		return tpdu.ToSIM(packet, ref)
	}
	return tpdu.ByPort(tpdu.Ports{Destination: applet.Port, Source: applet.Port}, packet, ref)
}

// short makes one short message to a phone, worthless to the carrier once the bill is over.
func (s *Sender) short(m billing.PhoneMessage, segment tpdu.Segment) (*smpp.SubmitSM, error) {
	ud, err := segment.UserData()
	if err != nil {
		return nil, err
	}
	sm := &smpp.SubmitSM{
		Source:         smpp.Address{TON: smpp.TONNetwork, Digits: s.Address},
		Destination:    smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(m.Phone)},
		ProtocolID:     segment.Protocol,
		DataCoding:     segment.Coding,
		ValidityPeriod: smpp.Time{Absolute: later(m.Expires, time.Now().Add(leastValidity)).UTC()}.String(),
		ShortMessage:   ud,
	}
	if segment.Indication() {
		sm.ESMClass |= smpp.ESMUDHI
	}
	return sm, nil
}

// leastValidity is how long the carrier tries at least: a result may come after its bill's end.
const leastValidity = time.Minute

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
