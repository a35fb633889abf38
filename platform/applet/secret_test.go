package applet

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rs/zerolog"

	"github.com/airtill/airtill/platform/scp80"
)

const (
	secretPIN      = "739158"
	secretPAN      = "6212345678901232"
	secretIdentity = "11010519900307123X"
	secretKey      = "k0123456789abcdef0123456789abcde"
)

func secrets(t testing.TB) EnrolmentSecrets {
	return EnrolmentSecrets{
		PIN: pin(t, secretPIN), Identity: identity(t, secretIdentity),
		Cards: []CardSecrets{{PAN: pan(t, secretPAN), Expiry: 3012, Alias: "salary"}, {PAN: pan(t, "6212340000000019"), Expiry: 2901, Alias: "savings"}},
	}
}

func personalisation(t testing.TB, s scp80.Suite) Personalisation {
	key := []byte(secretKey)[:s.KeyLen()]
	keys := scp80.Keys{KIc: scp80.NewKey[scp80.CipherKey](key), KID: scp80.NewKey[scp80.MACKey](key)}
	card := scp80.NewKey[CardDataKey](key)
	blob, err := SealCard(s, card, CardRecord{PAN: pan(t, secretPAN), Expiry: 3012, Slot: 1})
	if err != nil {
		t.Fatal(err)
	}
	return Personalisation{
		Element: "89860112345678901234", Suite: s, Version: 3, MO: keys, MT: keys, TAR: scp80.TARPayment,
		KIK: scp80.NewKey[KeyEncryptionKey](key), Initial: scp80.NewKey[InitialKey](key), KeyID: InitialKeyID{1, 2, 3, 4, 5, 6, 7, 8}, CardData: card,
		Identity: identity(t, secretIdentity),
		Cards:    []CardEntry{{Slot: 1, Alias: "salary", Masked: pan(t, secretPAN).Masked(), Token: "6212340000000019", Expiry: 3012, Blob: blob}},
	}
}

// holder has secrets where package fmt does not call methods.
type holder struct {
	s    EnrolmentSecrets
	p    Personalisation
	r    CardRecord
	pin  PIN
	pins *PINKeys
}

// PIN, card number, identity and keys print as masks in every way there is
// (architecture.md 5, rule 9; wire.md 2.6).
func TestSecretsNeverPrint(t *testing.T) {
	s, p := secrets(t), personalisation(t, scp80.Modern)
	pins, err := NewPINKeys(scp80.Modern, p.Initial, p.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	record := CardRecord{PAN: pan(t, secretPAN), Expiry: 3012, Slot: 1}
	h := holder{s: s, p: p, r: record, pin: s.PIN, pins: pins}
	pay := samplePay(t, scp80.Modern)
	for _, v := range []any{s, &s, p, &p, h, &h, record, s.PIN, &s.PIN, s.Identity, s.Cards, s.Cards[0].PAN, pins, *pay, pay.Identity, []any{h}, map[string]PIN{"pin": s.PIN}} {
		var log bytes.Buffer
		logger := zerolog.New(&log)
		logger.Info().Interface("v", v).Any("w", v).Err(fmt.Errorf("with %v", v)).Msgf("%+v", v)
		checkMasked(t, log.String())
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%X", "%q", "%d"} {
			checkMasked(t, fmt.Sprintf(verb, v))
		}
		if b, err := json.Marshal(v); err == nil {
			checkMasked(t, string(b))
		}
		checkMasked(t, errors.Join(fmt.Errorf("%v", v)).Error())
	}
}

func checkMasked(t *testing.T, printed string) {
	t.Helper()
	for _, secret := range []string{secretPIN, secretPAN, secretIdentity[:14], secretKey} {
		for _, form := range []string{secret, fmt.Sprintf("%x", secret), base64.StdEncoding.EncodeToString([]byte(secret))[:len(secret)], strings.Trim(fmt.Sprint([]byte(secret)), "[]")} {
			if strings.Contains(strings.ToLower(printed), strings.ToLower(form)) {
				t.Errorf("a secret shows in %q", printed)
			}
		}
	}
}

func TestMasks(t *testing.T) {
	p, i := pan(t, secretPAN), identity(t, secretIdentity)
	if got := fmt.Sprint(p); got != "621234******1232" || p.String() != got || p.GoString() != got {
		t.Errorf("PAN prints %s", got)
	}
	if got := fmt.Sprint(i); got != "****123X" || i.GoString() != got {
		t.Errorf("identity prints %s", got)
	}
	if got := fmt.Sprint(PIN{}, PAN{}, Identity{}, PINBlock{1}); got != "**** **** **** ****" {
		t.Errorf("zero values print %s", got)
	}
	if got := Sealed("abc").String(); got != "sealed(3 octets)" {
		t.Error(got)
	}
}

