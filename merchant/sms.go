package merchant

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/esme"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
)

// Carrier submits one short message; it is an *esme.Client.
type Carrier interface {
	Submit(ctx context.Context, sm *smpp.SubmitSM) (gateway.MessageID, error)
}

var _ Carrier = (*esme.Client)(nil)

// SMS is the Texter of the shop: it writes a text in the GSM alphabet where that is
// enough and in UCS2 where not, in several parts when it is long, and submits each
// part until the carrier has taken it.
type SMS struct {
	carrier Carrier
	source  string
	texts   atomic.Uint32 // sent so far: the reference of the next
}

var _ Texter = (*SMS)(nil)

// NewSMS makes a Texter whose texts come from a short code such as 10690.
func NewSMS(carrier Carrier, source string) *SMS { return &SMS{carrier: carrier, source: source} }

// A part is submitted again while the carrier is away or too busy, for about 2 minutes.
const (
	submitTries = 12
	submitFirst = 100 * time.Millisecond
	submitMost  = 20 * time.Second
)

// SendText sends a text. A part whose submission had no answer is submitted again: the
// phone may see it twice, but takes parts of one reference once.
func (s *SMS) SendText(ctx context.Context, to gateway.MSISDN, text string) error {
	segments, err := tpdu.SplitText(text, tpdu.Reference{Number: uint16(s.texts.Add(1)), Wide: true})
	if err != nil {
		return fmt.Errorf("text to %s: %w", to.Masked(), err)
	}
	for _, segment := range segments {
		if err := s.submit(ctx, to, segment); err != nil {
			return fmt.Errorf("text to %s: %w", to.Masked(), err)
		}
	}
	return nil
}

func (s *SMS) submit(ctx context.Context, to gateway.MSISDN, segment tpdu.Segment) error {
	sm, err := s.message(to, segment)
	if err != nil {
		return err
	}
	for try, wait := 1, submitFirst; ; try, wait = try+1, min(2*wait, submitMost) {
		_, err := s.carrier.Submit(ctx, sm)
		if err == nil || try == submitTries || !temporary(err) {
			return err
		}
		if stopped := pause(ctx, wait); stopped != nil {
			return stopped
		}
	}
}

func (s *SMS) message(to gateway.MSISDN, segment tpdu.Segment) (*smpp.SubmitSM, error) {
	ud, err := segment.UserData()
	if err != nil {
		return nil, err
	}
	sm := &smpp.SubmitSM{
		Source:       smpp.Address{TON: smpp.TONNetwork, Digits: s.source},
		Destination:  smpp.Address{TON: smpp.TONInternational, NPI: smpp.NPIISDN, Digits: string(to)},
		ProtocolID:   segment.Protocol,
		DataCoding:   segment.Coding,
		ShortMessage: ud,
	}
	if segment.Indication() {
		sm.ESMClass |= smpp.ESMUDHI
	}
	return sm, nil
}

// temporary says that the same message may be taken later. A refusal is final unless
// it speaks of the carrier and not of the message (SMPP 3.4 section 5.1.3).
func temporary(err error) bool {
	refusal, refused := errors.AsType[*smpp.StatusError](err)
	if !refused {
		return !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded)
	}
	switch refusal.Status {
	case smpp.RSYSERR, smpp.RMSGQFUL, smpp.RTHROTTLED, smpp.RXTAPPN:
		return true
	}
	return false
}
