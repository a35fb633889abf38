package billing

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/ledger"
)

// A partition that is taken over knows its live bills by their deadlines alone. A bill, or
// a phone, is asleep until an input is about it; then it is read, beside the others
// (engine.Lazy). What an input is about is said by [Partition.need], before anything is
// decided:
//
//   - A deadline's name is the bill's id and the start of its phone's fingerprint, so that
//     a phone's bills are found without reading records.
//   - A bill is awake only with its phone, because hardly a step goes without.
//   - A paid bill must be awake when the money is swept. Its deadline is never further off
//     than lookPaid, so those with near deadlines are read before the first sweep.
//   - Phones that are held are named in a hash of their own, for the alarms.
//
// Deadlines named by the id alone are of an older store: those bills are read before
// anything else is done.

// lookPaid is when a paid bill is looked at again at the latest.
const lookPaid = time.Minute

// mostWanted is about how many keys are asked for at once.
const mostWanted = 1000

// asleep is what is not in memory.
type asleep struct {
	bills    map[applet.BillRef]string    // the names of their deadlines
	byPhone  []sleeper                    // in order of phones
	near     []applet.BillRef             // that may be paid
	nameless []applet.BillRef             // of whose phones nothing is known
	orphans  map[applet.BillRef]*record   // that wait for their phones
	waiting  map[gateway.MSISDN][]*record // the same by phone
	held     map[string]bool              // phones that are held, by fingerprint
	absent   map[engine.Key]bool          // what there is none of

	registers map[string]string    // by fingerprint: of phones that are asleep, that were read alone
	spoiled   map[engine.Key]error // what cannot be read
}

// sleeper is a bill that is found by its phone.
type sleeper struct {
	phone uint32 // the start of its fingerprint
	bill  applet.BillRef
}

func newAsleep() asleep {
	return asleep{
		bills: make(map[applet.BillRef]string), orphans: make(map[applet.BillRef]*record), waiting: make(map[gateway.MSISDN][]*record),
		held: make(map[string]bool), absent: make(map[engine.Key]bool), spoiled: make(map[engine.Key]error),
		registers: make(map[string]string),
	}
}

var _ engine.Lazy = (*Partition)(nil)

// phoneDigits is how much of a phone's fingerprint its bills' deadlines have.
const phoneDigits = 8

// deadlineName is what a bill's deadline goes by.
func deadlineName(id platform.BillID, phone string) string {
	return string(id) + ":" + phone[:phoneDigits]
}

// shortPhone reads the start of a fingerprint.
func shortPhone(digits string) (uint32, bool) {
	if len(digits) < phoneDigits {
		return 0, false
	}
	n, err := strconv.ParseUint(digits[:phoneDigits], 16, 32)
	return uint32(n), err == nil
}

// Index takes note of the live bills, which the deadlines name.
func (p *Partition) Index(wakes []engine.Due) error {
	a := &p.asleep
	a.bills = make(map[applet.BillRef]string, len(wakes))
	soon := time.Now().Add(2 * lookPaid)
	for _, w := range wakes {
		name, digits, _ := strings.Cut(w.ID, ":")
		id, err := platform.ParseBillID(name)
		if err != nil {
			continue // a sweep's
		}
		ref := id.Ref()
		a.bills[ref] = w.ID
		if !w.At.After(soon) {
			a.near = append(a.near, ref)
		}
		if phone, ok := shortPhone(digits); ok {
			a.byPhone = append(a.byPhone, sleeper{phone, ref})
		} else {
			a.nameless = append(a.nameless, ref)
		}
	}
	slices.SortFunc(a.byPhone, func(a, b sleeper) int { return cmp.Compare(a.phone, b.phone) })
	return nil
}

func (p *Partition) phoneID(number gateway.MSISDN) string {
	return p.config.Vault.Fingerprint(phoneKind, string(number))
}

// billKey is the record of a bill whose deadline has that name.
func billKey(deadline string) engine.Key {
	name, _, _ := strings.Cut(deadline, ":")
	return engine.Key{Name: recordKey(platform.BillID(name))}
}

// registerKey is where a phone's register is kept.
func registerKey(id string) engine.Key { return engine.Key{Hash: "phones", Name: id} }

// phoneKeys are where all of a phone is kept: the register first.
func phoneKeys(id string) []engine.Key {
	all := make([]engine.Key, 0, 2+mostRecent)
	all = append(all, registerKey(id), engine.Key{Hash: "counters", Name: id})
	for at := range mostRecent {
		all = append(all, engine.Key{Hash: "recent", Name: recentField(id, at)})
	}
	return all
}

// mostAbsent bounds what is known not to be there.
const mostAbsent = 4096

// Feed wakes what was asked for.
func (p *Partition) Feed(all []engine.Kept) {
	if len(p.asleep.absent) > mostAbsent {
		clear(p.asleep.absent) // a stranger is asked for again
	}
	phones := make(map[string]map[engine.Key]string)
	for _, k := range all {
		switch {
		case k.Hash == "":
			p.wakeBill(k)
		case k.Hash == "elements":
			p.note(k.Key, p.wakeElement(k))
		default:
			id, _, _ := strings.Cut(k.Name, ":")
			if phones[id] == nil {
				phones[id] = make(map[engine.Key]string)
			}
			phones[id][k.Key] = k.Text
		}
	}
	for id, texts := range phones {
		p.note(registerKey(id), p.feedPhone(id, texts))
	}
}

