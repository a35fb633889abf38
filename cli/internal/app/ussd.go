package app

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/terminal"
	"github.com/airtill/airtill/gateway/management"
	"github.com/airtill/airtill/gateway/ussd"
)

func ussdCommand() command {
	return command{
		name: "ussd", short: "dial codes at the carrier, push texts to handsets, and see sessions", section: carrierSection,
		examples: []string{"airtill ussd dial --phone 254700000001 '*384*1#'", "airtill ussd sessions --open"},
		sub:      []command{ussdDial(), ussdPush(), ussdSessions()},
	}
}

// dialling is what ussd dial is told.
type dialling struct {
	target
	phone   string
	answers cli.StringSlice
	lines   *bufio.Reader // of stdin
}

func ussdDial() command {
	d := new(dialling)
	return command{
		name: "dial", short: "dial a code, and answer what the application asks", args: "CODE",
		about: "Answers come from --answer, then from stdin, a line each: typed at a terminal, or written by a script. When there are no\n" +
			"more the session is given up, and the status is 1.",
		examples: []string{
			"airtill ussd dial --phone 254700000001 '*384*1#'",
			"airtill ussd dial --phone 254700000001 --answer 1 --answer 2 '*384*1#'",
		},
		required: []string{"phone"},
		flags: d.carriers(
			&cli.StringFlag{Name: "phone", Usage: "dial from `NUMBER`", Destination: &d.phone},
			&cli.StringSliceFlag{Name: "answer", Usage: "answer `TEXT`; once for each question, in order", Destination: &d.answers},
		),
		run: d.run,
	}
}

func (d *dialling) run(ctx context.Context, c *call) error {
	if err := ussd.CheckCode(c.args[0]); err != nil {
		return usagef("%w", err)
	}
	client, err := d.carrierClient(c)
	if err != nil {
		return err
	}
	screen, err := client.Dial(ctx, management.Dial{Phone: d.phone, Code: c.args[0]})
	if err != nil {
		return d.explainCarrier(err)
	}
	d.lines = bufio.NewReader(c.env.Stdin)
	answers := d.answers.Value()
	for {
		if err := c.out.line(screen, screen.Text); err != nil || !screen.Open {
			return err
		}
		var answer string
		switch {
		case screen.Kind == ussd.Notify.String():
		case len(answers) > 0:
			answer, answers = answers[0], answers[1:]
		default:
			if answer, err = d.next(ctx, c); err != nil {
				return d.giveUp(ctx, client, screen.ID, err)
			}
		}
		if screen, err = client.Reply(ctx, screen.ID, answer); err != nil {
			return d.explainCarrier(err)
		}
	}
}

// errNoAnswer says that a session asked more than there were answers.
var errNoAnswer = errors.New("no more answers: the session was given up")

// giveUp ends a session, also when ctx is over.
func (d *dialling) giveUp(ctx context.Context, client *management.Client, id string, why error) error {
	if err := client.Abort(context.WithoutCancel(ctx), id); err != nil && !errors.Is(why, context.Canceled) {
		return d.explainCarrier(err)
	}
	if errors.Is(why, io.EOF) {
		return hinted(errNoAnswer, "give --answer TEXT for each question, or lines on stdin")
	}
	return why
}

// next reads a line of stdin, or is over with ctx: the line then stays unread until
// the program ends.
func (d *dialling) next(ctx context.Context, c *call) (string, error) {
	if terminal.Is(c.env.Stdin) {
		fmt.Fprint(c.env.Stderr, "> ")
	}
	type line struct {
		text string
		err  error
	}
	typed := make(chan line, 1)
	go func() {
		text, err := d.lines.ReadString('\n')
		if text != "" {
			err = nil
		}
		typed <- line{strings.TrimRight(text, "\r\n"), err}
	}()
	select {
	case l := <-typed:
		return l.text, l.err
	case <-ctx.Done():
		return "", ctx.Err()
	}
}

