package driver

import (
	"cmp"
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/airtill/airtill/cli/internal/load/scenario"
	"github.com/airtill/airtill/cli/internal/load/schedule"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/money"
)

// orderers is how many orders are made at the same time. What is due beyond them waits,
// and its waiting counts.
const orderers = httpConnections

// orders makes orders, until there are no more.
func (d *drive) orders(ctx context.Context) {
	for t := range d.due {
		d.order(ctx, t)
	}
}

// order orders one bill, once.
func (d *drive) order(ctx context.Context, t *trip) {
	asking, cancel := context.WithTimeout(ctx, d.config.OrderTimeout)
	defer cancel()
	b, err := d.shops.clients[t.shop].CreateBill(asking, d.wanting(t), "")
	d.book.answered(t, b, err, time.Now())
}

// wanting is the order of a bill.
func (d *drive) wanting(t *trip) api.Order {
	o := api.Order{
		Reference: t.reference, Amount: t.amount, Currency: money.CNY, Phone: t.phone,
		ExpiresIn: api.Duration(d.config.Expiry), Subject: subject(t.bill.Parts, t.bill.UCS2),
	}
	row := d.row(t.bill)
	o.Subject, o.Payee = cmp.Or(row.Subject, o.Subject), row.Payee
	return o
}

// row is the row of data that a bill takes; empty without one.
func (d *drive) row(b schedule.Bill) scenario.Row {
	if d.config.Data == nil || b.Row < 0 || b.Row >= len(d.config.Data.Rows) {
		return scenario.Row{}
	}
	return d.config.Data.Rows[b.Row]
}

// phone is whom a bill is for: what its row says, or its handset's number.
func (d *drive) phone(b schedule.Bill) gateway.MSISDN {
	return cmp.Or(d.row(b).MSISDN, d.config.number(b.Handset))
}

// amount is a bill's: what its row says, or what was drawn.
func (d *drive) amount(b schedule.Bill) money.Amount { return cmp.Or(d.row(b).Amount, b.Amount, 1) }

// mostSubject is how many characters a subject has at most.
const mostSubject = 64

// subject is as long as it takes for a bill of so many short messages, as far as it can.
func subject(parts int, ucs2 bool) string {
	const plain, chinese = "load test ", "负载测试账单"
	if parts == 0 && !ucs2 {
		return ""
	}
	text := plain
	if ucs2 {
		text = chinese
	}
	runes := []rune(strings.Repeat(text, mostSubject))
	return string(runes[:min(mostSubject, max(8, (parts-1)*mostSubject))])
}

// amountOf says an amount, for a difference.
func amountOf(a money.Amount) string { return fmt.Sprint(money.Money{Amount: a, Currency: money.CNY}) }
