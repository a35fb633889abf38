package tr31

import (
	"bytes"
	"crypto/aes"
	"crypto/fips140"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

type octets []byte

func (o *octets) UnmarshalText(text []byte) (err error) {
	*o, err = hex.AppendDecode(nil, text)
	return err
}

type vector struct {
	Version, Block        string
	KBPK, Key, KBEK, KBAK octets
}

func vectors(t testing.TB) []vector {
	t.Helper()
	var f struct{ TR31 []vector }
	b, err := os.ReadFile("testdata/tr31.json")
	if err == nil {
		err = json.Unmarshal(b, &f)
	}
	if err != nil || len(f.TR31) != 4 {
		t.Fatal(len(f.TR31), err)
	}
	return f.TR31
}

func (v vector) kbpk() ProtectionKey { return scp80.NewKey[ProtectionKey](v.KBPK) }

// skipLegacy skips a vector that needs 3DES, where only FIPS 140 algorithms may be used.
func (v vector) skipLegacy(t testing.TB) {
	if v.Block[:1] == string(VersionB) && fips140.Enforced() {
		t.Skip("3DES is not in FIPS 140")
	}
}

// TR-31:2018 A.7.2.2 and A.7.4, X9.143:2021 8.1, and a block of a payShield.
func TestVectors(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Version, func(t *testing.T) {
			v.skipLegacy(t)
			h, key, err := Open(v.kbpk(), v.Block)
			if err != nil || !bytes.Equal(key.Reveal(), v.Key) {
				t.Fatalf("key differs, %v", err)
			}
			if parsed, err := Parse(v.Block); err != nil || fmt.Sprint(parsed) != fmt.Sprint(h) {
				t.Errorf("Parse %v, Open %v, %v", parsed, h, err)
			}
			if want := v.Block[:1] + v.Block[5:9] + v.Block[11:12]; string(h.Version)+string(h.Usage)+string(h.Algorithm)+string(h.Mode)+string(h.Exportability) != want {
				t.Errorf("header %+v, want %s", h, want)
			}
			if v.KBEK != nil {
				checkDerived(t, v)
			}
		})
	}
}

func checkDerived(t *testing.T, v vector) {
	t.Helper()
	block, err := aes.NewCipher(v.KBPK)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(derive(block, forCiphering, 4, 32), v.KBEK) || !bytes.Equal(derive(block, forAuthentication, 4, 32), v.KBAK) {
		t.Error("the derived keys differ")
	}
}

// With the padding of X9.143:2021 8.1 the same block is made again, to the character.
func TestSealVector(t *testing.T) {
	v := vectors(t)[1]
	h, header, err := parse(v.Block)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProtection(VersionD, v.kbpk())
	if err != nil {
		t.Fatal(err)
	}
	rest, err := hex.DecodeString(v.Block[len(header):])
	if err != nil || !p.open(header, rest[:48], rest[48:]) {
		t.Fatal("not opened", err)
	}
	got, err := Seal(v.kbpk(), h, scp80.NewKey[Key](v.Key), bytes.NewReader(rest[2+16:48]))
	if err != nil || got != v.Block {
		t.Errorf("%s\nwant %s, %v", got, v.Block, err)
	}
}

func random() *rand.ChaCha8 { return rand.NewChaCha8([32]byte{7}) }

func key(n int) Key {
	b := make([]byte, n)
	_, _ = random().Read(b)
	return scp80.NewKey[Key](b)
}

func protectionKey(n int) ProtectionKey { return scp80.NewKey[ProtectionKey](key(n).Reveal()) }

var example = Header{Version: VersionD, Usage: UsageData, Algorithm: AES, Mode: ModeBoth, KeyVersion: "00", Exportability: NonExportable}

