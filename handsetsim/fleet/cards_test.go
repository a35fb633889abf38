package fleet_test

import (
	"testing"

	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/scp80"
)

// personalisation binds two cards to an element.
func personalisation(t testing.TB, id applet.ElementID, reg *register) applet.Personalisation {
	t.Helper()
	keyID := must(id.InitialKeyID(reg.suite))(t)
	p := applet.Personalisation{
		Element: id, Suite: reg.suite, Version: 1, MO: reg.versions[0].mo, MT: reg.versions[0].mt, TAR: scp80.TARPayment, KIK: reg.kik,
		Initial:  must(applet.DeriveInitialKey(reg.suite, scp80.NewKey[applet.BaseKey](octets(t, reg.suite.KeyLen())), keyID))(t),
		KeyID:    keyID,
		CardData: scp80.NewKey[applet.CardDataKey](octets(t, reg.suite.KeyLen())),
		Identity: must(applet.ParseIdentity(applet.ResidentID, "11010519900307123X"))(t),
	}
	for i, digits := range []string{"622588000000111", "622588000000222"} {
		pan := must(applet.ParsePAN(digits + string(applet.LuhnDigit(digits))))(t)
		entry := applet.CardEntry{
			Slot: i + 1, Alias: []string{"blue", "green"}[i], Masked: pan.Masked(),
			Token: applet.TokenPAN("9" + digits[1:] + "0"), Expiry: 2912,
		}
		record := applet.CardRecord{PAN: pan, Expiry: entry.Expiry, Sequence: 1, Slot: entry.Slot, Version: 1}
		entry.Blob = must(applet.SealCard(reg.suite, p.CardData, record))(t)
		p.Cards = append(p.Cards, entry)
	}
	return p
}
