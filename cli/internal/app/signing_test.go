package app

import (
	"encoding/json"
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// A pair that openssl has made (genpkey -algorithm ed25519; pkey -pubout), its id, and
// what nothing may show of it.
const (
	opensslPrivate = "../../../platform/signature/testdata/openssl/ed25519.pem"
	opensslPublic  = "../../../platform/signature/testdata/openssl/ed25519.pub.pem"
	opensslID      = "9msO4cokvvbdVRIo5p894nBsKLue9sINTtksX4GAZ2U"
	opensslSecret  = "IAM/KA72R/foNrJqBHqq"
)

// opensslKey is the private key in a file of its owner's alone, as openssl leaves it.
func (s *shell) opensslKey() string {
	s.t.Helper()
	text, err := os.ReadFile(opensslPrivate)
	if err == nil {
		err = os.WriteFile(s.path("openssl.pem"), text, 0o600)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	return s.path("openssl.pem")
}

// signing is a fake that knows the openssl pair as merchant 10000010's.
func signing(t *testing.T) *fakePlatform {
	t.Helper()
	text, err := os.ReadFile(opensslPublic)
	if err != nil {
		t.Fatal(err)
	}
	return &fakePlatform{merchants: []platform.Merchant{{
		ID: "10000010", Name: "Tea House", Profile: platform.ProfileModern, Keys: []platform.PublicKey{{ID: opensslID, PEM: string(text)}},
	}}}
}

func TestKeysPair(t *testing.T) {
	for name, want := range map[string]signature.Algorithm{
		"ed25519": signature.Ed25519, "rsa-pss": signature.RSAPSS, "ecdsa": signature.ECDSA, "rsa-v1_5-md5": signature.RSAMD5,
	} {
		t.Run(name, func(t *testing.T) {
			s := newShell(t)
			private, public := s.path("private"), s.path("public")
			line := []string{"keys", "pair", "--algorithm", name, "--write-private", private, "--write-public", public}
			got := s.run(line...)
			s.check(got, 0)
			text, err := os.ReadFile(private)
			if err != nil {
				t.Fatal(err)
			}
			key, err := signature.ParseSigningKey(text)
			if err == nil {
				key, err = key.As(want)
			}
			if err != nil || got.stdout != key.ID()+"\n" {
				t.Errorf("%v, %+v", err, got)
			}
			if k, err := readPublicKey(public, ""); err != nil || k.ID != key.ID() {
				t.Errorf("%v, %v", err, k)
			}
			if info, err := os.Stat(private); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v", err, info)
			}
			s.check(s.run(line...), 1, "airtill keys pair: make a file for a key: open "+private+": file exists",
				"nothing was done; name a file that is not there yet")
		})
	}
}

// A pair whose public half has no place leaves no private half behind.
func TestKeysPairIsWhole(t *testing.T) {
	s := newShell(t)
	if got := s.run("keys", "pair", "--write-private", s.path("private"), "--write-public", s.path("no/such")); got.status != 1 || exists(s.path("private")) {
		t.Errorf("%+v", got)
	}
	if got := s.run("keys", "pair", "--write-private", s.path("same"), "--write-public", s.path("same")); got.status != 1 || exists(s.path("same")) {
		t.Errorf("%+v", got)
	}
}

// Each profile writes what it has, to files of their owner's alone.
func TestAddMerchantInProfiles(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{}
	s.ready(readyFor(f.serve(t)))
	rsaPublic := s.path("rsa.pub")
	s.check(s.run("keys", "pair", "--algorithm", "rsa-md5", "--write-private", s.path("rsa.pem"), "--write-public", rsaPublic), 0)
	tests := []struct {
		profile string
		flags   []string
		written map[string]string // by flag
	}{
		{"key", nil, map[string]string{"write-api-key": "ak_fresh", "write-webhook-secret": "whsec_fresh"}},
		{"modern", []string{"--public-key", opensslPublic, "--public-key", rsaPublic}, map[string]string{"write-webhook-secret": "whsec_fresh", "write-platform-keys": ""}},
		{"legacy", []string{"--public-key", rsaPublic}, map[string]string{"write-field-key": "field_fresh"}},
	}
	for _, tt := range tests {
		line := append([]string{"office", "add-merchant", "--json", "--id", "10000009", "--name", "Tea", "--profile", tt.profile}, tt.flags...)
		for flag := range tt.written {
			line = append(line, "--"+flag, s.path(tt.profile+flag))
		}
		got := s.run(line...)
		var o openedMerchant
		if err := json.Unmarshal([]byte(got.stdout), &o); err != nil || got.status != 0 || string(o.Profile) != tt.profile || len(o.KeyIDs) != len(tt.flags)/2 {
			t.Fatalf("%s: %+v", tt.profile, got)
		}
		for flag, want := range tt.written {
			s.keeps(tt.profile+flag, want)
		}
		m := f.merchants[len(f.merchants)-1]
		if string(m.Profile) != tt.profile || len(m.Keys) != len(o.KeyIDs) || len(m.Keys) > 0 && m.Keys[0].ID != o.KeyIDs[0] {
			t.Errorf("%s: opened %+v", tt.profile, m)
		}
	}
}

// keeps checks a file that holds a secret; want is empty for the platform's keys.
func (s *shell) keeps(name, want string) {
	s.t.Helper()
	text, err := os.ReadFile(s.path(name))
	if err != nil {
		s.t.Fatal(err)
	}
	if info, err := os.Stat(s.path(name)); err != nil || info.Mode().Perm() != 0o600 {
		s.t.Errorf("%s: %v, %v", name, err, info)
	}
	if want != "" && string(text) != want+"\n" {
		s.t.Errorf("%s holds %q", name, text)
	}
	var set signature.KeySet
	if want == "" && (json.Unmarshal(text, &set) != nil || len(set.Verification) != 1 || len(set.Sealing) != 1) {
		s.t.Errorf("%s holds %q", name, text)
	}
}

// A merchant that is refused leaves no files behind; keys that will not do are seen before.
func TestAddMerchantFails(t *testing.T) {
	s := newShell(t)
	f := &fakePlatform{fail: &platform.Error{Code: platform.CodeAlreadyEnrolled, Field: "id", Detail: "taken"}}
	s.ready(readyFor(f.serve(t)))
	line := func(public string, rest ...string) []string {
		return append([]string{"office", "add-merchant", "--id", "10000009", "--name", "Tea", "--public-key", public}, rest...)
	}
	modern := []string{"--profile", "modern", "--write-webhook-secret", s.path("whsec")}
	if got := s.run(line(opensslPublic, modern...)...); got.status != StatusConflict || !strings.Contains(got.stderr, "409 Already enrolled: id: taken") || exists(s.path("whsec")) {
		t.Errorf("%+v", got)
	}
	s.check(s.run(line(opensslPrivate, modern...)...), 1,
		"airtill office add-merchant: read the public key from "+opensslPrivate+": a public key in PEM begins with BEGIN PUBLIC KEY",
		"one that will do: airtill keys pair --write-private FILE --write-public FILE")
	s.check(s.run(line(opensslPublic, "--profile", "legacy", "--write-field-key", s.path("field"))...), 1,
		"airtill office add-merchant: read the public key from "+opensslPublic+": not the algorithm that is registered for the key: a key for ed25519 cannot be one for rsa-v1_5-md5",
		"one that will do: airtill keys pair --write-private FILE --write-public FILE --algorithm rsa-md5")
	s.check(s.run(line(s.path("none"), modern...)...), 1, "airtill office add-merchant: read the public key: open "+s.path("none")+": no such file or directory")
	if f.calls != 1 || exists(s.path("whsec")) || exists(s.path("field")) {
		t.Errorf("%d calls", f.calls)
	}
}

func TestMerchantsShowProfileAndKeys(t *testing.T) {
	s := newShell(t)
	f := signing(t)
	f.merchants = append(f.merchants, platform.Merchant{ID: "10000009", Name: "Sky", Profile: platform.ProfileKey})
	s.ready(readyFor(f.serve(t)))
	got := s.run("office", "merchants")
	s.check(got, 0)
	if want := "10000010  Tea House  modern   9msO4cok\n10000009  Sky        key\n"; !strings.HasSuffix(got.stdout, want) {
		t.Errorf("got\n%swant\n%s", got.stdout, want)
	}
	if got := s.run("office", "merchants", "--json"); !strings.Contains(got.stdout, `"id":"`+opensslID+`"`) {
		t.Errorf("%+v", got)
	}
}

func TestRotateAndRetireKeys(t *testing.T) {
	s := newShell(t)
	f := signing(t)
	f.merchants[0].Keys = append(f.merchants[0].Keys, platform.PublicKey{ID: "9mxx", PEM: f.merchants[0].Keys[0].PEM})
	s.ready(readyFor(f.serve(t)))
	said := []string{"--by", "Zhao Min", "--note", "yearly"}
	do := func(word string, rest ...string) outcome {
		t.Helper()
		return s.run(append(append([]string{"office", word + "-key"}, said...), rest...)...)
	}
	last := func() platform.KeyChange { return f.changes[len(f.changes)-1] }
	mine := []string{"--merchant", "10000010", "--kind", "public"}

	got := do("rotate", append(mine, "--public-key", opensslPublic)...)
	if c := last(); got.stdout != "merchant 10000010 has another public key: "+opensslID+"\n" || c.Public.ID != opensslID || c.By != "Zhao Min" || c.Note != "yearly" {
		t.Errorf("%+v, %+v", got, c)
	}
	got = do("rotate", "--merchant", "10000010", "--kind", "api", "--write-secret", s.path("key"))
	s.check(got, 0, "when the one before is not used any more: airtill office retire-key --merchant 10000010 --kind api --by NAME --note TEXT")
	s.keeps("key", "ak_fresh")
	if got := do("rotate", "--merchant", "10000010", "--kind", "api", "--write-secret", s.path("key")); got.status != 1 || !strings.Contains(got.stderr, "file exists") || len(f.changes) != 2 {
		t.Errorf("%+v", got)
	}
	got = do("rotate", "--kind", "sealing", "--json")
	if c := last(); got.stdout != `{"kind":"sealing","act":"rotate"}`+"\n" || c.Merchant != "" || c.Kind != platform.KeySealing {
		t.Errorf("%+v, %+v", got, c)
	}

	got = do("retire", append(mine, "--key-id", "9ms")...)
	if c := last(); got.stdout != "the public key "+opensslID+" of merchant 10000010 is retired\n" || c.Public.ID != opensslID || c.Act != platform.KeyRetire {
		t.Errorf("%+v, %+v", got, c)
	}
	s.check(do("retire", append(mine, "--key-id", "9m")...), 1,
		"airtill office retire-key: 2 keys of merchant 10000010 begin with 9m", "which it has: airtill office merchants --json")
	if got := do("retire", "--kind", "legacy"); got.stdout != "the older legacy key of the platform is retired\n" {
		t.Errorf("%+v", got)
	}
	f.fail = &platform.Error{Code: platform.CodeIllegalState, Field: "kind", Detail: "there is one"}
	s.check(do("rotate", "--merchant", "10000010", "--kind", "api", "--write-secret", s.path("other")), StatusConflict,
		"airtill office rotate-key: 409 Its state forbids it: kind: there is one", "which merchants there are, with which keys: airtill office merchants")
	if exists(s.path("other")) {
		t.Error("the file is there")
	}
}

// A merchant that signs asks with its key, and believes answers that are signed. The
// ready file says where the platform is, and nothing else.
func TestSignedRequests(t *testing.T) {
	f := signing(t)
	url := f.serve(t)
	identity, err := fakeIdentity()
	if err != nil {
		t.Fatal(err)
	}
	pinned, err := json.Marshal(identity.Public())
	if err != nil {
		t.Fatal(err)
	}
	mine := []string{"--profile", "modern", "--merchant", "10000010", "--signing-key-file"}
	tests := []struct {
		name   string
		set    func(s *shell) []string
		status int
		want   string // in stderr
	}{
		{"a file of openssl", func(s *shell) []string { return append(mine, s.opensslKey()) }, 0, ""},
		{"the environment", func(s *shell) []string {
			text, _ := os.ReadFile(opensslPrivate)
			s.environ["AIRTILL_SIGNING_KEY"], s.environ["AIRTILL_MERCHANT"] = string(text), "10000010"
			return []string{"--profile", "modern"}
		}, 0, ""},
		{"an API key that is there too", func(s *shell) []string {
			s.environ["AIRTILL_API_KEY"] = "ak_wrong"
			return append(mine, s.opensslKey())
		}, 0, ""},
		{"the platform's keys in a file", func(s *shell) []string {
			_ = os.WriteFile(s.path("keys"), pinned, 0o600)
			return append(mine, s.opensslKey(), "--platform-keys", s.path("keys"))
		}, 0, ""},
		{"other keys of a platform", func(s *shell) []string {
			other, _ := signature.GenerateKey(signature.Ed25519)
			text, _ := json.Marshal(signature.KeySet{Verification: []signature.VerificationKey{other.Verification()}})
			_ = os.WriteFile(s.path("keys"), text, 0o600)
			return append(mine, s.opensslKey(), "--platform-keys", s.path("keys"))
		}, 1, "outcome unknown: the answer: no such key\nthe same command again, and with the platform's keys of now (--platform-keys), is safe, and finds out\n"},
		{"no keys in the file", func(s *shell) []string {
			_ = os.WriteFile(s.path("keys"), []byte("{}"), 0o600)
			return append(mine, s.opensslKey(), "--platform-keys", s.path("keys"))
		}, 1, "keys: no key to verify with is in it\n"},
		{"a key that the office does not know", func(s *shell) []string {
			s.check(s.run("keys", "pair", "--write-private", s.path("other"), "--write-public", s.path("pub")), 0)
			return append(mine, s.path("other"))
		}, 1, "keyid: no such key; it is NUMBER/KEY of a key that the office has added and not retired\nthe platform does not know the key, which is from "},
		{"a file for all to read", func(s *shell) []string {
			_ = os.Chmod(s.opensslKey(), 0o644)
			return append(mine, s.path("openssl.pem"))
		}, 1, "make it yours alone: chmod 600 "},
		{"no such file", func(s *shell) []string { return append(mine, s.path("none")) }, 1, "read the signing key: open "},
		{"no key", func(s *shell) []string {
			_ = os.WriteFile(s.path("keys"), nil, 0o600)
			return append(mine, s.path("keys"))
		}, 1, "a private key is PEM: BEGIN PRIVATE KEY\none that will do: airtill keys pair "},
		{"legacy with a key of Ed25519", func(s *shell) []string { return append(append(mine, s.opensslKey()), "--profile", "legacy") }, 1, "--algorithm rsa-md5\n"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := newShell(t)
			s.ready(readyFor(url))
			got := s.run(append(append([]string{"bill", "show"}, tt.set(s)...), string(fakeBill))...)
			if got.status != tt.status || !strings.Contains(got.stderr, tt.want) || tt.want == "" && got.stderr != "" {
				t.Errorf("%+v, want %d with %q", got, tt.status, tt.want)
			}
		})
	}
}

// An order's numbers cross sealed, and arrive.
func TestSignedOrder(t *testing.T) {
	s := newShell(t)
	f := signing(t)
	s.ready(readyFor(f.serve(t)))
	got := s.run("bill", "create", "--profile", "modern", "--merchant", "10000010", "--signing-key-file", s.opensslKey(),
		"--amount", "500", "--phone", "8613800000001", "--buyer", "8613900000002", "--goods", `{"kind":"tea"}`, "--reference", "r1")
	s.check(got, 0, "follow it: airtill bill events "+string(fakeBill))
	if o := f.orders[0]; o.Phone != "8613800000001" || o.BuyerPhone != "8613900000002" || string(o.Goods) != `{"kind":"tea"}` || o.IdempotencyKey != "r1" {
		t.Errorf("ordered %+v", o)
	}
}
