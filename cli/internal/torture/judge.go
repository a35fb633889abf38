package torture

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/history"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
)

// auditTime is how long an audit may take.
const auditTime = 60 * time.Second

// audit has airtill audit look at the store, and takes its word.
func (s *site) audit(ctx context.Context) error {
	_, err := s.report(ctx)
	return err
}

func (s *site) report(ctx context.Context) (audit.Report, error) {
	ctx, cancel := context.WithTimeout(ctx, auditTime)
	defer cancel()
	urls := s.storeURLs()
	if s.config.Store == Embedded {
		urls = []string{s.platforms[0].store}
	}
	command := exec.CommandContext(ctx, s.config.Binary, "audit", "--json", "--redis", strings.Join(urls, ","))
	command.Env = append(command.Environ(), s.env()...)
	text, err := command.Output()
	var report audit.Report
	if len(text) > 0 && json.Unmarshal(text, &report) != nil {
		return report, fmt.Errorf("audit: it said %q", text)
	}
	for _, d := range slices.Concat(report.Differences, report.Overdue) {
		s.differ(other, "audit: %s", d)
	}
	if exit, ok := errors.AsType[*exec.ExitError](err); ok && len(report.Differences)+len(report.Overdue) == 0 {
		return report, fmt.Errorf("audit: %s: %s", exit.ProcessState, exit.Stderr)
	} else if !ok && err != nil {
		return report, fmt.Errorf("audit: %w", err)
	}
	return report, nil
}

// restWithin is how long after the last bill's time a network may take to come to rest:
// a callback that was turned away comes again after 5 s, and an outcome that did not come
// is waited for 20 s.
const restWithin = 40 * time.Second

// quiet waits until every bill has ended and its merchant knows, and no money is on its
// way. What is not so in time is a difference.
func (s *site) quiet(ctx context.Context) error {
	var restless []string
	begun, within := time.Now(), s.config.Expiry+restWithin
	calm := until(ctx, within, func() bool {
		restless = s.restless(ctx)
		if len(restless) > 0 {
			s.talk("quiet for %.0f s, still to come: %d, such as: %s", time.Since(begun).Seconds(), len(restless), restless[0])
			pause(ctx, 500*time.Millisecond)
		}
		return s.broken() || len(restless) == 0
	})
	if calm || ctx.Err() != nil {
		return ctx.Err()
	}
	for _, what := range restless {
		s.differ(lost, "%s after all was left alone for %s", what, within)
	}
	return nil
}

// restless lists what is still to come.
func (s *site) restless(ctx context.Context) (all []string) {
	bills, err := s.shop.bills(ctx)
	if err != nil {
		return []string{fmt.Sprintf("bills cannot be listed: %v", err)}
	}
	for _, b := range bills {
		if b.Acknowledged.IsZero() {
			all = append(all, fmt.Sprintf("bill %s (%s) is %s and not acknowledged", b.ID, b.Reference, b.State))
		}
	}
	if len(all) > 0 {
		return all
	}
	report, err := s.report(ctx)
	if err != nil {
		return []string{err.Error()}
	}
	for currency, sum := range report.Clearing {
		if sum != 0 {
			all = append(all, fmt.Sprintf("%d %s are on their way", sum, currency))
		}
	}
	return all
}

// judge compares what everybody has written down.
func (s *site) judge(ctx context.Context) error {
	bills, err := s.shop.bills(ctx)
	if err != nil {
		return err
	}
	report, err := s.report(ctx)
	if err != nil {
		return err
	}
	s.judgeBooks(report)
	s.judgeOrders(bills)
	s.judgeCallbacks(bills)
	if err := s.judgePhones(ctx, bills); err != nil {
		return err
	}
	if err := s.judgeMerchant(ctx, bills); err != nil {
		return err
	}
	s.judgeHistories(bills)
	return nil
}

func (s *site) judgeBooks(report audit.Report) {
	s.mu.Lock()
	s.result.Bills, s.result.Paid = report.Bills, report.Paid
	for _, sum := range report.Sums {
		s.result.Ledger += sum
	}
	ledger := s.result.Ledger
	s.mu.Unlock()
	if ledger != 0 {
		s.differ(other, "the books sum to %d", ledger)
	}
	if n := report.DuplicateDebits; n > 0 {
		s.differ(double, "%d bills were debited twice", n)
	}
}

