package keys

import (
	"bytes"
	"crypto/aes"
	"crypto/fips140"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"filippo.io/age"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/keys/tr31"
	"github.com/airtill/airtill/platform/scp80"
)

const element applet.ElementID = "89860112345678901234"

// modern is how the keys of an element of the modern suite are found.
func modern(id applet.ElementID) Binding {
	return Binding{Element: id, Suite: scp80.Modern, Version: 1}
}

var bound = modern(element)

// octets is hexadecimal in a vector file.
type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.AppendDecode(nil, text)
	return err
}

type vectorFile struct {
	Fixed []struct {
		KI, Fixed, KO octets
		L             int `json:"l_bits"`
		Width         int `json:"counter_octets"`
	} `json:"sp800_108_cmac_fixed_input"`
	Label []struct {
		KI, Context, KO octets
		Label           string `json:"label_ascii"`
		L               int    `json:"l_bits"`
	} `json:"sp800_108_label_context"`
	Project struct {
		Element applet.ElementID `json:"se_id"`
		KICMO   octets           `json:"kic_mo_256"`
		KIDMO   octets           `json:"kid_mo_256"`
		KICMT   octets           `json:"kic_mt_256"`
		KIDMT   octets           `json:"kid_mt_256"`
		Card    octets           `json:"card_data_key"`
		Blob    octets           `json:"account_blob_kwp"`
		AES     struct {
			KIC, KID, Card octets
		} `json:"aes_master_keys"`
		TDEA struct {
			KIC, KID, Card octets
		} `json:"legacy_master_keys"`
		LegacyKIC  octets `json:"legacy_kic"`
		LegacyKID  octets `json:"legacy_kid"`
		LegacyCard octets `json:"legacy_card_data_key"`
		LegacyBlob octets `json:"legacy_account_blob"`
	} `json:"project_inputs"`
	OptionA []struct {
		IMK, MK  octets
		PAN, PSN string
	} `json:"emv_option_a"`
	KCV []struct {
		Alg string
		Key octets
		KCV string
	} `json:"kcv"`
}

// needsTDEA skips a test where only FIPS 140 algorithms may be used.
func needsTDEA(t testing.TB) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("3DES is not in FIPS 140")
	}
}

