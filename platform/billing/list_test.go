package billing

import (
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/platform"
)

// A request looks through so many bills and no more: a page may have none and not be the
// last, and following the pages finds all that there are.
func TestBillsOfAStateAmongMany(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		b.strict = false
		h := b.payer(1)
		first := b.bring(h, bill.Refused)
		time.Sleep(time.Millisecond) // ids sort by it
		for range mostWalked + mostOnPage {
			b.order(h)
		}
		q, pages := platform.Query{State: bill.Refused}, 0
		for ; ; pages++ {
			page, err := b.service.Bills(t.Context(), theShop, q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Bills) == 1 && page.Bills[0].ID == first && page.Next == "" {
				break
			}
			if len(page.Bills) != 0 || page.Next == "" {
				t.Fatalf("page %d has %d bills, next %q", pages, len(page.Bills), page.Next)
			}
			q.After = page.Next
		}
		if pages != 1 {
			t.Errorf("%d pages had nothing", pages)
		}
	})
}

func TestBillsOfADay(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		h := b.payer(1)
		var days []string
		made := map[string][]platform.BillID{}
		for range 3 {
			day := time.Now().UTC().Format(time.DateOnly)
			days = append(days, day)
			for range 3 {
				made[day] = append(made[day], b.order(h, lasting(time.Minute)).ID)
				time.Sleep(time.Second)
			}
			b.pass(24 * time.Hour)
		}
		for _, day := range days {
			var got []platform.BillID
			for q := (platform.Query{Day: day, Limit: 2}); ; {
				page, err := b.service.Bills(t.Context(), theShop, q)
				if err != nil {
					t.Fatal(err)
				}
				for _, shown := range page.Bills {
					got = append(got, shown.ID)
				}
				if q.After = page.Next; q.After == "" {
					break
				}
			}
			if len(got) != 3 || got[0] != made[day][2] || got[2] != made[day][0] {
				t.Errorf("%s: %v, want %v, the newest first", day, got, made[day])
			}
		}
		if _, err := b.service.Bills(t.Context(), theShop, platform.Query{Day: "today"}); codeOf(err) != "invalid day" {
			t.Error(err)
		}
	})
}
