package tpdu_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/airtill/airtill/gateway/tpdu"
)

// TS 23.038 annex A: characters of each table at their codes.
func TestShiftTables(t *testing.T) {
	for _, tt := range []struct {
		clause, text string
		shift        tpdu.Shift
		want         string
	}{
		{"A.2.1", "ĞİŞçğış€", tpdu.Shift{Single: tpdu.Turkish}, "1b47 1b49 1b53 1b63 1b67 1b69 1b73 1b65"},
		{"A.3.1", "€ıĞğŞşİç@Å", tpdu.Shift{Locking: tpdu.Turkish}, "04 07 0b 0c 1c 1d 40 60 00 0e"},
		{"A.2.2", "çÁÍÓÚáíóúñÑ¿¡", tpdu.Shift{Single: tpdu.Spanish}, "1b09 1b41 1b49 1b4f 1b55 1b61 1b69 1b6f 1b75 7d 5d 60 40"},
		{"A.2.3", "êçÔôÁáÊÀÍÓÚÃÕÂíóúãõâ", tpdu.Shift{Single: tpdu.Portuguese},
			"1b05 1b09 1b0b 1b0c 1b0e 1b0f 1b1f 1b41 1b49 1b4f 1b55 1b5b 1b5c 1b61 1b69 1b6f 1b75 1b7b 1b7c 1b7f"},
		{"A.2.3, Greek capitals of the default alphabet stay", "ΦΓΩ", tpdu.Shift{Single: tpdu.Portuguese}, "12 13 15"},
		{"A.2.3 behind A.3.3", "ΦΓΩΠΨΣΘ", tpdu.Shift{Locking: tpdu.Portuguese, Single: tpdu.Portuguese}, "1b12 1b13 1b15 1b16 1b17 1b18 1b19"},
		{"A.3.3", "êúíóçÔôÁáªÇÀ∞^\\€Ó|ÂâÊºÍÃÕÚ~ãõ`üà", tpdu.Shift{Locking: tpdu.Portuguese},
			"04 06 07 08 09 0b 0c 0e 0f 12 13 14 15 16 17 18 19 1a 1c 1d 1e 24 40 5b 5c 5d 60 7b 7c 7d 7e 7f"},
		{"A.3.4", "ঁঅঋঌএঐওখছনপবলশঽাৄেৈোৎৗ\u09dcৱ", tpdu.Shift{Locking: tpdu.Bengali}, "00 03 09 0b 0f 10 13 16 1c 2f 3d 40 46 4a 4f 50 56 59 5a 5d 60 7b 7c 7f"},
		{"A.2.4", "০১২৫৬৯\u09dfৣ৲৵৶৺A", tpdu.Shift{Locking: tpdu.Bengali, Single: tpdu.Bengali}, "1b19 1b1a 1b1c 1b1f 1b20 1b23 1b24 1b2a 1b2b 1b2e 1b30 1b34 1b41"},
		{"A.3.6", "ँअऌऍऎएझञन\u0929फबहऽािौ्ॐॲॻ", tpdu.Shift{Locking: tpdu.Hindi}, "00 03 0b 0c 0e 0f 1e 1f 2f 3c 3e 40 4d 4f 50 51 5e 5f 60 7b 7c"},
		{"A.2.6", "।॥०३४९॑ॐ\u0958ॱ", tpdu.Shift{Locking: tpdu.Hindi, Single: tpdu.Hindi}, "1b19 1b1a 1b1c 1b1f 1b20 1b25 1b26 60 1b2c 1b3a"},
		{"A.3.11", "ஂஃஅஎஏஐஒகஙசஜஞடணனபமஹாூெ\u0bca்ௐௗ௹", tpdu.Shift{Locking: tpdu.Tamil}, "01 02 03 0e 0f 10 12 15 19 1a 1d 1f 22 26 3c 3d 42 4d 50 54 58 5c 5f 60 7b 7f"},
		{"A.3.13", "ابٻپتحخدرسشصقلمنوے", tpdu.Shift{Locking: tpdu.Urdu}, "00 02 03 05 07 18 19 1a 25 3d 3e 40 46 4d 4e 4f 53 5b"},
		{"A.2.13", "۰۳۴۹،۔", tpdu.Shift{Locking: tpdu.Urdu, Single: tpdu.Urdu}, "1b1c 1b1f 1b20 1b25 1b26 1b3f"},
		{"6.2.1.1 behind A.3.1", "^{}\\[~]|", tpdu.Shift{Locking: tpdu.Turkish}, "1b14 1b28 1b29 1b2f 1b3c 1b3d 1b3e 1b40"},
	} {
		want := octets(t, tt.want)
		got, err := tpdu.EncodeGSM7(tt.text, tt.shift)
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("§%s: %x, %v; want %x", tt.clause, got, err, want)
		}
		if back, err := tpdu.DecodeGSM7(want, tt.shift); back != tt.text || err != nil {
			t.Errorf("§%s: back to %q, %v; want %q", tt.clause, back, err, tt.text)
		}
	}
}

