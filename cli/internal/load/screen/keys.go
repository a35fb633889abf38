package screen

import (
	"fmt"
	"math"

	"github.com/airtill/airtill/cli/internal/load"
)

// keys turns keys into orders. It knows what was asked for since the last snapshot, so that
// three strokes in one interval are three steps.
type keys struct {
	step     float64 // bills a second; 0 is a tenth of what is asked
	asked    float64 // bills a second, with what the keys added
	paused   bool
	stopping bool
}

// strokes are the steps of the keys that change the rate.
var strokes = map[string]int{"+": 1, "-": -1, "*": 10, "/": -10}

func (k *keys) see(s load.Snapshot) {
	k.paused = s.Paused
	if s.Last.Asked > 0 && !s.Paused {
		k.asked = s.Last.Asked
	}
}

// order is what a key asks for, and what is said of it. Neither, if it is no key of ours.
func (k *keys) order(key string, s load.Snapshot) (*load.Order, string) {
	if steps, ok := strokes[key]; ok {
		return k.change(steps, s)
	}
	switch key {
	case "p":
		return k.pause()
	case "q":
		return k.drain(s)
	case "Q":
		return k.kill()
	case "ctrl+c":
		if k.stopping {
			return k.kill()
		}
		return k.drain(s)
	}
	return nil, ""
}

// change adds steps to the rate. It is never asked to be less than nothing.
func (k *keys) change(steps int, s load.Snapshot) (*load.Order, string) {
	switch {
	case s.Model == load.Closed:
		return nil, "a closed model has no rate: its users set it"
	case k.asked == 0:
		return nil, "no rate is asked for yet"
	}
	to := k.asked * math.Pow(1.1, float64(steps))
	if k.step > 0 {
		to = max(k.asked+float64(steps)*k.step, 0)
	}
	by := math.Round((to-k.asked)*1000) / 1000
	if by == 0 {
		return nil, "the rate is at its lowest"
	}
	k.asked += by
	return &load.Order{Kind: "rate+", Rate: by}, fmt.Sprintf("rate %s/s, to %s/s", signed(by), rate(k.asked))
}

func signed(perSecond float64) string {
	if perSecond < 0 {
		return "-" + rate(-perSecond)
	}
	return "+" + rate(perSecond)
}

func (k *keys) pause() (*load.Order, string) {
	if k.paused = !k.paused; k.paused {
		return &load.Order{Kind: "pause"}, "pause: no bill is begun until p"
	}
	return &load.Order{Kind: "resume"}, "it goes on"
}

func (k *keys) drain(s load.Snapshot) (*load.Order, string) {
	k.stopping = true
	return &load.Order{Kind: "stop"}, fmt.Sprintf("draining, %s in flight; Q stops now", count(s.Last.InFlight))
}

func (k *keys) kill() (*load.Order, string) {
	k.stopping = true
	return &load.Order{Kind: "kill"}, "stopping"
}
