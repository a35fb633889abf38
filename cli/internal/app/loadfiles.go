package app

import (
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/airtill/airtill/cli/internal/load"
	"github.com/airtill/airtill/cli/internal/load/page"
	"github.com/airtill/airtill/cli/internal/load/screen"
)

// outFile is one KIND=FILE of --out.
type outFile struct{ kind, path string }

// The kinds of --out.
const (
	outJSON = "json"
	outCSV  = "csv"
	outHGRM = "hgrm"
	outHTML = "html"
	outProm = "prom"
)

func outKinds() []string { return []string{outJSON, outCSV, outHGRM, outHTML, outProm} }

// files reads --out.
func (l *loadTest) files() (all []outFile, err error) {
	for _, text := range l.out.Value() {
		for part := range strings.SplitSeq(text, ",") {
			kind, path, ok := strings.Cut(part, "=")
			if !ok || path == "" || !slices.Contains(outKinds(), kind) {
				return nil, usagef("--out %q: write it as KIND=FILE; the kinds are %s", part, strings.Join(outKinds(), ", "))
			}
			if err := reachable(kind, path); err != nil {
				return nil, err
			}
			all = append(all, outFile{kind, path})
		}
	}
	return all, nil
}

// reachable says at once what would be found out only when the load is over.
func reachable(kind, path string) error {
	if kind == outProm {
		if _, _, err := net.SplitHostPort(path); err != nil {
			return usagef("--out prom=%s: write it as prom=:9100 or prom=127.0.0.1:9100", path)
		}
		return nil
	}
	if info, err := os.Stat(filepath.Dir(path)); err != nil || !info.IsDir() {
		return usagef("--out %s=%s: there is no directory %s", kind, path, filepath.Dir(path))
	}
	return nil
}

// report prints what came of the run, writes it to files, and ends with its status.
func (l *loadTest) report(c *call, r *load.Result, files []outFile) error {
	for _, f := range files {
		if f.kind != outProm {
			r.Files = append(r.Files, f.path)
		}
	}
	var failed []error
	for _, f := range files {
		if f.kind != outProm {
			failed = append(failed, writeOut(f, r))
		}
	}
	if c.out.json {
		failed = append(failed, c.out.object(r))
	} else {
		failed = append(failed, screen.Report(c.env.Stdout, r, c.quiet, c.screenLook()))
	}
	return errors.Join(concluded(r), errors.Join(failed...))
}

// concluded is the error that a verdict ends the command with; nil for passed.
func concluded(r *load.Result) error {
	status := load.ExitStatus(r.Verdict)
	if status == 0 {
		return nil
	}
	text := r.Verdict
	if len(r.Why) > 0 {
		text += ": " + strings.Join(r.Why, "; ")
	}
	return &Error{Status: status, Err: errors.New(text)}
}

// writeOut writes one file, whole.
func writeOut(f outFile, r *load.Result) error {
	return writeFile(f.path, func(w io.Writer) error {
		switch f.kind {
		case outJSON:
			return load.Write(w, r)
		case outCSV:
			return load.WriteCSV(w, r)
		case outHTML:
			return page.Write(w, r)
		}
		return writeHistogram(w, r)
	})
}

// writeHistogram writes the percentiles of what a run is about first: end to end.
func writeHistogram(w io.Writer, r *load.Result) error {
	for i := range r.Steps {
		if r.Steps[i].Step == load.E2E {
			return load.WriteHGRM(w, &r.Steps[i])
		}
	}
	return nil
}

// writeFile writes a file by way of another one beside it, so that nobody reads half of it.
func writeFile(path string, to func(io.Writer) error) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".airtill-*")
	if err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	err = errors.Join(f.Chmod(0o644), to(f), f.Close())
	if err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write %s: %w", path, err), os.Remove(f.Name()))
	}
	return nil
}

// readResult reads the file of --out json.
func readResult(path string) (*load.Result, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{Status: StatusConfig, Err: err, Hint: "results are written by airtill load --out json=FILE"}
	}
	defer f.Close()
	r, err := load.Read(f)
	if err != nil {
		return nil, &Error{Status: StatusConfig, Err: fmt.Errorf("%s: %w", path, err), Hint: "results are written by airtill load --out json=FILE"}
	}
	return r, nil
}
