package billing

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
)

// loadChunk is how many records are read at once.
const loadChunk = 1000

// Load builds the partition's memory from what the store holds: the book and the
// merchants. Phones and live bills are read when an input is about them.
func (p *Partition) Load(ctx context.Context, r engine.Reader) error {
	for _, load := range []func(context.Context, engine.Reader) error{
		p.loadSeq, p.loadBook, p.loadMerchants, p.loadSweeps, p.loadHeld, p.loadCallbacks, p.loadCheckpoint, p.loadReturns, p.loadRefunds,
	} {
		if err := load(ctx, r); err != nil {
			return fmt.Errorf("load partition %d: %w", p.number, err)
		}
	}
	return nil
}

// loadSeq notes up to where claims and settlements are in the store and not in memory.
func (p *Partition) loadSeq(ctx context.Context, r engine.Reader) error {
	kept, err := r.Get(ctx, engine.SeqKey)
	if err == nil {
		p.recent.since, err = readSeq(kept[0])
		p.settled.since = p.recent.since
	}
	return err
}

// readSeq reads the number of a batch; before the first there is none.
func readSeq(text string) (uint64, error) {
	if text == "" {
		return 0, nil
	}
	seq, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		return 0, fmt.Errorf("read the number of the last batch: %w", err)
	}
	return seq, nil
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
	p.transfers = ledger.NewTransfers(p.book)
	for currency, sum := range p.book.Sums() {
		if sum != 0 {
			return fmt.Errorf("the book does not sum to zero: %s is off by %d; run airtill audit", currency, sum)
		}
	}
	return nil
}

// loadHeld reads which phones are held.
func (p *Partition) loadHeld(ctx context.Context, r engine.Reader) error {
	fields, err := r.Fields(ctx, "held")
	for id := range fields {
		p.asleep.held[id] = true
	}
	return err
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
	if err := decodeFields(ctx, r, mendedHash, func(what string, amount money.Amount) { p.mended[what] = amount }); err != nil {
		return err
	}
	return decodeFields(ctx, r, "swept", func(origin string, number uint64) { p.swept[origin] = number })
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

// loadRefunds reads the refunds that something is still to be done about, and how far the
// partition had come.
func (p *Partition) loadRefunds(ctx context.Context, r engine.Reader) error {
	seq, err := seqOf(ctx, r)
	if err != nil {
		return err
	}
	p.restingRefunds, p.restingCredits = lately{since: seq}, lately{since: seq}
	bills, err := r.Members(ctx, refundingSet, engine.Range{})
	if err != nil {
		return err
	}
	names := make([]string, len(bills))
	for i, id := range bills {
		names[i] = refundsKey(platform.BillID(id))
	}
	for chunk := range slices.Chunk(names, loadChunk) {
		texts, err := r.Get(ctx, chunk...)
		if err != nil {
			return err
		}
		for i, text := range texts {
			kept, err := readRefunds(p.config.Vault, text)
			if err != nil {
				return fmt.Errorf("%s: %w", chunk[i], err)
			}
			p.remember(kept)
		}
	}
	return nil
}
