package world

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
)

// Bulk says how many people are enrolled at once. The zero value is good.
type Bulk struct {
	Seed     uint64         // of the cards that the branch issues to who brings none
	Size     int            // people in a batch; 0 is 256, which is the most
	AtOnce   int            // batches on their way at a time; 0 is 4
	Progress func(Enrolled) // told after each batch; may be nil, must not block
	// Refused is told whom the platform or the handsets do not take, one at a time; the
	// others are enrolled all the same. Nil: the first one ends it.
	Refused func(Refusal)
}

// Enrolled is how many people were dealt with so far.
type Enrolled struct {
	New     int // enrolled now
	Again   int // who were enrolled before, as they are now; nothing was changed but who has the phone
	Refused int
}

// Done is how many people were dealt with.
func (e Enrolled) Done() int { return e.New + e.Again + e.Refused }

// Refusal is a person who was not enrolled, and why. As an error it names the place in the
// order they came, and no number in full.
type Refusal struct {
	Index int // from 0
	Phone gateway.MSISDN
	Field string // that is to blame; empty: none
	Err   error
}

// Error implements error.
func (r Refusal) Error() string {
	return fmt.Sprintf("person %d (%s): %v", r.Index+1, r.Phone.Masked(), r.Err)
}

// Unwrap implements errors.Unwrap.
func (r Refusal) Unwrap() error { return r.Err }

// EnrolAll enrols people by the thousand: [Branch.Enrol] for each, but in batches of
// [fleet.MaxBatch] with three requests a batch, several batches at a time. It can be
// done again: whoever is enrolled with the same element, cards and PIN stays as they
// are, balances too, and holds the phone again with PIN and habit. So what was cut off
// goes on, and nobody is there twice. People who come twice are not looked for.
//
// What cannot be done now is tried again for a while. When it ends early, Enrolled says how
// many were dealt with for certain.
func (b *Branch) EnrolAll(ctx context.Context, people iter.Seq[Person], o Bulk) (Enrolled, error) {
	key, err := b.Office.BranchKey(ctx)
	if err != nil {
		return Enrolled{}, fmt.Errorf("enrol: %w", err)
	}
	const most = min(fleet.MaxBatch, api.MaxBatch)
	o.Size = min(cmp.Or(max(o.Size, 0), most), most)
	o.AtOnce = cmp.Or(max(o.AtOnce, 0), 4)
	run := &bulk{branch: b, key: key, config: o}
	outer := ctx
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(o.AtOnce)
	for some := range batches(people, o.Size) {
		if ctx.Err() != nil {
			break
		}
		g.Go(func() error { return run.enrol(ctx, some) })
	}
	if err := g.Wait(); err != nil {
		return run.done, err
	}
	return run.done, context.Cause(outer)
}

// batch is some people, and the index of the first.
type batch struct {
	from   int
	people []Person
}

// batches gathers people into batches.
func batches(people iter.Seq[Person], most int) iter.Seq[batch] {
	return func(yield func(batch) bool) {
		next := batch{}
		for p := range people {
			if next.people = append(next.people, p); len(next.people) < most {
				continue
			}
			if !yield(next) {
				return
			}
			next = batch{from: next.from + most}
		}
		if len(next.people) > 0 {
			yield(next)
		}
	}
}

// bulk is one call of EnrolAll.
type bulk struct {
	branch *Branch
	key    []byte // of the branch
	config Bulk

	mu   sync.Mutex
	done Enrolled
}

// row is one person of a batch on the way.
type row struct {
	index  int
	person Person
	made   fleet.MadeRow
	sealed applet.Sealed // the personalisation
	failed *Refusal
}

func (r *row) fail(field string, err error) {
	r.failed = &Refusal{Index: r.index, Phone: r.person.Phone, Field: field, Err: err}
}

// pays says whether the person opens mobile payment; else there is only a phone.
func (r *row) pays() bool { return len(r.person.Cards) > 0 }

// step takes people one step further with one request, and answers who must be asked for again.
type step func(ctx context.Context, rows []*row) (again []*row, err error)

// enrol takes a batch through the three steps; each takes who was not refused before.
func (k *bulk) enrol(ctx context.Context, some batch) error {
	rows := make([]row, len(some.people))
	for i, p := range some.people {
		rows[i] = row{index: some.from + i, person: p}
	}
	for _, do := range []step{k.addPhones, k.openPayment, k.handOver} {
		if err := persist(ctx, standing(rows), do); err != nil {
			return err
		}
	}
	return k.tell(rows)
}

// standing are those who were not refused.
func standing(rows []row) []*row {
	var left []*row
	for i := range rows {
		if rows[i].failed == nil {
			left = append(left, &rows[i])
		}
	}
	return left
}

// How long a step is tried: eight times, over some 25 s.
const (
	stepTries = 8
	stepWait  = 200 * time.Millisecond // after the first try, and twice as long after each
)

// errBusy is what a step comes to that could not be done for long.
var errBusy = errors.New("not possible now")

// persist does a step, and again what could not be done for now.
func persist(ctx context.Context, rows []*row, do step) error {
	wait := stepWait
	for try := 1; len(rows) > 0; try++ {
		again, err := do(ctx, rows)
		switch {
		case err == nil:
			rows = again
		case ctx.Err() != nil:
			return context.Cause(ctx)
		case final(err):
			return fmt.Errorf("enrol: %w", err)
		}
		if len(rows) == 0 {
			return nil
		}
		if try == stepTries {
			return fmt.Errorf("enrol: given up after %d tries: %w", try, cmp.Or(err, errBusy))
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait *= 2
	}
	return nil
}

func pause(ctx context.Context, wait time.Duration) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-t.C:
		return nil
	}
}

