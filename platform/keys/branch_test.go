package keys

import (
	"bytes"
	"crypto/hpke"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

func secrets(t testing.TB) applet.EnrolmentSecrets {
	t.Helper()
	id, err := applet.ParseIdentity(applet.ResidentID, "11010519900307123X")
	if err != nil {
		t.Fatal(err)
	}
	return applet.EnrolmentSecrets{
		PIN: mustPIN(t, "739158"), Identity: id,
		Cards: []applet.CardSecrets{
			{PAN: mustPAN(t, "6212345678901232"), Expiry: 3012, Alias: "salary"},
			{PAN: mustPAN(t, "6212340000000019"), Expiry: 2901, Alias: "savings"},
		},
	}
}

// personalised is an element's key pair and what the branch sealed to it.
func personalised(t testing.TB, v *Vault, suite scp80.Suite) applet.Personalisation {
	t.Helper()
	sealed, err := applet.SealEnrolment(v.BranchPublicKey(), secrets(t))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.OpenSecrets(sealed)
	if err != nil {
		t.Fatal(err)
	}
	key := elementKey(t)
	s, err := v.Personalise(Enrolment{Element: element, Suite: suite, Version: v.Version(), PublicKey: key.PublicKey().Bytes(), Secrets: opened})
	if err != nil {
		t.Fatal(err)
	}
	p, err := applet.OpenPersonalisation(key, s)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func elementKey(t testing.TB) hpke.PrivateKey {
	t.Helper()
	key, err := applet.NewKeyPair(seeded(9))
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// eachSuite runs a test with the elements of each suite.
func eachSuite(t *testing.T, run func(t *testing.T, suite scp80.Suite)) {
	for _, suite := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		t.Run(suite.String(), func(t *testing.T) {
			if suite == scp80.Legacy {
				needsTDEA(t)
			}
			run(t, suite)
		})
	}
}

// S1, S3: what the branch seals is all that an element needs to pay, and the vault
// opens each step of what the element then makes. The version is the one in use.
func TestPersonaliseAndPay(t *testing.T) {
	eachSuite(t, func(t *testing.T, suite scp80.Suite) {
		v := generate(t, 1)
		for version := uint8(1); version <= 3; version++ {
			p := personalised(t, v, suite)
			if p.Element != element || p.Suite != suite || p.Version != version || p.KIK.IsZero() || len(p.Cards) != 2 ||
				p.Cards[1].Slot != 2 || p.Cards[1].Alias != "savings" || p.Cards[0].Masked != "621234******1232" {
				t.Fatalf("personalisation %v", p)
			}
			checkPackets(t, v, p)
			for _, card := range p.Cards {
				checkCard(t, v, p, card)
			}
			if version < 3 {
				rotated(t, v)
			}
		}
	})
}

func checkPackets(t *testing.T, v *Vault, p applet.Personalisation) {
	t.Helper()
	b := Binding{Element: p.Element, Suite: p.Suite, Version: p.Version}
	packet, err := scp80.Wrap(p.Suite.Profile(scp80.MO, p.Version), p.MO, 7, []byte("from the handset"))
	if err != nil {
		t.Fatal(err)
	}
	counter, payload, err := v.OpenMO(b, packet)
	if err != nil || counter != 7 || string(payload) != "from the handset" {
		t.Errorf("OpenMO: %d %q, %v", counter, payload, err)
	}
	packet, err = v.WrapMT(b, 9, []byte("to the handset"))
	if err != nil {
		t.Fatal(err)
	}
	if counter, payload, err := scp80.Open(p.Suite.Profile(scp80.MT, p.Version), p.MT, packet); err != nil || counter != 9 || string(payload) != "to the handset" {
		t.Errorf("WrapMT: %d %q, %v", counter, payload, err)
	}
	if _, _, err := v.OpenMO(b, packet); !errors.Is(err, scp80.ErrRefused) || scp80.ReasonOf(err) != scp80.ReasonHeader {
		t.Errorf("reflected packet: %v", err)
	}
}

func checkCard(t *testing.T, v *Vault, p applet.Personalisation, card applet.CardEntry) {
	t.Helper()
	b := Binding{Element: p.Element, Suite: p.Suite, Version: p.Version}
	other := b
	other.Element = "89860112345678901235"
	r, err := v.CardRecord(b, card.Blob)
	if err != nil || r.Slot != card.Slot || r.PAN.Masked() != card.Masked || v.Token(r.PAN) != card.Token {
		t.Errorf("card %d: %v, %v", card.Slot, r, err)
	}
	if _, err := v.CardRecord(other, card.Blob); !errors.Is(err, applet.ErrBlob) {
		t.Errorf("card %d in another element: %v", card.Slot, err)
	}
	pins, err := applet.NewPINKeys(p.Suite, p.Initial, p.KeyID)
	if err != nil {
		t.Fatal(err)
	}
	counter, key, err := pins.Next()
	if err != nil {
		t.Fatal(err)
	}
	pin := mustPIN(t, "739158")
	block, err := applet.SealPIN(p.Suite, key, pin, card.Token, seeded(3))
	if err != nil {
		t.Fatal(err)
	}
	got, err := v.PIN(b, counter, card.Token, block)
	if err != nil || !v.VerifyPIN(v.PINReference(card.Token, pin), card.Token, got) {
		t.Errorf("card %d: PIN %v", card.Slot, err)
	}
	if wrong, err := v.PIN(b, counter+1, card.Token, block); err == nil && wrong.Equal(pin) {
		t.Error("the PIN opens under another counter")
	}
	if wrong, err := v.PIN(other, counter, card.Token, block); err == nil && wrong.Equal(pin) {
		t.Error("the PIN opens under another element's key")
	}
}

// A repeat of an enrolment, whose answer was lost, gives the same keys and blobs.
func TestPersonaliseAgain(t *testing.T) {
	v := generate(t, 1)
	a, b := personalised(t, v, scp80.Modern), personalised(t, v, scp80.Modern)
	if !a.MO.KIc.Equal(b.MO.KIc) || !a.Initial.Equal(b.Initial) || a.Cards[1] != b.Cards[1] {
		t.Error("the second personalisation differs")
	}
}

func TestPersonaliseRefuses(t *testing.T) {
	v, key := generate(t, 1), elementKey(t).PublicKey().Bytes()
	for name, e := range map[string]Enrolment{
		"element": {Element: "1", Suite: scp80.Modern, Version: 1, PublicKey: key, Secrets: secrets(t)},
		"suite":   {Element: element, Version: 1, PublicKey: key, Secrets: secrets(t)},
		"version": {Element: element, Suite: scp80.Modern, Version: 2, PublicKey: key, Secrets: secrets(t)},
		"key":     {Element: element, Suite: scp80.Modern, Version: 1, PublicKey: []byte("none"), Secrets: secrets(t)},
		"expiry":  {Element: element, Suite: scp80.Modern, Version: 1, PublicKey: key, Secrets: applet.EnrolmentSecrets{Cards: []applet.CardSecrets{{PAN: mustPAN(t, "6212340000000019")}}}},
	} {
		if s, err := v.Personalise(e); err == nil || s != nil {
			t.Errorf("bad %s taken", name)
		} else if strings.Contains(err.Error(), "6212340000000019") || strings.Contains(err.Error(), "739158") {
			t.Errorf("bad %s: the error tells a secret: %v", name, err)
		}
	}
	if _, err := v.OpenSecrets([]byte("not sealed")); !errors.Is(err, applet.ErrSealed) {
		t.Errorf("not sealed: %v", err)
	}
}

// All of a vault's methods at once while its keys rotate, for the race detector.
func TestConcurrent(t *testing.T) {
	v := generate(t, 1)
	v.current.Load().channels = newCache(4)
	var wg sync.WaitGroup
	wg.Go(func() {
		for range mostVersions - 1 {
			if _, err := v.Rotate(ada, rand.Reader); err != nil {
				t.Error(err)
			}
		}
	})
	for n := range 8 {
		wg.Go(func() {
			for i := range 20 {
				id := applet.ElementID("8986011234567890" + string(binary.BigEndian.AppendUint32(nil, 0x30303030+uint32(i%7)<<8+uint32(n%3))))
				packet, err := v.WrapMT(modern(id), uint64(i), []byte("x"))
				if err != nil {
					t.Error(err)
					return
				}
				if _, _, err := v.OpenMO(modern(id), packet); err == nil {
					t.Error("a reflected packet opened")
				}
				sealed, err := v.Seal([]byte("x"))
				if plain, openErr := v.Open(sealed); err != nil || openErr != nil || !bytes.Equal(plain, []byte("x")) {
					t.Error(err, openErr)
				}
				v.Fingerprint("kind", "value")
			}
		})
	}
	wg.Wait()
}

// The secrets of many that were sealed together are those of each, in their order.
func TestOpenAllSecrets(t *testing.T) {
	v := generate(t, 1)
	one, other := secrets(t), secrets(t)
	pin, err := applet.ParsePIN("9753")
	if err != nil {
		t.Fatal(err)
	}
	other.PIN, other.Cards = pin, other.Cards[:1]
	sealed, err := applet.SealEnrolments(v.BranchPublicKey(), []applet.EnrolmentSecrets{one, other})
	if err != nil {
		t.Fatal(err)
	}
	opened, err := v.OpenAllSecrets(sealed)
	if err != nil || len(opened) != 2 {
		t.Fatalf("%d, %v", len(opened), err)
	}
	for i, want := range []applet.EnrolmentSecrets{one, other} {
		if got := opened[i]; !got.PIN.Equal(want.PIN) || got.Identity.Reveal() != want.Identity.Reveal() || len(got.Cards) != len(want.Cards) {
			t.Errorf("person %d is another", i)
		}
	}
	if _, err := v.OpenSecrets(sealed); !errors.Is(err, applet.ErrSealed) {
		t.Errorf("as one person's: %v", err)
	}
	alone, err := applet.SealEnrolment(v.BranchPublicKey(), one)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := v.OpenAllSecrets(alone); !errors.Is(err, applet.ErrSealed) {
		t.Errorf("one person's as many: %v", err)
	}
}
