package fleet

import (
	"fmt"
	"net/http"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
)

// Bounds of a batch.
const (
	MaxBatch     = 256     // phones
	maxBatchBody = 4 << 20 // octets
)

// NewPhones is the body of POST /v1/phones/batch: up to [MaxBatch] phones, each number once.
type NewPhones struct {
	Phones []NewPhone `json:"phones"`
}

// MadePhones is the answer: what became of each, in the order of the batch.
type MadePhones struct {
	Phones []MadeRow `json:"phones"`
}

// MadeRow is a phone that was made or was there already, or why it was not made.
type MadeRow struct {
	MadePhone
	There        bool     `json:"there,omitempty"`        // it was
	Personalised bool     `json:"personalised,omitempty"` // and its element is somebody's
	Problem      *Problem `json:"problem,omitempty"`
}

// Personalisations is the body of PUT /v1/phones/batch/personalisation: up to [MaxBatch].
type Personalisations struct {
	Phones []PersonalisedPhone `json:"phones"`
}

// PersonalisedPhone is a phone and what it is handed.
type PersonalisedPhone struct {
	MSISDN gateway.MSISDN `json:"msisdn"`
	Personalisation
}

// HandedOver is the answer: what became of each, in the order of the batch.
type HandedOver struct {
	Phones []HandedRow `json:"phones"`
}

// HandedRow is a phone that has what it was handed, unless there is a problem.
type HandedRow struct {
	MSISDN  gateway.MSISDN `json:"msisdn"`
	Problem *Problem       `json:"problem,omitempty"`
}

// AddBatch makes many phones, as [Fleet.Add] makes one. A phone that the fleet has already,
// in the same form, is no problem: it answers for itself again, and its holder has the
// habit from now on that is said. So a batch that was cut off can be said again.
func (f *Fleet) AddBatch(in []NewPhone) ([]MadeRow, error) {
	made := make([]MadeRow, len(in))
	inParallel(len(in), func(i int) {
		row, err := f.addAgain(in[i])
		if err != nil {
			row = MadeRow{MadePhone: MadePhone{MSISDN: in[i].MSISDN}, Problem: problemOf(err)}
		}
		made[i] = row
	})
	return made, f.sync(f.position())
}

// addAgain makes a phone, or finds that it was made.
func (f *Fleet) addAgain(in NewPhone) (MadeRow, error) {
	if _, err := gateway.ParseMSISDN(string(in.MSISDN)); err == nil && f.shardOf(in.MSISDN).has(in.MSISDN) {
		return f.again(in)
	}
	made, err := f.make(in)
	if err != nil && f.shardOf(in.MSISDN).has(in.MSISDN) {
		return f.again(in) // somebody else made it since we looked
	}
	if err != nil {
		return MadeRow{}, err
	}
	return MadeRow{MadePhone: made}, f.note(in)
}

// again answers what a phone that is there answered when it was made.
func (f *Fleet) again(in NewPhone) (MadeRow, error) {
	kind, err := kindOf(in.Persona)
	if err != nil {
		return MadeRow{}, err
	}
	row, changed := MadeRow{MadePhone: MadePhone{MSISDN: in.MSISDN}, There: true}, false
	err = f.touch(in.MSISDN, func(h *handset, now time.Time, fx *handsetsim.Effects) error {
		if was := h.form(); was != in.Form {
			return conflict("form", "the fleet has this phone already, and its form is "+was)
		}
		if changed = h.person.Kind() != kind; changed {
			h.become(kind, now, fx)
		}
		if h.element != nil {
			row.ElementID, row.PublicKey, row.Personalised = h.element.ID(), h.element.PublicKey(), h.element.Personalised()
		}
		return nil
	})
	if err == nil && changed {
		err = f.note(in)
	}
	return row, err
}

// PersonaliseBatch hands over many branch's answers, as [Fleet.Personalise] does one.
func (f *Fleet) PersonaliseBatch(in []PersonalisedPhone) ([]HandedRow, error) {
	done := make([]HandedRow, len(in))
	inParallel(len(in), func(i int) {
		done[i].MSISDN = in[i].MSISDN
		if err := f.handOver(in[i].MSISDN, in[i].Personalisation); err != nil {
			done[i].Problem = problemOf(err)
		}
	})
	return done, f.sync(f.position())
}

// inParallel does n things on all processors. Few goroutines do many each: their stacks
// have grown by then to what the cryptography needs.
func inParallel(n int, do func(i int)) {
	var next atomic.Int64
	var wg sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		wg.Go(func() {
			for i := int(next.Add(1)) - 1; i < n; i = int(next.Add(1)) - 1 {
				do(i)
			}
		})
	}
	wg.Wait()
}

func (f *Fleet) addBatch(r *http.Request) (int, any, error) {
	in, err := read[NewPhones](r)
	if err == nil {
		err = checkBatch(in.Phones, func(p NewPhone) gateway.MSISDN { return p.MSISDN })
	}
	if err != nil {
		return 0, nil, err
	}
	made, err := f.AddBatch(in.Phones)
	return http.StatusOK, MadePhones{Phones: made}, err
}

func (f *Fleet) personaliseBatch(r *http.Request) (int, any, error) {
	in, err := read[Personalisations](r)
	if err == nil {
		err = checkBatch(in.Phones, func(p PersonalisedPhone) gateway.MSISDN { return p.MSISDN })
	}
	if err != nil {
		return 0, nil, err
	}
	done, err := f.PersonaliseBatch(in.Phones)
	return http.StatusOK, HandedOver{Phones: done}, err
}

// checkBatch refuses a batch that is empty, too long, or has a number twice.
func checkBatch[T any](rows []T, number func(T) gateway.MSISDN) error {
	if len(rows) == 0 || len(rows) > MaxBatch {
		return invalid("phones", fmt.Sprintf("has 1 to %d entries", MaxBatch))
	}
	seen := make(map[gateway.MSISDN]int, len(rows))
	for i, row := range rows {
		if first, twice := seen[number(row)]; twice {
			return invalid(fmt.Sprintf("phones[%d].msisdn", i), fmt.Sprintf("is in this batch twice, as phones[%d] too", first))
		}
		seen[number(row)] = i
	}
	return nil
}
