package canary_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/airtill/airtill/cli/internal/canary"
	"github.com/airtill/airtill/gateway/tpdu"
)

const (
	number = "736482915064"
	words  = "ak_kingfisher7Q"
)

var key = []byte{0xF1, 0x5D, 0xE2, 0x07, 0x9B, 0xC4, 0x38, 0xA6, 0x11, 0x73, 0xEE, 0x42, 0x8D, 0x50, 0x3F, 0x96}

func search() *canary.Search {
	s := new(canary.Search)
	s.Digits("number", number)
	s.Text("words", words)
	s.Octets("key", key)
	return s
}

// contents are secrets written by encoders that the search does not use.
func contents(t *testing.T) map[string][]byte {
	t.Helper()
	bcd, _ := hex.DecodeString(number)
	shifted, _ := hex.DecodeString("F" + number + "F")
	swap := func(b []byte) []byte {
		var out []byte
		for _, o := range b {
			out = append(out, o<<4|o>>4)
		}
		return out
	}
	n := uint64(736482915064)
	all := map[string][]byte{
		"number text": []byte(number), "number BCD": bcd, "number BCD shifted": shifted,
		"number swapped": swap(bcd), "number swapped and shifted": swap(shifted),
		"number integer": binary.BigEndian.AppendUint64(nil, n), "number integer, low first": binary.LittleEndian.AppendUint64(nil, n),
		"number in fours": []byte("7364 8291 5064"), "number in fours, dashed": []byte("7364-8291-5064"),
		"words text": []byte(words), "key octets": key,
	}
	for _, secret := range []struct{ what, text string }{{"number", number}, {"words", words}} {
		for before := range 8 {
			all[fmt.Sprintf("%s in septets after %d", secret.what, before)] = packedText(t, strings.Repeat("q", before)+secret.text+"zz")
		}
		var wide []byte
		for _, u := range utf16.Encode([]rune(secret.text)) {
			wide = binary.BigEndian.AppendUint16(wide, u)
		}
		all[secret.what+" in UCS2"] = wide
	}
	return all
}

// packedText is a text as the carrier packs it in a TP-UD.
func packedText(t *testing.T, text string) []byte {
	t.Helper()
	septets, err := tpdu.Encode(text, tpdu.GSM7)
	if err != nil {
		t.Fatal(err)
	}
	return tpdu.Pack(septets, 0)
}

// Each way in which a planted canary can be written is found, wherever it stands.
func TestPlantedCanariesAreFound(t *testing.T) {
	s := search()
	containers := map[string]func([]byte) []byte{
		"as it is":  func(b []byte) []byte { return b },
		"hex":       func(b []byte) []byte { return []byte(hex.EncodeToString(b)) },
		"HEX":       func(b []byte) []byte { return []byte(strings.ToUpper(hex.EncodeToString(b))) },
		"base64":    func(b []byte) []byte { return []byte(base64.StdEncoding.EncodeToString(b)) },
		"base64url": func(b []byte) []byte { return []byte(base64.RawURLEncoding.EncodeToString(b)) },
		"form": func(b []byte) []byte {
			return []byte("a=1&b=" + url.QueryEscape(base64.StdEncoding.EncodeToString(b)) + "&c=%20")
		},
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for what, content := range contents(t) {
		whose, how, _ := strings.Cut(what, " ")
		for name, contain := range containers {
			if how == "integer" || how == "integer, low first" || strings.HasPrefix(how, "in fours") {
				contain = containers["as it is"]
			}
			for before := range 4 {
				planted := slicesOf(noise(rng, before), content, noise(rng, 5))
				place := slicesOf(noise(rng, 40), contain(planted), noise(rng, 40))
				if name == "form" {
					place = contain(planted)
				}
				if !found(s.In(place), whose) {
					t.Errorf("%s in %s after %d octets is not found", what, name, before)
				}
			}
		}
	}
}

func slicesOf(all ...[]byte) []byte { return bytes.Join(all, nil) }

func noise(rng *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rng.Uint32())
	}
	return b
}

func found(all []canary.Found, what string) bool {
	for _, f := range all {
		if f.What == what {
			return true
		}
	}
	return false
}

// Where there is no secret nothing is found, and masks are none.
func TestNothingIsFoundWhereNothingIs(t *testing.T) {
	s := search()
	rng := rand.New(rand.NewPCG(3, 4))
	places := [][]byte{nil, {0}, []byte(number[:9]), []byte("736482******5064"), []byte(words[1:]), key[1:], noise(rng, 1<<20)}
	places = append(places, []byte(base64.StdEncoding.EncodeToString(noise(rng, 1<<20))))
	for _, place := range places {
		if all := s.In(place); len(all) != 0 {
			t.Errorf("found %v", all)
		}
	}
	if all := new(canary.Search).In([]byte(number)); len(all) != 0 {
		t.Errorf("an empty search found %v", all)
	}
}

// What is found is named and not shown.
func TestFoundIsMasked(t *testing.T) {
	all := search().In([]byte("pin=" + number))
	if len(all) == 0 || strings.Contains(fmt.Sprint(all), number) || all[0].At != 4 {
		t.Errorf("found %v", all)
	}
}
