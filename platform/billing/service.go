package billing

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/airtill/airtill/fsm"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/fault"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
)

// Service answers merchants and the office. It reads what is kept straight from the
// store and hands everything that changes something to the partition that owns it.
// It is safe for concurrent use.
type Service struct {
	config    Config
	engine    Doer
	store     engine.Store
	merchants contracts
	identity  identities
	endpoints endpoints
	openings  openings
}

var (
	_ platform.Service       = (*Service)(nil)
	_ platform.Office        = (*Service)(nil)
	_ platform.Authenticator = (*Service)(nil)
	_ platform.Accounts      = (*Service)(nil)
	_ platform.OfficeLog     = (*Service)(nil)
)

// NewService makes the service over the partitions of an engine and their store.
func NewService(config Config, e Doer, store engine.Store) (*Service, error) {
	if err := config.Validate(); err != nil {
		return nil, err
	}
	if config.AllowLegacy {
		config.Log.Warn().Msg("the legacy suite is on: 3DES and MD5 are weak; it is for study of the method of 2010 only")
	}
	return &Service{config: config.withDefaults(), engine: e, store: store}, nil
}

func phoneHome(m gateway.MSISDN) string { return "phone:" + string(m) }

func merchantHome(m platform.MerchantID) string { return "merchant:" + string(m) }

// PhonePartition is the partition that keeps a phone, its bills and its money.
func (s *Service) PhonePartition(m gateway.MSISDN) engine.Partition {
	return engine.PartitionOf(phoneHome(m), s.config.Partitions)
}

func (s *Service) merchantPartition(m platform.MerchantID) engine.Partition {
	return engine.PartitionOf(merchantHome(m), s.config.Partitions)
}

// payeeHome is the home partition of an account: its merchant's.
func (s *Service) payeeHome(payee string) engine.Partition {
	return s.merchantPartition(payeeMerchant(payee))
}

// do hands an input over and says an uncertain outcome in the platform's words.
func (s *Service) do(ctx context.Context, p engine.Partition, in any) (any, error) {
	reply, err := s.engine.Do(ctx, p, in)
	switch {
	case errors.Is(err, engine.ErrUnknown), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return nil, unknownOutcome()
	case errors.Is(err, engine.ErrUnavailable), errors.Is(err, engine.ErrBusy):
		return nil, &platform.Error{Code: platform.CodeUnavailable, Detail: "the platform cannot take this now; try again in a moment"}
	}
	return reply, err
}

func isCode(err error, code platform.Code) bool {
	refusal, ok := errors.AsType[*platform.Error](err)
	return ok && refusal.Code == code
}

func isNotFound(err error) bool { return isCode(err, platform.CodeNotFound) }

// CreateBill claims the order in the merchant's partition, then makes its bill in the payer's.
func (s *Service) CreateBill(ctx context.Context, m platform.MerchantID, o platform.Order) (platform.Bill, error) {
	contract, err := s.contract(ctx, m)
	if err != nil {
		return platform.Bill{}, err
	}
	if o, err = complete(contract, o); err != nil {
		return platform.Bill{}, err
	}
	o.Fingerprint = s.config.Vault.Fingerprint(orderKind, o.Fingerprint)
	payer, err := s.do(ctx, s.PhonePartition(o.Phone), FindPhone{Phone: o.Phone})
	if err != nil {
		return platform.Bill{}, err
	}
	if err := s.config.admits(payer.(Found).Register, o); err != nil {
		return platform.Bill{}, err
	}
	c, err := s.claim(ctx, m, o)
	if err != nil {
		return platform.Bill{}, err
	}
	fault.Point(fault.AfterClaim)
	return s.billOf(ctx, c)
}

// billOf makes the bill of a claim, or finds it. An order that is claimed becomes a
// bill in any case: when that cannot be done now, it is not certain that it was not.
func (s *Service) billOf(ctx context.Context, c Claimed) (b platform.Bill, err error) {
	if !c.Repeat {
		b, err = s.openNew(ctx, c.Open)
	}
	if c.Repeat || errors.Is(err, ErrLookAgain) {
		b, err = s.opened(ctx, c.Open)
	}
	fault.Point(fault.AfterOpen)
	if isCode(err, platform.CodeUnavailable) {
		return platform.Bill{}, unknownOutcome()
	}
	b.Repeated = c.Repeat && err == nil
	return b, err
}

// mostLooks bounds how often the store is looked at again for one request.
const mostLooks = 3

// again says whether to look at the store again, for the last time after mostLooks.
func again(err error, look int) bool { return errors.Is(err, ErrLookAgain) && look < mostLooks }

// busyStore is what a request comes to for which every look at the store took too long.
func busyStore(err error) error {
	if errors.Is(err, ErrLookAgain) {
		return unavailable("look at the store", err)
	}
	return err
}

func unknownOutcome() error {
	return &platform.Error{Code: platform.CodeUnknownOutcome, Detail: "the outcome is not known; repeat the same request to find out"}
}

