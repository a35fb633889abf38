package app

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/airtill/airtill/platform/keys"
	"github.com/airtill/airtill/platform/scp80"
)

// vaultShell is a shell with a plain vault. Nothing that it ever says may hold one of
// the vault's keys, as they are now or were before.
type vaultShell struct {
	*shell
	vault string
	seen  map[string]bool // keys in hexadecimal
}

func newVaultShell(t *testing.T) *vaultShell {
	t.Helper()
	for _, name := range []string{"AIRTILL_VAULT", "AIRTILL_VAULT_IDENTITY"} {
		t.Setenv(name, "")
	}
	v := &vaultShell{shell: newShell(t), seen: make(map[string]bool)}
	v.vault = v.path("vault.json")
	v.do(0, "init", "--unencrypted")
	return v
}

// do runs a keys command on the vault.
func (v *vaultShell) do(status int, word string, rest ...string) outcome {
	v.t.Helper()
	return v.at(v.vault, status, word, rest...)
}

// at runs a keys command on a vault file.
func (v *vaultShell) at(vault string, status int, word string, rest ...string) outcome {
	v.t.Helper()
	v.learn(vault)
	got := v.run(append([]string{"keys", word, "--vault", vault}, rest...)...)
	v.learn(vault)
	if got.status != status {
		v.t.Fatalf("%s %q: %+v", word, rest, got)
	}
	said := strings.ToLower(got.stdout + got.stderr)
	for key := range v.seen {
		if strings.Contains(said, key[:16]) {
			v.t.Errorf("%s %q shows a key:\n%s", word, rest, said)
		}
	}
	return got
}

// learn notes the keys of a plain vault.
func (v *vaultShell) learn(vault string) {
	text, err := os.ReadFile(vault)
	var file struct{ Keys map[string]string }
	if err != nil || json.Unmarshal(text, &file) != nil {
		return
	}
	for _, key := range file.Keys {
		v.seen[key] = true
	}
}

func (v *vaultShell) write(name, text string) string {
	v.t.Helper()
	if err := os.WriteFile(v.path(name), []byte(text+"\n"), 0o600); err != nil {
		v.t.Fatal(err)
	}
	return v.path(name)
}

// jsonLines reads what a command prints with --json.
func jsonLines[T any](t *testing.T, o outcome) []T {
	t.Helper()
	var all []T
	for line := range strings.Lines(o.stdout) {
		var v T
		if err := json.Unmarshal([]byte(line), &v); err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		all = append(all, v)
	}
	return all
}

// shown is a key as keys show lists it.
func (v *vaultShell) shown(vault string, key keys.Slot) keys.Info {
	v.t.Helper()
	for _, k := range jsonLines[keys.Info](v.t, v.at(vault, 0, "show", "--json")) {
		if k.Key == key {
			return k
		}
	}
	v.t.Fatalf("no key %s", key)
	return keys.Info{}
}

func (v *vaultShell) kcv(key keys.Slot) string { return v.shown(v.vault, key).Value }

// init makes a vault and never replaces one.
func TestKeysInit(t *testing.T) {
	v := newVaultShell(t)
	before, err := os.ReadFile(v.vault)
	if err != nil {
		t.Fatal(err)
	}
	v.check(v.do(1, "init", "--unencrypted"), 1,
		"airtill keys init: there is a vault "+v.vault+" already, and it was left as it is", "say another file: --vault FILE")
	if after, err := os.ReadFile(v.vault); err != nil || !bytes.Equal(before, after) {
		t.Error("the vault changed")
	}
	other := v.path("deeper/other.json")
	v.check(v.at(other, 2, "init"), 2,
		"airtill keys init: no passphrase of the vault: set AIRTILL_VAULT_PASSPHRASE, or give --vault-passphrase-file FILE", "see: airtill keys init --help")
	pass := v.write("pass", "x")
	v.check(v.at(other, 2, "init", "--unencrypted", "--vault-passphrase-file", pass), 2,
		"airtill keys init: --unencrypted stands against a passphrase, an identity or a recipient", "see: airtill keys init --help")
	v.check(v.at(other, 2, "init", "--recipient", "age1x", "--vault-passphrase-file", pass), 2,
		"airtill keys init: --vault-passphrase-file stands against --vault-identity and --recipient: a vault has a passphrase or recipients", "see: airtill keys init --help")
	if got := v.at(other, 1, "init", "--recipient", "age1x"); !strings.Contains(got.stderr, "no public key of age") || exists(other) {
		t.Errorf("%+v", got)
	}
}

