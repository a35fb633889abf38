package world_test

import (
	"bytes"
	"math/rand/v2"
	"sync"
	"testing"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/tpdu"
	"github.com/airtill/airtill/merchant"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/billing"
)

// wire.md 7, 5: 10,000 forged payments in one phone's name, and the true one in the
// middle of them: nobody is answered but the true one, which is paid; the flood is one
// alarm, and locks nothing.
func TestS12_FloodOfForgedPayments(t *testing.T) {
	inMemoryOnly(t, people(plain()), func(r *rig) {
		const flood = 10_000
		g := r.glass(person("manual", rich))
		o := r.place(flight, payer, buyer)
		id := platform.BillID(o.Bill)
		asked := g.bill(id)
		r.reaches(id, "delivered")
		truth := g.wrap(g.pay(asked, 1, pin))
		forged := forgeries(truth, r.heard(payer)[0].packet(), flood)
		g.pour(forged[:flood/2])
		g.send(truth)
		g.pour(forged[flood/2:])
		r.endsAs(o.ID, merchant.Paid)
		r.until("the flood to be dropped", func() bool { return r.dropped(billing.DropForged) >= flood })
		if n := r.dropped(billing.DropForged); n != flood {
			r.t.Errorf("%d packets were dropped as forged, %d were", n, flood)
		}
		if said := r.secured(world.PlatformAddress, gateway.Address(payer)); len(said) != 2 || len(of[*applet.Result](r.heard(payer))) != 1 {
			r.t.Errorf("the platform said %d messages to the phone: a bill and a result are right", len(said))
		}
		if c := r.card(payer, 1); c.Locked || c.Balance != rich-flightPrice {
			r.t.Errorf("after the flood the card is %+v", c)
		}
		if all := r.alarms(platform.AlarmForged); len(all) != 1 || all[0].Phone != payer.Masked() || all[0].Count != flood {
			r.t.Errorf("the operator is told %+v: one alarm of %d packets is right", all, flood)
		}
		again := r.send(order("after the flood"))
		g.say(g.pay(g.bill(again.ID), 1, pin))
		r.reaches(again.ID, "settled")
	})
}

// forgeries are packets that whoever has seen the true one can make: altered, cut,
// grown, made up, under other key sets, and what came from the platform sent back.
func forgeries(truth, reflected []byte, n int) [][]byte {
	const header = 10 // octets in clear (TS 102 225 §5.1)
	rng := rand.New(rand.NewPCG(10, 658))
	all := make([][]byte, n)
	for i := range all {
		p := bytes.Clone(truth)
		switch i % 8 {
		case 0:
			p[rng.IntN(len(p))] ^= 1 << rng.IntN(8)
		case 1:
			p = p[:rng.IntN(len(p))]
		case 2:
			p = append(p, make([]byte, 1+rng.IntN(8))...)
		case 3:
			p[5], p[6] = byte(rng.IntN(16))<<4|p[5]&15, byte(rng.IntN(16))<<4|p[6]&15
			p[len(p)-1] ^= 1
		case 4:
			p[3] = byte(rng.IntN(256))
			p[len(p)-1] ^= 1
		case 5:
			p = bytes.Clone(reflected)
		default:
			for k := header; k < len(p); k++ {
				p[k] = byte(rng.Uint32())
			}
		}
		all[i] = p
	}
	return all
}

// pour sends packets to the platform on many hands, in no order.
func (g *glass) pour(packets [][]byte) {
	g.r.t.Helper()
	before := g.r.taken(g.number)
	queue := make(chan []byte)
	var hands sync.WaitGroup
	for range 8 {
		hands.Go(func() {
			for packet := range queue {
				g.submitted(packet)
			}
		})
	}
	for _, packet := range packets {
		queue <- packet
	}
	close(queue)
	hands.Wait()
	g.r.until("the platform to take the flood", func() bool { return g.r.taken(g.number) >= before+len(packets) })
}

// submitted gives a packet of one part to the carrier.
func (g *glass) submitted(packet []byte) {
	segments, err := tpdu.FromSIM(packet, tpdu.Reference{})
	if err == nil {
		err = submit(g.r.ctx, g.guest, g.number, world.PlatformAddress, segments[0])
	}
	if err != nil {
		g.r.t.Error(err)
	}
}
