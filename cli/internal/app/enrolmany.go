package app

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"os"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform/api"
)

// newPeople is what enrol was told of many people: drawn from a seed, or in a file.
type newPeople struct {
	count       int
	prefix, mix string
	seed        uint64
	balance     int64
	from        string
	check       bool
}

// peopleAbout says what the columns of a file are.
func peopleAbout() string {
	var b strings.Builder
	b.WriteString("Many people come from a seed (--count) or from a CSV file with a header line (--from). They can be enrolled again: who is\n" +
		"enrolled stays as they are, and what was cut off goes on. The columns of a file, in any order, and what is so when one is left out:\n")
	for _, c := range world.PeopleColumns() {
		fmt.Fprintf(&b, "  %-10s %s\n", c[0], c[1])
	}
	return strings.TrimRight(b.String(), "\n")
}

func (m *newPeople) flags() []cli.Flag {
	return []cli.Flag{
		&cli.IntFlag{Name: "count", Usage: "enrol `N` people drawn from --seed, with two cards each", Destination: &m.count},
		&cli.StringFlag{Name: "prefix", Usage: "their numbers are `DIGITS` and an index from 1, 13 digits together", Value: "86138", Destination: &m.prefix},
		&cli.Uint64Flag{Name: "seed", Usage: "draw names, cards, PINs and habits from `N`", Value: 1, Destination: &m.seed},
		&cli.StringFlag{Name: "mix", Usage: "their habits, by weight: `HABIT=N`,HABIT=N", Value: "pays=1", Destination: &m.mix},
		&cli.Int64Flag{Name: "balance", Usage: "`AMOUNT` on a card that does not say its own, in minor units", Value: 1_000_000, Destination: &m.balance},
		&cli.StringFlag{Name: "from", Usage: "enrol the people in the CSV `FILE`", Destination: &m.from},
		&cli.BoolFlag{Name: "check", Usage: "only say whether they could be enrolled; nothing is asked of anybody", Destination: &m.check},
	}
}

// asked says whether many people are meant.
func (m *newPeople) asked() bool { return m.count != 0 || m.from != "" }

// crowd is many people, and where each is to be found when one is refused.
type crowd struct {
	people iter.Seq[world.Person]
	count  int
	place  func(world.Refusal) string
}

// read finds who is meant.
func (m *newPeople) read(c *call, n *newPerson) (crowd, error) {
	switch {
	case n.phone != "" || n.name != "" || len(n.cards.Value()) > 0:
		return crowd{}, usagef("--phone, --name and --card are of one person; leave them out with --count and --from")
	case m.count != 0 && m.from != "":
		return crowd{}, usagef("--count draws people and --from reads them from a file; give one of them")
	case m.from != "":
		return m.readFile(c, n)
	}
	mix, err := persona.ParseMix(m.mix)
	if err != nil {
		return crowd{}, usagef("--mix %q: %w", m.mix, err)
	}
	balance, err := parseBalance(fmt.Sprint(m.balance))
	if err != nil {
		return crowd{}, usagef("--balance: %w", err)
	}
	drawn := world.Population{
		Count: m.count, Prefix: m.prefix, Seed: m.seed, Mix: mix, Form: n.form, Suite: n.suite, Balance: balance, By: n.by,
	}
	if err := drawn.Validate(); err != nil {
		return crowd{}, usagef("--count %d --prefix %s: %w", m.count, m.prefix, err)
	}
	return crowd{people: drawn.People(), count: m.count, place: func(r world.Refusal) string {
		return r.Phone.Masked() + placed(": ", r.Field)
	}}, nil
}

func placed(between, field string) string {
	if field == "" {
		return ""
	}
	return between + field
}