func TestKeysShow(t *testing.T) {
	v := newVaultShell(t)
	table := v.do(0, "show").stdout
	for _, want := range []string{"KEY ", "ALGORITHM", "KCV", "kic/modern/1", "legacy", "TDEA-2", "CMAC-AES", "branch"} {
		if !strings.Contains(table, want) {
			t.Errorf("no %q in\n%s", want, table)
		}
	}
	all := jsonLines[keys.Info](t, v.do(0, "show", "--json"))
	if len(all) != 17 || all[0].Key != "kic/modern/1" || all[0].Suite != "modern" || all[0].Version != 1 || !all[0].InUse ||
		all[0].Kind != keys.KindCMAC || len(all[0].Value) != 10 {
		t.Errorf("%+v", all)
	}
	none := v.path("none")
	v.check(v.at(none, 1, "show"), 1, "airtill keys show: there is no vault "+none, "say where it is: --vault FILE; or make one: airtill keys init")
	if got := v.at(v.write("text", "hello"), 1, "show"); !strings.Contains(got.stderr, "not a vault file") {
		t.Errorf("%+v", got)
	}
	if err := os.Chmod(v.vault, 0o644); err != nil {
		t.Fatal(err)
	}
	if got := v.do(1, "show"); !strings.Contains(got.stderr, "chmod 600") {
		t.Errorf("%+v", got)
	}
}

func TestKeysRotateAndRetire(t *testing.T) {
	v := newVaultShell(t)
	v.check(v.do(1, "retire", "1"), 1, "airtill keys retire: retire version 1: this version is in use", "put the next one in use first: airtill keys rotate")
	got := v.do(0, "rotate", "--officer", "Ada")
	if got.stdout != "version 2 of the packet keys is in use\n" || got.stderr != "a platform that runs takes it when it gets SIGHUP\n" {
		t.Errorf("%+v", got)
	}
	if all := jsonLines[packetVersion](t, v.do(0, "rotate", "--json")); len(all) != 1 || all[0].Version != 3 || all[0].InUse != 3 {
		t.Errorf("%+v", all)
	}
	v.check(v.do(1, "rotate"), 1, "airtill keys rotate: rotate: three versions are kept already: retire version 1 first",
		"when no element has it any more: airtill keys retire VERSION")
	v.do(0, "retire", "1")
	v.check(v.do(1, "retire", "1"), 1, "airtill keys retire: retire version 1: no packet keys of this version", "what there is: airtill keys show")
	v.check(v.do(2, "retire", "x"), 2, `airtill keys retire: VERSION "x": a version is 1 to 255`, "see: airtill keys retire --help")
	acts := jsonLines[keys.Act](t, v.do(0, "show", "--log", "--json"))
	if len(acts) != 4 || acts[0].Did != "init" || acts[1].Did != "rotate" || !strings.HasPrefix(acts[1].By, "Ada (") ||
		len(acts[1].Keys) != 6 || acts[3].Did != "retire version 1" || acts[3].At.IsZero() {
		t.Errorf("%+v", acts)
	}
	if table := v.do(0, "show", "--log").stdout; !strings.Contains(table, "and 4 more") || !strings.Contains(table, "retire version 1") {
		t.Error(table)
	}
}

// A vault that is encrypted to an identity opens with it, and with nothing else.
func TestKeysIdentity(t *testing.T) {
	v := newVaultShell(t)
	vault, mine, other := v.path("v.age"), v.path("mine.txt"), v.path("other.txt")
	if got := v.at(vault, 0, "init", "--vault-identity", mine); !strings.Contains(got.stderr, "made an identity: "+mine) || !strings.Contains(got.stdout, "recipients") {
		t.Errorf("%+v", got)
	}
	if err := keys.WriteIdentity(other); err != nil {
		t.Fatal(err)
	}
	v.at(vault, 0, "rotate", "--vault-identity", mine)
	if got := v.at(vault, 0, "show", "--vault-identity", mine); !strings.Contains(got.stdout, "kic/modern/2") {
		t.Errorf("%+v", got)
	}
	v.check(v.at(vault, 1, "show", "--vault-identity", other), 1,
		"airtill keys show: load vault "+vault+": this passphrase or identity does not open it",
		"give the right one: --vault-passphrase-file FILE, or --vault-identity FILE")
	v.check(v.at(vault, 1, "show"), 1,
		"airtill keys show: load vault "+vault+": the vault file is encrypted to recipients: one of their identities opens it",
		"say what opens it: --vault-passphrase-file FILE, or --vault-identity FILE")
	v.check(v.at(v.vault, 1, "show", "--vault-identity", mine), 1,
		"airtill keys show: load vault "+v.vault+": the vault file is not encrypted",
		"encrypt it: airtill keys protect --help; or say no passphrase and no --vault-identity")
	v.do(0, "protect", "--new-identity", mine, "--recipient", recipient(t, other))
	v.do(0, "show", "--vault-identity", other)
}

