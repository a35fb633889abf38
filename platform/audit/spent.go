package audit

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// spent is what a phone has paid on the day of its last payment, by the slot of the card.
type spent struct {
	Day   string           `json:"day"`
	Cards map[string]int64 `json:"cards"`
}

// String is the same for the same: 2026-11-28 1=500 2=30.
func (s spent) String() string {
	if s.Day == "" {
		return ""
	}
	text := s.Day
	for _, slot := range slices.Sorted(maps.Keys(s.Cards)) {
		text += fmt.Sprintf(" %s=%d", slot, s.Cards[slot])
	}
	return text
}

// open notes the accounts that an enrolment opens.
func (j *journal) open(phone string, event engine.Event) {
	var data told
	if event.Decode(&data) != nil {
		return // which is named where balances are added
	}
	for _, p := range data.Postings {
		if strings.HasPrefix(p.Account, "card:") {
			j.cards[p.Account] = phone
		}
	}
}

// spend counts a payment with a card: card:ELEMENT/SLOT:CUR.
func (j *journal) spend(account string, at time.Time, amount int64) {
	phone, ok := j.cards[account]
	if !ok {
		return // an account that nobody opened; its balance says so
	}
	_, slot, _ := strings.Cut(account, "/")
	slot, _, _ = strings.Cut(slot, ":")
	if _, err := strconv.Atoi(slot); err != nil {
		return
	}
	s := j.spent[phone]
	if day := at.UTC().Format(time.DateOnly); s.Day != day {
		s = spent{Day: day, Cards: map[string]int64{}}
	}
	s.Cards[slot] += amount
	j.spent[phone] = s
	m := j.standings[phone]
	now := m.now()
	now.spent = s.String()
	j.standings[phone] = m.then(now, j.looking)
}
