package driver

import (
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
)

// menus are the bills before phones without an element. Such a phone has a menu, and no
// bill's reference: what it does is put down to the one bill that is before it.
type menus map[gateway.MSISDN][]*trip

// begin takes a bill that is begun. Of several at the same phone nobody can tell which of
// them a menu is about: then none of them is timed there.
func (m menus) begin(t *trip) {
	all := append(m[t.phone], t)
	m[t.phone] = all
	if len(all) > 1 {
		for _, one := range all {
			one.blind = true
		}
	}
}

// end takes a bill that is over, and times the answer that paid it.
func (m menus) end(t *trip, paid bool) {
	if paid && !t.blind && t.typed > 0 {
		t.record.Step(load.Reply, t.typed, true)
	}
	all := slices.DeleteFunc(m[t.phone], func(one *trip) bool { return one == t })
	if len(all) == 0 {
		delete(m, t.phone)
		return
	}
	m[t.phone] = all
}

// onMenu takes what happened at a phone's menu. The lock is held.
func (k *book) onMenu(e handsetsim.Event) {
	at := k.menus[e.Phone]
	if len(at) != 1 || at[0].blind {
		return
	}
	t := at[0]
	t.took += e.Took
	switch e.Kind {
	case handsetsim.ScreenShown:
		t.closed = false
		if asksToPay(e.Detail) && t.once(pushed) {
			t.record.Step(load.Push, t.since(e.At), true)
		}
	case handsetsim.Sent:
		if e.Detail == menuReply {
			t.typed = t.system(e.At)
		}
	case handsetsim.ScreenClosed:
		t.closed = true
	}
	k.settle(t)
}

// menuReply is what a phone calls its holder's answer at a menu.
const menuReply = "USSD reply"

// asksToPay says whether a menu shows a bill.
func asksToPay(text string) bool { return strings.Contains(text, "1 Pay") }
