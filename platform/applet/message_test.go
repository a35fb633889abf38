package applet

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"encoding/json"
	"errors"
	"math"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

func mustAES(t testing.TB, key []byte) cipher.Block {
	t.Helper()
	b, err := aes.NewCipher(key)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// compare looks into the secrets, which are comparable only by what they hold.
func compare() cmp.Option {
	return cmp.Comparer(func(a, b Identity) bool { return a.Reveal() == b.Reveal() })
}

var ref = BillRef{0, 0, 0, 0, 0, 0xA1, 0xB2, 0xC3}

// samplePay is a payment of a suite: in the legacy one a PIN block has 8 octets.
func samplePay(t testing.TB, s scp80.Suite) *Pay {
	block := PINBlock{4, 5, 6, 7, 8, 9, 10, 11}
	if s == scp80.Modern {
		block[15] = 12
	}
	return &Pay{
		Ref: ref, Amount: 12345, Currency: money.CNY, Time: time.Unix(0x6955b900, 0).UTC(),
		Phone: "8613800000001", Identity: identity(t, "11010519900307123X"),
		Blob: CardBlob{1, 2, 3}, PINCounter: 7, PINBlock: block,
		Payee: "10658001", Transaction: 0x0102030405060708,
	}
}

func samples(t testing.TB, s scp80.Suite) []Message {
	at := time.Unix(1_800_000_000, 0).UTC()
	return []Message{
		&Bill{Ref: ref, Amount: 128000, Currency: money.CNY, Expires: at, Merchant: "10658001", Name: "Blue Sky Air", Subject: "CA1405 2026-12-01 12A"},
		&Bill{Ref: ref, Amount: money.Max, Currency: "JPY", Merchant: "99999999"},
		&Open{Ref: ref, Status: Deferred, Time: at, Slots: 3, Version: 1},
		samplePay(t, s),
		&Pay{Ref: ref, Amount: 1, Currency: "USD", Phone: "8613800000001"},
		&Refuse{Ref: ref, Reason: RefuseNotMine, Time: at, Text: "不是我的"},
		&Result{Ref: ref, Code: CodeApproved, Approval: "A00042", Number: 999999999999, Amount: 1, Currency: money.CNY, CardTail: "0019", Time: at, TriesLeft: 3, Text: "Paid"},
		&Result{Ref: ref, Code: CodeCancelled, Currency: money.CNY},
		&Receipt{Ref: ref, Digest: [8]byte{1, 2, 3, 4, 5, 6, 7, 8}, Time: at},
		&Keys{Version: 2, Wrapped: bytes.Repeat([]byte{7}, wrappedLen(s))},
		&Keyed{Version: 255},
	}
}

func TestRoundTrip(t *testing.T) {
	for _, s := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		for _, m := range samples(t, s) {
			b := Encode(s, m)
			got, err := Decode(s, b)
			if err != nil {
				t.Errorf("%s %s: %v", s, m.Type(), err)
				continue
			}
			if d := cmp.Diff(m, got, compare()); d != "" || got.Reference() != m.Reference() || got.Type() != m.Type() {
				t.Errorf("%s %s: %s", s, m.Type(), d)
			}
			if Type(b[0]) != m.Type() || b[1] != byte(s)<<4 {
				t.Errorf("%s %s: begins %x", s, m.Type(), b[:2])
			}
		}
	}
}

// A message belongs to one suite: it does not decode as one of the other, and without
// a suite there is none.
func TestSuiteIsBound(t *testing.T) {
	for _, s := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		other := scp80.Modern + scp80.Legacy - s
		for _, m := range samples(t, s) {
			b := Encode(s, m)
			if got, err := Decode(other, b); got != nil || !errors.Is(err, ErrSuite) {
				t.Errorf("%s %s as %s: %v, %v", s, m.Type(), other, got, err)
			}
			for _, none := range []scp80.Suite{0, 3} {
				if got, err := Decode(none, b); got != nil || !errors.Is(err, ErrSuite) {
					t.Errorf("%s without a suite: %v, %v", m.Type(), got, err)
				}
				if _, err := Append(nil, none, m); !errors.Is(err, ErrSuite) {
					t.Errorf("%s encoded without a suite: %v", m.Type(), err)
				}
			}
		}
	}
}

