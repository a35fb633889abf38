package peer

import (
	"testing"

	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/platform/billing"
)

// BenchmarkDo is an input that goes to another process and back, over TCP on one machine,
// both ends counted; here is one that stays.
func BenchmarkDo(b *testing.B) {
	here, there := pair(b)
	there.answer = func(engine.Partition, any) (any, error) { return billing.Outcome{Bill: "bill_1"}, nil }
	here.answer = there.answer
	for name, p := range map[string]engine.Partition{"here": 0, "there": 1} {
		b.Run(name, func(b *testing.B) {
			in := typed(b)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := here.Router.Do(b.Context(), p, in); err != nil {
						b.Error(err)
					}
				}
			})
		})
	}
}