// judgeOrders holds every order against the bills.
func (s *site) judgeOrders(bills []api.Bill) {
	byReference := make(map[string][]api.Bill)
	for _, b := range bills {
		byReference[b.Reference] = append(byReference[b.Reference], b)
	}
	h := s.shop
	h.mu.Lock()
	defer h.mu.Unlock()
	s.result.Orders, s.result.Repeats, s.result.Callbacks = len(h.orders), h.again, h.calls
	for reference, o := range h.orders {
		made := byReference[reference]
		delete(byReference, reference)
		switch {
		case len(made) > 1 || len(o.bills) > 1:
			s.differ(double, "order %s has %d bills; the merchant was told of %v", reference, len(made), o.bills)
		case len(made) == 0 && o.placed:
			s.differ(lost, "order %s was acknowledged as %v and has no bill", reference, o.bills)
		case len(made) == 1 && o.placed && made[0].ID != o.bills[0]:
			s.differ(lost, "order %s was acknowledged as %s, and its bill is %s", reference, o.bills[0], made[0].ID)
		case len(made) == 1 && made[0].Amount != o.Amount:
			s.differ(other, "order %s is for %d, its bill for %d", reference, o.Amount, made[0].Amount)
		}
	}
	for reference, made := range byReference {
		s.differ(double, "bill %s is of no order: %s", made[0].ID, reference)
	}
}

// judgeCallbacks holds every bill's end against what the merchant was told.
func (s *site) judgeCallbacks(bills []api.Bill) {
	h := s.shop
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, b := range bills {
		t := h.of(b.ID)
		switch {
		case t.taken == 0:
			s.differ(lost, "the merchant was never told that bill %s is %s: %d callbacks were turned away, none taken", b.ID, b.State, t.turned)
		case len(t.states) != 1 || t.states[0] != b.State:
			s.differ(other, "bill %s is %s; the merchant was told %v", b.ID, b.State, t.states)
		}
	}
}

// judgePhones holds accounts and phones against the paid bills.
func (s *site) judgePhones(ctx context.Context, bills []api.Bill) error {
	byRef := make(map[string]api.Bill)
	spent := make(map[string]money.Amount) // by phone and card, as they are masked
	for _, b := range bills {
		byRef[b.ID.Ref().String()] = b
		if b.State == bill.Settled {
			spent[b.Phone+" "+b.Card] += b.Amount
		}
	}
	enrolled, err := s.office.Load().Phones(ctx)
	if err != nil {
		return err
	}
	accounts := make(map[string]api.Phone)
	for _, p := range enrolled {
		accounts[p.MSISDN] = p
	}
	for _, who := range s.people {
		p := accounts[who.phone.Masked()]
		if len(p.Cards) != len(who.opening) {
			s.differ(lost, "%s has %d cards", who.phone.Masked(), len(p.Cards))
			continue
		}
		for i, c := range p.Cards {
			if want := who.opening[i] - spent[p.MSISDN+" "+c.Masked]; c.Balance != want {
				s.differ(double, "card %d of %s has %d, and should have %d", c.Slot, p.MSISDN, c.Balance, want)
			}
		}
		if p.Held {
			s.differ(other, "%s is held, and its element was never cloned", p.MSISDN)
		}
		if err := s.judgePhone(ctx, who, byRef); err != nil {
			return err
		}
	}
	return nil
}

// judgePhone holds what one phone was told against its bills.
func (s *site) judgePhone(ctx context.Context, who *person, byRef map[string]api.Bill) error {
	told, err := s.phones.Bills(ctx, who.phone)
	if err != nil {
		return err
	}
	for _, on := range told {
		b, ok := byRef[on.Bill]
		switch {
		case !ok:
			s.differ(lost, "%s has a bill %s that the platform does not have", who.phone.Masked(), on.Bill)
		case on.State == handsetsim.StatePaid.String() && b.State != bill.Settled:
			s.differ(lost, "%s was told that bill %s is paid, and it is %s", who.phone.Masked(), b.ID, b.State)
		}
	}
	return nil
}

// judgeMerchant holds what the merchant has against the paid bills.
func (s *site) judgeMerchant(ctx context.Context, bills []api.Bill) error {
	var earned money.Amount
	for _, b := range bills {
		if b.State == bill.Settled {
			earned += b.Amount
		}
	}
	all, err := s.office.Load().Merchants(ctx)
	if err != nil {
		return err
	}
	for _, m := range all {
		if has := m.Balances[money.CNY]; has != earned {
			s.differ(other, "merchant %s has %d, and its paid bills come to %d", m.ID, has, earned)
		}
	}
	return nil
}

// judgeHistories ends every history with what the platform says now, and judges it.
func (s *site) judgeHistories(bills []api.Bill) {
	for _, b := range bills {
		s.shop.history.Ask(b.Reference, history.Status{}).Answer(history.Seen{State: clientState(b.State)})
	}
	s.mu.Lock()
	s.result.Asked = s.shop.history.Len()
	s.mu.Unlock()
	for _, v := range s.shop.history.Judge() {
		s.differ(other, "%s", v)
	}
}
