package app

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"github.com/airtill/airtill/platform"
)

// What is wrong with a command line is said before anything is asked.
func TestWrongUse(t *testing.T) {
	create := func(flags ...string) []string {
		return append([]string{"bill", "create", "--amount", "1", "--phone", "8613800000001"}, flags...)
	}
	enrol := func(flags ...string) []string {
		return append([]string{"enrol", "--phone", "8613800000001", "--name", "Li", "--card", "alias=Blue,balance=1"}, flags...)
	}
	opens := func(flags ...string) []string {
		return append([]string{"office", "add-merchant", "--id", "10000009", "--name", "x"}, flags...)
	}
	rotates := func(kind string, flags ...string) []string {
		return append([]string{"office", "rotate-key", "--kind", kind, "--by", "x", "--note", "y"}, flags...)
	}
	tests := []struct {
		line []string
		want string
	}{
		{[]string{"bill", "create", "--phone", "8613800000001"}, "--amount must be given"},
		{[]string{"bill", "create", "--amount", "0", "--phone", "8613800000001"}, "--amount is 1 to 999999999999 minor units"},
		{[]string{"bill", "create", "--amount", "1", "--phone", "10658"}, `--phone "10658": not an international phone number: 7 to 15 digits, the first not 0`},
		{create("--buyer", "x"), `--buyer "x": not an international phone number: 7 to 15 digits, the first not 0`},
		{create("--currency", "cny"), `--currency "cny": not a known ISO 4217 currency`},
		{create("--goods", "{"), `--goods is not JSON; quote it for the shell, as in '{"kind":"flight"}'`},
		{create("--wait", "-1s"), "--expires-in and --wait cannot be negative"},
		{create("--platform", "ftp://x"), "--platform is no URL like http://127.0.0.1:8080"},
		{create("--platform", "http://me:hush@x"), "--platform must not hold a user or a password"},
		{[]string{"bill", "show", "17"}, `"17": a bill id starts with bill_`},
		{[]string{"bill", "events", "bill_17"}, `"bill_17": not a bill id: 26 letters and digits follow bill_`},
		{[]string{"bill", "list", "--after", "17"}, `"17": a bill id starts with bill_`},
		{[]string{"bill", "list", "--limit", "-1"}, "--limit is 1 to 200"},
		{[]string{"phone", "inbox", "me"}, `"me": not an international phone number: 7 to 15 digits, the first not 0`},
		{[]string{"phone", "pay", "--bill", "17", "8613800000001"}, `--bill "17": a bill reference has 16 hexadecimal digits`},
		{[]string{"phone", "power", "8613800000001", "dim"}, `"dim" is neither on nor off`},
		{[]string{"phone", "send", "8613800000001", "hello"}, "--to must be given"},
		{[]string{"office", "add-merchant", "--id", "7", "--name", "x", "--write-api-key", "a", "--write-webhook-secret", "b"},
			`--id "7": a merchant number has 8 digits and does not start with 0`},
		{opens("--write-api-key", "a"), "--write-webhook-secret must be given: the webhook secret of a merchant of profile key is told once"},
		{opens("--profile", "secret"), `invalid value "secret" for flag --profile: choose one of key, modern, legacy`},
		{opens("--profile", "modern", "--write-api-key", "a"), "--write-api-key: a merchant of profile modern has no API key"},
		{opens("--profile", "modern", "--write-webhook-secret", "a", "--write-field-key", "b"), "--write-field-key: a merchant of profile modern has no field key"},
		{opens("--profile", "legacy", "--write-webhook-secret", "a"), "--write-webhook-secret: a merchant of profile legacy has no webhook secret"},
		{opens("--profile", "legacy", "--write-field-key", "a"), "--public-key must be given: a merchant of profile legacy signs; make a pair: airtill keys pair"},
		{opens("--write-api-key", "a", "--write-webhook-secret", "b", "--public-key", "c"),
			"--public-key: a merchant of profile key does not sign; say --profile modern or legacy"},
		{opens("--write-api-key", "a", "--write-webhook-secret", "b", "--write-platform-keys", "c"),
			"--write-platform-keys: answers to a merchant of profile key are not signed"},
		{opens("--profile", "modern", "--write-webhook-secret", "a", "--public-key", "c", "--public-key", "d", "--public-key", "e"),
			"--public-key is given at most twice: two keys of a merchant are good at a time"},
		{rotates("secret"), `--kind "secret": it is one of public, api, webhook, field of a merchant, or signing, sealing, legacy of the platform`},
		{rotates("api"), "--merchant must be given: --kind api is a key of a merchant's"},
		{rotates("sealing", "--merchant", "10000009"), "--kind sealing is a key of the platform's own; leave --merchant out"},
		{rotates("api", "--merchant", "9"), `--merchant "9": a merchant number has 8 digits and does not start with 0`},
		{rotates("api", "--merchant", "10000009"), "--write-secret must be given: what is made is told once"},
		{rotates("public", "--merchant", "10000009"), "--public-key must be given: the merchant's own new key; make a pair: airtill keys pair"},
		{rotates("public", "--merchant", "10000009", "--public-key", "a", "--write-secret", "b"), "--write-secret: of --kind public no secret is told"},
		{rotates("signing", "--public-key", "a"), "--public-key is of --kind public, not of signing"},
		{rotates("signing", "--write-secret", "a"), "--write-secret: of --kind signing no secret is told"},
		{[]string{"office", "retire-key", "--kind", "signing", "--by", "x"}, "--note must be given"},
		{[]string{"office", "retire-key", "--kind", "signing", "--by", "x", "--note", "y", "--key-id", "z"},
			"--key-id is of --kind public; of the others the older one is retired"},
		{[]string{"keys", "pair", "--write-private", "a"}, "--write-public must be given"},
		{[]string{"keys", "pair", "--algorithm", "dsa", "--write-private", "a", "--write-public", "b"}, `--algorithm "dsa" is none of ed25519, rsa-pss, ecdsa, rsa-md5`},
		{create("--signing-key-file", "a"), "--signing-key-file: a merchant of profile key does not sign; say --profile modern or legacy"},
		{create("--platform-keys", "a"), "--platform-keys: answers to a merchant of profile key are not signed; say --profile modern or legacy"},
		{create("--profile", "modern", "--field-key-file", "a"), "--field-key-file is of profile legacy: say --profile legacy, or leave it out"},
		{create("--profile", "modern", "--api-key-file", "a"), "--api-key-file: a merchant of profile modern has no API key; it signs"},
		{create("--profile", "modern"), "--merchant must be given: a merchant that signs says who it is"},
		{create("--profile", "modern", "--merchant", "x"), `--merchant "x": a merchant number has 8 digits and does not start with 0`},
		{create("--profile", "modern", "--merchant", "10000009"), "no signing key"},
		{[]string{"merchant"}, "no API key"},
		{[]string{"merchant", "--profile", "modern", "--merchant", "10000009"}, "no signing key"},
		{[]string{"merchant", "--profile", "modern", "--api-key-file", "a"}, "--api-key-file: a merchant of profile modern has no API key; it signs"},
		{[]string{"merchant", "--profile", "legacy", "--webhook-secret-file", "a"},
			"--webhook-secret-file: callbacks of profile legacy are signed with the platform's own key; leave it out"},
		{enrol("--form", "chip"), "--form: a secure element is standalone, sim or sdtf, or none for a phone without one"},
		{[]string{"dev", "--ussd-cap", "500"}, `--ussd-cap "500": "500": not a known ISO 4217 currency`},
		{[]string{"dev", "--ussd-cap", "CNY"}, `--ussd-cap "CNY": write it as CNY=50000`},
		{[]string{"platform", "--ussd-cap", "CNY=0"}, `--ussd-cap "CNY=0": the amount is 1 to 999999999999, in minor units`},
		{[]string{"platform", "--ussd-cap", "CNY=1.5"}, `--ussd-cap "CNY=1.5": the amount is 1 to 999999999999, in minor units`},
		{[]string{"dev", "--ussd-cap", "CNY=1", "--ussd-cap", "CNY=2"}, `--ussd-cap "CNY=2": the currency is there twice`},
		{[]string{"phone", "reply", "8613800000001"}, "no reply: say TEXT, or for a PIN set AIRTILL_PIN, or give --pin-file FILE"},
		{enrol("--persona", "shy"), `--persona: no persona "shy": choose one of pays, refuses, poor-first-card, wrong-pin-once, pays-later, never, away, manual, wrong-pin, pays-twice, pays-after-expiry, looks-only, drops-menu, writes-ucs2`},
		{enrol("--card", "alias=Red"), `--card "alias=Red": alias and balance must be given`},
		{[]string{"audit", "--redis", "redis://:hush@x:y/"}, "the store's address is no URL like redis://127.0.0.1:6379/0; say one: --redis URL"},
	}
	for _, tt := range tests {
		t.Run(strings.Join(tt.line, " "), func(t *testing.T) {
			s := newShell(t)
			got := s.run(tt.line...)
			first, _, _ := strings.Cut(got.stderr, "\n")
			if _, text, _ := strings.Cut(first, ": "); got.status != 2 || text != tt.want || strings.Contains(got.stderr, "hush") {
				t.Errorf("%+v\nwant %s", got, tt.want)
			}
		})
	}
}