// feedPhone takes in what was read of a phone: all, or the register alone, or the rest.
func (p *Partition) feedPhone(id string, texts map[engine.Key]string) error {
	register, read := texts[registerKey(id)]
	switch {
	case read && register == "":
		return p.noPhone(id)
	case read && len(texts) == 1:
		p.asleep.registers[id] = register
		return nil
	case !read:
		register = p.asleep.registers[id]
	}
	delete(p.asleep.registers, id)
	if register == "" { // it was read before the rest, and there is none
		p.asleep.absent[registerKey(id)] = true
		return nil
	}
	return p.wakePhone(id, register, texts)
}

// note remembers why something that was read is no good.
func (p *Partition) note(k engine.Key, err error) {
	if err != nil {
		p.asleep.spoiled[k] = fmt.Errorf("partition %d: %s %s: %w; run airtill audit", p.number, k.Hash, k.Name, err)
	}
}

func (p *Partition) wakeBill(k engine.Kept) {
	ref := platform.BillID(strings.TrimPrefix(k.Name, recordKey(""))).Ref()
	name, ok := p.asleep.bills[ref]
	if !ok {
		return // it is awake
	}
	r, err := p.readRecord(k.Text)
	if err != nil {
		p.note(k.Key, err)
		return
	}
	r.deadline = name
	delete(p.asleep.bills, ref)
	if len(p.asleep.bills) == 0 {
		p.asleep.byPhone = nil
	}
	if p.phones[r.Phone] != nil {
		p.adoptAwake(r)
		return
	}
	p.asleep.orphans[ref] = r
	p.asleep.waiting[r.Phone] = append(p.asleep.waiting[r.Phone], r)
}

func (p *Partition) readRecord(text string) (*record, error) {
	if text == "" {
		return nil, errors.New("there is a deadline but no record")
	}
	r := new(record)
	if err := json.Unmarshal([]byte(text), r); err != nil {
		return nil, err
	}
	return r, r.open(p.config.Vault)
}

// adoptAwake takes a bill that was read into memory, whose phone is there.
func (p *Partition) adoptAwake(r *record) {
	p.adopt(r, p.phones[r.Phone])
	if r.State == bill.Paid {
		p.pool(ledger.Sub(r.Payee, r.Currency), r.Bill).waiting[r.ID.Ref()] = r
	}
}

func (p *Partition) wakeElement(k engine.Kept) error {
	if _, awake := p.elements[k.Name]; awake {
		return nil
	}
	if k.Text == "" {
		p.asleep.absent[k.Key] = true
		return nil
	}
	var kept owner
	if err := json.Unmarshal([]byte(k.Text), &kept); err != nil {
		return err
	}
	number, err := p.config.Vault.OpenText(phoneText, kept.Phone)
	if err == nil {
		p.elements[k.Name] = claim{element: kept.Element, phone: gateway.MSISDN(number)}
	}
	return err
}

// wakePhone takes a phone into memory, and the bills that waited for it.
func (p *Partition) wakePhone(id, register string, texts map[engine.Key]string) error {
	fields := phoneKeys(id)
	ph, err := readPhone(p.config.Vault, register, texts[fields[1]])
	if err != nil {
		return err
	}
	if p.phones[ph.MSISDN] != nil {
		return nil
	}
	for at, k := range fields[2:] {
		if text := texts[k]; text != "" {
			var t taken
			if err := json.Unmarshal([]byte(text), &t); err != nil {
				return fmt.Errorf("%s %s: %w", k.Hash, k.Name, err)
			}
			ph.recent.put(at, t)
		}
	}
	p.phones[ph.MSISDN] = ph
	delete(p.asleep.held, id)
	for _, r := range p.asleep.waiting[ph.MSISDN] {
		delete(p.asleep.orphans, r.ID.Ref())
		p.adoptAwake(r)
	}
	delete(p.asleep.waiting, ph.MSISDN)
	return nil
}

// noPhone notes that there is no such phone. Bills of such a phone cannot be served.
func (p *Partition) noPhone(id string) error {
	delete(p.asleep.held, id)
	for number := range p.asleep.waiting {
		if p.phoneID(number) == id {
			return errors.New("there are bills for this phone, and it is not enrolled here")
		}
	}
	p.asleep.absent[registerKey(id)] = true
	return nil
}

func readPhone(v keys.Module, register, kept string) (*phone, error) {
	var sealed sealedRegister
	if err := json.Unmarshal([]byte(register), &sealed); err != nil {
		return nil, err
	}
	reg, err := sealed.open(v)
	if err != nil {
		return nil, err
	}
	ph := newPhone(v, reg)
	if kept != "" {
		if err := json.Unmarshal([]byte(kept), &ph.counters); err != nil {
			return nil, fmt.Errorf("counters: %w", err)
		}
	}
	return ph, nil
}