// recipient is the public key of an identity file.
func recipient(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	return strings.TrimPrefix(first, "# public key: ")
}

func TestKeysPassphrase(t *testing.T) {
	v := newVaultShell(t)
	vault := v.path("v.age")
	quick := keys.Lock{Passphrase: scp80.NewKey[keys.Passphrase]([]byte("correct horse")), WorkFactor: 2}
	if _, err := keys.Create(vault, quick, by(""), strings.NewReader(strings.Repeat("0123456789abcdef", 64))); err != nil {
		t.Fatal(err)
	}
	right, wrong := v.write("right", "correct horse"), v.write("wrong", "battery staple")
	v.at(vault, 0, "show", "--vault-passphrase-file", right)
	v.check(v.at(vault, 1, "show", "--vault-passphrase-file", wrong), 1,
		"airtill keys show: load vault "+vault+": this passphrase or identity does not open it",
		"give the right one: --vault-passphrase-file FILE, or --vault-identity FILE")
	v.check(v.at(vault, 2, "show"), 2,
		"airtill keys show: no passphrase of the vault: set AIRTILL_VAULT_PASSPHRASE, or give --vault-passphrase-file FILE", "see: airtill keys show --help")
	v.check(v.at(vault, 2, "show", "--vault-passphrase-file", right, "--vault-identity", right), 2,
		"airtill keys show: --vault-passphrase-file and --vault-identity: a vault has one of them", "see: airtill keys show --help")
	v.environ["AIRTILL_VAULT_PASSPHRASE"] = "correct horse"
	v.at(vault, 0, "show")
	v.at(vault, 0, "protect", "--unencrypted")
	delete(v.environ, "AIRTILL_VAULT_PASSPHRASE")
	v.at(vault, 0, "show")
	if got := v.run("platform", "--vault", v.vault, "--vault-passphrase-file", wrong); got.status != 1 || !strings.Contains(got.stderr, "the vault file is not encrypted") {
		t.Errorf("%+v", got)
	}
}

const kbpkHex = "88E1AB2A2E3DD38C 1FA039A536500CC8 A87AB9D62DC92C01 058FA79F44657DE6"

// A key goes from one vault to another in a block, under a key of two components.
func TestKeysExportAndImport(t *testing.T) {
	v := newVaultShell(t)
	other := v.path("other.json")
	v.at(other, 0, "init", "--unencrypted")
	kbpk := v.write("kbpk", kbpkHex)
	first, second := v.write("c1", strings.Repeat("ff", 32)), v.write("c2", "771E54D5D1C22C73E05FC65AC9AFF337 57854629D236D3FEFA705860BB9A8219")
	got := v.do(0, "export", "--kbpk-component-file", first, "--kbpk-component-file", second, "dukpt/modern")
	block := v.write("block", strings.TrimSpace(got.stdout))
	if !strings.HasPrefix(got.stdout, "D0176B0AX00E") || !strings.Contains(got.stderr, "(CMAC-AES)") {
		t.Errorf("%+v", got)
	}
	was := v.shown(other, "dukpt/modern").Value
	v.check(v.at(other, 2, "import", "--block-file", block, "--kbpk-file", kbpk, "dukpt/modern"), 2,
		"airtill keys import: --replaces must be given", "see: airtill keys import --help")
	refused := func(want string, rest ...string) {
		t.Helper()
		if got := v.at(other, 1, "import", rest...); !strings.Contains(got.stderr, want) || !strings.Contains(got.stderr, "nothing was done") {
			t.Errorf("%+v\nwant %s", got, want)
		}
	}
	refused("no key of this name", "--block-file", block, "--kbpk-file", kbpk, "--replaces", was, "dukpt")
	refused("its usage is B0, and that of card/modern D0", "--block-file", block, "--kbpk-file", kbpk, "--replaces", was, "card/modern")
	refused("the check value is another one", "--block-file", block, "--kbpk-file", kbpk, "--replaces", "0000000000", "dukpt/modern")
	refused("has the check value", "--block-file", block, "--kbpk-file", kbpk, "--kbpk-kcv", "0000000000", "--replaces", was, "dukpt/modern")
	refused("another key protects it", "--block-file", block, "--kbpk-file", first, "--replaces", was, "dukpt/modern")
	refused("not a key block", "--block-file", kbpk, "--kbpk-file", kbpk, "--replaces", was, "dukpt/modern")
	if v.shown(other, "dukpt/modern").Value != was {
		t.Error("the key changed")
	}
	v.at(other, 0, "import", "--block-file", block, "--kbpk-file", kbpk, "--replaces", was, "dukpt/modern")
	if now := v.shown(other, "dukpt/modern").Value; now != v.kcv("dukpt/modern") {
		t.Errorf("the imported key has the check value %s", now)
	}
	if got := v.do(1, "export", "--kbpk-file", kbpk, "pin"); !strings.Contains(got.stderr, "this key does not leave its vault") {
		t.Errorf("%+v", got)
	}
	v.check(v.do(2, "export", "--kbpk-file", kbpk, "--exportability", "X", "card/modern"), 2,
		`airtill keys export: --exportability "X" is none of E, S, N`, "see: airtill keys export --help")
	if got := v.do(1, "export", "--kbpk-file", v.write("bad", "no hex"), "card/modern"); !strings.Contains(got.stderr, "the block's key is not hexadecimal") {
		t.Errorf("%+v", got)
	}
}