func (m *newPeople) readFile(c *call, n *newPerson) (crowd, error) {
	f, err := os.Open(m.from)
	if err != nil {
		return crowd{}, usagef("--from: %w", err)
	}
	defer f.Close()
	balance, err := parseBalance(fmt.Sprint(m.balance))
	if err != nil {
		return crowd{}, usagef("--balance: %w", err)
	}
	all, err := world.PeopleFile{Name: m.from, Seed: m.seed, Balance: balance, By: n.by}.Read(f)
	if err != nil {
		c.talk("%v", err)
		return crowd{}, &Error{Status: StatusUsage, Err: fmt.Errorf("--from %s: nobody was enrolled", m.from), Hint: "put the file right, as is said above, and say the same again"}
	}
	people := func(yield func(world.Person) bool) {
		for _, p := range all {
			if !yield(p.Person) {
				return
			}
		}
	}
	return crowd{people: people, count: len(all), place: func(r world.Refusal) string {
		return fmt.Sprintf("%s:%d%s", m.from, all[r.Index].Line, placed(": ", columnOf(r.Field)))
	}}, nil
}

// columnOf is the column that a field of the rooms is from.
func columnOf(field string) string {
	switch {
	case field == "phone":
		return "msisdn"
	case strings.HasPrefix(field, "accounts") && strings.HasSuffix(field, "currency"):
		return "currency"
	case strings.HasPrefix(field, "accounts"):
		return "cards"
	}
	return field
}

// mostRefusals is how many people who were refused are told one by one.
const mostRefusals = 20

// enrolledMany is the data of many enrolments.
type enrolledMany struct {
	Enrolled int     `json:"enrolled"` // now
	Again    int     `json:"again"`    // were enrolled before, and are as they were
	Refused  int     `json:"refused"`
	Seconds  float64 `json:"seconds"`
}

func (m *newPeople) run(ctx context.Context, c *call, n *newPerson) error {
	who, err := m.read(c, n)
	if err != nil {
		return err
	}
	if m.check {
		c.talk("%d people can be read; nobody was enrolled", who.count)
		return nil
	}
	branch, err := n.branch(ctx, c)
	if err != nil {
		return err
	}
	defer collectRarely(c)()
	p := newProgress(c, "enrolled", who.count)
	var refused []string
	done, err := branch.EnrolAll(ctx, who.people, world.Bulk{
		Seed: m.seed, Progress: func(e world.Enrolled) { p.set(e.Done()) },
		Refused: func(r world.Refusal) {
			if len(refused) < mostRefusals {
				refused = append(refused, who.place(r)+": "+refusalText(r.Err))
			}
		},
	})
	took := p.end()
	for _, line := range refused {
		c.talk("%s", line)
	}
	if more := done.Refused - len(refused); more > 0 {
		c.talk("and %d more", more)
	}
	return errors.Join(m.say(c, done, took), m.outcome(c, n, who, done, err))
}

// refusalText is why somebody was refused, without what names the field a second time.
func refusalText(err error) string {
	if p, ok := errors.AsType[*api.Problem](err); ok && p.Detail != "" {
		return p.Detail
	}
	return err.Error()
}

func (m *newPeople) say(c *call, done world.Enrolled, took time.Duration) error {
	return c.out.one(
		enrolledMany{Enrolled: done.New, Again: done.Again, Refused: done.Refused, Seconds: took.Seconds()},
		field{"enrolled", fmt.Sprint(done.New)}, field{"again", fmt.Sprint(done.Again)}, field{"refused", fmt.Sprint(done.Refused)},
		field{"took", tookAt(done.Done(), took)},
	)
}

// outcome says what to do about what was not done.
func (m *newPeople) outcome(c *call, n *newPerson, who crowd, done world.Enrolled, err error) error {
	switch {
	case err != nil:
		return hinted(n.at.explain(err), "%d of %d are enrolled; to go on: %s", done.New+done.Again, who.count, c.again("airtill enrol", commonFlagNames()...))
	case done.Refused > 0:
		return hinted(fmt.Errorf("%d of %d people were not enrolled", done.Refused, who.count), "put right what is said of them, and say the same again; the others stay as they are")
	}
	return nil
}
