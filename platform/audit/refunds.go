package audit

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform"
)

// refund is where a refund's history has come to in its merchant's partition.
type refund struct {
	state  string
	amount int64  // that was taken from the merchant's account; 0: nothing was
	entry  string // that has its latest event
	before string // the entry before that
	began  int64  // Unix time
}

// The steps that a refund can take; what else is told of it leaves it where it ended.
var refundSteps = map[step]bool{
	{"refund", "", "pending"}: true, {"refund", "", "voided"}: true,
	{"post", "pending", "posted"}: true, {"void", "pending", "voided"}: true,
	{"report", "posted", "posted"}: true, {"report", "voided", "voided"}: true,
	{"report_failed", "posted", "posted"}: true, {"report_failed", "voided", "voided"}: true,
	{"report_again", "posted", "posted"}: true, {"report_again", "voided", "voided"}: true,
	{"acknowledge", "posted", "posted"}: true, {"acknowledge", "voided", "voided"}: true,
	{"resend", "posted", "posted"}: true, {"resend", "voided", "voided"}: true,
	{"resent", "posted", "posted"}: true, {"resent", "voided", "voided"}: true,
}

func isRefund(id string) bool { return strings.HasPrefix(id, "refund_") }

func billOf(refund string) string { return string(platform.RefundID(refund).Bill()) }

func refundsKey(bill string) string { return "refunds:" + bill }

// refund follows a refund's life through one event.
func (j *journal) refund(entry string, event engine.Event, data told) {
	id := event.Subject
	m := j.refunds[id]
	was, now := m.now(), m.now()
	cleared, through := data.cleared()
	j.judgeRefund(entry, event, was, cleared)
	now.state = event.To
	if now.entry != entry {
		now.before, now.entry = now.entry, entry
	}
	if event.Name == "refund" {
		j.report.Refunds++
		j.made[id] = j.looking
		j.refunded[billOf(id)] = append(j.refunded[billOf(id)], id)
		now.amount, now.began = cleared, event.At.Unix()
	}
	if cleared != 0 || event.Name == "post" {
		j.transit.refund(id, j.books).leave(event.Name, cleared, through)
	}
	j.give(entry, id, cleared)
	if was.entry == entry {
		m[len(m)-1] = now
		return
	}
	j.refunds[id] = m.then(now, j.looking)
}

// judgeRefund says what is wrong with a refund's next step: it is posted or voided once,
// and a void brings back what was taken.
func (j *journal) judgeRefund(entry string, event engine.Event, was refund, cleared int64) {
	before := was.entry
	if before == entry {
		before = was.before
	}
	s := step{event.Name, event.From, event.To}
	switch {
	case event.From != was.state:
		j.wrong(entry, "%s %s from %q, but it was %q", event.Subject, event.Name, event.From, was.state)
	case event.Prev != before:
		j.wrong(entry, "%s %s says that entry %q came before, it was %q", event.Subject, event.Name, event.Prev, before)
	}
	if !refundSteps[s] {
		j.wrong(entry, "%s went from %q to %q by %s", event.Subject, event.From, event.To, event.Name)
	}
	want := map[step]bool{{"refund", "", "pending"}: true, {"void", "pending", "voided"}: true}[s]
	switch {
	case want != (cleared != 0), event.Name == "refund" && cleared < 0:
		j.wrong(entry, "%s %s moves %d through clearing", event.Subject, event.Name, cleared)
	case event.Name == "void" && cleared != -was.amount:
		j.wrong(entry, "%s took %d and brings back %d", event.Subject, was.amount, -cleared)
	}
}

// give adds up what is given back of a bill, and holds it against what its order asked for.
func (j *journal) give(entry, id string, cleared int64) {
	if cleared == 0 {
		return
	}
	bill := billOf(id)
	j.given[bill] += cleared
	asked, _ := j.claims[bill].Order.Amount.Int64() // what is no number is 0
	if given := j.given[bill]; given > asked {
		j.wrong(entry, "%s was given back %d, its order asked for %d", bill, given, asked)
	}
}

// cleared is what postings move into clearing, and the other account that they touch.
func (t told) cleared() (sum int64, other string) {
	for _, p := range t.Postings {
		if !strings.HasPrefix(p.Account, "clearing:") {
			other = p.Account
			continue
		}
		amount, _ := p.Amount.Int64() // what is no number is named where balances are added
		sum += amount
	}
	return sum, other
}

// credit is what the payer's partition did with a refund.
type credit struct {
	account string
	amount  int64
	state   string
	during  bool // the look
}

