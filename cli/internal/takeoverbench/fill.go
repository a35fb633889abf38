package takeoverbench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/scp80"
)

// merchants is how many merchants the bills come from.
const merchants = 100

func merchant(n int) platform.MerchantID {
	return platform.MerchantID(fmt.Sprintf("%08d", 10_000_001+n%merchants))
}

// fill enrols phones and brings bills to them.
func (b *bench) fill(ctx context.Context, p *room) error {
	for n := range merchants {
		id := merchant(n)
		_, err := p.service.AddMerchant(ctx, platform.Merchant{
			ID: id, Name: fmt.Sprintf("Sky Tickets %d", n), CallbackURL: "http://shop.example/airtill", Payees: []string{id.DefaultPayee()},
		})
		if err != nil {
			return fmt.Errorf("add a merchant: %w", err)
		}
		b.homes[id] = engine.PartitionOf("merchant:"+string(id), b.config.Partitions)
	}
	empty, err := b.memory(ctx)
	if err != nil {
		return err
	}
	if err := b.many(b.config.Phones, func(n int) error { return b.enrol(ctx, p, n) }); err != nil {
		return fmt.Errorf("enrol a phone: %w", err)
	}
	enrolled, err := b.memory(ctx)
	if err != nil {
		return err
	}
	began := time.Now()
	if err := b.many(len(b.made), func(n int) error { return b.deliver(ctx, p, n) }); err != nil {
		return fmt.Errorf("bring a bill: %w", err)
	}
	b.result.FillPerS = float64(len(b.made)) / time.Since(began).Seconds()
	filled, err := b.memory(ctx)
	b.result.RedisPhone = (enrolled - empty) / float64(b.config.Phones)
	b.result.RedisBill = (filled - enrolled) / float64(len(b.made))
	return err
}

// crew is how many inputs are on their way at once.
const crew = 4096

// many does something n times, several at once, and answers the first error.
func (b *bench) many(n int, do func(n int) error) error {
	var work sync.WaitGroup
	next := make(chan int)
	failed := make(chan error, crew)
	for range crew {
		work.Go(func() {
			for i := range next {
				if err := do(i); err != nil {
					failed <- err
					return
				}
			}
		})
	}
	var err error
	for i := 0; i < n && err == nil; i++ {
		select {
		case next <- i:
		case err = <-failed:
		}
	}
	close(next)
	work.Wait()
	close(failed)
	return errors.Join(err, <-failed)
}

// do hands an input over, again while the partition is busy.
func do(ctx context.Context, p *room, n engine.Partition, in any) (any, error) {
	for {
		reply, err := p.Do(ctx, n, in)
		if !errors.Is(err, engine.ErrBusy) {
			return reply, err
		}
		select {
		case <-time.After(time.Millisecond):
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// enrol enrols a phone with two cards, as a branch's enrolment comes to a partition.
func (b *bench) enrol(ctx context.Context, p *room, n int) error {
	number, v := msisdn(n), b.rules.Vault
	reg := billing.Register{
		MSISDN: number, Name: fmt.Sprintf("Ouyang Xiaohong %d", n), Suite: scp80.Modern,
		Element: applet.ElementID(fmt.Sprintf("89860012%012d", n)), Identity: v.Fingerprint("identity", fmt.Sprintf("11010119800101%04d", n)),
	}
	in := billing.Enrol{Version: 1}
	for slot := 1; slot <= 2; slot++ {
		pan := fmt.Sprintf("621234%010d%d", n, slot)
		reg.Cards = append(reg.Cards, billing.CardEntry{
			Slot: slot, Alias: "salary", Masked: "621234******" + pan[len(pan)-4:], Token: applet.TokenPAN("6212345678901232"),
			Number: v.Fingerprint("card", pan), PIN: v.Fingerprint("pin", pan), Account: ledger.Card(reg.Element, slot, "CNY"), Currency: "CNY",
		})
		in.Accounts = append(in.Accounts, platform.Opening{Balance: 500_000, Currency: "CNY"})
	}
	in.Phone = reg
	_, err := do(ctx, p, p.service.PhonePartition(number), in)
	return err
}

// deliver orders a bill and has the carrier deliver it, as the service would, but for
// looking for an order that cannot be there.
func (b *bench) deliver(ctx context.Context, p *room, n int) error {
	number, m := msisdn(n%b.config.Phones), merchant(n)
	order := platform.Order{
		Reference: fmt.Sprintf("TK-2026-%08d", n), IdempotencyKey: fmt.Sprintf("5f1c9e1a-7d0b-4c55-9a8e-%012d", n),
		Amount: 128_000, Currency: "CNY", Payee: m.DefaultPayee(), Phone: number, BuyerPhone: number, ExpiresIn: 24 * time.Hour,
		Goods:   json.RawMessage(`{"kind":"flight","flight":"CA1405","date":"2026-12-24","seat":"31A"}`),
		Subject: "flight CA1405 2026-12-24 31A", Fingerprint: fmt.Sprintf("%032x", n),
	}
	reply, err := do(ctx, p, b.homes[m], billing.Claim{Merchant: m, Order: order, Looked: math.MaxUint64})
	if err != nil {
		return err
	}
	open := reply.(billing.Claimed).Open
	home, id := p.service.PhonePartition(number), gateway.MessageID(fmt.Sprintf("%016X", n))
	for _, in := range []any{
		open, billing.Submitted{Bill: open.ID, MessageID: id}, billing.Receipt{Phone: number, MessageID: id, State: gateway.Delivered},
	} {
		if _, err := do(ctx, p, home, in); err != nil {
			return err
		}
	}
	b.made[n] = open.ID
	return nil
}

// finish withdraws some bills, and waits until they are filed.
func (b *bench) finish(ctx context.Context, p *room) error {
	n := min(b.config.Finished, len(b.made))
	if n == 0 {
		return nil
	}
	before, err := b.journalSize(ctx)
	if err != nil {
		return err
	}
	err = b.many(n, func(i int) error {
		id := b.made[i]
		home := engine.Partition(id.Partition())
		if _, err := do(ctx, p, home, billing.Cancel{Merchant: merchant(i), Bill: id}); err != nil {
			return err
		}
		_, err := do(ctx, p, home, billing.Reported{Bill: id, Attempt: 1, Status: 200})
		return err
	})
	if err != nil {
		return fmt.Errorf("finish a bill: %w", err)
	}
	for filed := 0; filed < n; {
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return ctx.Err()
		}
		if filed, err = b.filed(ctx); err != nil {
			return err
		}
	}
	after, err := b.journalSize(ctx)
	b.result.Finished, b.result.RedisFinishedIn = n, (after-before)/float64(n)
	if err == nil {
		b.result.RedisFinished, err = b.each(ctx, "finished:"+b.made[0].Day(), b.client.HLen)
	}
	return err
}