func TestParseSecrets(t *testing.T) {
	for _, bad := range []string{"", "123", "1234567890123", "12a4", "１２３４", "12 34"} {
		if _, err := ParsePIN(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("PIN %q: %v", bad, err)
		}
	}
	for _, bad := range []string{"", "62123400000", "6212340000000018", "62123400000000x9", "62123400000000000000"} {
		if _, err := ParsePAN(bad); err == nil || bad != "" && strings.Contains(err.Error(), bad) {
			t.Errorf("PAN %q: %v", bad, err)
		}
	}
	if p, err := ParsePAN("6212 3400 0000 0019"); err != nil || p.Reveal() != "6212340000000019" {
		t.Errorf("PAN with spaces: %v", err)
	}
	for _, bad := range []string{"", "X", "1234567890123456789", "12X4", "1234x", "A234"} {
		if _, err := ParseIdentity(ResidentID, bad); err == nil {
			t.Errorf("identity %q taken", bad)
		}
	}
	if i, err := ParseIdentity(NoIdentity, ""); err != nil || i.Reveal() != "" || i.Type() != NoIdentity {
		t.Errorf("no identity: %v", err)
	}
	for in, want := range map[string]Expiry{"12/30": 3012, "01/00": 1, "13/30": 0, "00/30": 0, "1/30": 0, "1230": 0, "12-30": 0} {
		got, err := ParseExpiry(in)
		if got != want || (err == nil) != (want != 0) || err == nil && got.String() != in {
			t.Errorf("expiry %q: %v, %v", in, got, err)
		}
	}
}

func TestSeal(t *testing.T) {
	key, err := NewKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	other, err := NewKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	s, p := secrets(t), personalisation(t, scp80.Modern)
	sealedS, err := SealEnrolment(key.PublicKey().Bytes(), s)
	if err != nil {
		t.Fatal(err)
	}
	sealedP, err := SealPersonalisation(key.PublicKey().Bytes(), p)
	if err != nil {
		t.Fatal(err)
	}
	gotS, err := OpenEnrolment(key, sealedS)
	if err != nil || gotS.PIN.Reveal() != secretPIN || gotS.Identity.Reveal() != s.Identity.Reveal() || len(gotS.Cards) != 2 ||
		gotS.Cards[0].PAN.Reveal() != secretPAN || gotS.Cards[1].Alias != "savings" || gotS.Cards[1].Expiry != 2901 {
		t.Errorf("secrets: %v, %v", gotS, err)
	}
	gotP, err := OpenPersonalisation(key, sealedP)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(p.wire(), gotP.wire()); d != "" {
		t.Errorf("personalisation (-want +got):\n%s", d)
	}
	for name, err := range map[string]error{
		"another key":   second(OpenEnrolment(other, sealedS)),
		"the other use": second(OpenEnrolment(key, sealedP)),
		"changed":       second(OpenPersonalisation(key, append(sealedP[:len(sealedP)-1:len(sealedP)-1], sealedP[len(sealedP)-1]^1))),
		"cut":           second(OpenPersonalisation(key, sealedP[:40])),
		"nothing":       second(OpenPersonalisation(key, nil)),
	} {
		if !errors.Is(err, ErrSealed) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := SealEnrolment([]byte("no key"), s); err == nil {
		t.Error("sealed to no key")
	}
	if strings.Contains(string(sealedS), secretPIN) || strings.Contains(hex.EncodeToString(sealedS), hex.EncodeToString([]byte(secretPAN))) {
		t.Error("sealed secrets show")
	}
}

func second[T any](_ T, err error) error { return err }

// What was sealed to the branch comes from anybody: a bad value is an error, not a panic.
func TestOpenEnrolmentChecks(t *testing.T) {
	key, err := NewKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for name, w := range map[string]enrolmentWire{
		"PIN":      {PIN: "12"},
		"identity": {PIN: "1234", Identity: identityWire{Type: 1, Number: "x"}},
		"PAN":      {PIN: "1234", Cards: []cardWire{{PAN: "1", Expiry: 3012}}},
	} {
		sealed, err := seal(key.PublicKey().Bytes(), infoEnrolment, w)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := OpenEnrolment(key, sealed); err == nil {
			t.Errorf("bad %s taken", name)
		}
	}
}

// The same random octets make the same key pair, so that a run can be replayed.
func TestNewKeyPair(t *testing.T) {
	seed := bytes.Repeat([]byte{7}, 32)
	a, err := NewKeyPair(bytes.NewReader(seed))
	if err != nil {
		t.Fatal(err)
	}
	b, err := NewKeyPair(bytes.NewReader(seed))
	if err != nil || !bytes.Equal(a.PublicKey().Bytes(), b.PublicKey().Bytes()) {
		t.Errorf("two key pairs of one seed: %v", err)
	}
	if _, err := NewKeyPair(bytes.NewReader(seed[:31])); err == nil {
		t.Error("a key pair of too little randomness")
	}
	octets, err := a.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	if again, err := ParsePrivateKey(octets); err != nil || !bytes.Equal(again.PublicKey().Bytes(), a.PublicKey().Bytes()) {
		t.Errorf("private key read back: %v", err)
	}
}

// Every part of a personalisation comes through, in both suites; one of no suite or no
// version is refused.
func TestPersonalisationWire(t *testing.T) {
	key, err := NewKeyPair(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range suites() {
		want := personalisation(t, s)
		sealed, err := SealPersonalisation(key.PublicKey().Bytes(), want)
		if err != nil {
			t.Fatal(err)
		}
		got, err := OpenPersonalisation(key, sealed)
		if err != nil || got.Suite != s || got.Version != 3 || !got.KIK.Equal(want.KIK) || !same(got.MO, want.MO) || !same(got.MT, want.MT) {
			t.Errorf("%s: %v, %v", s, got, err)
		}
		for name, change := range map[string]func(*Personalisation){
			"no suite":   func(p *Personalisation) { p.Suite = 0 },
			"suite 3":    func(p *Personalisation) { p.Suite = 3 },
			"no version": func(p *Personalisation) { p.Version = 0 },
		} {
			p := want
			change(&p)
			sealed, err := SealPersonalisation(key.PublicKey().Bytes(), p)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := OpenPersonalisation(key, sealed); !errors.Is(err, ErrSealed) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
}
