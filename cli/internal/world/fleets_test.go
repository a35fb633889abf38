package world_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/fleet"
)

// segment is the control face of a fleet that has a share of the numbers.
func segment(t *testing.T, text string) *fleet.Client {
	t.Helper()
	config := fleet.Config{
		SystemID: "handsets", Seed: 1,
		Dial: func(context.Context) (net.Conn, error) { return nil, errors.New("it is not run") },
	}
	if text != "" {
		config.Segment = good(fleet.ParseSegment(text))(t)
	}
	f := good(fleet.New(config))(t)
	return good(fleet.NewClient("http://fleet", &http.Client{Transport: direct{f.Handler()}}))(t)
}

// direct is HTTP without a network.
type direct struct{ handler http.Handler }

func (d direct) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	d.handler.ServeHTTP(w, r)
	return w.Result(), nil
}

// Several fleets are one population: each person's phone is in the one that its number
// belongs to, and is the phone that a single fleet would have.
func TestFleets(t *testing.T) {
	people := village(t, 200)
	inNetwork(t, func(ctx context.Context, w *world.World, _ network.Network) {
		shares := []*fleet.Client{segment(t, "2/3"), segment(t, "3/3"), segment(t, "1/3")}
		branch := *w.Branch
		branch.Fleets = good(world.FindFleets(ctx, shares...))(t)
		if done, err := branch.EnrolAll(ctx, people.People(), world.Bulk{Size: 64}); err != nil || done.New != 200 {
			t.Fatalf("%+v, %v", done, err)
		}
		there := map[string]bool{}
		for i, want := range []int{66, 66, 68} {
			page := good(shares[i].Phones(ctx, "", 1000))(t)
			if len(page.Phones) != want {
				t.Errorf("fleet %d has %d phones, want %d", i, len(page.Phones), want)
			}
			for _, p := range page.Phones {
				there[looks(p)] = true
			}
		}
		whole := segment(t, "")
		branch.Fleets, branch.Phones = nil, whole
		if done, err := branch.EnrolAll(ctx, people.People(), world.Bulk{}); err != nil || done.Refused != 0 {
			t.Fatalf("%+v, %v", done, err)
		}
		for _, p := range good(whole.Phones(ctx, "", 1000))(t).Phones {
			if !there[looks(p)] {
				t.Errorf("no fleet of several has %+v", p)
			}
		}
		if _, err := shares[0].Add(ctx, fleet.NewPhone{MSISDN: "8613800000001", Form: "sim"}); err == nil {
			t.Error("a fleet took a number of another segment")
		}
	})
	for _, wrong := range [][]string{{"1/2"}, {"1/2", "1/2"}, {"1/3", "2/3"}, {"", ""}} {
		var clients []*fleet.Client
		for _, text := range wrong {
			clients = append(clients, segment(t, text))
		}
		if _, err := world.FindFleets(t.Context(), clients...); !errors.Is(err, world.ErrSegments) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
}

// looks is what a phone is, to be compared.
func looks(p fleet.Phone) string {
	return fmt.Sprint(p.MSISDN, p.Form, p.ElementID, p.Suite, p.KeyVersion, p.Persona, p.On, p.Cards)

}
