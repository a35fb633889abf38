package world_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"net/http"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/money"
)

// inNetwork runs body in a network in memory, and audits its books after.
func inNetwork(t *testing.T, body func(ctx context.Context, w *world.World, n network.Network)) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	n := new(network.Memory)
	store, err := world.OpenStore(ctx, n, "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w, err := world.New(ctx, quick(world.Config{Network: n, Store: store, Seed: 1, ShopName: "Sky Travel"}))
	if err == nil {
		err = w.Run(ctx, func(ctx context.Context) error {
			body(ctx, w, n)
			return nil
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	report, err := audit.Run(ctx, store, store.Partitions())
	if err != nil || len(report.Differences) > 0 {
		t.Errorf("the books: %v, %v", report.Differences, err)
	}
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
}

func village(t *testing.T, count int) world.Population {
	t.Helper()
	mix, err := persona.ParseMix("pays=5,refuses=1,poor-first-card=1,manual=1")
	if err != nil {
		t.Fatal(err)
	}
	return world.Population{Count: count, Prefix: "86138", Seed: 7, Mix: mix, Balance: 5000, By: "Branch 7"}
}

// first are some people, one by one.
func first(people iter.Seq[world.Person], n int) []world.Person {
	var all []world.Person
	for p := range people {
		if all = append(all, p); len(all) == n {
			break
		}
	}
	return all
}

// known is what both rooms know of everybody.
type known struct {
	People []api.Phone
	Phones []fleet.Phone
}

func knownIn(ctx context.Context, t *testing.T, w *world.World) (k known) {
	t.Helper()
	var err error
	if k.People, err = w.Office.Phones(ctx); err != nil {
		t.Fatal(err)
	}
	for page := (fleet.Phones{Next: "0"}); page.Next != ""; {
		if page, err = w.Phones.Phones(ctx, page.Next, 1000); err != nil {
			t.Fatal(err)
		}
		k.Phones = append(k.Phones, page.Phones...)
	}
	return k
}

// To enrol many at once comes to the same as to enrol them one by one: the same people
// with the same cards, balances, habits and elements, and books that add up. So does to
// enrol them again.
func TestEnrolAll_IsOneByOne(t *testing.T) {
	people := village(t, 300)
	var one, many known
	inNetwork(t, func(ctx context.Context, w *world.World, _ network.Network) {
		for p := range people.People() {
			if err := w.Branch.Enrol(ctx, p); err != nil {
				t.Fatal(err)
			}
		}
		one = knownIn(ctx, t, w)
	})
	inNetwork(t, func(ctx context.Context, w *world.World, _ network.Network) {
		for run := range 2 {
			done, err := w.Branch.EnrolAll(ctx, people.People(), world.Bulk{})
			want := []world.Enrolled{{New: 300}, {Again: 300}}[run]
			if err != nil || done != want {
				t.Errorf("run %d came to %+v, %v; want %+v", run, done, err, want)
			}
			many = knownIn(ctx, t, w)
			if diff := cmp.Diff(one, many); diff != "" {
				t.Errorf("run %d, one by one and all at once:\n%s", run, diff)
			}
		}
		page, err := w.Office.Acts(ctx, platform.ActQuery{})
		if err != nil {
			t.Fatal(err)
		}
		var acts []string
		for _, a := range page.Acts {
			acts = append(acts, fmt.Sprintf("%s %s by %s: %s", a.Name, a.On, a.By, a.Outcome))
		}
		if want := []string{"enrol phones 256 by Branch 7: done", "enrol phones 44 by Branch 7: done"}; !sameTwice(acts, want) {
			t.Errorf("the office's log has %q", acts)
		}
	})
}

// sameTwice says whether all is twice what is wanted, in any order.
func sameTwice(got, want []string) bool {
	all := slices.Sorted(slices.Values(slices.DeleteFunc(got, func(s string) bool { return len(s) > 4 && s[:5] != "enrol" })))
	return slices.Equal(all, slices.Sorted(slices.Values(slices.Concat(want, want))))
}

// Who is enrolled can pay at once; to enrol them again gives nobody back what they paid.
func TestEnrolAll_CanPay(t *testing.T) {
	people := village(t, 3)
	people.Mix, people.Balance = persona.Mix{}, 1_000_000
	inNetwork(t, func(ctx context.Context, w *world.World, _ network.Network) {
		var left []money.Amount
		for range 2 {
			if _, err := w.Branch.EnrolAll(ctx, people.People(), world.Bulk{}); err != nil {
				t.Fatal(err)
			}
			buy(ctx, t, w)
			left = append(left, knownIn(ctx, t, w).People[0].Cards[0].Balance)
		}
		if paid := 1_000_000 - left[0]; paid <= 0 || left[1] != 1_000_000-2*paid {
			t.Errorf("after each purchase there was %v left", left)
		}
	})
}

// broken breaks off requests: of each kind after some have been done.
type broken struct {
	under http.RoundTripper
	path  string
	after int64
	done  atomic.Int64
	stop  context.CancelFunc
}

func (b *broken) RoundTrip(r *http.Request) (*http.Response, error) {
	response, err := b.under.RoundTrip(r)
	if r.URL.Path == b.path && b.done.Add(1) == b.after {
		b.stop()
		return nil, errors.Join(errors.New("cut off"), err)
	}
	return response, err
}

// Cut off at any of its requests, after it was done and before its answer arrived, and
// then said again: everybody is enrolled once.
func TestEnrolAll_GoesOnAfterACut(t *testing.T) {
	people := village(t, 60)
	for _, path := range []string{"/v1/phones/batch", "/v1/office/enrolments/batch", "/v1/phones/batch/personalisation"} {
		for after := range int64(3) {
			inNetwork(t, func(ctx context.Context, w *world.World, n network.Network) {
				cut, stop := context.WithCancel(ctx)
				client := world.HTTPClient(n)
				client.Transport = &broken{under: client.Transport, path: path, after: after + 1, stop: stop}
				branch := *w.Branch
				branch.Phones = good(fleet.NewClient(w.Handsets.URL(), client))(t)
				branch.Office = good(api.NewOfficeClient(api.ClientConfig{BaseURL: w.Platform.URL(), Key: api.Key(w.Ready().OperatorKey), HTTP: client}))(t)
				done, err := branch.EnrolAll(cut, people.People(), world.Bulk{Size: 10, AtOnce: 2})
				if !errors.Is(err, context.Canceled) || done.Done() >= 60 {
					t.Errorf("%s, cut off at %d: %+v, %v", path, after, done, err)
				}
				again, err := w.Branch.EnrolAll(ctx, people.People(), world.Bulk{Size: 10})
				if err != nil || again.Done() != 60 || again.Refused != 0 || again.Again < done.Done() {
					t.Errorf("%s, again after a cut at %d: %+v after %+v, %v", path, after, again, done, err)
				}
				k := knownIn(ctx, t, w)
				if len(k.People) != 60 || len(k.Phones) != 60 {
					t.Errorf("%s, cut off at %d: %d people, %d phones", path, after, len(k.People), len(k.Phones))
				}
				for _, p := range k.Phones {
					if len(p.Cards) != 2 {
						t.Errorf("%s has %d cards", p.MSISDN, len(p.Cards))
					}
				}
			})
		}
	}
}

func good[T any](v T, err error) func(testing.TB) T {
	return func(t testing.TB) T {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
}

// Who cannot be enrolled is named by their place, and the others are enrolled.
func TestEnrolAll_NamesWhoIsRefused(t *testing.T) {
	inNetwork(t, func(ctx context.Context, w *world.World, _ network.Network) {
		all := first(village(t, 8).People(), 8)
		if err := w.Branch.Enrol(ctx, all[0]); err != nil {
			t.Fatal(err)
		}
		all[0].PIN = "0000" // another one than they have
		all[1].Cards[0].PAN = "6212341"
		all[2].Form = "abacus"
		all[3].Cards[0].Currency = "???"
		all[4].Persona = "rich"
		all[5].Phone = "13"
		all[6].Name = ""
		refused := map[int]string{}
		var told []world.Enrolled
		done, err := w.Branch.EnrolAll(ctx, slices.Values(all), world.Bulk{
			Refused:  func(r world.Refusal) { refused[r.Index] = r.Field },
			Progress: func(e world.Enrolled) { told = append(told, e) },
		})
		if want := (world.Enrolled{New: 1, Refused: 7}); err != nil || done != want || len(told) != 1 || told[0] != want {
			t.Errorf("%+v, %v, told %+v", done, err, told)
		}
		want := map[int]string{0: "phone", 1: "", 2: "form", 3: "accounts[0].currency", 4: "persona", 5: "msisdn", 6: "name"}
		if diff := cmp.Diff(want, refused); diff != "" {
			t.Error(diff)
		}
		_, err = w.Branch.EnrolAll(ctx, slices.Values(all), world.Bulk{})
		if refusal, ok := errors.AsType[world.Refusal](err); !ok || refusal.Phone == "" {
			t.Errorf("without anybody to tell: %v", err)
		}
	})
}

// BenchmarkEnrolAll says what a person costs who is enrolled with many others: all rooms
// and the store in this process.
func BenchmarkEnrolAll(b *testing.B) {
	n := new(network.Memory)
	ctx := b.Context()
	store := good(world.OpenStore(ctx, n, "127.0.0.1:0"))(b)
	w := good(world.New(ctx, quick(world.Config{Network: n, Store: store, Seed: 1, ShopName: "Sky Travel"})))(b)
	people := world.Population{Count: b.N, Prefix: "86138", Seed: 7, Balance: 5000}
	err := w.Run(ctx, func(ctx context.Context) error {
		b.ResetTimer()
		_, err := w.Branch.EnrolAll(ctx, people.People(), world.Bulk{})
		b.StopTimer()
		return err
	})
	if err := errors.Join(err, store.Close()); err != nil {
		b.Fatal(err)
	}
}
