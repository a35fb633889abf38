package smpp_test

import (
	"errors"
	"strings"
	"testing"
	"time"
	"unicode"

	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway/smpp"
)

var digits = &unicode.RangeTable{R16: []unicode.Range16{{Lo: 0x30, Hi: 0x39, Stride: 1}, {Lo: 0x61, Hi: 0x66, Stride: 1}}, LatinOffset: 2}

func TestReceiptText(t *testing.T) {
	want := smpp.Receipt{
		ID: "7B", Sub: 1, Dlvrd: 1, SubmitDate: time.Date(2026, 11, 23, 9, 5, 0, 0, time.UTC),
		DoneDate: time.Date(2026, 11, 23, 9, 6, 0, 0, time.UTC), Stat: "DELIVRD", Err: "000", Text: "Your bill is",
	}
	written := "id:7B sub:001 dlvrd:001 submit date:2611230905 done date:2611230906 stat:DELIVRD err:000 text:Your bill is"
	if got := want.String(); got != written {
		t.Errorf("appendix B:\n got %s\nwant %s", got, written)
	}
	for name, text := range map[string]string{
		"appendix B":   written,
		"Text:":        strings.Replace(written, "text:", "Text:", 1),
		"seconds":      strings.Replace(strings.Replace(written, "0905", "090500", 1), "0906", "090600", 1),
		"upper case":   strings.Replace(strings.Replace(written, "submit date", "SUBMIT DATE", 1), "id:", "ID:", 1),
		"spaces after": strings.Replace(written, "stat:", "stat: ", 1),
	} {
		if got, err := smpp.ParseReceipt(text); err != nil || got != want {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
}

func TestReceiptFieldsLeftOut(t *testing.T) {
	got, err := smpp.ParseReceipt("id:0123 stat:EXPIRED err:34")
	if err != nil || got != (smpp.Receipt{ID: "0123", Stat: "EXPIRED", Err: "34"}) {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestReceiptRefused(t *testing.T) {
	for _, text := range []string{"", "hello", "id:", "id: sub:001", "sub:001 id:5", "id:1 sub:x stat:DELIVRD", "id:1 sub:1000 stat:DELIVRD", "id:1 submit date:26"} {
		if got, err := smpp.ParseReceipt(text); !errors.Is(err, smpp.ErrNotReceipt) {
			t.Errorf("%q read as %+v, %v", text, got, err)
		}
	}
}

func TestReceiptTextIsCut(t *testing.T) {
	s := smpp.Receipt{ID: "1", Stat: "DELIVRD", Text: strings.Repeat("x", 30)}.String()
	if !strings.HasSuffix(s, "text:"+strings.Repeat("x", 20)) {
		t.Error(s)
	}
}

func TestReceiptRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		minutes := rapid.Int64Range(0, 30*365*24*60)
		date := func(name string) time.Time {
			return time.Date(2020, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(minutes.Draw(t, name)) * time.Minute)
		}
		want := smpp.Receipt{
			ID: "x" + genText(63).Draw(t, "id"), Sub: rapid.IntRange(0, 999).Draw(t, "sub"), Dlvrd: rapid.IntRange(0, 999).Draw(t, "dlvrd"),
			SubmitDate: date("submit"), DoneDate: date("done"), Stat: smpp.StateWord(rapid.Uint8().Draw(t, "state")),
			Err: "034", Text: rapid.StringMatching(`[ -~]{0,20}`).Draw(t, "text"),
		}
		if got, err := smpp.ParseReceipt(want.String()); err != nil || got != want {
			t.Fatalf("%+v became %+v, %v", want, got, err)
		}
	})
}

// §7.1.1.
func TestTimes(t *testing.T) {
	now := time.Date(2024, 1, 31, 12, 0, 0, 0, time.UTC)
	for _, tc := range []struct {
		text string
		want time.Time
	}{
		{"261123120000000+", time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)},
		{"261123120000508-", time.Date(2026, 11, 23, 14, 0, 0, 500e6, time.UTC)},
		{"261123120000032+", time.Date(2026, 11, 23, 4, 0, 0, 0, time.UTC)},
		{"261123120000048+", time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)},
		{"000000000500000R", now.Add(5 * time.Minute)},
		{"020610233429000R", time.Date(2026, 8, 11, 35-24, 34, 29, 0, time.UTC)}, // calendar years and months
		{"010000000000000R", time.Date(2025, 1, 31, 12, 0, 0, 0, time.UTC)},
		{"000100000000000R", time.Date(2024, 3, 2, 12, 0, 0, 0, time.UTC)}, // 31 February of a leap year
	} {
		got, err := smpp.ParseTime(tc.text)
		if err != nil || !got.At(now).Equal(tc.want) {
			t.Errorf("%s is %v, want %v; %v", tc.text, got.At(now), tc.want, err)
		}
		if err == nil && got.String() != tc.text {
			t.Errorf("%s written as %s", tc.text, got)
		}
	}
}

func TestTimesRefused(t *testing.T) {
	for _, text := range []string{
		"", "2611231200", "261123120000000", "261123120000000Z", "261123120000049+", "261323120000000+", "260230120000000+",
		"261123250000000+", "261123126000000+", "26112312000x000+", "000000000500001R", "000000000500100R", "-61123120000000+",
		"000000120000000+",
	} {
		if got, err := smpp.ParseTime(text); !errors.Is(err, smpp.ErrTime) {
			t.Errorf("%q read as %v, %v", text, got, err)
		}
	}
}

func TestAfter(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	for _, d := range []time.Duration{0, time.Second, 15 * time.Minute, 25*time.Hour + 61*time.Second, 99 * 24 * time.Hour} {
		got, err := smpp.ParseTime(smpp.After(d).String())
		if err != nil || got.At(now).Sub(now) != d {
			t.Errorf("%v became %v, %v", d, got, err)
		}
	}
	if got := smpp.After(1000 * 24 * time.Hour).Days; got != 99 {
		t.Errorf("capped at %d days", got)
	}
}
