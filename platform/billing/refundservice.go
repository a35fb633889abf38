package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/ledger"
)

// refundKind is the kind of the fingerprints of refunds' content.
const refundKind = "refund"

// Refund gives money of a settled bill back.
func (s *Service) Refund(ctx context.Context, m platform.MerchantID, id platform.BillID, o platform.RefundOrder) (platform.Refund, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return platform.Refund{}, err
	}
	if err := refundable(kept); err != nil {
		return platform.Refund{}, err
	}
	if o, err = s.completeRefund(o); err != nil {
		return platform.Refund{}, err
	}
	in := Refund{Merchant: m, Order: o, Bill: Refundable{
		Result: api.CallbackOf(kept.Bill).Data, CallbackURL: kept.CallbackURL, Account: kept.Account,
	}}
	home := s.merchantPartition(m)
	for look := 1; ; look++ {
		if in.Kept, in.Seen, err = s.lookForRefunds(ctx, home, id); err != nil {
			return platform.Refund{}, err
		}
		reply, err := s.do(ctx, home, in)
		if again(err, look) {
			continue
		}
		if err != nil {
			return platform.Refund{}, busyStore(err)
		}
		made := reply.(Refunding)
		made.Refund.Repeated = made.Repeat
		return made.Refund, nil
	}
}

// refundable says why a bill cannot be refunded, if it cannot.
func refundable(b finished) error {
	switch {
	case b.State == bill.Paid:
		return illegal("the bill is paid, but its money has not come home yet; try again in a moment")
	case b.State != bill.Settled:
		return illegal("the bill is " + string(b.State) + "; only a settled one can be refunded")
	case b.Account == "":
		return illegal("the bill was paid before it was noted which card did")
	}
	return nil
}

// completeRefund checks an order and makes its fingerprint one that only the platform can make.
func (s *Service) completeRefund(o platform.RefundOrder) (platform.RefundOrder, error) {
	switch {
	case o.Reference == "" && o.IdempotencyKey == "":
		return o, invalid("reference", "the merchant's own, or an Idempotency-Key, so that the request can be repeated")
	case o.Amount != 0 && !o.Amount.Payable():
		return o, invalid("amount", "minor units, at least 1; all that is left when it is left out")
	}
	content := o
	content.IdempotencyKey = ""
	o.Fingerprint = s.config.Vault.Fingerprint(refundKind, encode(content))
	return o, nil
}

// lookForRefunds reads the refunds of a bill, and how far the partition had come before.
func (s *Service) lookForRefunds(ctx context.Context, home engine.Partition, id platform.BillID) (text string, seen uint64, err error) {
	r := s.store.Read(home)
	if seen, err = seqOf(ctx, r); err == nil {
		var texts []string
		if texts, err = r.Get(ctx, refundsKey(id)); err == nil {
			return texts[0], seen, nil
		}
	}
	return "", 0, unavailable("look for refunds", err)
}

// Refunds lists a bill's refunds, oldest first.
func (s *Service) Refunds(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Refund, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return nil, err
	}
	bills := []platform.Bill{kept.Bill}
	err = s.addRefunds(ctx, m, bills)
	return bills[0].Refunds, err
}

// FindRefund answers one refund.
func (s *Service) FindRefund(ctx context.Context, m platform.MerchantID, id platform.RefundID) (platform.Refund, error) {
	all, err := s.Refunds(ctx, m, id.Bill())
	if err != nil && !isNotFound(err) {
		return platform.Refund{}, err
	}
	for _, r := range all {
		if r.ID == id {
			return r, nil
		}
	}
	return platform.Refund{}, noRefund()
}

// addRefunds fills in the refunds of a merchant's bills, with one look.
func (s *Service) addRefunds(ctx context.Context, m platform.MerchantID, bills []platform.Bill) error {
	var names []string
	var of []*platform.Bill
	for i := range bills {
		if bills[i].State == bill.Settled {
			names, of = append(names, refundsKey(bills[i].ID)), append(of, &bills[i])
		}
	}
	if len(names) == 0 {
		return nil
	}
	texts, err := s.store.Read(s.merchantPartition(m)).Get(ctx, names...)
	if err != nil {
		return unavailable("read refunds", err)
	}
	for i, text := range texts {
		if of[i].Refunds, err = s.refundsIn(text); err != nil {
			return err
		}
		of[i].Refunded = platform.Refunded(of[i].Refunds)
	}
	return nil
}

func (s *Service) refundsIn(text string) (all []platform.Refund, err error) {
	if text == "" {
		return nil, nil
	}
	kept, err := readRefunds(s.config.Vault, text)
	if err != nil {
		return nil, err
	}
	for _, r := range kept.Refunds {
		all = append(all, r.Refund)
	}
	return all, nil
}

// refundStory tells the stories of a bill's refunds: of each what the merchant's partition
// has, and its credit, which the payer's has.
func (s *Service) refundStory(ctx context.Context, m platform.MerchantID, id platform.BillID) ([]platform.Event, error) {
	text, _, err := s.lookForRefunds(ctx, s.merchantPartition(m), id)
	if err != nil || text == "" {
		return nil, err
	}
	kept, err := readRefunds(s.config.Vault, text)
	if err != nil {
		return nil, err
	}
	var told []platform.Event
	for _, r := range kept.Refunds {
		own, err := s.story(ctx, s.merchantPartition(m), string(r.ID), r.Last)
		if err != nil {
			return nil, err
		}
		credit, err := s.creditStory(ctx, r.ID)
		if err != nil {
			return nil, err
		}
		told = append(told, slices.Insert(own, min(1, len(own)), credit...)...)
	}
	return told, nil
}

func (s *Service) creditStory(ctx context.Context, id platform.RefundID) ([]platform.Event, error) {
	payer := engine.Partition(id.Bill().Partition())
	text, _, err := s.store.Read(payer).Field(ctx, creditsKey(id), string(id))
	if err != nil || text == "" {
		return nil, err
	}
	kept, err := readCredit(text)
	if err != nil {
		return nil, err
	}
	return s.story(ctx, payer, creditID(id), kept.Entry)
}

// credited brings a refund to the payer's partition.
func (s *Service) credited(ctx context.Context, in Credit) (ledger.Transfer, error) {
	payer := engine.Partition(in.Refund.Bill().Partition())
	r := s.store.Read(payer)
	for look := 1; ; look++ {
		var err error
		if in.Seen, err = seqOf(ctx, r); err != nil {
			return ledger.Transfer{}, err
		}
		if in.Kept, _, err = r.Field(ctx, creditsKey(in.Refund), string(in.Refund)); err != nil {
			return ledger.Transfer{}, err
		}
		reply, err := s.engine.Do(ctx, payer, in)
		if again(err, look) {
			continue
		}
		if err != nil {
			return ledger.Transfer{}, err
		}
		return reply.(ledger.Transfer), nil
	}
}

// refund brings a refund to the payer, then tells the merchant's partition what became of it.
func (e *Effects) refund(ctx context.Context, home engine.Partition, effect engine.Effect) error {
	var in Credit
	if err := json.Unmarshal(effect.Body, &in); err != nil {
		return fmt.Errorf("perform %s: %w", effect.ID, err)
	}
	ctx, cancel := context.WithTimeout(ctx, carryTimeout)
	defer cancel()
	made, err := e.Service.credited(ctx, in)
	if err != nil {
		return fmt.Errorf("apply %s: %w", effect.ID, err)
	}
	if _, err := e.Service.engine.Do(ctx, home, Credited{Refund: in.Refund, State: made.State}); err != nil {
		return fmt.Errorf("close %s: %w", effect.ID, err)
	}
	return nil
}
