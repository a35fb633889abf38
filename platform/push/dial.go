package push

import (
	"context"
	"errors"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/menu"
)

// dialled shows who dials their open bills. What was dialled after the code is typed
// into the menu, up to the PIN: that is taken only when it was asked for.
func (s *Menus) dialled(ctx context.Context, d *dialogue, rest string) {
	w, err := ask[menu.Wallet](ctx, s, d.phone, billing.FindBills{Phone: d.phone})
	if err != nil {
		s.Log.Warn().Err(err).Str("msisdn", d.phone.Masked()).Msg("bills cannot be listed now")
		s.show(ctx, d) // closes without a word
		return
	}
	d.menu = menu.Dialled(w)
	for _, typed := range strings.Split(rest, "*") {
		if rest == "" || !d.menu.Open() || d.menu.Secret() {
			break
		}
		s.answered(ctx, d, typed)
	}
	s.show(ctx, d)
}

// do has the phone's partition do what the holder wants. The zero Result says that it is
// not known whether it did.
func (s *Menus) do(ctx context.Context, phone gateway.MSISDN, act menu.Act) menu.Result {
	var in any = billing.Chosen{Phone: phone, Bill: act.Bill, Event: eventOf(act.Do)}
	if act.Do == menu.Pay {
		in = billing.Typed{
			Phone: phone, Bill: act.Bill, Slot: act.Slot, PIN: act.PIN,
			Transaction: applet.TransactionNumber(time.Now().UnixNano()),
		}
	}
	result, err := ask[menu.Result](ctx, s, phone, in)
	if err != nil {
		s.Log.Warn().Err(err).Str("bill", string(act.Bill)).Msg("what a holder chose may not be done")
	}
	return result
}

func eventOf(do menu.Do) fsm.Event {
	switch do {
	case menu.Defer:
		return bill.Defer
	case menu.Refuse:
		return bill.Refuse
	case menu.Open, menu.Pay, menu.Nothing:
	}
	return bill.Open
}

// The pause after a partition that could not answer, and how often it is asked.
const (
	askPause = 250 * time.Millisecond
	mostAsks = 8
)

// ask has a phone's partition answer.
func ask[R any](ctx context.Context, s *Menus, phone gateway.MSISDN, in any) (r R, err error) {
	reply, err := s.insist(ctx, s.Home(phone), in)
	if err != nil {
		return r, err
	}
	return reply.(R), nil
}

// insist hands an input over until a partition says what became of it. One whose outcome
// is not known is handed over again, and answered from the record.
func (s *Menus) insist(ctx context.Context, p engine.Partition, in any) (reply any, err error) {
	for n := range mostAsks {
		reply, err = s.Partitions.Do(ctx, p, in)
		passing := errors.Is(err, engine.ErrUnknown) || errors.Is(err, engine.ErrUnavailable) || errors.Is(err, engine.ErrBusy)
		if !passing || !pause(ctx, time.Duration(n+1)*askPause) {
			break
		}
	}
	return reply, err
}

// pause waits, and says whether there is still time.
func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// abandoned sees to a pushed bill about which nothing was chosen.
func (s *Menus) abandoned(ctx context.Context, d *dialogue, why string) {
	if d.pushed == nil || d.chosen {
		return
	}
	d.chosen = true // it is seen to
	shown, _, err := s.openBill(ctx, *d.pushed)
	if err == nil && shown != nil {
		err = s.fallBack(ctx, s.Home(d.phone), *d.pushed, *shown, "the USSD session ended: "+why)
	}
	if err != nil {
		s.Log.Warn().Err(err).Str("bill", string(d.pushed.Bill)).Msg("an SMS about a bill could not be sent; it is pushed again")
	}
}

// fallBack sends the SMS that says how to pay a bill, unless one has, and tells the bill.
func (s *Menus) fallBack(ctx context.Context, n engine.Partition, m billing.PhoneMessage, b menu.Bill, why string) error {
	outcome := billing.Submitted{Bill: m.Bill, Refused: why}
	if !m.Texted {
		id, err := s.text(ctx, m.Phone, menu.HowTo(b, s.Code), m.Expires)
		refusal, refused := errors.AsType[*smpp.StatusError](err)
		switch {
		case refused:
			outcome.Refused += "; SMS: " + refusal.Error()
		case err != nil:
			return err
		default:
			outcome = billing.Submitted{Bill: m.Bill, MessageID: id}
		}
	}
	_, err := s.insist(ctx, n, outcome)
	return err
}

// tell sends what a menu would have shown last: something was done, and the session was
// over before its holder could read of it.
func (s *Menus) tell(ctx context.Context, d *dialogue) {
	if _, err := s.text(ctx, d.phone, d.menu.Text(), time.Now().Add(resultKept)); err != nil {
		s.Log.Warn().Err(err).Str("msisdn", d.phone.Masked()).Msg("a holder could not be told what came of a choice")
	}
}

// resultKept is how long the carrier tries to tell what came of a choice.
const resultKept = 10 * time.Minute

// text sends an SMS of one part, or more, and answers the id of the last, whose receipt it asks for.
func (s *Menus) text(ctx context.Context, to gateway.MSISDN, text string, expires time.Time) (id gateway.MessageID, err error) {
	segments, err := tpdu.SplitText(text, tpdu.Reference{})
	if err != nil {
		return "", err
	}
	sender := Sender{Address: s.Address}
	for i, segment := range segments {
		sm, err := sender.short(billing.PhoneMessage{Phone: to, Expires: expires}, segment)
		if err != nil {
			return "", err
		}
		if i == len(segments)-1 {
			sm.RegisteredDelivery = smpp.ReceiptFinal
		}
		if id, err = s.Carrier.Submit(ctx, sm); err != nil {
			return "", err
		}
	}
	return id, nil
}