// claim looks for an earlier claim in the store, then claims.
func (s *Service) claim(ctx context.Context, m platform.MerchantID, o platform.Order) (Claimed, error) {
	home := s.merchantPartition(m)
	for look := 1; ; look++ {
		earlier, looked, err := s.earlierClaim(ctx, home, m, o)
		if err != nil {
			return Claimed{}, err
		}
		if earlier != nil {
			return repeated(*earlier, o)
		}
		reply, err := s.do(ctx, home, Claim{Merchant: m, Order: o, Looked: looked})
		if again(err, look) {
			continue
		}
		if err != nil {
			return Claimed{}, busyStore(err)
		}
		return reply.(Claimed), nil
	}
}

// earlierClaim looks for a claim of an order in the store; nil is none as of the batch
// that it looked at.
func (s *Service) earlierClaim(ctx context.Context, home engine.Partition, m platform.MerchantID, o platform.Order) (c *claimed, looked uint64, err error) {
	texts, err := s.store.Read(home).Get(ctx, append([]string{engine.SeqKey}, claimKeys(m, o)...)...)
	if err != nil {
		return nil, 0, unavailable("look for the order", err)
	}
	if looked, err = readSeq(texts[0]); err != nil {
		return nil, 0, err
	}
	for _, text := range texts[1:] {
		if text != "" {
			c, err = s.readClaim(text)
			return c, looked, err
		}
	}
	return nil, looked, nil
}

func (s *Service) readClaim(text string) (*claimed, error) {
	var kept sealedClaim
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return nil, fmt.Errorf("read an order's claim: %w", err)
	}
	in, err := kept.Open.open(s.config.Vault)
	if err != nil {
		return nil, fmt.Errorf("read an order's claim: %w", err)
	}
	return &claimed{Open: in, Fingerprint: kept.Fingerprint, At: kept.At}, nil
}

func unavailable(op string, err error) error {
	return fmt.Errorf("%w: %s: %w", &platform.Error{Code: platform.CodeUnavailable, Detail: "the store cannot be read now; try again in a moment"}, op, err)
}

// opened answers the bill of a claim, and makes it if it was never made.
func (s *Service) opened(ctx context.Context, in Open) (platform.Bill, error) {
	for look := 1; ; look++ {
		in.Looked = s.config.Clock.Now()
		kept, err := s.find(ctx, in.ID)
		if err == nil {
			return kept.Bill, nil
		}
		if !isNotFound(err) {
			return platform.Bill{}, err
		}
		b, err := s.openNew(ctx, in)
		if again(err, look) {
			continue
		}
		return b, busyStore(err)
	}
}

// find reads a bill where it is kept: among the live ones, or filed under its day.
// A bill that is filed between the two looks is found by the second round.
func (s *Service) find(ctx context.Context, id platform.BillID) (finished, error) {
	var kept finished
	if id.Partition() >= s.config.Partitions {
		return kept, notFound()
	}
	r := s.store.Read(engine.Partition(id.Partition()))
	for range 2 {
		texts, err := r.Get(ctx, recordKey(id))
		if err != nil {
			return kept, unavailable("read the bill", err)
		}
		text, ok := texts[0], texts[0] != ""
		if !ok {
			if text, ok, err = r.Field(ctx, finishedKey(id), string(id)); err != nil {
				return kept, unavailable("read the bill", err)
			}
		}
		if ok {
			return s.readBill(text)
		}
	}
	return kept, notFound()
}

func (s *Service) readBill(text string) (kept finished, err error) {
	if err := json.Unmarshal([]byte(text), &kept); err != nil {
		return kept, fmt.Errorf("read a bill: %w", err)
	}
	return kept, kept.open(s.config.Vault)
}

func notFound() error {
	return &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"}
}

// own finds a bill of the merchant's; another's is as good as none.
func (s *Service) own(ctx context.Context, m platform.MerchantID, id platform.BillID) (finished, error) {
	kept, err := s.find(ctx, id)
	if err == nil && kept.Merchant != m {
		return finished{}, notFound()
	}
	return kept, err
}

// Bill answers one of the merchant's bills.
func (s *Service) Bill(ctx context.Context, m platform.MerchantID, id platform.BillID) (platform.Bill, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return platform.Bill{}, err
	}
	bills := []platform.Bill{kept.Bill}
	err = s.addRefunds(ctx, m, bills)
	return bills[0], err
}

// CancelBill withdraws a bill that is not paid yet.
func (s *Service) CancelBill(ctx context.Context, m platform.MerchantID, id platform.BillID) (platform.Bill, error) {
	kept, err := s.own(ctx, m, id)
	if err != nil {
		return platform.Bill{}, err
	}
	if kept.State == bill.Cancelled {
		return kept.Bill, nil
	}
	if bill.Ended(kept.State) {
		return platform.Bill{}, tooLateToCancel(kept.State)
	}
	reply, err := s.do(ctx, engine.Partition(id.Partition()), Cancel{Merchant: m, Bill: id})
	if err != nil {
		return platform.Bill{}, err
	}
	return reply.(platform.Bill), nil
}

func tooLateToCancel(state fsm.State) error {
	return &platform.Error{
		Code: platform.CodeIllegalState, Field: "id",
		Detail: "the bill is " + string(state) + " and cannot be cancelled any more",
	}
}
