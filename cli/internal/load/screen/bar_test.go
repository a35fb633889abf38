package screen

import (
	"strings"
	"sync"
	"testing"
)

func TestBarLines(t *testing.T) {
	tests := []struct {
		name, mode string
		total      int64
		steps      []int64
		want       string
	}{
		{"a line at each tenth", Plain, 200, []int64{0, 19, 20, 21, 39, 100, 90, 200}, "enrolled 20 of 200 (10%)\nenrolled 100 of 200 (50%)\nenrolled 200 of 200 (100%)\n"},
		{"more than all", Plain, 10, []int64{12}, "enrolled 10 of 10 (100%)\n"},
		{"ended early", Plain, 1000, []int64{123}, "enrolled 123 of 1000 (10%)\nenrolled 123 of 1000 (ended early)\n"},
		{"nothing to do", Plain, 0, []int64{0}, ""},
		{"off", Off, 10, []int64{3, 10}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var out strings.Builder
			b := NewBar(&out, tt.mode, "enrolled", tt.total)
			for _, done := range tt.steps {
				b.Set(done)
			}
			b.End()
			if out.String() != tt.want {
				t.Errorf("got %q, want %q", out.String(), tt.want)
			}
		})
	}
}

// Many may say at once how far it is; each tenth is said once.
func TestBarTogether(t *testing.T) {
	var mu sync.Mutex
	var out strings.Builder
	b := NewBar(writer(func(p []byte) (int, error) {
		mu.Lock()
		defer mu.Unlock()
		return out.Write(p)
	}), Plain, "enrolled", 1000)
	var all sync.WaitGroup
	for i := range int64(8) {
		all.Go(func() {
			for done := i; done <= 1000; done += 8 {
				b.Set(done)
			}
		})
	}
	all.Wait()
	b.Set(1000)
	b.End()
	for tenth := 10; tenth < 100; tenth += 10 {
		if n := strings.Count(out.String(), "("+count(int64(tenth))+"%)"); n > 1 {
			t.Errorf("%d%% is said %d times:\n%s", tenth, n, out.String())
		}
	}
	if !strings.Contains(out.String(), "(100%)") {
		t.Errorf("the end is not said:\n%s", out.String())
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(p []byte) (int, error) { return w(p) }
