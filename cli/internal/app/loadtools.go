package app

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/page"
	"github.com/airtill/airtill/cli/internal/load/screen"
)

func loadMerge() command {
	var out cli.StringSlice
	return command{
		name: "merge", short: "make one result of the segments of a run", args: "FILE...", anyOrder: true,
		about: "The files are those of --out json, each of one --segment K/N. Counts and histograms add up exactly. " +
			"The status is that of the whole run.",
		examples: []string{
			"airtill load merge one.json two.json",
			"airtill load merge --out json=all.json,html=all.html one.json two.json",
		},
		flags: []cli.Flag{outFlag(&out)},
		run: func(_ context.Context, c *call) error {
			var all []*load.Result
			for _, path := range c.args {
				r, err := readResult(path)
				if err != nil {
					return err
				}
				all = append(all, r)
			}
			merged, err := load.Merge(all...)
			if err != nil {
				return err
			}
			if !c.out.json {
				if err := screen.Segments(c.env.Stdout, all, c.screenLook()); err != nil {
					return err
				}
			}
			return reportAgain(c, merged, out)
		},
	}
}

func outFlag(into *cli.StringSlice) cli.Flag {
	return &cli.StringSliceFlag{Name: "out", Usage: "write `KIND=FILE`,...: json, csv, hgrm, html; may be repeated", Destination: into}
}

func loadReport() command {
	var out cli.StringSlice
	return command{
		name: "report", short: "show the result of a run again, or write it in another form", args: "FILE", anyOrder: true,
		about:    "The file is that of --out json. The status is that of the run.",
		examples: []string{"airtill load report base.json", "airtill load report --out html=base.html base.json"},
		flags:    []cli.Flag{outFlag(&out)},
		run: func(_ context.Context, c *call) error {
			r, err := readResult(c.args[0])
			if err != nil {
				return err
			}
			return reportAgain(c, r, out)
		},
	}
}

// reportAgain prints a result that is read, and writes it to files.
func reportAgain(c *call, r *load.Result, out cli.StringSlice) error {
	l := loadTest{out: out}
	files, err := l.files()
	if err != nil {
		return err
	}
	r.Files = nil
	return l.report(c, r, files)
}

func loadDiff() command {
	var tolerance string
	var out cli.StringSlice
	return command{
		name: "diff", short: "compare two runs", args: "BASE NEW", anyOrder: true,
		about: "The files are those of --out json. What differs by no more than the tolerance is the same. " +
			"The status is 10 when the new run is worse.",
		examples: []string{"airtill load diff base.json new.json", "airtill load diff base.json new.json --tolerance 5% --out html=diff.html"},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "tolerance", Usage: "let figures differ by `P%`", Value: "10%", Destination: &tolerance},
			&cli.StringSliceFlag{Name: "out", Usage: "write `html=FILE`", Destination: &out},
		},
		run: func(_ context.Context, c *call) error {
			share, err := parseShare(tolerance)
			if err != nil {
				return usagef("--tolerance %q: %w", tolerance, err)
			}
			base, err := readResult(c.args[0])
			if err != nil {
				return err
			}
			again, err := readResult(c.args[1])
			if err != nil {
				return err
			}
			return compareRuns(c, base, again, share, out.Value())
		},
	}
}

// parseShare reads 10% or 0.1.
func parseShare(text string) (float64, error) {
	number, percent := strings.CutSuffix(text, "%")
	n, err := strconv.ParseFloat(number, 64)
	if percent {
		n /= 100
	}
	if err != nil || !(n >= 0 && n <= 10) {
		return 0, errors.New("write it as 10%")
	}
	return n, nil
}

func compareRuns(c *call, base, again *load.Result, tolerance float64, out []string) error {
	d := load.Diff(base, again, tolerance)
	for _, text := range out {
		path, ok := strings.CutPrefix(text, "html=")
		if !ok || path == "" {
			return usagef("--out %q: write it as html=FILE", text)
		}
		if err := writeFile(path, func(w io.Writer) error { return page.WriteDiff(w, base, again, d) }); err != nil {
			return err
		}
	}
	var err error
	if c.out.json {
		err = c.out.object(d)
	} else {
		err = screen.Diff(c.env.Stdout, d, c.screenLook())
	}
	if err == nil && d.Verdict == load.Worse {
		return &Error{Status: load.ExitStatus(load.Failed), Err: fmt.Errorf("%s is worse than %s", d.New, d.Base)}
	}
	return err
}