// What is sealed opens again: key lengths, algorithms and labels of every length
// around the cipher's block.
func TestRoundTrip(t *testing.T) {
	for _, c := range []struct {
		algorithm Algorithm
		key, kbpk int
	}{{AES, 16, 16}, {AES, 16, 32}, {AES, 24, 24}, {AES, 32, 32}, {TDEA, 16, 16}, {TDEA, 24, 32}, {HMAC, 32, 32}} {
		for label := range 34 {
			h := example
			h.Algorithm = c.algorithm
			if label > 0 {
				h.Optional = []Field{{FieldLabel, strings.Repeat("x", label-1)}}
			}
			block, err := Seal(protectionKey(c.kbpk), h, key(c.key), random())
			if err != nil {
				t.Fatal(c, label, err)
			}
			got, k, err := Open(protectionKey(c.kbpk), block)
			if err != nil || !k.Equal(key(c.key)) || fmt.Sprint(got) != fmt.Sprint(h) {
				t.Errorf("%v, label %d: %v, %v", c, label, got, err)
			}
		}
	}
}

// No length shows: a short key's block is as long as a long one's.
func TestLengthIsHidden(t *testing.T) {
	short, err := Seal(protectionKey(32), example, key(16), random())
	if err != nil {
		t.Fatal(err)
	}
	long, err := Seal(protectionKey(32), example, key(32), random())
	if err != nil || len(short) != len(long) {
		t.Errorf("%d and %d characters, %v", len(short), len(long), err)
	}
}

func TestSealRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		kbpk   ProtectionKey
		change func(*Header)
		key    Key
		want   error
	}{
		"version B":             {protectionKey(16), func(h *Header) { h.Version = VersionB }, key(16), ErrBlock},
		"no version":            {protectionKey(32), func(h *Header) { h.Version = "" }, key(16), ErrBlock},
		"a weak protection key": {protectionKey(16), func(*Header) {}, key(32), ErrProtection},
		"no protection key":     {ProtectionKey{}, func(h *Header) { h.Algorithm = TDEA }, key(16), ErrProtection},
		"17 octets of AES":      {protectionKey(32), func(*Header) {}, key(17), ErrBlock},
		"single DES":            {protectionKey(32), func(h *Header) { h.Algorithm = TDEA }, key(8), ErrBlock},
		"no algorithm":          {protectionKey(32), func(h *Header) { h.Algorithm = "" }, key(16), ErrBlock},
		"a long usage":          {protectionKey(32), func(h *Header) { h.Usage = "D00" }, key(16), ErrBlock},
		"padding of its own":    {protectionKey(32), func(h *Header) { h.Optional = []Field{{"PB", ""}} }, key(16), ErrBlock},
		"a label with a tab":    {protectionKey(32), func(h *Header) { h.Optional = []Field{{"LB", "\t"}} }, key(16), ErrBlock},
		"a label too long":      {protectionKey(32), func(h *Header) { h.Optional = []Field{{"LB", strings.Repeat("x", 252)}} }, key(16), ErrBlock},
	} {
		h := example
		c.change(&h)
		if block, err := Seal(c.kbpk, h, c.key, random()); !errors.Is(err, c.want) || block != "" {
			t.Errorf("%s: %q, %v", name, block, err)
		}
	}
	if _, err := Seal(protectionKey(32), example, key(16), strings.NewReader("short")); err == nil {
		t.Error("padded without randomness")
	}
}

