package fleet_test

import (
	"runtime"
	"testing"
	"testing/synctest"

	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/handsetsim/nvm"
	"github.com/airtill/airtill/platform/applet"
)

// Bounds of what an idle phone keeps, in octets. The element's PIN keys are most of
// the second; its other keys are made ready when they are used.
const (
	idlePlain   = 1 << 10
	idleElement = 4 << 10
)

// TestIdlePhoneIsSmall measures what a phone keeps while nothing happens: without an
// element, with an element of two cards, with one that outlives the process, and after it
// has paid a bill. What the second has over the first is the element's.
func TestIdlePhoneIsSmall(t *testing.T) {
	const phones = 200
	for _, tt := range []struct {
		name string
		live func(b *bench)
		kept bool
		most int64
	}{
		{"plain", func(b *bench) { b.plain(phones) }, false, idlePlain},
		{"enrolled", func(b *bench) { b.enrolMany(phones) }, false, idleElement},
		{"enrolled and kept", func(b *bench) { b.enrolMany(phones) }, true, idleElement},
		{"after a bill", func(b *bench) { b.enrolMany(phones); b.payAll(phones) }, false, idleElement + 512},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var config fleet.Config
				if tt.kept {
					config.Memory = must(nvm.Open(t.TempDir()))(t)
					defer func() { closed(t, config.Memory) }()
				}
				b := newBench(t, config)
				b.run()
				before := heap()
				tt.live(b)
				b.forget()
				each := int64(heap()-before) / phones
				t.Logf("%d octets", each)
				if each > tt.most {
					t.Errorf("%d octets each, want at most %d", each, tt.most)
				}
				b.end()
			})
		})
	}
}

// BenchmarkIdlePhone says what an enrolled phone with two cards keeps while nothing happens.
func BenchmarkIdlePhone(b *testing.B) {
	bench := newBench(b, fleet.Config{})
	before := heap()
	n := 0
	for b.Loop() {
		bench.enrol(number(n), "sim", "pays")
		n++
	}
	bench.forget()
	b.ReportMetric(float64(heap()-before)/float64(n), "octets/phone")
	runtime.KeepAlive(bench)
}

// BenchmarkIdleKeptPhone is BenchmarkIdlePhone of elements that outlive the process.
func BenchmarkIdleKeptPhone(b *testing.B) {
	memory, err := nvm.Open(b.TempDir())
	if err != nil {
		b.Fatal(err)
	}
	bench := newBench(b, fleet.Config{Memory: memory})
	before := heap()
	n := 0
	for b.Loop() {
		bench.enrol(number(n), "sim", "pays")
		n++
	}
	bench.forget()
	b.ReportMetric(float64(heap()-before)/float64(n), "octets/phone")
	runtime.KeepAlive(bench)
	if err := memory.Close(); err != nil {
		b.Fatal(err)
	}
}

// BenchmarkStart says what a kept phone with two cards costs at the start of its fleet, and
// what it keeps then.
func BenchmarkStart(b *testing.B) {
	const phones = 5000
	dir := b.TempDir()
	memory := must(nvm.Open(dir))(b)
	newBench(b, fleet.Config{Memory: memory}).enrolMany(phones)
	closed(b, memory)
	before := heap()
	for b.Loop() {
		memory := must(nvm.Open(dir))(b)
		f := must(fleet.New(fleet.Config{Dial: newFakeSMSC(b).dial, SystemID: "handsets", Memory: memory}))(b)
		if f.Counts().Phones != phones {
			b.Fatalf("%+v", f.Counts())
		}
		b.StopTimer()
		b.ReportMetric(float64(heap()-before)/phones, "octets/phone")
		runtime.KeepAlive(f)
		closed(b, memory)
		b.StartTimer()
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*phones), "us/phone")
}

// forget lets go of what the test itself keeps.
func (b *bench) forget() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.cards, b.events = nil, nil
}

func (b *bench) plain(phones int) {
	b.t.Helper()
	for i := range phones {
		if _, err := b.fleet.Add(fleet.NewPhone{MSISDN: number(i), Form: "none", Persona: "pays"}); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *bench) enrolMany(phones int) {
	b.t.Helper()
	for i := range phones {
		b.enrol(number(i), "sim", "pays")
	}
}

// payAll pushes a bill to each phone and waits until all have paid.
func (b *bench) payAll(phones int) {
	b.t.Helper()
	for i := range phones {
		b.bill(0, number(i), 1)
	}
	for paid := 0; paid < phones; {
		n, m := b.next()
		switch m.(type) {
		case *applet.Pay:
			b.result(0, n, 1, applet.CodeApproved)
		case *applet.Receipt:
			paid++
		}
	}
}

// heap is what is in use on the heap, in octets.
func heap() uint64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func closed(t testing.TB, m *nvm.Memory) {
	t.Helper()
	if err := m.Close(); err != nil {
		t.Error(err)
	}
}
