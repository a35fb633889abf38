package billing

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/platform"
)

func (b *bank) act(name, by string, o platform.Outcome) platform.Act {
	b.t.Helper()
	ctx := b.t.(*testing.T).Context()
	a := must(b.service.Begin(ctx, platform.Act{Name: name, By: by, On: "phone 861*****0001", From: "192.0.2.1", Note: "because " + name}))
	if o != platform.OutcomeBegun {
		a.Outcome = o
		if err := b.service.End(ctx, a); err != nil {
			b.t.Fatal(err)
		}
	}
	return a
}

func names(p platform.ActPage) (all []string) {
	for _, a := range p.Acts {
		all = append(all, a.Name)
	}
	return all
}

// An act is in the log as it begins; its end follows, and what was written stays in the journal.
func TestOfficeLog(t *testing.T) {
	inBubble(t, func(t *testing.T, b *bank) {
		first := b.act("unlock", "Zhao Min", platform.OutcomeDone)
		time.Sleep(time.Hour)
		later := time.Now()
		b.act("settle", "Li Na", platform.OutcomeBegun)
		time.Sleep(time.Second)
		b.act("release", "Zhao Min", platform.OutcomeRefused)
		b.restart()
		page := must(b.service.Acts(t.Context(), platform.ActQuery{}))
		if got := fmt.Sprint(names(page)); got != "[unlock settle release]" || page.Next != "" {
			t.Errorf("%s, then %s", got, page.Next)
		}
		want := first
		want.Outcome = platform.OutcomeDone
		if page.Acts[0] != want || page.Acts[1].Outcome != platform.OutcomeBegun || page.Acts[2].Outcome != platform.OutcomeRefused {
			t.Errorf("%+v", page.Acts)
		}
		for want, q := range map[string]platform.ActQuery{
			"[settle release]": {Since: later}, "[unlock release]": {By: "Zhao Min"}, "[release]": {Since: later, By: "Zhao Min"}, "[unlock]": {Limit: 1}, "[]": {By: "nobody"},
		} {
			if got := fmt.Sprint(names(must(b.service.Acts(t.Context(), q)))); got != want {
				t.Errorf("%+v: %s, want %s", q, got, want)
			}
		}
		one := must(b.service.Acts(t.Context(), platform.ActQuery{Limit: 2}))
		if rest := must(b.service.Acts(t.Context(), platform.ActQuery{After: one.Next})); !slices.Equal(names(rest), []string{"release"}) {
			t.Errorf("%+v", rest)
		}
		if _, err := b.service.Acts(t.Context(), platform.ActQuery{Limit: 201}); codeOf(err) != "invalid limit" {
			t.Error(err)
		}
		var told []string
		for _, entry := range b.store.Partition(0).Entries {
			for _, e := range entry.Events {
				if strings.HasPrefix(e.Subject, "act_") {
					told = append(told, e.Name+" "+e.To+" "+e.Cause)
				}
			}
		}
		if got := strings.Join(told, ", "); got != "begin begun operator, end done operator, begin begun operator, begin begun operator, end refused operator" {
			t.Errorf("the journal tells %s", got)
		}
		if text := fmt.Sprint(b.state(), b.store.Partition(0).Entries); strings.Contains(text, "because") {
			t.Error("a note is kept in the clear")
		}
		b.audit()
	})
}
