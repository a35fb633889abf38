package app

import (
	"context"
	"fmt"
	"strconv"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/radio"
)

func radioCommand() command {
	return command{
		name: "radio", short: "look at and change what lies between the carrier and phones", section: carrierSection,
		examples: []string{"airtill radio show", "airtill radio set --power off 254700000001"},
		sub:      []command{radioShow(), radioSet()},
	}
}

func radioShow() command {
	var at target
	return command{
		name: "show", short: "show the whole air, or one phone's radio", args: "[PHONE]", flags: at.carriers(),
		examples: []string{"airtill radio show", "airtill radio show 254700000001"},
		run: func(ctx context.Context, c *call) error {
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			if len(c.args) > 0 {
				s, err := client.Subscriber(ctx, c.args[0])
				if err != nil {
					return at.explainCarrier(err)
				}
				return printSubscriber(c.out, s)
			}
			plan, err := client.Radio(ctx)
			if err != nil {
				return at.explainCarrier(err)
			}
			return printPlan(c.out, plan)
		},
	}
}

func printPlan(p *printer, plan radio.Plan) error {
	fields := []field{{"profile", plan.Profile.String()}}
	for _, cell := range plan.Cells {
		fields = append(fields, field{"cell " + cell.Name, cellWords(cell)})
	}
	for _, s := range plan.Subscribers {
		fields = append(fields, field{"phone " + s.Number, settingWords(s)})
	}
	return p.one(plan, fields...)
}

func cellWords(c radio.Cell) string {
	words := "the air's"
	if c.Profile != nil {
		words = c.Profile.String()
	}
	if c.Outage {
		words += ", in outage"
	}
	return words
}

func settingWords(s radio.Settings) string {
	words := "power " + power(!s.Off)
	if s.Coverage != radio.AsProfile {
		words += ", coverage " + string(s.Coverage)
	}
	if s.Busy {
		words += ", busy"
	}
	if s.Memory != nil {
		words += fmt.Sprintf(", memory %d", *s.Memory)
	}
	if s.Cell != "" {
		words += ", in " + s.Cell
	}
	if s.Profile != nil {
		words += ", " + s.Profile.String()
	}
	return words
}

func printSubscriber(p *printer, s radio.Status) error {
	coverage := string(s.Coverage)
	if coverage == "" {
		coverage = "as the profile has it"
	}
	memory := "no limit"
	if s.Memory != nil {
		memory = fmt.Sprintf("%d of %d held", s.Held, *s.Memory)
	}
	reach := "reachable"
	if s.Cause != radio.Through {
		reach = s.Cause.String()
	}
	back := ""
	if s.Cause != radio.Through {
		back = "when somebody acts"
		if !s.Returns.IsZero() {
			back = moment(s.Returns)
		}
	}
	busy := ""
	if s.Busy {
		busy = "yes"
	}
	return p.one(s,
		field{"phone", s.Number}, field{"reach", reach}, field{"back", back}, field{"power", power(!s.Off)},
		field{"coverage", coverage}, field{"busy", busy}, field{"memory", memory},
		field{"cell", s.StandsIn}, field{"profile", s.InForce.String()}, field{"messages", strconv.Itoa(s.Crossings)},
	)
}

// radioChange is what radio set is told.
type radioChange struct {
	target
	power, coverage, busy, memory, cell, profile, outage string
	clear                                                bool
}

func radioSet() command {
	s := new(radioChange)
	return command{
		name: "set", short: "change a phone's radio, a cell, or the whole air", args: "[PHONE]",
		about: "With PHONE it is that phone's; --cell then moves it there. Without PHONE, --cell NAME with --profile or --outage changes\n" +
			"the cell, and --profile alone the air where no cell and no phone has its own.",
		examples: []string{
			"airtill radio set --power off 254700000001",
			"airtill radio set --coverage out --memory 3 254700000001",
			"airtill radio set --cell north --outage on",
			"airtill radio set --profile 'urban loss=0.2 latency=normal(2s,500ms)'",
		},
		flags: s.carriers(
			&cli.StringFlag{Name: "power", Usage: "switch the phone `on|off`", Destination: &s.power},
			&cli.StringFlag{Name: "coverage", Usage: "`in|out|profile`: in coverage, out of it, or as its profile has it", Destination: &s.coverage},
			&cli.StringFlag{Name: "busy", Usage: "have it busy all the time: `on|off`", Destination: &s.busy},
			&cli.StringFlag{Name: "memory", Usage: "let it hold `N` messages, or none for no limit", Destination: &s.memory},
			&cli.BoolFlag{Name: "clear", Usage: "empty its memory", Destination: &s.clear},
			&cli.StringFlag{Name: "cell", Usage: "the cell `NAME`; of a phone also none, for where the seed puts it", Destination: &s.cell},
			&cli.StringFlag{Name: "profile", Usage: "a `PROFILE`: a name, fields, or both; of a phone or cell also none", Destination: &s.profile},
			&cli.StringFlag{Name: "outage", Usage: "nobody in the cell is reached: `on|off`", Destination: &s.outage},
		),
		run: s.run,
	}
}

