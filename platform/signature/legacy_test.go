package signature

import (
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func skipLegacy(t testing.TB) {
	t.Helper()
	if fips140.Enforced() {
		t.Skip("MD5 and 3DES are not there in FIPS 140 mode")
	}
}

// The base is sorted, and no two messages have the same one.
func TestFieldsBase(t *testing.T) {
	f := Fields{"b": "x y", "a": "1&b=2", "c": "订单~.-_*", "sign": "ignored", "e": ""}
	if got, want := f.Base(), "a=1%26b%3D2&b=x+y&c=%E8%AE%A2%E5%8D%95~.-_%2A&e="; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if got, want := (Fields{"a": "1", "sign": "+/="}).Form(), "a=1&sign=%2B%2F%3D"; got != want {
		t.Errorf("%s, want %s", got, want)
	}
	if (Fields{"a": "1&b=2"}).Base() == (Fields{"a": "1", "b": "2"}).Base() {
		t.Error("two messages have one base")
	}
}

// A form and a JSON object with the same fields have the same signature.
func TestFormAndObject(t *testing.T) {
	skipLegacy(t)
	k := mustKey(t, RSAMD5)
	f := Fields{"reference": "order-1", "amount": "500", "goods": `{"kind":"water"}`, "subject": "a b"}
	if err := f.Sign(k); err != nil {
		t.Fatal(err)
	}
	form, err := ParseForm(f.Form())
	if err != nil || form.Verify(k.Verification()) != nil {
		t.Errorf("as a form: %v, %v", err, form.Verify(k.Verification()))
	}
	sign, _ := json.Marshal(f[FieldSign])
	object, err := ParseObject([]byte(`{"reference":"order-1", "amount": 500, "goods": {"kind": "water"}, "subject":"a b", "left": null, "sign":` + string(sign) + `}`))
	if err != nil || object.Verify(k.Verification()) != nil {
		t.Errorf("as JSON: %v, %v", object, err)
	}
}

func TestFieldsTampered(t *testing.T) {
	skipLegacy(t)
	k, other := mustKey(t, RSAMD5), mustKey(t, RSAMD5)
	pss, _ := k.As(RSAPSS)
	good := func() Fields {
		f := Fields{"reference": "order-1", "amount": "500"}
		if err := f.Sign(k); err != nil {
			t.Fatal(err)
		}
		return f
	}
	for name, tt := range map[string]struct {
		change func(Fields)
		key    VerificationKey
		want   error
	}{
		"good":              {func(Fields) {}, k.Verification(), nil},
		"another value":     {func(f Fields) { f["amount"] = "501" }, k.Verification(), ErrSignature},
		"a field more":      {func(f Fields) { f["x"] = "" }, k.Verification(), ErrSignature},
		"a field less":      {func(f Fields) { delete(f, "amount") }, k.Verification(), ErrSignature},
		"another name":      {func(f Fields) { f["amounts"] = f["amount"]; delete(f, "amount") }, k.Verification(), ErrSignature},
		"another key":       {func(Fields) {}, other.Verification(), ErrSignature},
		"another algorithm": {func(Fields) {}, pss.Verification(), ErrAlgorithm},
		"no signature":      {func(f Fields) { delete(f, FieldSign) }, k.Verification(), ErrUnsigned},
		"no base64":         {func(f Fields) { f[FieldSign] = "!" }, k.Verification(), ErrMalformed},
		"a line break":      {func(f Fields) { f[FieldSign] += "\n" }, k.Verification(), ErrMalformed},
		"an empty one":      {func(f Fields) { f[FieldSign] = "" }, k.Verification(), ErrSignature},
	} {
		f := good()
		tt.change(f)
		if err := f.Verify(tt.key); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", name, err, tt.want)
		}
	}
	if err := (Fields{}).Sign(pss); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed with a key for RSA-PSS: %v", err)
	}
	if err := (Fields{}).Sign(mustKey(t, Ed25519)); !errors.Is(err, ErrAlgorithm) {
		t.Errorf("signed with a key that is not RSA: %v", err)
	}
}

func TestFieldsUnreadable(t *testing.T) {
	for _, form := range []string{"a=1&a=2", "a=%zz", "a;b"} {
		if f, err := ParseForm(form); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, %v", form, f, err)
		}
	}
	for _, object := range []string{"", "{", "[]", "1", `{"a":1}{}`, `{"a":1,"a":1}`, "{\"a\":\"\xff\"}", `{"a":}`, `{1:2}`} {
		if f, err := ParseObject([]byte(object)); !errors.Is(err, ErrMalformed) {
			t.Errorf("%q: %v, %v", object, f, err)
		}
	}
}

// ISO/IEC 9797-1 algorithm 3: the MAC of ANSI X9.9's sample text under the sample keys;
// the first four octets are the published ones, and wire.md section 2.2 has them all.
func TestRetailMAC(t *testing.T) {
	skipLegacy(t)
	key, _ := hex.DecodeString("0123456789ABCDEFFEDCBA9876543210")
	mac, err := retailMAC(key, []byte("Now is the time for all "))
	if got := strings.ToUpper(hex.EncodeToString(mac)); err != nil || got != "A1C72E74EA3FA9B6" {
		t.Errorf("%s, %v", got, err)
	}
}

func fieldKey(t testing.TB, first byte) FieldKey {
	t.Helper()
	octets := make([]byte, 32)
	for i := range octets {
		octets[i] = first + byte(i)*2
	}
	k, err := NewFieldKey(octets)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// A field opens under its name and its key, whatever its length, and no octet of it can change.
func TestFields3DES(t *testing.T) {
	skipLegacy(t)
	k, old := fieldKey(t, 1), fieldKey(t, 3)
	rapid.Check(t, func(rt *rapid.T) {
		plain := rapid.String().Draw(rt, "plain")
		sealed, err := SealField(k, "phone", plain)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := OpenField("phone", sealed, old, k); err != nil || got != plain {
			rt.Fatalf("%q, %v", got, err)
		}
		if _, err := OpenField("payee", sealed, k); !errors.Is(err, ErrField) {
			rt.Fatalf("under another name: %v", err)
		}
		if _, err := OpenField("phone", sealed, old); !errors.Is(err, ErrField) {
			rt.Fatalf("under another key: %v", err)
		}
		octets := []byte(sealed)
		octets[rapid.IntRange(0, len(octets)-1).Draw(rt, "octet")] ^= 1
		if _, err := OpenField("phone", string(octets), k); !errors.Is(err, ErrField) {
			rt.Fatalf("changed: %v", err)
		}
	})
	for _, wrong := range []string{"", "AAAA", "8613800000001", strings.Repeat("A", 32), strings.Repeat("AAAAAAAAAAA", 8)} {
		if _, err := OpenField("phone", wrong, k); !errors.Is(err, ErrField) {
			t.Errorf("%q: %v", wrong, err)
		}
	}
	if _, err := OpenField("phone", strings.Repeat("A", 32)); !errors.Is(err, ErrField) {
		t.Errorf("without a key: %v", err)
	}
	if _, err := SealField(FieldKey{}, "phone", "x"); err == nil {
		t.Error("sealed with no key")
	}
}

func TestParseFieldKey(t *testing.T) {
	k := fieldKey(t, 1)
	if back, err := ParseFieldKey(k.Reveal()); err != nil || back.Reveal() != k.Reveal() {
		t.Error(err)
	}
	for _, wrong := range []string{"", "x", "AAAA", strings.Repeat("A", 43) + "="} {
		if _, err := ParseFieldKey(wrong); err == nil {
			t.Errorf("%q is taken", wrong)
		}
	}
}
