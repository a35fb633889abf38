package billing

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/ledger"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// The kinds of things that the vault takes fingerprints of.
const (
	identityKind = "identity"
	cardKind     = "card"
	orderKind    = "order" // the fingerprint of an order's content, which anybody could make
)

// claimElement binds an element to a phone: it cannot be in two. Nor can two elements
// whose numbers end alike be in any: their PIN keys come from one initial key, which is
// named by the last digits.
func (p *Partition) claimElement(tx *engine.Tx, in ClaimElement) error {
	tail := elementTail(in.Element)
	claimed, taken := p.elements[tail]
	switch {
	case taken && claimed.element != in.Element:
		return alreadyEnrolled("element_id", fmt.Sprintf("another element ends in the same %d digits; take another blank", len(tail)))
	case taken && claimed.phone != in.Phone:
		return alreadyEnrolled("element_id", "this element is in another phone")
	case taken:
		return nil
	}
	p.elements[tail] = claim{element: in.Element, phone: in.Phone}
	delete(p.asleep.absent, engine.Key{Hash: "elements", Name: tail})
	tx.SetField("elements", tail, encode(owner{Element: in.Element, Phone: p.config.Vault.SealText(phoneText, string(in.Phone))}))
	return nil
}

// claim is whose phone an element is in.
type claim struct {
	element applet.ElementID
	phone   gateway.MSISDN
}

// elementTail is the part of an element's number that names its initial PIN key.
func elementTail(id applet.ElementID) string {
	const digits = 16 // ANSI X9.24-3 §6.2: 8 octets
	return string(id[max(0, len(id)-digits):])
}

func alreadyEnrolled(field, detail string) error {
	return &platform.Error{Code: platform.CodeAlreadyEnrolled, Field: field, Detail: detail}
}

// legacyOff refuses an element of the legacy suite.
func legacyOff(field string) error {
	return invalid(field, "the legacy suite is off; start the platform with --allow-legacy")
}

func otherEnrolment() error {
	return alreadyEnrolled("phone", "this phone is enrolled with other cards or another element")
}

// enrol keeps the phone in the register and opens the accounts behind its cards
// (S1, S3). The same enrolment again changes nothing.
func (p *Partition) enrol(tx *engine.Tx, in Enrol) (any, error) {
	if ph, ok := p.phones[in.Phone.MSISDN]; ok {
		if !sameEnrolment(ph.Register, in.Phone) {
			return nil, otherEnrolment()
		}
		return ph.Register, nil
	}
	ph := newPhone(p.config.Vault, in.Phone)
	ph.Enrolled, ph.counters.Version = tx.Now(), in.Version
	p.phones[ph.MSISDN] = ph
	delete(p.asleep.absent, registerKey(ph.id))
	tx.SetField("phones", ph.id, encode(sealRegister(p.config.Vault, ph.Register)))
	p.keepCounters(ph)
	var moves []platform.Posting
	for i, card := range ph.Cards {
		moves = append(moves, ledger.Move(ledger.Bank(card.Currency), card.Account, in.Accounts[i].Balance)...)
	}
	p.post(tx, moves)
	tx.Record(engine.Event{
		Subject: ph.subject(), Name: "enrol", Cause: CauseBranch,
		Data: story{Detail: fmt.Sprintf("%d cards", len(ph.Cards)), Postings: moves},
	})
	return ph.Register, nil
}

func sameEnrolment(a, b Register) bool {
	return a.Element == b.Element && a.Form == b.Form && a.Suite == b.Suite && a.Identity == b.Identity && slices.EqualFunc(a.Cards, b.Cards, func(a, b CardEntry) bool {
		return a.Slot == b.Slot && a.Number == b.Number && a.PIN == b.PIN && a.Currency == b.Currency
	})
}

func (p *Partition) findPhone(in FindPhone) (any, error) {
	ph, ok := p.phones[in.Phone]
	if !ok {
		return nil, unknownPhone()
	}
	return Found{Register: ph.Register, Version: ph.counters.Version}, nil
}

// BranchKey is the public key that enrolment secrets are sealed to.
func (s *Service) BranchKey() []byte { return s.config.Vault.BranchPublicKey() }

func (s *Service) elementPartition(id applet.ElementID) engine.Partition {
	return engine.PartitionOf("element:"+elementTail(id), s.config.Partitions)
}