// What the platform refuses is shown with its field, and with what to do.
func TestRefusals(t *testing.T) {
	create := []string{"bill", "create", "--amount", "1", "--phone", "8613800000001", "--reference", "r1"}
	show := []string{"bill", "show", string(fakeBill)}
	tests := []struct {
		line       []string
		fail       *platform.Error
		text, hint string
		status     int
	}{
		{create, &platform.Error{Code: platform.CodeUnknownPhone, Field: "phone", Detail: "not enrolled"},
			"422 The phone is not enrolled: phone: not enrolled", "who is enrolled: airtill office phones; how to enrol: airtill enrol --help", StatusNotFound},
		{create, &platform.Error{Code: platform.CodeReferenceTaken, Field: "reference", Detail: "taken"},
			"409 The reference is taken: reference: taken", "which bill it is: airtill bill list --reference REFERENCE", StatusConflict},
		{create, &platform.Error{Code: platform.CodeUnknownOutcome, Detail: "lost"},
			"outcome unknown: 504 The outcome is not known: lost", "it may be done: the same command with --reference r1 is safe, and finds out", StatusFailed},
		{create, &platform.Error{Code: platform.CodeUnavailable, Detail: "not now"},
			"503 Not possible now: not now", "nothing was done; try again in a moment", StatusUnreachable},
		{show, &platform.Error{Code: platform.CodeNotFound, Field: "id", Detail: "no such bill"},
			"404 Not found: id: no such bill", "what there is: airtill bill list", StatusNotFound},
		{[]string{"bill", "cancel", string(fakeBill)}, &platform.Error{Code: platform.CodeIllegalState, Field: "id", Detail: "the bill is paid"},
			"409 Its state forbids it: id: the bill is paid", "what happened: airtill bill events BILL", StatusConflict},
	}
	for _, tt := range tests {
		t.Run(string(tt.fail.Code), func(t *testing.T) {
			s := newShell(t)
			s.ready(readyFor((&fakePlatform{fail: tt.fail}).serve(t)))
			s.check(s.run(tt.line...), tt.status, "airtill "+strings.Join(tt.line[:2], " ")+": "+tt.text, tt.hint)
		})
	}
}