var scripts = map[tpdu.Language]*unicode.RangeTable{
	tpdu.Bengali: unicode.Bengali, tpdu.Gujarati: unicode.Gujarati, tpdu.Hindi: unicode.Devanagari, tpdu.Kannada: unicode.Kannada,
	tpdu.Malayalam: unicode.Malayalam, tpdu.Oriya: unicode.Oriya, tpdu.Punjabi: unicode.Gurmukhi, tpdu.Tamil: unicode.Tamil,
	tpdu.Telugu: unicode.Telugu, tpdu.Urdu: unicode.Arabic,
}

// TS 23.038 §A.3: every locking table has line feed, carriage return, space, digits and
// small letters where the default alphabet has them, and a script's has that script.
func TestLockingTablesKeepTheirFrame(t *testing.T) {
	const frame = "\n\r !,.0123456789:;?abcdefghijklmnopqrstuvwxyz"
	want, err := tpdu.Encode(frame, tpdu.GSM7)
	if err != nil {
		t.Fatal(err)
	}
	for l := tpdu.Turkish; l <= tpdu.Urdu; l++ {
		if l == tpdu.Spanish {
			continue
		}
		got, err := tpdu.EncodeGSM7(frame, tpdu.Shift{Locking: l})
		if err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: %x, %v", l, got, err)
		}
		for code := range byte(128) {
			checkScript(t, l, []byte{code}, tpdu.Shift{Locking: l})
			checkScript(t, l, []byte{0x1B, code}, tpdu.Shift{Locking: l, Single: l})
		}
	}
}

// checkScript wants ASCII, Latin marks, the script's own characters, or nothing.
func checkScript(t *testing.T, l tpdu.Language, payload []byte, s tpdu.Shift) {
	t.Helper()
	text, _ := tpdu.DecodeGSM7(payload, s)
	for _, r := range text {
		script, own := scripts[l]
		if own && r >= 0x300 && r != '€' && r != utf8.RuneError && !unicode.Is(script, r) && !unicode.Is(unicode.Common, r) && !unicode.Is(unicode.Inherited, r) {
			t.Errorf("%s, %x: %q is of another script", l, payload, r)
		}
	}
}