// credit follows a refund into the payer's account: once, to the card that was debited.
func (j *journal) credit(entry string, event engine.Event, data told) {
	id := strings.TrimPrefix(event.Subject, "credit:")
	cleared, account := data.cleared()
	if _, known := j.credits[id]; known {
		j.wrong(entry, "%s was credited twice", id)
	}
	j.credits[id] = credit{account: account, amount: -cleared, state: event.To, during: j.looking}
	switch {
	case event.Name != "credit" || event.To != "posted" && event.To != "voided" || (event.To == "posted") != (cleared < 0):
		j.wrong(entry, "%s of %s moves %d through clearing", event.Name, event.Subject, cleared)
	case cleared != 0 && account != j.lives[billOf(id)].now().card:
		j.wrong(entry, "%s went to %s, but its bill was paid from %q", id, account, j.lives[billOf(id)].now().card)
	}
	j.transit.refund(id, nil).arrive(j.books, -cleared)
}

// keptRefunds is what this package reads of the refunds of a bill.
type keptRefunds struct {
	Merchant string `json:"merchant"`
	Bill     record `json:"bill"`
	Refunds  []struct {
		ID     string `json:"id"`
		State  string `json:"state"`
		Amount int64  `json:"amount"`
	} `json:"refunds"`
}

// compareRefunds holds the refunds that are kept against their histories, both ways.
func (b *books) compareRefunds(ctx context.Context) error {
	if b.cut {
		return nil
	}
	if err := b.readDue(ctx); err != nil {
		return err
	}
	refunding, err := b.reader.Members(ctx, "refunding", engine.Range{})
	if err != nil {
		return err
	}
	listed, err := b.readLists(ctx, "refunded:")
	if err != nil {
		return err
	}
	bills := b.withRefunds(listed)
	kept := make(map[string]keptRefunds)
	for chunk := range slices.Chunk(slices.Sorted(maps.Keys(bills)), pageSize) {
		if err := b.readRefunds(ctx, chunk, kept); err != nil {
			return err
		}
	}
	if err := b.journal.follow(ctx); err != nil { // what was read has been told by now
		return err
	}
	for _, bill := range slices.Sorted(maps.Keys(bills)) {
		b.compareRefundsOf(bill, kept[bill], listed)
	}
	b.compareRefunding(refunding)
	for id := range b.due {
		if isRefund(id) && len(b.journal.refunds[id]) == 0 {
			b.differ(engine.DueSet, "%s has a deadline but no history", id)
		}
	}
	return nil
}

// withRefunds are the bills that have refunds by the journal or by their merchants' lists.
func (b *books) withRefunds(listed map[string]map[string]bool) map[string]bool {
	bills := make(map[string]bool)
	for bill := range b.journal.refunded {
		bills[bill] = true
	}
	for _, ids := range listed {
		maps.Copy(bills, ids)
	}
	return bills
}

// compareRefunding holds the index of bills with refunds on their way against the journal:
// a refund that it does not have is not gone on with after a restart.
func (b *books) compareRefunding(bills []string) {
	indexed := make(map[string]bool, len(bills))
	for _, bill := range bills {
		indexed[bill] = true
		if len(b.journal.refunded[bill]) == 0 {
			b.differ("refunding", "%s has refunds on their way, but no history of any", bill)
		}
	}
	for id, m := range b.journal.refunds {
		ended := m.was(func(r refund) bool { return r.state != "pending" })
		if !b.journal.made[id] && !ended && !indexed[billOf(id)] {
			b.differ("refunding", "%s is pending, and its bill is not among those with refunds on their way", id)
		}
	}
}

func (b *books) readRefunds(ctx context.Context, bills []string, kept map[string]keptRefunds) error {
	names := make([]string, len(bills))
	for i, bill := range bills {
		names[i] = refundsKey(bill)
	}
	texts, err := b.reader.Get(ctx, names...)
	if err != nil {
		return err
	}
	for i, text := range texts {
		var k keptRefunds
		if text == "" {
			continue
		}
		if err := json.Unmarshal([]byte(text), &k); err != nil {
			b.differ(names[i], "the refunds of %s cannot be read", bills[i])
		}
		kept[bills[i]] = k
	}
	return nil
}

