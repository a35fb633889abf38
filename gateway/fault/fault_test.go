package fault_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/airtill/airtill/gateway/fault"
	"github.com/airtill/airtill/gateway/smpp"
)

var noon = time.Date(2026, 1, 31, 12, 0, 0, 0, time.UTC)

// with sets faults written as texts.
func with(t testing.TB, texts ...string) *fault.Faults {
	t.Helper()
	f := fault.New(1)
	for _, text := range texts {
		set(t, f, noon, text)
	}
	return f
}

func set(t testing.TB, f *fault.Faults, now time.Time, text string) []fault.Record {
	t.Helper()
	faults, err := fault.Parse(text)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	records, err := f.Set(now, faults...)
	if err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return records
}

// Each effect alone, on the operation it is for and on no other.
func TestDecide(t *testing.T) {
	for _, c := range []struct {
		text string
		want fault.Action
	}{
		{"submit_sm=ESME_RSYSERR", fault.Action{Status: smpp.RSYSERR}},
		{"submit_sm=RMSGQFUL", fault.Action{Status: smpp.RMSGQFUL}},
		{"submit_sm=0x00000400", fault.Action{Status: 0x400}},
		{"submit_sm=delay:200ms", fault.Action{Delay: 200 * time.Millisecond}},
		{"submit_sm=lose", fault.Action{Lose: true}},
		{"submit_sm=drop", fault.Action{Lose: true, Drop: true}},
		{"submit_sm=drop-after", fault.Action{Drop: true}},
		{"submit_sm=throttle:0/s", fault.Action{Status: smpp.RTHROTTLED}},
		{"submit_sm=malform:tlv", fault.Action{Malform: fault.BrokenTLV}},
		{"any=ESME_RSYSERR", fault.Action{Status: smpp.RSYSERR}},
		{"receipt=lose", fault.Action{}},
		{"bind=ESME_RBINDFAIL", fault.Action{}},
	} {
		f := with(t, c.text)
		if got := f.Decide(noon, "kannel", smpp.IDSubmitSM, ""); got != c.want {
			t.Errorf("%s: %+v, want %+v", c.text, got, c.want)
		}
		if got := f.Decide(noon, "kannel", smpp.IDUnbind, ""); got != (fault.Action{}) && !strings.HasPrefix(c.text, "any") {
			t.Errorf("%s strikes an unbind: %+v", c.text, got)
		}
	}
}

func TestDecideReceipt(t *testing.T) {
	for text, want := range map[string]fault.ReceiptAction{
		"receipt=lose":     {Lose: true},
		"receipt=twice":    {Twice: true},
		"receipt=delay:5s": {Delay: 5 * time.Second},
		"any=lose":         {},
	} {
		if got := with(t, text).DecideReceipt(noon, "kannel", ""); got != want {
			t.Errorf("%s: %+v, want %+v", text, got, want)
		}
	}
}

// A reordered receipt waits some of the time, and not each as long as the next.
func TestReorder(t *testing.T) {
	f := with(t, "receipt=reorder:2s")
	seen := make(map[time.Duration]bool)
	for range 100 {
		d := f.DecideReceipt(noon, "kannel", "").Delay
		if d < 0 || d >= 2*time.Second {
			t.Fatalf("held for %v", d)
		}
		seen[d] = true
	}
	if len(seen) < 90 {
		t.Errorf("only %d delays in 100", len(seen))
	}
}

// SMPP 3.4 §5.1.2.1 has three binds; bind strikes each.
func TestBindStrikesAllThree(t *testing.T) {
	f := with(t, "bind=ESME_RBINDFAIL")
	for _, id := range []smpp.CommandID{smpp.IDBindReceiver, smpp.IDBindTransmitter, smpp.IDBindTransceiver} {
		if got := f.Decide(noon, "kannel", id, ""); got.Status != smpp.RBINDFAIL {
			t.Errorf("%v: %+v", id, got)
		}
	}
}

func TestFaultsAddUp(t *testing.T) {
	f := with(t, "submit_sm=delay:1s", "submit_sm=ESME_RSYSERR", "submit_sm=ESME_RMSGQFUL", "any=drop-after", "submit_sm=delay:3s account=kannel")
	want := fault.Action{Status: smpp.RSYSERR, Delay: 3 * time.Second, Drop: true}
	if got := f.Decide(noon, "kannel", smpp.IDSubmitSM, ""); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	// The second status made no difference, and has not struck.
	for i, want := range []int{1, 1, 0, 1, 1} {
		if got := f.Get(noon)[i]; got.Struck != want {
			t.Errorf("%v struck %d times, want %d", got.Fault, got.Struck, want)
		}
	}
}