// none takes a setting away.
const none = "none"

func (s *radioChange) run(ctx context.Context, c *call) error {
	changes, err := s.changes(len(c.args) > 0)
	if err != nil {
		return err
	}
	client, err := s.carrierClient(c)
	if err != nil {
		return err
	}
	switch {
	case len(c.args) > 0:
		return s.phone(ctx, c, client, changes)
	case s.cell != "":
		if _, err := client.ChangeCell(ctx, s.cell, changes); err != nil {
			return s.explainCarrier(err)
		}
	default:
		if _, err := client.ChangeRadio(ctx, changes); err != nil {
			return s.explainCarrier(err)
		}
	}
	plan, err := client.Radio(ctx)
	if err != nil {
		return s.explainCarrier(err)
	}
	return printPlan(c.out, plan)
}

func (s *radioChange) phone(ctx context.Context, c *call, client *management.Client, changes management.Changes) error {
	number := c.args[0]
	if s.clear {
		if _, err := client.ClearMemory(ctx, number); err != nil {
			return s.explainCarrier(err)
		}
	}
	status, err := client.ChangeSubscriber(ctx, number, changes)
	if err != nil {
		return s.explainCarrier(err)
	}
	return printSubscriber(c.out, status)
}

// changes are the fields that flags say, of a phone or else of a cell or the air.
func (s *radioChange) changes(phone bool) (management.Changes, error) {
	all := management.Changes{}
	ofPhone := s.power != "" || s.coverage != "" || s.busy != "" || s.memory != "" || s.clear
	switch {
	case !phone && ofPhone:
		return nil, usagef("PHONE is missing: --power, --coverage, --busy, --memory and --clear are a phone's")
	case phone && s.outage != "":
		return nil, usagef("--outage is a cell's: leave PHONE out, and say --cell NAME")
	case !phone && s.outage != "" && s.cell == "":
		return nil, usagef("--outage is a cell's: say --cell NAME")
	case !phone && s.outage == "" && s.profile == "":
		return nil, usagef("nothing to set: say --profile, or a PHONE and what of it; airtill radio show shows what there is")
	case phone && !ofPhone && s.cell == "" && s.profile == "":
		return nil, usagef("nothing to set: say --power, --coverage, --busy, --memory, --clear, --cell or --profile")
	}
	for _, sw := range []struct{ name, said, field string }{{"power", s.power, "off"}, {"busy", s.busy, "busy"}, {"outage", s.outage, "outage"}} {
		if sw.said == "" {
			continue
		}
		if sw.said != "on" && sw.said != "off" {
			return nil, usagef("--%s %q is neither on nor off", sw.name, sw.said)
		}
		all[sw.field] = (sw.said == "on") != (sw.name == "power")
	}
	return all, s.words(all, phone)
}

// words adds the changes that are not on or off.
func (s *radioChange) words(all management.Changes, phone bool) error {
	switch s.coverage {
	case "":
	case "in", "out":
		all["coverage"] = s.coverage
	case "profile":
		all["coverage"] = ""
	default:
		return usagef("--coverage %q is none of in, out, profile", s.coverage)
	}
	if s.memory == none {
		all["memory"] = nil
	} else if s.memory != "" {
		n, err := strconv.Atoi(s.memory)
		if err != nil || n < 0 {
			return usagef("--memory %q is neither a number from 0 nor none", s.memory)
		}
		all["memory"] = n
	}
	if phone && s.cell == none {
		all["cell"] = ""
	} else if phone && s.cell != "" {
		all["cell"] = s.cell
	}
	if s.profile == none && (phone || s.cell != "") {
		all["profile"] = nil
	} else if s.profile != "" {
		if _, err := radio.ParseProfile(s.profile); err != nil {
			return usagef("--profile: %w", err)
		}
		all["profile"] = s.profile
	}
	return nil
}