// The bill ids in examples are such that could be.
func TestExamplesHoldBillIDs(t *testing.T) {
	var walk func(c command)
	walk = func(c command) {
		for _, line := range c.examples {
			for word := range strings.FieldsSeq(line) {
				if strings.HasPrefix(word, "bill_") {
					if _, err := platform.ParseBillID(word); err != nil {
						t.Errorf("%q: %v", line, err)
					}
				}
			}
		}
		for _, sub := range c.sub {
			walk(sub)
		}
	}
	walk(root())
}

// No flag takes a secret: command lines are seen by others.
func TestNoFlagTakesASecret(t *testing.T) {
	var walk func(path string, c command)
	walk = func(path string, c command) {
		for _, f := range c.flags {
			doc, ok := f.(cli.DocGenerationFlag)
			for _, word := range []string{"pin", "key", "id-number", "password", "secret"} {
				name := f.Names()[0]
				if ok && doc.TakesValue() && (name == word || strings.HasSuffix(name, "-"+word)) &&
					!strings.HasPrefix(name, "write-") && name != "idempotency-key" && name != "public-key" {
					t.Errorf("%s --%s", path, name)
				}
			}
		}
		for _, sub := range c.sub {
			walk(path+" "+sub.name, sub)
		}
	}
	walk("airtill", root())
}