func TestAccount(t *testing.T) {
	f := with(t, "submit_sm=ESME_RSYSERR account=kannel")
	if got := f.Decide(noon, "shop", smpp.IDSubmitSM, ""); got != (fault.Action{}) {
		t.Errorf("another account: %+v", got)
	}
	if got := f.Decide(noon, "kannel", smpp.IDSubmitSM, ""); got.Status != smpp.RSYSERR {
		t.Errorf("the account: %+v", got)
	}
}

func TestCount(t *testing.T) {
	f := with(t, "submit_sm=ESME_RSYSERR count=3")
	struck := 0
	for range 10 {
		if f.Decide(noon, "kannel", smpp.IDSubmitSM, "").Status != smpp.ROK {
			struck++
		}
	}
	if r := f.Get(noon)[0]; struck != 3 || r.Struck != 3 || !r.Over {
		t.Errorf("struck %d times, and says %+v", struck, r)
	}
}

func TestFor(t *testing.T) {
	f := with(t, "submit_sm=ESME_RSYSERR for=30s")
	for _, c := range []struct {
		after time.Duration
		want  smpp.Status
	}{{0, smpp.RSYSERR}, {30*time.Second - 1, smpp.RSYSERR}, {30 * time.Second, smpp.ROK}} {
		if got := f.Decide(noon.Add(c.after), "kannel", smpp.IDSubmitSM, "").Status; got != c.want {
			t.Errorf("after %v: %v, want %v", c.after, got, c.want)
		}
	}
	if r := f.Get(noon.Add(time.Minute))[0]; !r.Over || !r.Fault.Until.Equal(noon.Add(30*time.Second)) || r.Fault.For != 0 {
		t.Errorf("%+v", r)
	}
}

// A rate lets through exactly so many in each period, in each account.
func TestThrottle(t *testing.T) {
	f := with(t, "submit_sm=throttle:10/s")
	for second := range 3 {
		for _, account := range []string{"kannel", "shop"} {
			through := 0
			for i := range 25 {
				now := noon.Add(time.Duration(second)*time.Second + time.Duration(i)*time.Millisecond)
				if f.Decide(now, account, smpp.IDSubmitSM, "").Status == smpp.ROK {
					through++
				}
			}
			if through != 10 {
				t.Errorf("second %d: %d of %s came through", second, through, account)
			}
		}
	}
}

// strikes runs an account's requests through, and says which were struck.
func strikes(f *fault.Faults, account string, n int) string {
	var b strings.Builder
	for range n {
		b.WriteString(map[bool]string{true: "x", false: "."}[f.Decide(noon, account, smpp.IDSubmitSM, "") != fault.Action{}])
	}
	return b.String()
}

func TestChance(t *testing.T) {
	got := strings.Count(strikes(with(t, "submit_sm=ESME_RSYSERR@10%"), "kannel", 10_000), "x")
	if got < 900 || got > 1100 { // the seed is fixed, so this is no lottery
		t.Errorf("10%% struck %d of 10,000", got)
	}
}

