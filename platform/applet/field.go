package applet

import (
	"math"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/airtill/airtill/platform/money"
	"github.com/airtill/airtill/platform/scp80"
)

// writer appends fields; the first value that does not fit is named in wrong.
type writer struct {
	suite scp80.Suite
	b     []byte
	wrong string
}

func (w *writer) refuse(field string) {
	if w.wrong == "" {
		w.wrong = field
	}
}

func (w *writer) octets(o ...byte) { w.b = append(w.b, o...) }

// uint writes n octets, big-endian.
func (w *writer) uint(v uint64, n int) {
	for i := n - 1; i >= 0; i-- {
		w.b = append(w.b, byte(v>>(8*i)))
	}
}

// number writes v as 2n digits with leading zeros.
func (w *writer) number(field string, v uint64, n int) {
	start := len(w.b)
	w.b = append(w.b, make([]byte, n)...)
	for i := n - 1; i >= 0; i-- {
		w.b[start+i] = byte(v/10%10<<4 | v%10)
		v /= 100
	}
	if v != 0 {
		w.refuse(field)
	}
}

// digits writes up to 2n digits, filled up with F on the right.
func (w *writer) digits(field, s string, n int) {
	if len(s) > 2*n || !isDigits(s) {
		w.refuse(field)
		return
	}
	start := len(w.b)
	w.b = append(w.b, make([]byte, n)...)
	putDigits(w.b[start:], s)
}

// putDigits packs digits, and hexadecimal ones above 9, into dst; the rest is F.
func putDigits(dst []byte, s string) {
	for i := range dst {
		dst[i] = nibble(s, 2*i)<<4 | nibble(s, 2*i+1)
	}
}

func nibble(s string, i int) byte {
	switch {
	case i >= len(s):
		return 0xF
	case s[i] >= 'A':
		return s[i] - 'A' + 10
	}
	return s[i] - '0'
}

func (w *writer) money(a money.Amount, c money.Currency) {
	if a < 0 || !c.Valid() {
		w.refuse("amount")
	}
	w.number("amount", uint64(max(a, 0)), 6)
	w.number("currency", uint64(c.Numeric()), 2)
}

func (w *writer) merchant(m MerchantNumber) {
	if len(m) != 8 {
		w.refuse("merchant number")
	}
	w.digits("merchant number", string(m), 4)
}

// time writes Unix seconds; the zero time is 0.
func (w *writer) time(t time.Time) {
	if t.IsZero() {
		w.uint(0, 4)
		return
	}
	if s := t.Unix(); s <= 0 || s > math.MaxUint32 {
		w.refuse("time")
	}
	w.uint(uint64(t.Unix()), 4)
}

// symbols writes letters and digits, filled up with spaces on the right.
func (w *writer) symbols(field, s string, n int) {
	if len(s) > n || !isSymbols(s) {
		w.refuse(field)
		return
	}
	w.b = append(w.b, s...)
	w.b = append(w.b, strings.Repeat(" ", n-len(s))...)
}

func isSymbols(s string) bool {
	return strings.Trim(s, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

// text writes a length and at most n octets of UTF-8, cut at a rune.
func (w *writer) text(s string, n int) {
	s = Cut(strings.ToValidUTF8(s, "?"), n)
	w.octets(byte(len(s)))
	w.b = append(w.b, s...)
}

// Cut shortens valid UTF-8 to at most n octets without splitting a rune.
func Cut(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for n > 0 && !utf8.RuneStart(s[n]) {
		n--
	}
	return s[:n]
}

// reader takes fields; whatever is wrong is remembered in bad, and reading goes on
// over zeros.
type reader struct {
	suite scp80.Suite
	b     []byte
	bad   bool
}

// done tells whether all was read and right.
func (r *reader) done() bool { return !r.bad && len(r.b) == 0 }

func (r *reader) take(n int) []byte {
	if len(r.b) < n {
		r.bad, r.b = true, nil
		return make([]byte, n)
	}
	taken := r.b[:n]
	r.b = r.b[n:]
	return taken
}

func (r *reader) octet() byte { return r.take(1)[0] }

func (r *reader) uint(n int) (v uint64) {
	for _, o := range r.take(n) {
		v = v<<8 | uint64(o)
	}
	return v
}

func (r *reader) number(n int) (v uint64) {
	for _, o := range r.take(n) {
		if o>>4 > 9 || o&0xF > 9 {
			r.bad = true
		}
		v = v*100 + uint64(o>>4)*10 + uint64(o&0xF)
	}
	return v
}

func (r *reader) digits(n int) string {
	s := r.nibbles(n)
	if !isDigits(s) {
		r.bad = true
	}
	return s
}

// nibbles reads up to 2n hexadecimal digits and checks the F after them.
func (r *reader) nibbles(n int) string {
	const hexDigits = "0123456789ABCDEF"
	s := make([]byte, 0, 2*lenPAN) // no field of digits is longer
	for _, o := range r.take(n) {
		s = append(s, hexDigits[o>>4], hexDigits[o&0xF])
	}
	text := strings.TrimRight(string(s), "F")
	if strings.Contains(text, "F") {
		r.bad = true
	}
	return text
}

func (r *reader) money() (money.Amount, money.Currency) {
	amount := r.number(6)
	currency, err := money.CurrencyOf(uint16(r.number(2)))
	if err != nil {
		r.bad = true
	}
	return money.Amount(amount), currency
}

func (r *reader) merchant() MerchantNumber {
	s := r.digits(4)
	if len(s) != 8 {
		r.bad = true
	}
	return MerchantNumber(s)
}

func (r *reader) time() time.Time {
	seconds := r.uint(4)
	if seconds == 0 {
		return time.Time{}
	}
	return time.Unix(int64(seconds), 0).UTC()
}

func (r *reader) status() OpenStatus {
	s := OpenStatus(r.octet())
	if s > Deferred {
		r.bad = true
	}
	return s
}

func (r *reader) symbols(n int) string {
	s := strings.TrimRight(string(r.take(n)), " ")
	if !isSymbols(s) {
		r.bad = true
	}
	return s
}

func (r *reader) text(n int) string {
	length := int(r.octet())
	if length > n {
		r.bad = true
		return ""
	}
	s := string(r.take(length))
	if !utf8.ValidString(s) {
		r.bad = true
	}
	return s
}
