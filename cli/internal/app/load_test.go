package app

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/airtill/airtill/cli/internal/load"
)

// airtillLoad runs airtill load in this process.
func airtillLoad(t *testing.T, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	var out, talk bytes.Buffer
	env := Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk, Getenv: func(name string) string {
		return map[string]string{"HOME": t.TempDir()}[name]
	}}
	err := Run(t.Context(), env, append([]string{"airtill", "load"}, args...))
	status = Report(env, err)
	return out.String(), talk.String(), status
}

// TestLoadRefuses: what does not go together, and what cannot be read, is refused by the
// name of its flag before anything is started.
func TestLoadRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"--users 5 --rate 5/s":                  "--users and --rate do not go together",
		"--users 5 --stages 1s:5":               "--users and --stages",
		"--users 5 --find-max":                  "--users and --find-max",
		"--stages 1s:5 --step 5":                "--stages and --step",
		"--stages 1s:5 --duration 5s":           "--stages and --duration",
		"--find-max --duration 5s":              "--find-max and --duration",
		"--step 5 --bills 5":                    "--step and --bills",
		"--target x --redis child":              "--target and --redis",
		"--target x --partitions 2":             "--target and --partitions",
		"--partitions 0":                        "--partitions is 1 or more",
		"--partitions 65537":                    "--partitions 65537: 1 to 65536",
		"--json --quiet":                        "--json and --quiet",
		"--max 500":                             "--max is of a climb",
		"--every 5s":                            "--every is of a climb",
		"--find-max --rate 100/s --max 50":      "--max is below",
		"--find-max --every 1ms":                "--every is 200ms or more",
		"--abort-after 5s":                      "--abort-after goes with --abort-on-fail",
		"--rate fast":                           "--rate \"fast\"",
		"--rate 0":                              "--rate",
		"--duration soon":                       "--duration \"soon\"",
		"--warmup -1s":                          "--warmup",
		"--arrivals never":                      "--arrivals",
		"--mix pay":                             "--mix",
		"--think long":                          "--think",
		"--channel pigeon":                      "--channel",
		"--segment 3/2":                         "--segment",
		"--threshold slow":                      "--threshold",
		"--label build":                         "--label \"build\"",
		"--out paper=x":                         "the kinds are json, csv, hgrm, html, prom",
		"--out json=/nowhere/at/all/x.json":     "there is no directory",
		"--out prom=x":                          "--out prom=x",
		"--handsets 0":                          "--handsets is 1 or more",
		"--max-in-flight -1":                    "--max-in-flight is 1 or more",
		"--interval 0s":                         "--interval is a time",
		"--live loud":                           "--live",
		"--live tui --handsets 1 --duration 1s": "needs a terminal",
		"--print-scenario nothing":              "--print-scenario",
		"--merchant-profile secret":             "choose one of key, modern, legacy",
		"--rat 5":                               "did you mean --rate?",
		"ctl 127.0.0.1:1 rate":                  "rate which?",
		"ctl 127.0.0.1:1 rate much":             "write 300, +50 or -50",
		"ctl 127.0.0.1:1 explode":               "none of rate, pause, resume, stop",
		"ctl 127.0.0.1:1 pause 5":               "pause takes nothing",
		"ctl nowhere":                           "no HOST:PORT",
		"diff one":                              "NEW is missing",
	} {
		stdout, stderr, status := airtillLoad(t, strings.Fields(line)...)
		if status != StatusUsage || !strings.Contains(stderr, want) || stdout != "" {
			t.Errorf("%s: status %d, %q on stdout, stderr %s\nwant %s", line, status, stdout, stderr, want)
		}
	}
}

// TestLoadCheck: --check says what would be done, with defaults and the command to repeat it.
func TestLoadCheck(t *testing.T) {
	stdout, _, status := airtillLoad(t, "--check", "--seed", "5", "--threshold", "pay.p99<2s", "--mix", "pay=1", "--merchant-profile", "modern")
	for _, want := range []string{"model      open", "rate       50/s", "duration   10s", "handsets   1000", "seed       5", "threshold  pay.p99<2s",
		"command    airtill load --mix pay=1 --merchant-profile modern --threshold 'pay.p99<2s' --seed 5"} {
		if !strings.Contains(stdout, want) {
			t.Errorf("no %q in\n%s", want, stdout)
		}
	}
	if status != 0 {
		t.Errorf("status %d", status)
	}
	stdout, _, _ = airtillLoad(t, "--check", "--find-max")
	if !strings.Contains(stdout, "system.p99<500ms") || strings.Contains(stdout, "duration") {
		t.Errorf("a climb:\n%s", stdout)
	}
}

// TestLoadData: rows that cannot be read are named with their file.
func TestLoadData(t *testing.T) {
	path := filepath.Join(t.TempDir(), "users.csv")
	if err := os.WriteFile(path, []byte("msisdn,colour\n8613700000001,red\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{path, path + ".nowhere.csv"} {
		if _, stderr, status := airtillLoad(t, "--data", name); status != StatusConfig || !strings.Contains(stderr, "users.csv") {
			t.Errorf("%s: status %d, %s", name, status, stderr)
		}
	}
}

// TestLoadVerdicts: a verdict's status is the command's.
func TestLoadVerdicts(t *testing.T) {
	for verdict, want := range map[string]int{load.Passed: 0, load.Failed: 10, load.Inconclusive: 11, load.Inconsistent: 12, load.Interrupted: 130} {
		err := concluded(&load.Result{Verdict: verdict, Why: []string{"so"}})
		if Status(err) != want {
			t.Errorf("%s: %d, want %d", verdict, Status(err), want)
		}
	}
}

// TestLoadInterrupted: an interrupt before the handsets are enrolled ends it as one.
func TestLoadInterrupted(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out, talk bytes.Buffer
	env := Env{Stdin: strings.NewReader(""), Stdout: &out, Stderr: &talk, Getenv: func(string) string { return "" }}
	err := Run(ctx, env, []string{"airtill", "load", "--handsets", "5000", "--duration", "1m"})
	if status := Report(env, err); status != 130 {
		t.Errorf("status %d: %s", status, talk.String())
	}
}