// compareRefundsOf holds one bill's refunds, as they are kept, against the journal.
func (b *books) compareRefundsOf(bill string, kept keptRefunds, listed map[string]map[string]bool) {
	key := refundsKey(bill)
	if merchant := b.journal.claims[bill].Merchant; !listed[merchant][bill] && b.refundedBefore(bill) {
		b.differ("refunded:"+merchant, "%s has refunds and is not in its merchant's list of them", bill)
	}
	var sum int64
	states := make(map[string]string)
	for _, r := range kept.Refunds {
		if states[r.ID] = r.State; r.State != "voided" {
			sum += r.Amount
		}
		m := b.journal.refunds[r.ID]
		if len(m) == 0 || billOf(r.ID) != bill {
			b.differ(key, "%s is kept but has no history", r.ID)
			continue
		}
		if !m.was(func(at refund) bool { return at.state == r.State && (at.amount == r.Amount || at.amount == 0) }) {
			b.differ(key, "%s is %q with %d, its history ended in %q with %d", r.ID, r.State, r.Amount, m.now().state, m.now().amount)
		}
	}
	if asks, err := kept.Bill.Amount.Int64(); len(kept.Refunds) > 0 && (err != nil || sum > asks) {
		b.differ(key, "%s asks for %s, its refunds come to %d", bill, kept.Bill.Amount, sum)
	}
	if asked := b.journal.claims[bill].Order.Amount; len(kept.Refunds) > 0 && kept.Bill.Amount != asked {
		b.differ(key, "the refunds of %s are held against %s, its order asked for %s", bill, kept.Bill.Amount, asked)
	}
	for _, id := range b.journal.refunded[bill] {
		if !b.journal.made[id] { // while the rest was read
			b.compareRefund(id, b.journal.refunds[id], states[id])
		}
	}
}

// refundedBefore says whether a bill had a refund before the look began.
func (b *books) refundedBefore(bill string) bool {
	return slices.ContainsFunc(b.journal.refunded[bill], func(id string) bool { return !b.journal.made[id] })
}

// compareRefund holds one refund of the journal against what is kept.
func (b *books) compareRefund(id string, m moments[refund], state string) {
	if state == "" {
		b.differ(refundsKey(billOf(id)), "%s was %s and is not kept", id, m.now().state)
	}
	ended := m.was(func(r refund) bool { return r.state != "pending" })
	if !ended && !b.due[id] {
		b.differ(engine.DueSet, "%s is pending and has no deadline", id)
	}
}

// compareCredits holds the credits that are kept, by the day of the bill, against the journal.
func (b *books) compareCredits(ctx context.Context) error {
	if b.cut {
		return nil
	}
	days := make(map[string]bool)
	for id := range b.journal.lives {
		days[platform.BillID(id).Day()] = true
	}
	for id := range b.journal.credits {
		days[platform.BillID(billOf(id)).Day()] = true
	}
	kept := make(map[string]string)
	for day := range days {
		fields, err := b.reader.Fields(ctx, "credits:"+day)
		if err != nil {
			return err
		}
		maps.Copy(kept, fields)
	}
	if err := b.journal.follow(ctx); err != nil {
		return err
	}
	for id, c := range b.journal.credits {
		b.compareCredit(id, c, kept[id])
	}
	for id := range kept {
		if _, known := b.journal.credits[id]; !known {
			b.differ(creditsKey(id), "%s has a credit that was never made: it would never be", id)
		}
	}
	return nil
}

func creditsKey(id string) string { return "credits:" + platform.BillID(billOf(id)).Day() }

func (b *books) compareCredit(id string, c credit, text string) {
	var kept struct {
		To, State string
		Amount    int64
	}
	err := json.Unmarshal([]byte(text), &kept)
	switch {
	case text == "" && c.during:
	case text == "":
		b.differ(creditsKey(id), "the credit of %s is gone: it would be made again", id)
	case err != nil:
		b.differ(creditsKey(id), "the credit of %s cannot be read", id)
	case kept.State != c.state, c.state == "posted" && (kept.Amount != c.amount || kept.To != c.account):
		b.differ(creditsKey(id), "%s is %s with %d to %s, the journal says %s with %d to %s", id, kept.State, kept.Amount, kept.To, c.state, c.amount, c.account)
	}
}

// overdueRefunds finds refunds that are pending for too long.
func (b *books) overdueRefunds(newest time.Time) {
	for id, m := range b.journal.refunds {
		if r := m.now(); r.state == "pending" && r.began < newest.Add(-Late).Unix() {
			b.late(refundsKey(billOf(id)), "%s has been pending since %s", id, time.Unix(r.began, 0).UTC().Format(time.RFC3339))
		}
	}
}
