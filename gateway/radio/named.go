package radio

import (
	"fmt"
	"strings"
	"time"
)

// The named profiles are plausible, not measured. Latency is from the centre's
// mt-ForwardSM to the phone's acknowledgement: the routing information is there, and
// paging, a signalling channel and the transfer remain.

// ideal delivers everything at once.
func ideal() Profile { return Profile{} }

// urban is a town's street on an ordinary day: most phones answer the first paging,
// on a second or two; lifts and cellars are out of reach now and then, for 1 minute
// in 60; a few in a thousand messages meet a phone that takes another one.
func urban() Profile {
	return Profile{
		Latency: Lognormal(1500*time.Millisecond, 0.35),
		Loss:    0.002, Duplication: 0.001,
		Reordering: 0.002, Late: 5 * time.Second,
		Busy: 0.004, Failure: 0.001,
		Coverage: Coverage{On: 59 * time.Minute, Off: time.Minute},
	}
}

// rural has few and large cells: phones at their edge are paged twice and repeat
// blocks, and valleys hide one phone in nine.
func rural() Profile {
	return Profile{
		Latency: Lognormal(2500*time.Millisecond, 0.5),
		Loss:    0.01, Duplication: 0.004,
		Reordering: 0.004, Late: 10 * time.Second,
		Busy: 0.003, Failure: 0.004,
		Coverage: Coverage{On: 16 * time.Minute, Off: 2 * time.Minute},
	}
}

// roaming goes through another network and the carriers between: slower, with
// acknowledgements that come too late, so that messages are sent again and arrive
// twice, and errors of networks that do not know each other well.
func roaming() Profile {
	return Profile{
		Latency: Lognormal(4*time.Second, 0.6),
		Loss:    0.02, Duplication: 0.012,
		Reordering: 0.02, Late: 20 * time.Second,
		Busy: 0.004, Failure: 0.015,
		Coverage: Coverage{On: 40 * time.Minute, Off: 90 * time.Second},
	}
}

// stadium is a full one: the signal is good, but signalling channels are not to be
// had, so messages wait, fail or find the phone busy with the group chat.
func stadium() Profile {
	return Profile{
		Latency: Lognormal(5*time.Second, 0.9),
		Loss:    0.03, Duplication: 0.01,
		Reordering: 0.03, Late: 15 * time.Second,
		Busy: 0.06, Failure: 0.08,
		Coverage: Coverage{On: 20 * time.Minute, Off: 10 * time.Second},
	}
}

// outage reaches nobody: paging goes unanswered, twice 5 seconds.
func outage() Profile {
	return Profile{Latency: Constant(10 * time.Second), Coverage: never()}
}

//nolint:gochecknoglobals // a table
var profiles = []struct {
	name    string
	profile func() Profile
}{
	{"ideal", ideal},
	{"urban", urban},
	{"rural", rural},
	{"roaming", roaming},
	{"stadium", stadium},
	{"outage", outage},
}

// Profiles are the names that ParseProfile knows.
func Profiles() []string {
	names := make([]string, len(profiles))
	for i, p := range profiles {
		names[i] = p.name
	}
	return names
}

// Name is a named profile's name, empty for any other.
func (p Profile) Name() string {
	p.Coverage = p.Coverage.plain()
	for _, n := range profiles {
		if n.profile() == p {
			return n.name
		}
	}
	return ""
}

func named(name string) (Profile, error) {
	for _, n := range profiles {
		if n.name == name {
			return n.profile(), nil
		}
	}
	return Profile{}, fmt.Errorf("radio: profile: no name %q; give %s", name, strings.Join(Profiles(), ", "))
}
