package main

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/redis/go-redis/v9"
	"github.com/rogpeppe/go-internal/testscript"
)

// until runs a command again and again until it succeeds and prints what is wanted:
// for what comes about in another process.
func until(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: until PATTERN program args...")
	}
	want, err := regexp.Compile("(?m)" + args[0])
	ts.Check(err)
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		err := ts.Exec(args[1], args[2:]...)
		if err == nil && want.MatchString(ts.ReadFile("stdout")) {
			return
		}
		if time.Now().After(deadline) {
			ts.Fatalf("%s: not in %s; the last time: %v", strings.Join(args[1:], " "), patience, err)
		}
	}
}

// jsonLines checks that every line of a file is a JSON object, and keeps the last one.
func jsonLines(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: jsonlines PATH LAST")
	}
	last := ""
	for line := range strings.Lines(ts.ReadFile(args[0])) {
		var object map[string]any
		if err := json.Unmarshal([]byte(line), &object); err != nil {
			ts.Fatalf("%q: %v", line, err)
		}
		last = line
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(last), 0o600))
}

// want checks a value of a JSON file.
func want(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 3 {
		ts.Fatalf("usage: want VALUE PATH KEY...")
	}
	if got := valueAt(ts, args[1], args[2:]); got != args[0] {
		ts.Fatalf("%s is %s, want %s", strings.Join(args[2:], " "), got, args[0])
	}
}

// realRedis starts a redis-server of the script's own.
func realRedis(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: redis VAR [--SETTING VALUE]...")
	}
	ts.Setenv(args[0], startRedis(ts.Value(thisTest).(testing.TB), args[1:]...).url)
}

// tamper takes a fen from somebody's account behind the ledger's back.
func tamper(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: tamper ACCOUNT-VAR URL")
	}
	account, err := steal(context.Background(), args[1])
	ts.Check(err)
	ts.Setenv(args[0], account)
}

func steal(ctx context.Context, url string) (account string, err error) {
	options, err := redis.ParseURL(url)
	if err != nil {
		return "", err
	}
	options.Protocol = 2
	client := redis.NewClient(options)
	defer client.Close()
	hashes, err := client.Keys(ctx, "{p*}:balances").Result()
	if err != nil {
		return "", err
	}
	for _, hash := range hashes {
		accounts, err := client.HKeys(ctx, hash).Result()
		if err != nil {
			return "", err
		}
		slices.Sort(accounts)
		if i := slices.IndexFunc(accounts, func(a string) bool { return strings.HasPrefix(a, "card:") }); i >= 0 {
			return accounts[i], client.HIncrBy(ctx, hash, accounts[i], -1).Err()
		}
	}
	return "", fmt.Errorf("no card's account in %q", hashes)
}

// orderOutside is an outside merchant's order, its callback and its end.
func orderOutside(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 5 {
		ts.Fatalf("usage: order VAR READY-FILE PHONE AMOUNT STATE")
	}
	amount, err := strconv.ParseInt(args[3], 10, 64)
	ts.Check(err)
	t := ts.Value(thisTest).(testing.TB)
	merchant := func(key string) string { return valueAt(ts, args[1], []string{"merchants", "0", key}) }
	o := newOutsider(t, valueAt(ts, args[1], []string{"http"}), merchant("api_key"), merchant("webhook_secret"))
	id, err := o.order(t.Context(), filepath.Base(t.Name())+"-"+args[0], map[string]any{
		"amount": amount, "phone": args[2], "goods": map[string]string{"kind": "flight", "flight": "CA1405"},
	})
	ts.Check(err)
	c, err := o.hear(id)
	ts.Check(err)
	if c.Type != "bill."+args[4] || c.Data.State != args[4] || c.Data.Amount != amount || c.id == "" {
		ts.Fatalf("the callback is %s", c.body)
	}
	if strings.Contains(string(c.body), args[2]) {
		ts.Fatalf("the callback has the payer's number in clear: %s", c.body)
	}
	state, err := o.state(t.Context(), id)
	ts.Check(err)
	if state != args[4] {
		ts.Fatalf("%s is %s, want %s", id, state, args[4])
	}
	ts.Setenv(args[0], id)
}

// valueAt is what keys lead to in a JSON file, in words.
func valueAt(ts *testscript.TestScript, path string, keys []string) string {
	var v any
	dec := json.NewDecoder(strings.NewReader(ts.ReadFile(path)))
	dec.UseNumber()
	ts.Check(dec.Decode(&v))
	for _, key := range keys {
		next, err := into(v, key)
		ts.Check(err)
		v = next
	}
	return fmt.Sprint(v)
}