// registerOf makes the register entry of an enrolment: what was secret in it becomes
// references that only the vault can compare with.
func (s *Service) registerOf(e platform.Enrolment, secrets applet.EnrolmentSecrets) (Register, error) {
	if len(secrets.Cards) == 0 || len(secrets.Cards) != len(e.Accounts) {
		return Register{}, invalid("accounts", "one for each card, and at least one card")
	}
	reg, err := s.element(e)
	if err != nil {
		return Register{}, err
	}
	reg.MSISDN, reg.Name = e.Phone, e.Name
	reg.Identity = s.config.Vault.Fingerprint(identityKind, secrets.Identity.Reveal())
	for i, card := range secrets.Cards {
		opening := e.Accounts[i]
		if opening.Balance < 0 || opening.Balance > money.Max {
			return Register{}, invalid(fmt.Sprintf("accounts[%d].balance", i), fmt.Sprintf("0 to %d minor units", money.Max))
		}
		slot := i + 1
		token := s.config.Vault.Token(card.PAN)
		reg.Cards = append(reg.Cards, CardEntry{
			Slot: slot, Alias: card.Alias, Masked: card.PAN.Masked(), Token: token,
			Number:  s.config.Vault.Fingerprint(cardKind, card.PAN.Reveal()),
			PIN:     s.config.Vault.PINReference(token, secrets.PIN),
			Account: s.account(reg, slot, opening.Currency), Currency: opening.Currency,
		})
	}
	return reg, nil
}

// mostCards is how many cards are bound to a phone without an element.
const mostCards = 16

// element is what an enrolment says of the secure element, if there is one.
func (s *Service) element(e platform.Enrolment) (Register, error) {
	if e.Form == platform.FormNone {
		switch {
		case e.ElementID != "" || len(e.PublicKey) > 0 || e.Suite != 0:
			return Register{}, invalid("form", "a phone without an element has no element_id, public_key or suite")
		case len(e.Accounts) > mostCards:
			return Register{}, invalid("accounts", fmt.Sprintf("up to %d cards are bound to a phone", mostCards))
		}
		return Register{}, nil
	}
	form, err := applet.ParseForm(e.Form)
	suite := cmp.Or(e.Suite, scp80.Modern)
	switch {
	case err != nil:
		return Register{}, invalid("form", err.Error()+", or "+platform.FormNone+" for a phone without one")
	case e.ElementID == "":
		return Register{}, invalid("element_id", "of the blank element")
	case len(e.Accounts) > form.Capacity():
		return Register{}, invalid("accounts", fmt.Sprintf("a %s element holds %d cards", form, form.Capacity()))
	case !s.config.allowed(suite):
		return Register{}, legacyOff("suite")
	}
	return Register{Element: e.ElementID, Form: form, Suite: suite}, nil
}

// account names the account behind a card.
func (s *Service) account(reg Register, slot int, c money.Currency) string {
	if reg.Bare() {
		return ledger.Bare(s.config.Vault.Fingerprint(phoneKind, string(reg.MSISDN)), slot, c)
	}
	return ledger.Card(reg.Element, slot, c)
}

// Phones lists who is enrolled.
func (s *Service) Phones(ctx context.Context) ([]platform.Phone, error) {
	var all []platform.Phone
	for n := range s.config.Partitions {
		r := s.store.Read(engine.Partition(n))
		phones, err := s.phonesOf(ctx, r)
		if err != nil {
			return nil, unavailable("list phones", err)
		}
		balances := make(map[string]money.Amount)
		if err := decodeFields(ctx, r, "balances", func(account string, a money.Amount) { balances[account] = a }); err != nil {
			return nil, unavailable("read balances", err)
		}
		for _, ph := range phones {
			all = append(all, ph.view(balances))
		}
	}
	slices.SortFunc(all, func(a, b platform.Phone) int { return strings.Compare(string(a.MSISDN), string(b.MSISDN)) })
	return all, nil
}

// phonesOf reads a partition's register.
func (s *Service) phonesOf(ctx context.Context, r engine.Reader) ([]*phone, error) {
	counters, err := r.Fields(ctx, "counters")
	if err != nil {
		return nil, err
	}
	registers, err := r.Fields(ctx, "phones")
	if err != nil {
		return nil, err
	}
	var all []*phone
	for id, text := range registers {
		ph, err := readPhone(s.config.Vault, text, counters[id])
		if err != nil {
			return nil, fmt.Errorf("phones %s: %w", id, err)
		}
		all = append(all, ph)
	}
	return all, nil
}

func (ph *phone) form() string {
	if ph.Bare() {
		return platform.FormNone
	}
	return ph.Form.String()
}

func (ph *phone) view(balances map[string]money.Amount) platform.Phone {
	v := platform.Phone{
		MSISDN: ph.MSISDN, Name: ph.Name, ElementID: ph.Element, Form: ph.form(),
		Suite: ph.Suite, Keys: ph.counters.Version, Held: ph.held(),
	}
	for _, c := range ph.Cards {
		v.Cards = append(v.Cards, platform.Card{
			Slot: c.Slot, Alias: c.Alias, Masked: c.Masked, Balance: balances[c.Account], Currency: c.Currency,
			Locked: ph.triesLeft(c.Slot) == 0,
		})
	}
	return v
}