// Two officers give their components in runs of their own; nothing changes before both
// and their check values are right.
func TestKeysComponents(t *testing.T) {
	v := newVaultShell(t)
	const key = "dukpt/legacy"
	one, two := v.write("one", "1F1F1F1F 1F1F1F1F 0E0E0E0E 0E0E0E0E"), v.write("two", "205E8103A8188B5DA439494220F5F6B6")
	was := v.kcv(key)
	give := func(status int, officer, file, kcv, whole string) outcome {
		t.Helper()
		return v.do(status, "component", "--officer", officer, "--component-file", file, "--component-kcv", kcv, "--kcv", whole, "--replaces", was, key)
	}
	// The key of TR-31:2018 A.7.2.2 with its check value; openssl made those of the components.
	const whole, kcvOne, kcvTwo = "57C409", "22CAE3", "802E5F"
	if got := give(1, "Ada", one, "000000", whole); !strings.Contains(got.stderr, "the component of dukpt/legacy: the check value is another one") {
		t.Errorf("%+v", got)
	}
	if got := give(0, "Ada", one, kcvOne, whole); !strings.Contains(got.stdout, "waits for the other one") {
		t.Errorf("%+v", got)
	}
	if got := v.do(0, "show"); !strings.Contains(got.stdout, "a component from Ada (") {
		t.Errorf("%+v", got)
	}
	if got := give(1, "Ada", two, kcvTwo, whole); !strings.Contains(got.stderr, "must come from another officer") || !strings.Contains(got.stderr, "--drop KEY") {
		t.Errorf("%+v", got)
	}
	if got := give(1, "Bob", two, kcvTwo, "FFFFFF"); !strings.Contains(got.stderr, "the officers say two") {
		t.Errorf("%+v", got)
	}
	if v.kcv(key) != was {
		t.Error("the key changed")
	}
	give(0, "Bob", two, kcvTwo, whole)
	if now := v.kcv(key); now != whole {
		t.Errorf("check value %s, want %s", now, whole)
	}
	was = whole
	give(0, "Ada", one, kcvOne, whole)
	v.do(0, "component", "--drop", key)
	v.check(v.do(1, "component", "--drop", key), 1, "airtill keys component: drop the component of dukpt/legacy: no component of this key is waiting")
	v.check(v.do(2, "component", key), 2, "airtill keys component: --component-kcv, --kcv and --replaces must be given", "see: airtill keys component --help")
	v.check(v.do(2, "component", "--component-kcv", "1", "--kcv", "1", "--replaces", "1", key), 2,
		"airtill keys component: no component: give --component-file FILE", "see: airtill keys component --help")
}

// At a hang-up the platform's vault takes what was changed in the file.
func TestReloadAtHangUp(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.json")
	vault, err := keys.Create(path, keys.Lock{}, by(""), strings.NewReader(strings.Repeat("0123456789abcdef", 64)))
	if err != nil {
		t.Fatal(err)
	}
	said := make(lineChannel, 8)
	c, err := newCall(Env{Stdout: said, Stderr: said, Getenv: os.Getenv}, &commonFlags{logLevel: "info", logFormat: "json"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	stop := reloadAtHangUp(c, vault, path, keys.Lock{})
	defer stop()
	if err := keys.Edit(path, keys.Lock{}, func(v *keys.Vault) error {
		_, err := v.Rotate(by("Ada"), strings.NewReader(strings.Repeat("fedcba9876543210", 64)))
		return err
	}); err != nil {
		t.Fatal(err)
	}
	hangUp := func(want string) {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
		select {
		case line := <-said:
			if !strings.Contains(line, want) {
				t.Errorf("said %s, want %s", line, want)
			}
		case <-t.Context().Done():
		}
	}
	hangUp("the vault was reloaded")
	if vault.Version() != 2 {
		t.Errorf("version %d", vault.Version())
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	hangUp("its keys are as before")
	if vault.Version() != 2 {
		t.Errorf("version %d", vault.Version())
	}
}

// lineChannel is a writer whose lines can be waited for.
type lineChannel chan string

func (l lineChannel) Write(p []byte) (int, error) {
	l <- string(p)
	return len(p), nil
}
