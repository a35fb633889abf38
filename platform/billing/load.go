package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// loadChunk is how many live bills are read at once.
const loadChunk = 1000

// Load builds the partition's memory from what the store holds: the register, the
// book, the merchants and the live bills. Finished bills stay where they are.
func (p *Partition) Load(ctx context.Context, r engine.Reader) error {
	p.recent.since = p.config.Clock.Now()
	for _, load := range []func(context.Context, engine.Reader) error{
		p.loadBook, p.loadPhones, p.loadElements, p.loadMerchants, p.loadSweeps, p.loadBills,
	} {
		if err := load(ctx, r); err != nil {
			return fmt.Errorf("load partition %d: %w", p.number, err)
		}
	}
	return nil
}

func (p *Partition) loadBook(ctx context.Context, r engine.Reader) error {
	fields, err := r.Fields(ctx, "balances")
	if err != nil {
		return err
	}
	balances := make(map[string]money.Amount, len(fields))
	for account, text := range fields {
		n, err := strconv.ParseInt(text, 10, 64)
		if err != nil {
			return fmt.Errorf("balance of %s: %w", account, err)
		}
		balances[account] = money.Amount(n)
	}
	p.book = ledger.NewBook(balances)
	for currency, sum := range p.book.Sums() {
		if sum != 0 {
			return fmt.Errorf("the book does not sum to zero: %s is off by %d; run airtill audit", currency, sum)
		}
	}
	return nil
}

func (p *Partition) loadPhones(ctx context.Context, r engine.Reader) error {
	known := make(map[string]*phone)
	err := openFields(ctx, r, "phones", func(id string, kept sealedRegister) error {
		reg, err := kept.open(p.config.Vault)
		if err != nil {
			return err
		}
		ph := p.newPhone(reg)
		p.phones[reg.MSISDN], known[id] = ph, ph
		return nil
	})
	if err != nil {
		return err
	}
	err = decodeFields(ctx, r, "counters", func(id string, c counters) {
		if ph, ok := known[id]; ok {
			ph.counters = c
		}
	})
	if err != nil {
		return err
	}
	return decodeFields(ctx, r, "recent", func(field string, t taken) {
		id, place, _ := strings.Cut(field, ":")
		at, err := strconv.Atoi(place)
		if ph, ok := known[id]; ok && err == nil && at >= 0 && at < mostRecent {
			ph.recent.put(at, t)
		}
	})
}

func (p *Partition) loadElements(ctx context.Context, r engine.Reader) error {
	return openFields(ctx, r, "elements", func(tail string, kept owner) error {
		number, err := p.config.Vault.OpenText(phoneText, kept.Phone)
		p.elements[tail] = claim{element: kept.Element, phone: gateway.MSISDN(number)}
		return err
	})
}

func (p *Partition) loadMerchants(ctx context.Context, r engine.Reader) error {
	err := decodeFields(ctx, r, "merchants", func(id string, c Contract) {
		p.merchants[platform.MerchantID(id)] = &c
	})
	if err != nil {
		return err
	}
	err = decodeFields(ctx, r, endpointsHash, func(key string, e platform.Endpoint) { p.noteEndpoint(key, &e) })
	if err != nil {
		return err
	}
	return decodeFields(ctx, r, identityHash, func(_ string, k ownKeys) { p.identity = k })
}

func (p *Partition) loadSweeps(ctx context.Context, r engine.Reader) error {
	err := decodeFields(ctx, r, "sweeps", func(sub string, kept pool) {
		pl := p.pool(sub, platform.Bill{Payee: kept.Payee, Currency: kept.Currency})
		kept.waiting = pl.waiting
		*pl = kept
	})
	if err != nil {
		return err
	}
	return decodeFields(ctx, r, "swept", func(origin string, number uint64) { p.swept[origin] = number })
}

// loadBills reads the live bills, which the deadlines name.
func (p *Partition) loadBills(ctx context.Context, r engine.Reader) error {
	ids, err := r.Members(ctx, engine.DueSet, engine.Range{})
	if err != nil {
		return err
	}
	var names []string
	for _, id := range ids {
		if strings.HasPrefix(id, "bill_") {
			names = append(names, recordKey(platform.BillID(id)))
		}
	}
	for start := 0; start < len(names); start += loadChunk {
		chunk := names[start:min(start+loadChunk, len(names))]
		texts, err := r.Get(ctx, chunk...)
		if err != nil {
			return err
		}
		for i, text := range texts {
			if err := p.loadBill(text); err != nil {
				return fmt.Errorf("%s: %w", chunk[i], err)
			}
		}
	}
	return nil
}

func (p *Partition) loadBill(text string) error {
	var rec record
	if err := json.Unmarshal([]byte(text), &rec); err != nil {
		return err
	}
	if err := rec.open(p.config.Vault); err != nil {
		return err
	}
	if err := p.adopt(&rec); err != nil {
		return err
	}
	if rec.Reporting {
		p.reporting = append(p.reporting, rec.ID)
	}
	if rec.State == bill.Paid {
		p.pool(ledger.Sub(rec.Payee, rec.Currency), rec.Bill).waiting[rec.ID.Ref()] = &rec
	}
	return nil
}

// decodeFields reads a hash of JSON values.
func decodeFields[V any](ctx context.Context, r engine.Reader, hash string, each func(field string, v V)) error {
	return openFields(ctx, r, hash, func(field string, v V) error {
		each(field, v)
		return nil
	})
}

// openFields reads a hash of JSON values of which something is sealed.
func openFields[V any](ctx context.Context, r engine.Reader, hash string, each func(field string, v V) error) error {
	fields, err := r.Fields(ctx, hash)
	if err != nil {
		return err
	}
	for field, text := range fields {
		var v V
		err := json.Unmarshal([]byte(text), &v)
		if err == nil {
			err = each(field, v)
		}
		if err != nil {
			return fmt.Errorf("%s %s: %w", hash, field, err)
		}
	}
	return nil
}