// wire.md 6: payload sizes, and TP-UD of one short message with the card in the SIM
// (UDH of 3) and outside it (UDH of 9, wire.md 1.7). Modern keys take two.
func TestSizes(t *testing.T) {
	long := strings.Repeat("x", 200)
	type size struct{ payload, ud int }
	bare := func(s scp80.Suite) Message {
		m := samplePay(t, s)
		m.Payee, m.Transaction = "", 0
		return m
	}
	same := func(m Message) func(scp80.Suite) Message { return func(scp80.Suite) Message { return m } }
	for _, c := range []struct {
		name           string
		m              func(scp80.Suite) Message
		modern, legacy size
	}{
		{"BILL", same(&Bill{Amount: 1, Currency: money.CNY, Merchant: "10658001", Name: long, Subject: long}), size{92, 125}, size{92, 125}},
		{"OPEN", same(&Open{}), size{17, 45}, size{17, 45}},
		{"PAY", bare, size{84, 125}, size{75, 109}},
		{"PAY with tail", func(s scp80.Suite) Message { return samplePay(t, s) }, size{96, 125}, size{87, 117}},
		{"REFUSE", same(&Refuse{Text: long}), size{40, 77}, size{40, 69}},
		{"RESULT", same(&Result{Code: CodeFunds, Currency: money.CNY, Text: long}), size{80, 109}, size{80, 109}},
		{"RECEIPT", same(&Receipt{}), size{22, 61}, size{22, 53}},
		{"KEYS", func(s scp80.Suite) Message { return &Keys{1, make([]byte, wrappedLen(s))} }, size{155, 189}, size{91, 117 + 8}},
		{"KEYED", same(&Keyed{1}), size{11, 45}, size{11, 45}},
	} {
		for s, want := range map[scp80.Suite]size{scp80.Modern: c.modern, scp80.Legacy: c.legacy} {
			b := Encode(s, c.m(s))
			packet := s.Profile(scp80.MO, 1).PacketLen(len(b))
			const udhSIM, udhPorts, most = 3, 9, 140
			if len(b) != want.payload || packet+udhSIM != want.ud {
				t.Errorf("%s %s: %d octets, TP-UD %d, want %+v", s, c.name, len(b), packet+udhSIM, want)
			}
			if one := packet+udhPorts <= most; one == (c.name == "KEYS" && s == scp80.Modern) {
				t.Errorf("%s %s: TP-UD %d with ports", s, c.name, packet+udhPorts)
			}
		}
	}
}

// Text is cut at a rune, never in one.
func TestTextCut(t *testing.T) {
	for _, s := range []string{strings.Repeat("机", 9), strings.Repeat("é", 13), "x" + strings.Repeat("机", 8), strings.Repeat("🎫", 7), "\xff\xfe bad"} {
		m, err := Decode(scp80.Modern, Encode(scp80.Modern, &Refuse{Ref: ref, Text: s}))
		if err != nil {
			t.Errorf("%q: %v", s, err)
			continue
		}
		got := m.(*Refuse).Text
		if !utf8.ValidString(got) || len(got) > MaxRemark || utf8.ValidString(s) && !strings.HasPrefix(s, got) {
			t.Errorf("%q became %q", s, got)
		}
		if len(s) > MaxRemark && len(got) < MaxRemark-utf8.UTFMax+1 {
			t.Errorf("%q lost more than a rune: %q", s, got)
		}
	}
}

// A value that does not fit is an error of Append, never another value.
func TestAppendRefuses(t *testing.T) {
	change := func(f func(*Pay)) *Pay {
		m := samplePay(t, scp80.Modern)
		f(m)
		return m
	}
	for name, m := range map[string]Message{
		"amount over 12 digits":   change(func(p *Pay) { p.Amount = money.Max + 1 }),
		"negative amount":         change(func(p *Pay) { p.Amount = -1 }),
		"no currency":             change(func(p *Pay) { p.Currency = "" }),
		"unknown currency":        change(func(p *Pay) { p.Currency = "XXQ" }),
		"phone of 17 digits":      change(func(p *Pay) { p.Phone = "86138000000012345" }),
		"phone of letters":        change(func(p *Pay) { p.Phone = "86A" }),
		"payee of 7 digits":       change(func(p *Pay) { p.Payee = "1065800" }),
		"transaction, no payee":   change(func(p *Pay) { p.Payee = "" }),
		"time before 1970":        change(func(p *Pay) { p.Time = time.Unix(-1, 0) }),
		"time after 2106":         change(func(p *Pay) { p.Time = time.Unix(math.MaxUint32+1, 0) }),
		"no merchant":             &Bill{Amount: 1, Currency: money.CNY},
		"status 3":                &Open{Status: 3},
		"no code":                 &Result{Currency: money.CNY},
		"long code":               &Result{Code: "000", Currency: money.CNY},
		"approval":                &Result{Code: "00", Approval: "abc", Currency: money.CNY},
		"13-digit number":         &Result{Code: "00", Number: 1e12, Currency: money.CNY},
		"card tail of 3":          &Result{Code: "00", CardTail: "019", Currency: money.CNY},
		"tries":                   &Result{Code: "00", TriesLeft: 256, Currency: money.CNY},
		"keys of the other suite": &Keys{Version: 1, Wrapped: make([]byte, wrappedLen(scp80.Legacy))},
		"keys of no version":      &Keys{Wrapped: make([]byte, wrappedLen(scp80.Modern))},
		"keyed with no version":   &Keyed{},
	} {
		if b, err := Append([]byte("kept"), scp80.Modern, m); !errors.Is(err, ErrRange) || string(b) != "kept" {
			t.Errorf("%s: %x, %v", name, b, err)
		}
	}
	counter, block := samplePay(t, scp80.Legacy), samplePay(t, scp80.Modern)
	counter.PINCounter = 1 << 21
	for name, m := range map[string]Message{"a counter of 22 bits": counter, "a PIN block of 16": block} {
		if _, err := Append(nil, scp80.Legacy, m); !errors.Is(err, ErrRange) {
			t.Errorf("legacy, %s: %v", name, err)
		}
	}
	defer func() {
		if recover() == nil {
			t.Error("Encode of a value that does not fit did not panic")
		}
	}()
	Encode(scp80.Modern, &Open{Status: 3})
}

