package keys

import (
	"bytes"
	"encoding/hex"
	"math/bits"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

func legacy(id applet.ElementID) Binding {
	return Binding{Element: id, Suite: scp80.Legacy, Version: 1}
}

// EMV book 2 A1.4.1: what pyemv derives for a card number with its sequence number.
func TestOptionAVectors(t *testing.T) {
	needsTDEA(t)
	all := vectors(t).OptionA
	for _, v := range all {
		digits := v.PAN + v.PSN
		y, err := hex.DecodeString(digits[len(digits)-16:])
		if err != nil {
			t.Fatal(err)
		}
		got, err := optionA(v.IMK, [8]byte(y))
		if err != nil || !bytes.Equal(got, v.MK) {
			t.Errorf("%s %s: %x, %v", v.PAN, v.PSN, got, err)
		}
	}
	if len(all) != 3 {
		t.Errorf("%d vectors", len(all))
	}
}

// The legacy keys of the project's vectors, and the card they open.
func TestLegacyProjectKeys(t *testing.T) {
	needsTDEA(t)
	f := vectors(t)
	m := generate(t, 1).current.Load().clone()
	m.packets[0].legacy[0].kic = scp80.NewKey[kicMaster](f.Project.TDEA.KIC)
	m.packets[0].legacy[0].kid = scp80.NewKey[kidMaster](f.Project.TDEA.KID)
	m.legacy.card = scp80.NewKey[cardMaster](f.Project.TDEA.Card)
	v, err := newVault(m)
	if err != nil {
		t.Fatal(err)
	}
	b := legacy(f.Project.Element)
	mo, err := v.MO(b)
	if err != nil || !bytes.Equal(mo.KIc.Reveal(), f.Project.LegacyKIC) || !bytes.Equal(mo.KID.Reveal(), f.Project.LegacyKID) {
		t.Errorf("packet keys differ, %v", err)
	}
	card, err := v.CardDataKey(b)
	if err != nil || !bytes.Equal(card.Reveal(), f.Project.LegacyCard) {
		t.Errorf("card-data key differs, %v", err)
	}
	r, err := v.CardRecord(b, applet.CardBlob(f.Project.LegacyBlob))
	if err != nil || r.PAN.Reveal() != "6212340000000019" || r.Slot != 1 {
		t.Errorf("card record %v, %v", r, err)
	}
}

// Every key of 3DES has odd parity, masters and derived ones, and is not single DES.
func TestOddParity(t *testing.T) {
	needsTDEA(t)
	v := generate(t, 1)
	mo, err := v.MO(legacy(element))
	if err != nil {
		t.Fatal(err)
	}
	all := [][]byte{mo.KIc.Reveal(), mo.KID.Reveal()}
	for _, p := range v.current.Load().places() {
		if p.algorithm == tdea2 {
			all = append(all, p.read())
		}
	}
	for _, key := range all {
		for _, o := range key {
			if bits.OnesCount8(o)%2 == 0 {
				t.Errorf("an octet of even parity")
			}
		}
		if bytes.Equal(key[:8], key[8:]) {
			t.Error("single DES")
		}
	}
	if len(all) != 2+4+3 {
		t.Errorf("%d keys", len(all))
	}
}

// A binding to no suite, or to a version that is not there, has no keys.
func TestNoSuiteNoKeys(t *testing.T) {
	v := generate(t, 1)
	for name, b := range map[string]Binding{
		"no suite": {Element: element, Version: 1}, "another suite": {Element: element, Suite: 3, Version: 1},
		"no version": {Element: element, Suite: scp80.Modern}, "version 2": {Element: element, Suite: scp80.Modern, Version: 2},
	} {
		_, _, openErr := v.OpenMO(b, nil)
		_, wrapErr := v.WrapMT(b, 1, nil)
		_, rekeyErr := v.Rekey(b, b.Version)
		for _, err := range []error{openErr, wrapErr, rekeyErr} {
			if err == nil {
				t.Errorf("%s: keys", name)
			}
		}
		if b.Suite == scp80.Modern {
			continue
		}
		_, cardErr := v.CardRecord(b, applet.CardBlob{})
		_, pinErr := v.PIN(b, 1, "", applet.PINBlock{})
		if cardErr == nil || pinErr == nil {
			t.Errorf("%s: %v, %v", name, cardErr, pinErr)
		}
	}
}

// Where 3DES may not be used, the modern suite works, and the legacy one says why not.
func TestLegacyWithoutTDEA(t *testing.T) {
	v := generate(t, 1)
	_, err := v.MO(legacy(element))
	if err == nil || !strings.Contains(err.Error(), "FIPS 140") {
		if needsTDEA(t); err != nil {
			t.Error(err)
		}
	}
}
