package driver

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/airtill/airtill/handsetsim/fleet"
	"github.com/airtill/airtill/platform/api"
)

// feed is the following of a running network's handsets.
type feed struct {
	stop context.CancelFunc
	work sync.WaitGroup
	skew skew
	why  error // it could not be followed
}

// followPhones has the events of a fleet come to a watch until the feed is closed. It
// answers when the feed is open, or it is known that it will not be.
func followPhones(ctx context.Context, phones *fleet.Client, w Watch) *feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{stop: cancel}
	asked := time.Now()
	open, ended := make(chan time.Time, 1), make(chan error, 1)
	begun := make(chan struct{})
	f.work.Go(func() {
		first := true
		err := phones.Follow(ctx, func(n fleet.News) {
			if first {
				first = false
				open <- n.At
				<-begun // the skew is known
				return
			}
			e := n.Event()
			e.At = f.skew.here(e.At)
			w.Phones(e)
		})
		if first {
			ended <- err
		} else if ctx.Err() == nil {
			w.Deaf(err)
		}
	})
	select {
	case at := <-open:
		f.skew = skewOf(asked, at, time.Now())
	case f.why = <-ended:
	}
	close(begun)
	return f
}

// close ends the following.
func (f *feed) close() { f.stop(); f.work.Wait() }

// skew is how far another clock is ahead of this one, and how far that may be wrong.
type skew struct{ ahead, within time.Duration }

// leastSkew is what is put down to the asking, and not to clocks.
const leastSkew = 5 * time.Millisecond

// skewOf is known of a reading that was asked for at one moment and came at another.
// Clocks that may be the same are taken for the same.
func skewOf(asked, reading, came time.Time) skew {
	half := came.Sub(asked) / 2
	ahead := reading.Sub(asked.Add(half))
	if ahead.Abs() <= half+leastSkew {
		return skew{}
	}
	return skew{ahead: ahead, within: half}
}

// here is a moment of that clock by this one.
func (s skew) here(at time.Time) time.Time { return at.Add(-s.ahead) }

// says tells of another clock; nothing of one that is the same.
func (s skew) says(whose string) []string {
	if s.ahead == 0 {
		return nil
	}
	return []string{fmt.Sprintf("the clock of the %s is %s ahead of this one: its times are put right, to within %s",
		whose, s.ahead.Round(time.Millisecond), s.within.Round(time.Millisecond))}
}

// platformSkew is how far the platform's clock is ahead.
func platformSkew(ctx context.Context, office *api.OfficeClient) skew {
	asked := time.Now()
	reading, err := office.Clock(ctx)
	if err != nil {
		return skew{} // it does not say
	}
	return skewOf(asked, reading.Network, time.Now())
}