func TestDecodeRefuses(t *testing.T) {
	for _, s := range []scp80.Suite{scp80.Modern, scp80.Legacy} {
		bare := map[scp80.Suite]int{scp80.Modern: 84, scp80.Legacy: 75}[s] // a PAY without its tail is a PAY
		for _, m := range samples(t, s) {
			b := Encode(s, m)
			_, pay := m.(*Pay)
			for n := range b {
				if got, err := Decode(s, b[:n]); !(pay && n == bare) && !errors.Is(err, ErrMessage) {
					t.Errorf("%s %s cut at %d: %v, %v", s, m.Type(), n, got, err)
				}
			}
			if _, err := Decode(s, append(bytes.Clone(b), 0)); !errors.Is(err, ErrMessage) {
				t.Errorf("%s %s and an octet more: %v", s, m.Type(), err)
			}
		}
	}
}

// What sits in an octet of a good message and must not decode.
func TestDecodeRefusesValues(t *testing.T) {
	all := samples(t, scp80.Modern)
	pay, result, open := Encode(scp80.Modern, all[3]), Encode(scp80.Modern, all[6]), Encode(scp80.Modern, all[2])
	keys, keyed := Encode(scp80.Modern, all[9]), Encode(scp80.Modern, all[10])
	for _, c := range []struct {
		name string
		b    []byte
		at   int
		to   byte
	}{
		{"unknown type", pay, 0, 9},
		{"type 0", pay, 0, 0},
		{"unknown suite", pay, 1, 0x30},
		{"unknown version", pay, 1, 0x11},
		{"amount not decimal", pay, 10, 0xA0},
		{"unknown currency", pay, 17, 0x00},
		{"phone with a gap", pay, 22, 0xF6},
		{"phone not decimal", pay, 22, 0xB6},
		{"identity not decimal", pay, 31, 0xC1},
		{"identity with X inside", pay, 31, 0x1A},
		{"identity without a type", pay, 30, 0x00},
		{"payee not decimal", pay, 84, 0xC1},
		{"payee of 7 digits", pay, 87, 0x0F},
		{"code in lower case", result, 10, 'a'},
		{"code half empty", result, 11, ' '},
		{"number not decimal", result, 18, 0xAA},
		{"card tail of 3", result, 33, 0x1F},
		{"status 3", open, 10, 3},
		{"keys of no version", keys, 10, 0},
		{"keys of a bill", keys, 9, 1},
		{"keyed with no version", keyed, 10, 0},
		{"keyed of a bill", keyed, 2, 1},
	} {
		b := bytes.Clone(c.b)
		b[c.at] = c.to
		if m, err := Decode(scp80.Modern, b); !errors.Is(err, ErrMessage) {
			t.Errorf("%s: %v, %v", c.name, m, err)
		}
	}
	counter := Encode(scp80.Legacy, samplePay(t, scp80.Legacy))
	counter[64] = 0x20
	if _, err := Decode(scp80.Legacy, counter); !errors.Is(err, ErrMessage) {
		t.Errorf("a legacy counter of 22 bits: %v", err)
	}
	bad := Encode(scp80.Modern, &Refuse{Text: "ab"})
	bad[len(bad)-1] = 0xFF
	if _, err := Decode(scp80.Modern, bad); !errors.Is(err, ErrMessage) {
		t.Errorf("text that is not UTF-8: %v", err)
	}
	long := append(Encode(scp80.Modern, &Refuse{})[:15], MaxRemark+1)
	if _, err := Decode(scp80.Modern, append(long, strings.Repeat("x", MaxRemark+1)...)); !errors.Is(err, ErrMessage) {
		t.Errorf("text over its field: %v", err)
	}
}

