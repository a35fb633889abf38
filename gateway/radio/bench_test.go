package radio_test

import (
	"fmt"
	"runtime"
	"testing"

	"github.com/airtill/airtill/gateway/radio"
)

func numbers(n int) []string {
	all := make([]string, n)
	for i := range all {
		all[i] = fmt.Sprintf("254700%06d", i)
	}
	return all
}

// laid is an air of some cells, where everybody has been sent to once.
func laid(tb testing.TB, text string, all []string) *radio.Air {
	tb.Helper()
	plan := radio.Plan{Profile: profile(tb, text)}
	for i := range 20 {
		plan.Cells = append(plan.Cells, radio.Cell{Name: fmt.Sprint("cell-", i)})
	}
	a := air(tb, 1, radio.Profile{})
	if err := a.SetPlan(plan); err != nil {
		tb.Fatal(err)
	}
	for _, number := range all {
		a.Cross(start, number)
	}
	return a
}

func BenchmarkCross(b *testing.B) {
	one, many := numbers(1), numbers(100_000)
	var none *radio.Air
	for _, bench := range []struct {
		name string
		air  *radio.Air
		all  []string
	}{
		{"nil", none, one},
		{"ideal/1", air(b, 1, radio.Profile{}), one},
		{"ideal/100000", air(b, 1, radio.Profile{}), many},
		{"urban/1", laid(b, "urban", one), one},
		{"urban/100000", laid(b, "urban", many), many},
		{"stadium/100000", laid(b, "stadium", many), many},
		{"outage/100000", laid(b, "outage", many), many},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				bench.air.Cross(start, bench.all[i])
				if i++; i == len(bench.all) {
					i = 0
				}
			}
		})
	}
}

func BenchmarkCrossParallel(b *testing.B) {
	many := numbers(100_000)
	a := laid(b, "urban", many)
	b.ReportAllocs()
	b.RunParallel(func(pb *testing.PB) {
		for i := 0; pb.Next(); i = (i + 1) % len(many) {
			a.Cross(start, many[i])
		}
	})
}

// What an air keeps of each of 100,000 subscribers.
func BenchmarkMemory(b *testing.B) {
	many := numbers(100_000)
	profile := profile(b, "rural")
	for _, bench := range []struct {
		name string
		make func(*radio.Air)
	}{
		{"reached", func(a *radio.Air) { each(many, func(n string) { a.Cross(start, n) }) }},
		{"missed", func(a *radio.Air) {
			_ = a.SetCell(radio.Cell{Name: "x", Outage: true})
			each(many, func(n string) { a.Cross(start, n) })
		}},
		{"set", func(a *radio.Air) {
			each(many, func(n string) { _ = a.Set(radio.Settings{Number: n, Profile: &profile, Memory: new(10)}) })
		}},
	} {
		b.Run(bench.name, func(b *testing.B) {
			var octets uint64
			for b.Loop() {
				a := air(b, 1, radio.Profile{})
				before := heap()
				bench.make(a)
				octets = heap() - before
				runtime.KeepAlive(a)
			}
			b.ReportMetric(float64(octets)/float64(len(many)), "octets/subscriber")
		})
	}
}

func each(all []string, f func(string)) {
	for _, s := range all {
		f(s)
	}
}

func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