// Where flags stand in any order, they are told from arguments, with their values.
func TestFlagsFirst(t *testing.T) {
	for line, want := range map[string]string{
		"load diff a b":                       "load diff a b",
		"load diff a b --tolerance 5%":        "load diff --tolerance 5% a b",
		"load diff a --tolerance=5% b --json": "load diff --tolerance=5% --json a b",
		"load diff a --out html=x b":          "load diff --out html=x a b",
		"load diff --json a -- -b":            "load diff --json -- a -b",
		"load diff a b --tolerance":           "load diff --tolerance a b",
		"load diff - b --nonsense":            "load diff --nonsense - b",
		"load merge a b -o json c":            "load merge -o json a b c",
		"load report a --out json=b":          "load report --out json=b a",
		"load ctl x rate -10":                 "load ctl x rate -10", // its flags come first
		"load --rate 5/s x":                   "load --rate 5/s x",
	} {
		got := flagsFirst(root(), append([]string{"airtill"}, strings.Fields(line)...))
		if text := strings.Join(got[1:], " "); text != want {
			t.Errorf("%s: %s, want %s", line, text, want)
		}
	}
}

// On every command a flag behind an argument is refused, not swallowed; and --help is
// found anywhere.
func TestFlagsBehindArgumentsOnEveryCommand(t *testing.T) {
	for _, e := range entries(muted(root())) {
		words := append(slices.Clone(e.words), "x", "--nonsense", "y")
		got := newShell(t).run(words...)
		want := "--nonsense stands after an argument"
		if descend(root(), e.words).anyOrder {
			want = "no flag --nonsense"
		}
		if got.status != StatusUsage || got.stdout != "" || !strings.Contains(got.stderr, want) {
			t.Errorf("%q: %+v", words, got)
		}
		if got := newShell(t).run(append(slices.Clone(e.words), "x", "--help")...); got.status != 0 || !strings.HasPrefix(got.stdout, e.path+" - ") {
			t.Errorf("%q: %+v", words, got)
		}
	}
}

// On a narrow terminal nothing but what is to be pasted is longer than a line.
func TestHelpWraps(t *testing.T) {
	c := command{
		name: "pay", short: "pay what is due", about: "One two three four five six\nseven eight nine ten.\n\nAnother paragraph.",
		examples: []string{"airtill pay --amount 128000 --phone 8613800000001 --wait 10s"},
		run:      func(context.Context, *call) error { return nil },
		flags:    []cli.Flag{&cli.StringFlag{Name: "callback-address", Usage: "tell `URL` of all that came of it"}},
	}
	h := helpPage{command: c, path: "airtill pay", flags: c.flags}
	got := h.text(30)
	want := `airtill pay - pay what is due

One two three four five six
seven eight nine ten.

Another paragraph.

usage: airtill pay [flags]

examples:
  airtill pay --amount 128000 --phone 8613800000001 --wait 10s

flags:
  --callback-address URL
        tell URL of all that
        came of it
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	if wide := h.text(0); !strings.Contains(wide, "  --callback-address URL  tell URL of all that came of it\n") || !strings.Contains(wide, "six\nseven") {
		t.Errorf("without a bound:\n%s", wide)
	}
}
