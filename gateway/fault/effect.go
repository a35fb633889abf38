package fault

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway/smpp"
)

// Kind says what a fault does.
type Kind uint8

// The kinds of effect, and how a text writes them.
const (
	Refuse    Kind = iota + 1 // ESME_RSYSERR, 0x08: answer with that command_status
	Delay                     // delay:200ms, delay:1s-5s: answer late
	Lose                      // lose: perform, and do not answer
	Drop                      // drop: perform, and close the session without an answer
	DropAfter                 // drop-after: answer, and close the session
	Throttle                  // throttle:100/s: refuse with ESME_RTHROTTLED what is more than that in an account
	Malform                   // malform:length: answer with a malformed PDU
	Twice                     // twice: send the receipt once more
	Reorder                   // reorder, reorder:5s: hold the receipt up to so long, so that others overtake it
)

// Effect is what a fault does, with what it needs to know.
type Effect struct {
	Kind    Kind
	Status  smpp.Status   // of Refuse
	Least   time.Duration // of Delay
	Most    time.Duration // of Delay and Reorder
	Rate    int           // of Throttle: so many
	Per     time.Duration // of Throttle: in so long
	Malform Malformation  // of Malform
}

// defaultReorder is how long Reorder holds a receipt at most, where not told.
const defaultReorder = time.Second

// plain effects have a name and nothing else.
var plain = map[string]Kind{"lose": Lose, "drop": Drop, "drop-after": DropAfter, "twice": Twice}

// periods are what a rate may be per.
var periods = map[string]time.Duration{"s": time.Second, "m": time.Minute, "h": time.Hour}

var (
	requestEffects = []Kind{Refuse, Delay, Lose, Drop, DropAfter, Throttle, Malform}
	receiptEffects = []Kind{Delay, Lose, Twice, Reorder}
)

var errEffect = errors.New("there is a status (ESME_RSYSERR, 0x08), delay:TIME, delay:TIME-TIME, lose, drop, drop-after, " +
	"throttle:N/s, malform:KIND; for receipts delay, lose, twice, reorder, reorder:TIME")

// ParseEffect reads an effect as [Effect.String] writes it.
func ParseEffect(text string) (Effect, error) {
	if kind, ok := plain[text]; ok {
		return Effect{Kind: kind}, nil
	}
	name, argument, given := strings.Cut(text, ":")
	switch {
	case name == "delay" && given:
		return parseDelay(argument)
	case name == "throttle" && given:
		return parseThrottle(argument)
	case name == "malform" && given:
		m, err := ParseMalformation(argument)
		return Effect{Kind: Malform, Malform: m}, err
	case name == "reorder":
		return parseReorder(argument, given)
	}
	status, err := smpp.ParseStatus(text)
	if err != nil {
		return Effect{}, fmt.Errorf("effect: %q is none; %w", text, errEffect)
	}
	return Effect{Kind: Refuse, Status: status}, nil
}

func parseDelay(text string) (Effect, error) {
	low, high, isRange := strings.Cut(text, "-")
	if !isRange {
		high = low
	}
	least, err := time.ParseDuration(low)
	if err != nil {
		return Effect{}, fmt.Errorf("effect: delay %q is not a time like 200ms or 1s-5s", text)
	}
	most, err := time.ParseDuration(high)
	if err != nil {
		return Effect{}, fmt.Errorf("effect: delay %q is not a time like 200ms or 1s-5s", text)
	}
	return Effect{Kind: Delay, Least: least, Most: most}, nil
}

func parseThrottle(text string) (Effect, error) {
	number, unit, _ := strings.Cut(text, "/")
	rate, err := strconv.Atoi(number)
	per, ok := periods[unit]
	if err != nil || !ok {
		return Effect{}, fmt.Errorf("effect: throttle %q is not a rate like 100/s, 60/m or 10/h", text)
	}
	return Effect{Kind: Throttle, Rate: rate, Per: per}, nil
}

func parseReorder(text string, given bool) (Effect, error) {
	if !given {
		return Effect{Kind: Reorder, Most: defaultReorder}, nil
	}
	most, err := time.ParseDuration(text)
	if err != nil {
		return Effect{}, fmt.Errorf("effect: reorder %q is not a time like 5s", text)
	}
	return Effect{Kind: Reorder, Most: most}, nil
}

// String writes the effect as ParseEffect reads it.
func (e Effect) String() string {
	switch e.Kind {
	case Refuse:
		return e.statusText()
	case Delay:
		if e.Least == e.Most {
			return "delay:" + e.Most.String()
		}
		return "delay:" + e.Least.String() + "-" + e.Most.String()
	case Throttle:
		return "throttle:" + strconv.Itoa(e.Rate) + "/" + e.unit()
	case Malform:
		return "malform:" + e.Malform.String()
	case Reorder:
		return "reorder:" + e.Most.String()
	case Lose, Drop, DropAfter, Twice:
		for name, kind := range plain {
			if kind == e.Kind {
				return name
			}
		}
	}
	return fmt.Sprintf("effect %d", e.Kind)
}

func (e Effect) unit() string {
	for unit, per := range periods {
		if per == e.Per {
			return unit
		}
	}
	return e.Per.String()
}

// statusText is a name where the specification has one, else the number.
func (e Effect) statusText() string {
	if name := e.Status.String(); strings.HasPrefix(name, "ESME_") {
		return name
	}
	return fmt.Sprintf("0x%08x", uint32(e.Status))
}

// validate says whether the effect is whole and fits the operation.
func (e Effect) validate(o Operation) error {
	allowed := requestEffects
	if o == Receipt {
		allowed = receiptEffects
	}
	if !slices.Contains(allowed, e.Kind) {
		return fmt.Errorf("effect: %v does not fit %s; %w", e, o, errEffect)
	}
	switch e.Kind {
	case Refuse:
		if e.Status == smpp.ROK {
			return errors.New("effect: ESME_ROK is no fault; name another status")
		}
	case Delay, Reorder:
		if e.Least < 0 || e.Most < e.Least || e.Most == 0 {
			return fmt.Errorf("effect: %v is not a time of more than 0, the longer one last", e)
		}
	case Throttle:
		if _, ok := periods[e.unit()]; e.Rate < 0 || !ok {
			return fmt.Errorf("effect: %v is not a rate like 100/s, 60/m or 10/h", e)
		}
	case Malform:
		return e.Malform.validate()
	case Lose, Drop, DropAfter, Twice:
	}
	return nil
}