func vectors(t testing.TB) (f vectorFile) {
	t.Helper()
	b, err := os.ReadFile("testdata/vectors.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustCMAC(t testing.TB, key []byte) *scp80.CMAC {
	t.Helper()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return scp80.NewCMAC(b)
}

func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

func generate(t testing.TB, seed byte) *Vault {
	t.Helper()
	v, err := Generate(seeded(seed))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// SP 800-108 §4.1: NIST CAVP vectors, and one that openssl has computed.
func TestKBKDFVectors(t *testing.T) {
	f := vectors(t)
	for i, v := range f.Fixed {
		if got := kbkdf(mustCMAC(t, v.KI), v.Width, v.Fixed, v.L/8); !bytes.Equal(got, v.KO) {
			t.Errorf("%d: %x", i, got)
		}
	}
	for i, v := range f.Label {
		fixed := fixedInput(v.Label, v.Context, v.L/8)
		if got := kbkdf(mustCMAC(t, v.KI), 4, fixed, v.L/8); !bytes.Equal(got, v.KO) {
			t.Errorf("label %d: %x", i, got)
		}
	}
	if len(f.Fixed) != 4 || len(f.Label) != 1 {
		t.Errorf("%d and %d vectors", len(f.Fixed), len(f.Label))
	}
}

// projectVault has the master keys of the project's vectors.
func projectVault(t testing.TB, f vectorFile) *Vault {
	t.Helper()
	m := generate(t, 1).current.Load().clone()
	m.packets[0].modern.kic = scp80.NewKey[kicMaster](f.Project.AES.KIC)
	m.packets[0].modern.kid = scp80.NewKey[kidMaster](f.Project.AES.KID)
	m.modern.card = scp80.NewKey[cardMaster](f.Project.AES.Card)
	v, err := newVault(m)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// Every derived key of the project's vectors, and what is made with them.
func TestProjectKeys(t *testing.T) {
	f := vectors(t)
	v, id := projectVault(t, f), modern(f.Project.Element)
	mo, err := v.MO(id)
	if err != nil {
		t.Fatal(err)
	}
	mt, err := v.MT(id)
	if err != nil {
		t.Fatal(err)
	}
	card, err := v.CardDataKey(id)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct{ got, want []byte }{
		"KIc MO": {mo.KIc.Reveal(), f.Project.KICMO}, "KID MO": {mo.KID.Reveal(), f.Project.KIDMO},
		"KIc MT": {mt.KIc.Reveal(), f.Project.KICMT}, "KID MT": {mt.KID.Reveal(), f.Project.KIDMT},
		"card data": {card.Reveal(), f.Project.Card},
	} {
		if !bytes.Equal(c.got, c.want) {
			t.Errorf("%s: derived key differs", name)
		}
	}
	r, err := v.CardRecord(id, applet.CardBlob(f.Project.Blob))
	if err != nil || r.PAN.Reveal() != "6212340000000019" || r.Slot != 1 {
		t.Errorf("card record %v, %v", r, err)
	}
}

// Each element, suite, direction, version and purpose has keys of its own.
func TestKeysDiffer(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite scp80.Suite) {
		v := generate(t, 1)
		rotated(t, v)
		seen := make(map[string]string)
		note := func(name string, key []byte, err error) {
			t.Helper()
			if err != nil || len(key) != suite.KeyLen() || seen[string(key)] != "" {
				t.Errorf("%s: %v, the same as %q", name, err, seen[string(key)])
			}
			seen[string(key)] = name
		}
		for _, id := range []applet.ElementID{element, "89860112345678901235", "89860012345678901234"} {
			b := Binding{Element: id, Suite: suite}
			for b.Version = 1; b.Version <= 2; b.Version++ {
				mo, err := v.MO(b)
				note("KIc MO", mo.KIc.Reveal(), err)
				note("KID MO", mo.KID.Reveal(), err)
				mt, err := v.MT(b)
				note("KIc MT", mt.KIc.Reveal(), err)
				note("KID MT", mt.KID.Reveal(), err)
			}
			card, err := v.CardDataKey(b)
			note("card", card.Reveal(), err)
			kik, err := v.current.Load().keyEncryptionKey(b)
			note("KIK", kik.Reveal(), err)
			initial, _, err := v.InitialKey(b)
			note("initial", initial.Reveal(), err)
		}
		for _, bad := range []applet.ElementID{"", "1", "8986011234567890123x"} {
			b := Binding{Element: bad, Suite: suite, Version: 1}
			_, moErr := v.MO(b)
			_, _, openErr := v.OpenMO(b, nil)
			_, pinErr := v.PIN(b, 1, "1", applet.PINBlock{})
			if moErr == nil || openErr == nil || pinErr == nil {
				t.Errorf("keys of element %q: %v, %v, %v", bad, moErr, openErr, pinErr)
			}
		}
	})
}

func mustPIN(t testing.TB, s string) applet.PIN {
	t.Helper()
	p, err := applet.ParsePIN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func mustPAN(t testing.TB, s string) applet.PAN {
	t.Helper()
	p, err := applet.ParsePAN(s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPINReference(t *testing.T) {
	v, pin := generate(t, 1), mustPIN(t, "739158")
	token := v.Token(mustPAN(t, "6212345678901232"))
	reference := v.PINReference(token, pin)
	if !v.VerifyPIN(reference, token, pin) {
		t.Error("the PIN is not right")
	}
	for name, wrong := range map[string]bool{
		"another PIN":     v.VerifyPIN(reference, token, mustPIN(t, "739159")),
		"another card":    v.VerifyPIN(reference, token+"0", pin),
		"another vault":   generate(t, 2).VerifyPIN(reference, token, pin),
		"no reference":    v.VerifyPIN("", token, pin),
		"no PIN":          v.VerifyPIN(v.PINReference(token, applet.PIN{}), token, applet.PIN{}),
		"moved separator": v.VerifyPIN(v.PINReference(token+"7", mustPIN(t, "39158")), token, pin),
	} {
		if wrong {
			t.Errorf("%s is taken", name)
		}
	}
	if strings.Contains(reference, "739158") {
		t.Error("the reference shows the PIN")
	}
}

func TestTokenAndFingerprint(t *testing.T) {
	v, pan := generate(t, 1), mustPAN(t, "6212345678901232")
	token := string(v.Token(pan))
	if len(token) != 16 || applet.LuhnDigit(token[:15]) != token[15] || token == pan.Reveal() || token != string(v.Token(pan)) {
		t.Errorf("token %s", token)
	}
	if generate(t, 2).Token(pan) == v.Token(pan) {
		t.Error("two vaults make the same token")
	}
	a := v.Fingerprint("card", "6212345678901232")
	if a != v.Fingerprint("card", "6212345678901232") || a == v.Fingerprint("identity", "6212345678901232") ||
		a == v.Fingerprint("card", "6212345678901233") || a == v.Fingerprint("card6", "212345678901232") || len(a) != 32 {
		t.Errorf("fingerprint %s", a)
	}
}

func TestAtRest(t *testing.T) {
	v := generate(t, 1)
	sealed, err := v.Seal([]byte("whsec_secret"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := v.Open(sealed); err != nil || string(plain) != "whsec_secret" || bytes.Contains(sealed, []byte("secret")) {
		t.Errorf("%q, %v", plain, err)
	}
	again, err := v.Seal([]byte("whsec_secret"))
	if err != nil || bytes.Equal(again, sealed) {
		t.Error("the same nonce twice")
	}
	for i := range sealed {
		forged := bytes.Clone(sealed)
		forged[i] ^= 1
		if _, err := v.Open(forged); !errors.Is(err, errAtRest) {
			t.Fatalf("octet %d changed: %v", i, err)
		}
		if _, err := v.Open(sealed[:i]); !errors.Is(err, errAtRest) {
			t.Fatalf("cut at %d: %v", i, err)
		}
	}
	if _, err := generate(t, 2).Open(sealed); !errors.Is(err, errAtRest) {
		t.Errorf("another vault: %v", err)
	}
}

type holder struct {
	v    *Vault
	s    *state
	m    masters
	keys scp80.Keys
}

// A vault prints nothing of what it holds, from inside another value neither.
func TestVaultNeverPrints(t *testing.T) {
	v := generate(t, 1)
	mo, err := v.MO(bound)
	if err != nil {
		t.Fatal(err)
	}
	card, err := v.CardDataKey(bound)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := v.OpenMO(bound, nil); err == nil {
		t.Fatal("nothing was opened")
	}
	branch, err := v.current.Load().branch.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	s := v.current.Load()
	secrets := [][]byte{branch, mo.KIc.Reveal(), mo.KID.Reveal(), card.Reveal()}
	for _, p := range s.places() {
		secrets = append(secrets, p.read())
	}
	h := &holder{v: v, s: s, m: *s.masters, keys: mo}
	for _, value := range []any{v, h, *h, []any{v}, s.packets[0].modern.kic, s.masters, s, map[string]*Vault{"v": v}, struct{ V *Vault }{v}, v.Keys(), v.Log()} {
		for _, p := range everyPrint(value) {
			checkMasked(t, secrets, p)
		}
	}
}

// everyPrint is a value in all ways of printing it.
func everyPrint(value any) []string {
	var log bytes.Buffer
	logger := zerolog.New(&log)
	logger.Info().Interface("v", value).Err(fmt.Errorf("with %v", value)).Msgf("%+v", value)
	printed := []string{log.String()}
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%d", "%o", "%b", "%q", "%t", "%c", "%U"} {
		printed = append(printed, fmt.Sprintf(verb, value))
	}
	if b, err := json.Marshal(value); err == nil {
		printed = append(printed, string(b))
	}
	return printed
}

// What vaults are locked with, and what comes and goes, prints as masks too.
func TestExchangedNeverPrints(t *testing.T) {
	secret := []byte("0123456789abcdef0123456789ABCDEF")
	component := scp80.NewKey[Component](secret)
	protection := scp80.NewKey[tr31.ProtectionKey](secret)
	waiting := generate(t, 1).current.Load().clone()
	waiting.halves["card/modern"] = firstHalf{component: component}
	lock := Lock{Passphrase: scp80.NewKey[Passphrase](secret)}
	if !fips140.Enforced() {
		lock, _ = identity(t)
		lock.Passphrase = scp80.NewKey[Passphrase](secret)
		id := (*lock.Identities.list)[0].(*age.HybridIdentity).String()
		for _, value := range []any{lock, &lock, lock.Identities, []Identities{lock.Identities}, struct{ l Lock }{lock}} {
			for _, p := range everyPrint(value) {
				checkMasked(t, [][]byte{[]byte(id), []byte(id[20:])}, p)
			}
		}
	}
	for _, value := range []any{
		lock, Half{Key: "pin", Component: component}, component, waiting, waiting.halves,
		Incoming{KBPK: protection}, Outgoing{KBPK: protection}, Enrolment{Secrets: secrets(t)},
	} {
		for _, p := range everyPrint(value) {
			checkMasked(t, [][]byte{secret, []byte("6212345678901232")}, p)
		}
	}
}

func checkMasked(t *testing.T, secrets [][]byte, printed string) {
	t.Helper()
	for _, s := range secrets {
		half := s[:len(s)/2]
		for _, form := range []string{
			string(half), hex.EncodeToString(half), base64.StdEncoding.EncodeToString(s)[:20],
			strings.Trim(fmt.Sprint(half), "[]"), strings.Trim(fmt.Sprintf("%#v", half), "[]byte{}"),
		} {
			if strings.Contains(strings.ToLower(printed), strings.ToLower(form)) {
				t.Errorf("a key shows in %.200q", printed)
			}
		}
	}
}

// The cache is bounded, and a channel that fell out is made again.
func TestCacheBound(t *testing.T) {
	v := generate(t, 1)
	v.current.Load().channels = newCache(8)
	var first []byte
	for round := range 3 {
		for i := range 40 {
			id := applet.ElementID(fmt.Sprintf("8986%016d", i))
			packet, err := v.WrapMT(modern(id), 1, []byte("payload"))
			if err != nil {
				t.Fatal(err)
			}
			if i == 0 && round == 0 {
				first = packet
			}
			if i == 0 && !bytes.Equal(packet, first) {
				t.Error("the same packet differs")
			}
			if n := len(v.current.Load().channels.young) + len(v.current.Load().channels.old); n > 8 {
				t.Fatalf("%d channels cached", n)
			}
		}
	}
}

// A channel in use stays cached while others come and go.
func TestCacheKeepsTheUsed(t *testing.T) {
	c := newCache(8)
	mine := channelKey{Binding: bound, direction: scp80.MO}
	c.put(mine, new(scp80.Channel))
	for i := range 100 {
		c.put(channelKey{Binding: modern(applet.ElementID(fmt.Sprint(i)))}, new(scp80.Channel))
		if i%3 == 0 {
			if _, ok := c.get(mine); !ok {
				t.Fatalf("forgotten after %d others", i)
			}
		}
	}
}