// The same seed strikes the same requests; other accounts, other faults set before
// or after, and what is over change nothing.
func TestReplay(t *testing.T) {
	want := strikes(with(t, "submit_sm=ESME_RSYSERR@20%"), "kannel", 500)
	other := fault.New(2)
	set(t, other, noon, "submit_sm=ESME_RSYSERR@20%")
	if strikes(other, "kannel", 500) == want {
		t.Error("another seed strikes the same")
	}
	for name, f := range map[string]*fault.Faults{
		"again":         with(t, "submit_sm=ESME_RSYSERR@20%"),
		"another":       with(t, "receipt=lose@50%", "submit_sm=ESME_RSYSERR@20%", "enquire_link=lose"),
		"one over":      with(t, "submit_sm=lose until=2026-01-31T11:00:00Z", "submit_sm=ESME_RSYSERR@20%"),
		"one elsewhere": with(t, "submit_sm=ESME_RSYSERR@20%", "submit_sm=ESME_RSYSERR@50% account=shop"),
	} {
		strikes(f, "shop", 77)
		if got := strikes(f, "kannel", 500); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// Changing how probable a fault is moves no draw: what 10% struck, 20% strikes too.
func TestChangedChanceKeepsPlace(t *testing.T) {
	few, many := with(t, "submit_sm=lose@10%"), with(t, "submit_sm=lose@20%")
	strikes(few, "kannel", 100)
	strikes(many, "kannel", 100)
	records := set(t, few, noon, "submit_sm=lose@20%")
	if got, want := strikes(few, "kannel", 100), strikes(many, "kannel", 100); got != want {
		t.Errorf("\n got %s\nwant %s", got, want)
	}
	if records[0].ID != 1 || records[0].Struck != 0 || len(few.Get(noon)) != 1 {
		t.Errorf("changed: %+v of %d", records, len(few.Get(noon)))
	}
}

func TestOff(t *testing.T) {
	f := with(t, "submit_sm=lose", "enquire_link=lose", "receipt=lose")
	if err := f.Off(noon, 2, 9); err == nil || len(f.Get(noon)) != 3 {
		t.Errorf("off an id that is none: %v, %d left", err, len(f.Get(noon)))
	}
	if err := f.Off(noon, 2); err != nil || f.Decide(noon, "kannel", smpp.IDEnquireLink, "").Lose || !f.Decide(noon, "kannel", smpp.IDSubmitSM, "").Lose {
		t.Errorf("off 2: %v, %+v", err, f.Get(noon))
	}
	if err := f.Off(noon); err != nil || len(f.Get(noon)) != 0 || f.Decide(noon, "kannel", smpp.IDSubmitSM, "").Lose {
		t.Errorf("off: %v, %+v", err, f.Get(noon))
	}
	if r := set(t, f, noon, "submit_sm=lose"); r[0].ID != 4 {
		t.Errorf("id %d is used again", r[0].ID)
	}
}

func TestSetIsAllOrNothing(t *testing.T) {
	f := fault.New(1)
	good, _ := fault.Parse("submit_sm=lose")
	if _, err := f.Set(noon, good[0], fault.Fault{Operation: "submit_sm"}); err == nil || len(f.Get(noon)) != 0 {
		t.Errorf("%v; %d set", err, len(f.Get(noon)))
	}
}

func TestFaultsAreBounded(t *testing.T) {
	f := fault.New(1)
	for i := range 1000 {
		set(t, f, noon, fmt.Sprint("submit_sm=lose account=a", i))
	}
	more, _ := fault.Parse("submit_sm=drop")
	if _, err := f.Set(noon, more...); err == nil {
		t.Error("1,001 faults are set")
	}
	set(t, f, noon, "submit_sm=lose@1% account=a0") // in its own place there is room
}

func TestNil(t *testing.T) {
	var f *fault.Faults
	if f.Decide(noon, "kannel", smpp.IDSubmitSM, "") != (fault.Action{}) || f.DecideReceipt(noon, "kannel", "") != (fault.ReceiptAction{}) || f.Get(noon) != nil {
		t.Error("a nil Faults does something")
	}
}

// Asked and changed at the same time; the race detector judges.
func TestConcurrent(t *testing.T) {
	f := with(t, "submit_sm=lose count=1000")
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range 500 {
				f.Decide(noon, fmt.Sprint(i), smpp.IDSubmitSM, "")
				f.DecideReceipt(noon, fmt.Sprint(i), "")
			}
		})
	}
	wg.Go(func() {
		for i := range 100 {
			set(t, f, noon, fmt.Sprint("receipt=lose account=", i))
			f.Get(noon)
		}
	})
	wg.Wait()
	if got := f.Get(noon)[0].Struck; got != 1000 {
		t.Errorf("count=1000 struck %d times", got)
	}
}

func BenchmarkDecide(b *testing.B) {
	for _, c := range []struct {
		name string
		f    *fault.Faults
	}{
		{"nil", nil}, {"none", fault.New(1)}, {"other", with(b, "enquire_link=lose")},
		{"one", with(b, "submit_sm=ESME_RSYSERR@5%")}, {"flaky", with(b, "flaky")},
	} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				c.f.Decide(noon, "kannel", smpp.IDSubmitSM, "")
			}
		})
	}
}

// A fault of a number strikes that phone alone, and what is drawn for others stays.
func TestNumber(t *testing.T) {
	const phone, other = "8613500000008", "8613500000000"
	f := with(t, "submit_sm=ESME_RTHROTTLED number="+phone, "receipt=delay:3s number="+phone)
	for number, want := range map[string]bool{phone: true, other: false, "": false} {
		if got := f.Decide(noon, "kannel", smpp.IDSubmitSM, number).Status == smpp.RTHROTTLED; got != want {
			t.Errorf("a message to %q is struck: %v", number, got)
		}
		if got := f.DecideReceipt(noon, "kannel", number).Delay > 0; got != want {
			t.Errorf("a receipt of %q is struck: %v", number, got)
		}
	}
	want := strikes(with(t, "submit_sm=ESME_RSYSERR@20%"), "kannel", 200)
	if got := strikes(with(t, "submit_sm=ESME_RSYSERR@20%", "submit_sm=lose number="+phone), "kannel", 200); got != want {
		t.Errorf("a fault of one number moved the draws of others:\n%s\n%s", got, want)
	}
}

// The first of every so many is struck.
func TestEvery(t *testing.T) {
	if got := strikes(with(t, "submit_sm=ESME_RTHROTTLED every=4"), "kannel", 10); got != "x...x...x." {
		t.Errorf("of 10 it struck %s", got)
	}
}
