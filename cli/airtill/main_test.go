package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// TestMain lets the test binary stand in for airtill: the scripts run this
// package's own main in a process of its own.
func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"airtill": main})
}

// TestScripts runs testdata/script/*.txtar. Beside testscript's own commands
// they have:
//
//	status N[,M] airtill ..  run to the end and expect exit status N, or M
//	waitfile PATH            wait until the file is there and not empty
//	json VAR PATH KEY...     set VAR to what KEY... leads to in a JSON file
//	freeport VAR...          set each VAR to an unused host:port
//	until PATTERN airtill .. run until it succeeds and prints what is wanted
//	jsonlines PATH LAST      check that each line is a JSON object; the last goes to LAST
//	want VALUE PATH KEY...   check what KEY... leads to in a JSON file
//	redis VAR [--SETTING VALUE]...
//	                         start a redis-server and set VAR to its URL, or skip
//	tamper VAR URL           take money from an account in a store; VAR is the account
//	order VAR READY-FILE PHONE AMOUNT STATE
//	                         an outside merchant's order that is to end in STATE, with a
//	                         callback that it verifies; VAR is the bill
//	buy URL PHONE STATUS     an order at the shop there that is to become STATUS
//	peer PROGRAM             skip the script unless there is such a program; CI fails it
//	ussdapp VAR              start an HTTP application of dialled codes and set VAR to its URL
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(env *testscript.Env) error {
			env.Values[thisTest] = env.T()
			env.Setenv("GORACE", "atexit_sleep_ms=0")           // the race detector would wait a second at each exit
			env.Setenv("AIRTILL_LISTEN_CARRIER", "127.0.0.1:0") // many run at once
			env.Setenv("XDG_STATE_HOME", filepath.Join(env.WorkDir, "state"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":   status,
			"waitfile": waitFile,
			"json":     jsonVar,
			"freeport": freePort,

			"until":     until,
			"jsonlines": jsonLines,
			"want":      want,
			"redis":     realRedis,
			"tamper":    tamper,
			"order":     orderOutside,
			"buy":       buy,
			"ussdapp":   ussdApplication,
			"peer":      needPeer,
		},
	})
}

// thisTest is the key under which a script's commands find the test that runs it.
const thisTest = "test"

func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status N program args...")
	}
	err := ts.Exec(args[1], args[2:]...)
	got := 0
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if !slices.Contains(strings.Split(args[0], ","), strconv.Itoa(got)) {
		ts.Fatalf("%s: exit status %d, want %s", strings.Join(args[1:], " "), got, args[0])
	}
}

func needPeer(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: peer PROGRAM")
	}
	if _, err := exec.LookPath(args[0]); err == nil {
		return
	}
	t, ok := ts.Value(thisTest).(testscript.T)
	if !ok || os.Getenv("AIRTILL_REQUIRE_PEERS") != "" {
		ts.Fatalf("%s is not installed", args[0])
	}
	t.Skip(args[0] + " is not installed")
}

func waitFile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 1 {
		ts.Fatalf("usage: waitfile PATH")
	}
	tick := time.NewTicker(pause)
	defer tick.Stop()
	timeout := time.After(patience)
	for {
		if info, err := os.Stat(ts.MkAbs(args[0])); err == nil && info.Size() > 0 {
			return
		}
		select {
		case <-tick.C:
		case <-timeout:
			ts.Fatalf("%s has not appeared", args[0])
		}
	}
}

func jsonVar(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: json VAR PATH KEY...")
	}
	ts.Setenv(args[0], valueAt(ts, args[1], args[2:]))
}

// into takes one step down a JSON value: a member's name, or an index.
func into(v any, key string) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		if member, ok := v[key]; ok {
			return member, nil
		}
	case []any:
		if i, err := strconv.Atoi(key); err == nil && i >= 0 && i < len(v) {
			return v[i], nil
		}
	}
	return nil, fmt.Errorf("nothing at %q in %v", key, v)
}

func freePort(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: freeport VAR...")
	}
	for _, name := range args {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		ts.Check(err)
		ts.Setenv(name, ln.Addr().String())
		defer ln.Close() // keep them all until the last is found, so that they differ
	}
}