func ussdPush() command {
	var at target
	var p management.Push
	return command{
		name: "push", short: "show a text on a handset, and wait until it is confirmed or answered", args: "TEXT",
		examples: []string{
			`airtill ussd push --from '*120#' --to 254700000001 "Your bus leaves in 5 minutes"`,
			`airtill ussd push --from 4242 --to 254700000001 --ask "1 to agree, 2 to refuse"`,
		},
		required: []string{"from", "to"},
		flags: at.carriers(
			&cli.StringFlag{Name: "from", Usage: "push from `CODE`: the application's", Destination: &p.Code},
			&cli.StringFlag{Name: "to", Usage: "to the handset `NUMBER`", Destination: &p.Phone},
			&cli.BoolFlag{Name: "ask", Usage: "want an answer", Destination: &p.Ask},
		),
		run: func(ctx context.Context, c *call) error {
			p.Text = c.args[0]
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			pushed, err := client.Push(ctx, p)
			if problem, ok := errors.AsType[*management.Problem](err); ok && problem.Field == "phone" {
				return hinted(err, "which numbers there are: airtill smsc accounts; airtill phone list")
			}
			if err != nil {
				return at.explainCarrier(err)
			}
			words := "confirmed"
			if p.Ask {
				words = pushed.Answer
			}
			return c.out.line(pushed, words)
		},
	}
}

func ussdSessions() command {
	var at target
	var f ussd.Filter
	var result string
	var steps bool
	return command{
		name: "sessions", short: "list USSD sessions, open and finished, the last to begin first",
		examples: []string{"airtill ussd sessions", "airtill ussd sessions --phone 254700000001 --steps", "airtill ussd sessions --result user-timeout --json"},
		flags: at.carriers(
			&cli.StringFlag{Name: "phone", Usage: "only those of `NUMBER`", Destination: &f.Phone},
			&cli.StringFlag{Name: "code", Usage: "only those with the application of `CODE`", Destination: &f.Code},
			&cli.StringFlag{Name: "result", Usage: "only those that ended in `RESULT`, such as completed or user-abort", Destination: &result},
			&cli.BoolFlag{Name: "open", Usage: "only those that are open", Destination: &f.OpenOnly},
			&cli.IntFlag{Name: "limit", Usage: "at most `N`, 1 to 1000", DefaultText: "100", Destination: &f.Limit},
			&cli.BoolFlag{Name: "steps", Usage: "list their steps", Destination: &steps},
		),
		run: func(ctx context.Context, c *call) error {
			if result != "" {
				if err := f.Result.UnmarshalText([]byte(result)); err != nil {
					return usagef("--result: %w", err)
				}
			}
			client, err := at.carrierClient(c)
			if err != nil {
				return err
			}
			all, err := client.USSDSessions(ctx, f)
			if err != nil {
				return at.explainCarrier(err)
			}
			if steps && !c.out.json {
				return printSteps(c.out, all)
			}
			return printUSSD(c.out, all)
		},
	}
}

func printUSSD(p *printer, all []management.USSDSession) error {
	text := func(name string, of func(management.USSDSession) string) column[management.USSDSession] {
		return column[management.USSDSession]{name: name, cell: of}
	}
	return printRows(p, all,
		text("phone", func(s management.USSDSession) string { return s.Phone }),
		text("code", func(s management.USSDSession) string { return s.Code }),
		text("application", func(s management.USSDSession) string { return s.Application }),
		text("result", func(s management.USSDSession) string { return s.Result }),
		text("began", func(s management.USSDSession) string { return moment(s.Began) }),
		column[management.USSDSession]{name: "steps", right: true, cell: func(s management.USSDSession) string { return strconv.Itoa(len(s.Steps) + s.Left) }},
		text("detail", func(s management.USSDSession) string { return s.Detail }),
	)
}

// sessionStep is a step with its session.
type sessionStep struct {
	management.USSDStep
	phone, code string
}

func printSteps(p *printer, all []management.USSDSession) error {
	var rows []sessionStep
	for _, s := range all {
		for _, step := range s.Steps {
			rows = append(rows, sessionStep{step, s.Phone, s.Code})
		}
	}
	text := func(name string, of func(sessionStep) string) column[sessionStep] {
		return column[sessionStep]{name: name, cell: of}
	}
	return printRows(p, rows,
		text("time", func(s sessionStep) string { return moment(s.At) }),
		text("phone", func(s sessionStep) string { return s.phone }),
		text("code", func(s sessionStep) string { return s.code }),
		text("step", func(s sessionStep) string { return s.Kind }),
		text("text", func(s sessionStep) string { return strings.Join(strings.Fields(s.Text), " ") }),
	)
}