// A block with any character changed is refused, and no error repeats the key.
func TestTamper(t *testing.T) {
	for _, v := range vectors(t) {
		t.Run(v.Version, func(t *testing.T) {
			v.skipLegacy(t)
			for i := range v.Block {
				for _, flip := range []byte{1, 2, 4, 0x20} {
					forged := []byte(v.Block)
					forged[i] ^= flip
					if strings.EqualFold(string(forged), v.Block) && i >= lenHeader {
						continue // the same hexadecimal digit
					}
					_, k, err := Open(v.kbpk(), string(forged))
					if err == nil || !k.IsZero() {
						t.Fatalf("character %d changed by %02X is taken", i, flip)
					}
					if strings.Contains(strings.ToUpper(err.Error()), fmt.Sprintf("%X", []byte(v.Key))) {
						t.Fatalf("the error tells the key: %v", err)
					}
				}
				if _, _, err := Open(v.kbpk(), v.Block[:i]); err == nil {
					t.Fatalf("cut at %d is taken", i)
				}
			}
			if _, _, err := Open(protectionKey(len(v.KBPK)), v.Block); !errors.Is(err, ErrAuthentication) {
				t.Errorf("another protection key: %v", err)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	good, err := Seal(protectionKey(32), Header{
		Version: VersionD, Usage: UsageData, Algorithm: AES, Mode: ModeBoth, KeyVersion: "00", Exportability: NonExportable,
		Optional: []Field{{FieldLabel, "card/modern"}},
	}, key(32), random())
	if err != nil {
		t.Fatal(err)
	}
	at := func(i int, s string) string { return good[:i] + s + good[i+len(s):] }
	for name, block := range map[string]string{
		"empty": "", "short": good[:15], "version A": at(0, "A"), "length": at(1, "9"), "length with a sign": at(1, "+"),
		"exportability": at(11, "X"), "count over": at(12, "09"), "count no number": at(12, "-1"), "context": at(14, "3"),
		"reserved": at(15, "1"), "control character": at(40, "\x00"), "not ASCII": at(40, "\xff"),
		"optional length": at(18, "ZZ"), "optional too short": at(18, "03"), "optional too long": at(18, "FF"),
	} {
		if h, err := Parse(block); !errors.Is(err, ErrBlock) {
			t.Errorf("%s: %+v, %v", name, h, err)
		}
		if _, _, err := Open(protectionKey(32), block); !errors.Is(err, ErrBlock) {
			t.Errorf("%s opened: %v", name, err)
		}
	}
	if h, err := Parse(good); err != nil || len(h.Optional) != 1 || h.Optional[0].Data != "card/modern" {
		t.Errorf("%+v, %v", h, err)
	}
}

// Optional blocks of over 255 characters have a length of their length (X9.143 §5.3).
func TestLongOptionalBlock(t *testing.T) {
	data := strings.Repeat("y", 300)
	f, rest, ok := cutField("TS0004" + "0136" + data + "tail")
	if !ok || f.ID != "TS" || f.Data != data || rest != "tail" {
		t.Errorf("%v %.20q %q", f.ID, f.Data, rest)
	}
	for _, bad := range []string{"TS00", "TS0004", "TS00040", "TS0000", "TS0005" + "00136" + data, "TS0004" + "0009" + data} {
		if _, _, ok := cutField(bad); ok {
			t.Errorf("%.12q is taken", bad)
		}
	}
}

// A key from a block prints as a mask.
func TestNeverPrints(t *testing.T) {
	v := vectors(t)[0]
	h, k, err := Open(v.kbpk(), v.Block)
	if err != nil {
		t.Fatal(err)
	}
	p, err := newProtection(VersionD, v.kbpk())
	if err != nil {
		t.Fatal(err)
	}
	for _, value := range []any{k, &k, v.kbpk(), []any{h, k}, struct{ K Key }{k}} {
		b, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%x", "%d", "%q"} {
			text := strings.ToUpper(fmt.Sprintf(verb, value) + string(b) + fmt.Sprintf(verb, p.mac))
			for _, secret := range []octets{v.Key, v.KBPK, v.KBAK, v.KBEK} {
				if strings.Contains(text, fmt.Sprintf("%X", []byte(secret[:4]))) || strings.Contains(text, strings.Trim(fmt.Sprint(secret[:4]), "[]")) {
					t.Errorf("%s of %T shows a key", verb, value)
				}
			}
		}
	}
}

func FuzzOpen(f *testing.F) {
	for _, v := range vectors(f) {
		f.Add(v.Block)
	}
	labelled := example
	labelled.Optional = []Field{{FieldLabel, "card/modern"}}
	block, err := Seal(protectionKey(32), labelled, key(32), random())
	if err != nil {
		f.Fatal(err)
	}
	f.Add(block)
	f.Add("D0144D0AB00N0100TS00040136" + strings.Repeat("y", 118))
	f.Fuzz(func(t *testing.T, block string) {
		h, header, err := parse(block)
		if err == nil && !strings.HasPrefix(block, header) {
			t.Errorf("header %q", header)
		}
		_, k, openErr := Open(protectionKey(32), block)
		if err != nil && openErr == nil {
			t.Errorf("opened, but not parsed: %v", err)
		}
		if openErr != nil {
			return
		}
		again, err := Seal(protectionKey(32), h, k, random())
		if err != nil {
			t.Fatal(err)
		}
		if got, same, err := Open(protectionKey(32), again); err != nil || !same.Equal(k) || fmt.Sprint(got) != fmt.Sprint(h) {
			t.Errorf("made again: %v, %v", got, err)
		}
	})
}