// final says that a request is refused for good.
func final(err error) bool {
	if p, ok := errors.AsType[*fleet.Problem](err); ok {
		return p.Status < http.StatusInternalServerError
	}
	p, ok := errors.AsType[*api.Problem](err)
	return ok && !p.Again()
}

// atFleets does something to people at the fleet that each belongs to.
func (k *bulk) atFleets(rows []*row, do func(at *fleet.Client, rows []*row) (again []*row, err error)) (again []*row, err error) {
	var order []*fleet.Client
	groups := make(map[*fleet.Client][]*row)
	for _, r := range rows {
		at := k.branch.phonesOf(r.person.Phone)
		if groups[at] == nil {
			order = append(order, at)
		}
		groups[at] = append(groups[at], r)
	}
	for _, at := range order {
		left, err := do(at, groups[at])
		if err != nil {
			return nil, err
		}
		again = append(again, left...)
	}
	return again, nil
}

// addPhones puts phones with blank elements into the fleet, or finds those that are there.
func (k *bulk) addPhones(ctx context.Context, rows []*row) (again []*row, err error) {
	return k.atFleets(rows, func(at *fleet.Client, rows []*row) (again []*row, err error) {
		phones := make([]fleet.NewPhone, len(rows))
		for i, r := range rows {
			phones[i] = fleet.NewPhone{MSISDN: r.person.Phone, Form: cmp.Or(r.person.Form, platform.FormNone), Persona: r.person.Persona}
		}
		made, err := at.AddBatch(ctx, phones)
		if err != nil {
			return nil, err
		}
		for i, r := range rows {
			if r.made = made[i]; r.made.Problem != nil {
				again = r.refusedByFleet(r.made.Problem, again)
			}
		}
		return again, nil
	})
}

// refusedByFleet refuses a person whom the handsets do not take; for now, or for good.
func (r *row) refusedByFleet(p *fleet.Problem, again []*row) []*row {
	if !final(p) {
		return append(again, r)
	}
	r.fail(p.Field, p)
	return again
}

// openPayment tells the platform who holds what.
func (k *bulk) openPayment(ctx context.Context, rows []*row) (again []*row, err error) {
	var asked []*row
	var body api.EnrolmentBatch
	var secrets []applet.EnrolmentSecrets
	for _, r := range rows {
		if !r.pays() {
			continue
		}
		told, err := k.secrets(r.person)
		if err != nil {
			r.fail("", err)
			continue
		}
		body.By = r.person.By
		body.Enrolments = append(body.Enrolments, enrolmentOf(r.person, r.made.MadePhone, nil))
		asked, secrets = append(asked, r), append(secrets, told)
	}
	if len(asked) == 0 {
		return nil, nil
	}
	if body.Secrets, err = applet.SealEnrolments(k.key, secrets); err != nil {
		return nil, err
	}
	done, err := k.branch.Office.EnrolBatch(ctx, body)
	if err != nil {
		return nil, err
	}
	for i, r := range asked {
		switch p := done[i].Problem; {
		case p == nil:
			r.sealed = done[i].Personalisation
		case p.Again():
			again = append(again, r)
		default:
			r.fail(p.Field, p)
		}
	}
	return again, nil
}

// secrets are what a person tells the branch, with new cards for who brings none.
func (k *bulk) secrets(p Person) (applet.EnrolmentSecrets, error) {
	draw := drawOf(k.config.Seed, p.Phone)
	p.Cards = slices.Clone(p.Cards)
	for i := range p.Cards {
		if p.Cards[i].PAN == "" {
			p.Cards[i].PAN = longNumber(draw)
		}
	}
	return k.branch.secrets(p)
}

// handOver hands the personalisations over to the elements, and the PINs to the holders.
// An element that is somebody's has it already.
func (k *bulk) handOver(ctx context.Context, rows []*row) (again []*row, err error) {
	rows = slices.DeleteFunc(rows, func(r *row) bool { return !r.pays() })
	return k.atFleets(rows, func(at *fleet.Client, rows []*row) (again []*row, err error) {
		phones := make([]fleet.PersonalisedPhone, len(rows))
		for i, r := range rows {
			phones[i].MSISDN, phones[i].PIN = r.person.Phone, fleet.Digits(r.person.PIN)
			if !r.made.Personalised {
				phones[i].Sealed = r.sealed
			}
		}
		done, err := at.PersonaliseBatch(ctx, phones)
		if err != nil {
			return nil, err
		}
		for i, r := range rows {
			if p := done[i].Problem; p != nil {
				again = r.refusedByFleet(p, again)
			}
		}
		return again, nil
	})
}

// tell counts a batch and says who was refused.
func (k *bulk) tell(rows []row) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, r := range rows {
		switch {
		case r.failed != nil && k.config.Refused == nil:
			return *r.failed
		case r.failed != nil:
			k.done.Refused++
			k.config.Refused(*r.failed)
		case r.made.There && (r.made.Personalised || r.made.ElementID == ""):
			k.done.Again++
		default:
			k.done.New++
		}
	}
	if k.config.Progress != nil {
		k.config.Progress(k.done)
	}
	return nil
}

// longNumber draws a card number of 19 digits: of a million people no two get the same.
func longNumber(draw *rand.Rand) string {
	digits := fmt.Sprintf("%s%012d", issuerPrefix, draw.Int64N(1_000_000_000_000))
	return digits + string(applet.LuhnDigit(digits))
}
