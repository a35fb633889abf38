package se

import (
	"bytes"
	"crypto/fips140"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

const element applet.ElementID = "89860112345678901234"

const thePIN = "739158"

// suites are those that may be used: FIPS 140 knows no 3DES and no DES any more.
func suites() []scp80.Suite {
	if fips140.Enforced() {
		return []scp80.Suite{scp80.Modern}
	}
	return []scp80.Suite{scp80.Modern, scp80.Legacy}
}

// inEach runs a test in each suite.
func inEach(t *testing.T, test func(*testing.T, scp80.Suite)) {
	t.Helper()
	for _, s := range suites() {
		t.Run(s.String(), func(t *testing.T) { test(t, s) })
	}
}

func seeded(seed byte) *rand.ChaCha8 { return rand.NewChaCha8([32]byte{seed}) }

// octets are those of a key that no other seed under 64 has, also where DES leaves
// out the lowest bits. Halves differ.
func octets(s scp80.Suite, seed byte) []byte {
	key := bytes.Repeat([]byte{seed << 1}, s.KeyLen())
	for i := 8; i < 16; i++ {
		key[i] ^= 0x80
	}
	return key
}

// world is the platform's side of an element.
type world struct {
	suite   scp80.Suite
	mo, mt  *scp80.Channel
	pers    applet.Personalisation
	numbers []string
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

// keysOf are packet keys that no other number has.
func keysOf(s scp80.Suite, number byte) scp80.Keys {
	return scp80.Keys{
		KIc: scp80.NewKey[scp80.CipherKey](octets(s, 2*number)),
		KID: scp80.NewKey[scp80.MACKey](octets(s, 2*number+1)),
	}
}

func newWorld(s scp80.Suite, cards int) *world {
	w := &world{suite: s, pers: applet.Personalisation{
		Element: element, Suite: s, Version: 1, MO: keysOf(s, 1), MT: keysOf(s, 2), TAR: scp80.TARPayment,
		KIK:     scp80.NewKey[applet.KeyEncryptionKey](octets(s, 7)),
		Initial: scp80.NewKey[applet.InitialKey](octets(s, 8)), KeyID: must(element.InitialKeyID(s)),
		CardData: scp80.NewKey[applet.CardDataKey](octets(s, 9)),
		Identity: must(applet.ParseIdentity(applet.ResidentID, "11010519900307123X")),
	}}
	for slot := 1; slot <= cards; slot++ {
		digits := fmt.Sprintf("62129999%07d", slot)
		w.numbers = append(w.numbers, digits+string(rune(applet.LuhnDigit(digits))))
		w.pers.Cards = append(w.pers.Cards, w.entry(slot))
	}
	w.mo = must(scp80.NewChannel(s.Profile(scp80.MO, 1), w.pers.MO))
	w.mt = must(scp80.NewChannel(s.Profile(scp80.MT, 1), w.pers.MT))
	return w
}

func (w *world) entry(slot int) applet.CardEntry {
	pan := must(applet.ParsePAN(w.numbers[slot-1]))
	return applet.CardEntry{
		Slot: slot, Alias: fmt.Sprintf("card %d", slot), Masked: pan.Masked(), Expiry: 3012,
		Token: applet.TokenPAN(fmt.Sprintf("62123400000000%02d", slot)),
		Blob:  must(applet.SealCard(w.suite, w.pers.CardData, applet.CardRecord{PAN: pan, Expiry: 3012, Slot: slot})),
	}
}

func (w *world) seal(e *Element) applet.Sealed {
	return must(applet.SealPersonalisation(e.PublicKey(), w.pers))
}

func blank(form applet.Form, c Counters) *Element {
	return must(New(Config{ID: element, Form: form, Rand: seeded(1), Counters: c}))
}

func personalised(t testing.TB, w *world, form applet.Form, c Counters) *Element {
	t.Helper()
	e := blank(form, c)
	if err := e.Personalise(w.seal(e)); err != nil {
		t.Fatal(err)
	}
	return e
}

func request(slot int) PayRequest {
	return PayRequest{
		Bill: applet.Bill{Ref: applet.BillRef{1}, Amount: 128000, Currency: money.CNY, Merchant: "10658001"},
		Slot: slot, PIN: must(applet.ParsePIN(thePIN)), Phone: "8613800000001",
		Time: time.Unix(1_800_000_000, 0).UTC(), Transaction: 42,
	}
}

// toHandset are one message of each type that the platform sends.
func (w *world) toHandset() []applet.Message {
	at := time.Unix(1_800_000_000, 0).UTC()
	return []applet.Message{
		&applet.Bill{
			Ref: applet.BillRef{7: 1}, Amount: 128000, Currency: money.CNY, Expires: at,
			Merchant: "10658001", Name: "Sky Travel", Subject: "CA1405",
		},
		&applet.Result{
			Ref: applet.BillRef{7: 1}, Code: applet.CodeApproved, Approval: "A1B2C3", Number: 7, Amount: 128000,
			Currency: money.CNY, CardTail: "0019", Time: at, TriesLeft: 3, Text: "paid",
		},
		w.keys(2),
	}
}

// keys is the KEYS message of a version.
func (w *world) keys(version uint8) *applet.Keys {
	mo, mt := w.versionKeys(version)
	return &applet.Keys{Version: version, Wrapped: must(applet.WrapKeys(w.suite, w.pers.KIK, version, mo, mt))}
}

// versionKeys are the packet keys of a version.
func (w *world) versionKeys(version uint8) (mo, mt scp80.Keys) {
	if version == 1 {
		return w.pers.MO, w.pers.MT
	}
	return keysOf(w.suite, 20+2*version), keysOf(w.suite, 21+2*version)
}

// send makes the packet of a message under a version of the keys.
func (w *world) send(version uint8, counter uint64, m applet.Message) []byte {
	return must(w.channel(version).Wrap(counter, applet.Encode(w.suite, m)))
}

// channel makes packets under a version of the keys.
func (w *world) channel(version uint8) *scp80.Channel {
	_, mt := w.versionKeys(version)
	return must(scp80.NewChannel(w.suite.Profile(scp80.MT, version), mt))
}

// read opens what the element made under a version of the keys.
func (w *world) read(version uint8, packet []byte) (uint64, []byte, error) {
	mo, _ := w.versionKeys(version)
	return scp80.Open(w.suite.Profile(scp80.MO, version), mo, packet)
}
