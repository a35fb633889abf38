package torture

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/applet"
)

// thinks is how long the one who mistypes thinks, so that a kill comes in between.
const thinks = 250 * time.Millisecond

// tries is how many wrong PINs lock a card.
const tries = 3

// mistype has one person type wrong PINs, again and again: each is counted, whatever is
// killed meanwhile, and the third locks the card; then the branch unlocks it.
func (s *site) mistype(ctx context.Context, more <-chan struct{}) {
	random := s.config.generator(99)
	who := s.people[payers]
	left := tries
	for n := 0; !over(ctx, more); n++ {
		o := s.shop.newOrder(fmt.Sprintf("wrong-%d", n), who, random)
		s.shop.foresee(o, who)
		if !s.shop.place(ctx, o) {
			continue
		}
		if left = s.typeWrong(ctx, who, o.bills[0].Ref().String(), left, more); left == 0 {
			s.unlock(ctx, who)
			left = tries
		}
		s.shop.withdraw(ctx, o, o.bills[0]) // nobody will pay it
	}
}

func over(ctx context.Context, more <-chan struct{}) bool {
	select {
	case <-more:
		return true
	case <-ctx.Done():
		return true
	default:
		return false
	}
}

// typeWrong types wrong PINs for one bill until it is closed, and answers how many tries
// are left of those that there were. What the phone is told has to fall each time: an
// answer that is lost is counted all the same.
func (s *site) typeWrong(ctx context.Context, who *person, ref string, left int, more <-chan struct{}) int {
	heard := 0
	until(ctx, s.config.Expiry, func() bool {
		b, ok := s.onPhone(ctx, who, ref)
		switch {
		case over(ctx, more):
			return true
		case !ok || b.State == handsetsim.StatePaying.String():
			return false
		case b.Code == string(applet.CodePINLocked), b.Code == string(applet.CodeNotPermitted):
			left = 0
			return true
		case b.State == handsetsim.StateClosed.String(), b.State == handsetsim.StateExpired.String():
			return true
		case b.WrongPINs > heard:
			if b.TriesLeft >= left {
				s.differ(other, "%s had %d tries left, typed a wrong PIN, and has %d", who.phone.Masked(), left, b.TriesLeft)
				return true
			}
			heard, left = b.WrongPINs, b.TriesLeft
			return false
		}
		pause(ctx, thinks)
		_, _ = s.phones.Pay(ctx, who.phone, fleet.Payment{Bill: ref, Slot: 1, PIN: "141414"}) // refused: looked at again
		return false
	})
	return left
}

// onPhone is a bill as the phone has it.
func (s *site) onPhone(ctx context.Context, who *person, ref string) (fleet.Bill, bool) {
	bills, err := s.phones.Bills(ctx, who.phone)
	if err != nil {
		return fleet.Bill{}, false
	}
	for _, b := range bills {
		if b.Bill == ref {
			return b, true
		}
	}
	return fleet.Bill{}, false
}

// unlock has the branch unlock the first card, until that is certain.
func (s *site) unlock(ctx context.Context, who *person) {
	for ctx.Err() == nil {
		err := s.office.Load().Unlock(ctx, who.phone, api.Unlock{Slot: 1, By: "torture", Note: "the holder has come with a passport"})
		if problem, ok := errors.AsType[*api.Problem](err); err == nil || ok && !problem.Again() && !problem.Unknown() {
			return
		}
		pause(ctx, again)
	}
}