func TestReceiptOf(t *testing.T) {
	r := samples(t, scp80.Modern)[6].(*Result)
	now := time.Unix(1_800_000_100, 0).UTC()
	got := ReceiptOf(scp80.Modern, r, now)
	if got.Ref != r.Ref || !got.Time.Equal(now) || got.Digest != r.Digest(scp80.Modern) || got.Digest == ([8]byte{}) {
		t.Errorf("%+v", got)
	}
	if got.Digest == r.Digest(scp80.Legacy) {
		t.Error("the same digest in the other suite")
	}
	r.TriesLeft--
	if got.Digest == r.Digest(scp80.Modern) {
		t.Error("another result has the same digest")
	}
}

// Whatever decodes encodes to the same octets, and whatever encodes decodes to the same message.
func TestPayProperty(t *testing.T) {
	currencies := money.Currencies()
	counterMost := map[scp80.Suite]uint32{scp80.Modern: math.MaxUint32, scp80.Legacy: 1<<21 - 1}
	rapid.Check(t, func(t *rapid.T) {
		s := rapid.SampledFrom([]scp80.Suite{scp80.Modern, scp80.Legacy}).Draw(t, "suite")
		id, err := ParseIdentity(ResidentID, rapid.StringMatching(`[0-9]{1,17}[0-9X]`).Draw(t, "identity"))
		if err != nil {
			t.Fatal(err)
		}
		m := &Pay{
			Amount:     money.Amount(rapid.Int64Range(0, int64(money.Max)).Draw(t, "amount")),
			Currency:   rapid.SampledFrom(currencies).Draw(t, "currency"),
			Time:       time.Unix(rapid.Int64Range(1, math.MaxUint32).Draw(t, "time"), 0).UTC(),
			Phone:      gateway.MSISDN(rapid.StringMatching(`[1-9][0-9]{6,14}`).Draw(t, "phone")),
			Identity:   id,
			PINCounter: rapid.Uint32Range(0, counterMost[s]).Draw(t, "counter"),
			Payee:      MerchantNumber(rapid.StringMatching(`[1-9][0-9]{7}`).Draw(t, "payee")),
		}
		m.Transaction = TransactionNumber(rapid.Uint64().Draw(t, "transaction"))
		copy(m.PINBlock[:], rapid.SliceOfN(rapid.Byte(), blockLen(s), blockLen(s)).Draw(t, "PIN block"))
		got, err := Decode(s, Encode(s, m))
		if err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(m, got, compare()); d != "" {
			t.Fatal(d)
		}
	})
}

func TestNames(t *testing.T) {
	for f := Standalone; f <= SDTF; f++ {
		got, err := ParseForm(f.String())
		if err != nil || got != f || f.Capacity() < 2 || f.InSIM() != (f == SIM) {
			t.Errorf("%s: %v, %v", f, got, err)
		}
	}
	if _, err := ParseForm("esim"); err == nil {
		t.Error("a fourth form")
	}
	var r BillRef
	text, _ := ref.MarshalText()
	if err := r.UnmarshalText(text); err != nil || r != ref || r.String() != "0000000000a1b2c3" {
		t.Errorf("%s, %v", r, err)
	}
	for _, bad := range []string{"", "00", "0000000000a1b2cx", "0000000000a1b2c3ff"} {
		if err := r.UnmarshalText([]byte(bad)); err == nil {
			t.Errorf("reference %q taken", bad)
		}
	}
	for _, bad := range []string{"", "8986011234567890123", "898601123456789012345", "8986011234567890123x"} {
		var id ElementID
		if err := json.Unmarshal([]byte(`"`+bad+`"`), &id); err == nil {
			t.Errorf("element %q taken", bad)
		}
	}
	id := ElementID("89860112345678901234")
	if octets, err := id.Octets(); err != nil || octets != [10]byte{0x89, 0x86, 0x01, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34} {
		t.Errorf("%x, %v", octets, err)
	}
	if key, err := id.InitialKeyID(scp80.Modern); err != nil || key != [8]byte{0x01, 0x12, 0x34, 0x56, 0x78, 0x90, 0x12, 0x34} {
		t.Errorf("%x, %v", key, err)
	}
}