// Where a table has nothing: TS 23.038 §6.2.1.1 notes 1 and 3, and U+FFFD for a void
// of a locking table.
func TestShiftTablesVoid(t *testing.T) {
	for _, tt := range []struct {
		name, payload string
		shift         tpdu.Shift
		want          string
		err           error
	}{
		{"single shift without the code: the locking table's", "1b04", tpdu.Shift{Locking: tpdu.Turkish, Single: tpdu.Turkish}, "€", nil},
		{"escape twice", "1b1b67", tpdu.Shift{Single: tpdu.Turkish}, " g", nil},
		{"escape at the end", "67 1b", tpdu.Shift{Locking: tpdu.Hindi}, "g ", nil},
		{"void of a locking table", "0d 0c", tpdu.Shift{Locking: tpdu.Oriya}, "\r\ufffd", tpdu.ErrCharacter},
		{"beyond 7 bits", "80 1b80", tpdu.Shift{Locking: tpdu.Hindi, Single: tpdu.Hindi}, "\ufffd\ufffd", tpdu.ErrCharacter},
	} {
		if got, err := tpdu.DecodeGSM7(octets(t, tt.payload), tt.shift); got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("%s: %q, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	for _, s := range []tpdu.Shift{{Locking: tpdu.Spanish}, {Single: 14}, {Locking: 14}} {
		if _, err := tpdu.EncodeGSM7("a", s); err == nil {
			t.Errorf("%s: encoded", s)
		}
		if _, err := tpdu.DecodeGSM7([]byte("a"), s); err == nil {
			t.Errorf("%s: decoded", s)
		}
	}
}

// TS 23.040 §9.2.3.24.15, .16: which tables a header announces.
func TestShiftOfHeader(t *testing.T) {
	for _, tt := range []struct {
		ud   string
		want tpdu.Shift
	}{
		{"03 24 01 01", tpdu.Shift{Single: tpdu.Turkish}},
		{"03 25 01 03", tpdu.Shift{Locking: tpdu.Portuguese}},
		{"06 24 01 06 25 01 06", tpdu.Shift{Locking: tpdu.Hindi, Single: tpdu.Hindi}},
		{"06 24 01 01 24 01 02", tpdu.Shift{Single: tpdu.Spanish}}, // the last one counts
		{"03 25 01 02", tpdu.Shift{}},                              // there is no such table
		{"03 24 01 0e", tpdu.Shift{}},                              // reserved
		{"05 00 03 01 01 01", tpdu.Shift{}},
	} {
		h, _, err := tpdu.ParseHeader(octets(t, tt.ud))
		if err != nil || h.Shift() != tt.want {
			t.Errorf("%s: %s, %v", tt.ud, h.Shift(), err)
		}
	}
	if _, _, err := tpdu.ParseHeader(octets(t, "04 24 02 01 01")); !errors.Is(err, tpdu.ErrUserData) {
		t.Errorf("a language of two octets: %v", err)
	}
	got, err := (tpdu.Shift{Locking: tpdu.Turkish, Single: tpdu.Turkish}).Header().Append(nil)
	if err != nil || hex.EncodeToString(got) != "06240101250101" {
		t.Errorf("%x, %v", got, err)
	}
}

// The fewest parts, then the fewest octets; the default alphabet wherever it serves.
func TestSmallest(t *testing.T) {
	turkish := "Ödemeniz alındı. Teşekkür ederiz, iyi günler dileriz. "
	for _, tt := range []struct {
		name, text string
		want       tpdu.Writing
	}{
		{"default", "Paid 5€ [ok]", tpdu.Writing{}},
		{"nothing", "", tpdu.Writing{}},
		{"few characters", "ça", tpdu.Writing{Alphabet: tpdu.UCS2}}, // 4 octets; the header alone would be
		{"Turkish", turkish, tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Turkish}}},
		{"Turkish among what its locking table lacks", turkish + "è", tpdu.Writing{Shift: tpdu.Shift{Single: tpdu.Turkish}}},
		{"Turkish, many of its letters", strings.Repeat("ışğ", 20), tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Turkish}}},
		{"Spanish", "Su pago de 20 € está listo, ¡gracias por su compra de día!", tpdu.Writing{Shift: tpdu.Shift{Single: tpdu.Spanish}}},
		{"Portuguese", "Sua transação não foi concluída. Por favor, verifique o cartão e tente outra vez amanhã.",
			tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Portuguese}}},
		{"Hindi", strings.Repeat("आपका भुगतान ", 5), tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Hindi}}},
		{"Hindi with a capital", strings.Repeat("आपका भुगतान ", 5) + "OK", tpdu.Writing{Shift: tpdu.Shift{Locking: tpdu.Hindi, Single: tpdu.Hindi}}},
		{"Chinese", "请支付", tpdu.Writing{Alphabet: tpdu.UCS2}},
		{"two languages", strings.Repeat("ışआ", 20), tpdu.Writing{Alphabet: tpdu.UCS2}},
		{"an emoji", strings.Repeat("ş", 80) + "😀", tpdu.Writing{Alphabet: tpdu.UCS2}},
	} {
		if got := tpdu.Smallest(tt.text); got != tt.want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
		}
	}
}
