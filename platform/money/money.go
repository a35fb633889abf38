// Package money counts money: amounts in minor units, and the currencies they are in.
//
// Currencies, their numbers and exponents follow ISO 4217:2015 as its list one stood
// in 2026: those that mobile money is likely to meet, not the funds codes and
// metals. Amounts that travel in a bill have at most 12 digits, as the field of
// ISO 8583 that carries them. There is no arithmetic between currencies and no
// rounding: text with more decimals than the currency has is refused.
package money

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
)

// Amount is a sum in the minor unit of its currency: fen, cents, whole yen.
type Amount int64

// Max is the largest amount of a bill or a posting: 12 digits (ISO 8583 §4.4, field 4).
const Max Amount = 999_999_999_999

// The ways in which a text is not money.
var (
	ErrAmount   = errors.New("not an amount of money")
	ErrRange    = errors.New("amount has more than 12 digits")
	ErrDecimals = errors.New("more decimals than the currency has")
)

// InRange tells whether the amount fits the 12 digits that bills carry, with either sign.
func (a Amount) InRange() bool { return -Max <= a && a <= Max }

// Payable tells whether a bill may ask for the amount: more than nothing, at most Max.
func (a Amount) Payable() bool { return 0 < a && a <= Max }

// Money is an amount in a currency.
type Money struct {
	Amount   Amount   `json:"amount"`
	Currency Currency `json:"currency"`
}

// String is the money as people read it: CNY 1,280.00.
func (m Money) String() string { return string(m.Currency) + " " + m.format(",") }

// Decimal is the amount alone, without separators between thousands: 1280.00.
func (m Money) Decimal() string { return m.format("") }

func (m Money) format(separator string) string {
	magnitude, sign := uint64(m.Amount), ""
	if m.Amount < 0 {
		magnitude, sign = -magnitude, "-"
	}
	exponent := m.Currency.Exponent()
	digits := strconv.FormatUint(magnitude, 10)
	if missing := exponent + 1 - len(digits); missing > 0 {
		digits = strings.Repeat("0", missing) + digits
	}
	point := len(digits) - exponent
	text := sign + group(digits[:point], separator)
	if exponent > 0 {
		text += "." + digits[point:]
	}
	return text
}

// group puts the separator between thousands.
func group(digits, separator string) string {
	var b strings.Builder
	for i := range len(digits) {
		if i > 0 && (len(digits)-i)%3 == 0 {
			b.WriteString(separator)
		}
		b.WriteByte(digits[i])
	}
	return b.String()
}

// Parse reads what String writes: a currency, a space and an amount.
func Parse(s string) (Money, error) {
	code, text, ok := strings.Cut(s, " ")
	if !ok {
		return Money{}, fmt.Errorf("%q: %w: write a currency and an amount, as in CNY 1,280.00", s, ErrAmount)
	}
	c, err := ParseCurrency(code)
	if err != nil {
		return Money{}, err
	}
	a, err := ParseAmount(text, c)
	if err != nil {
		return Money{}, err
	}
	return Money{Amount: a, Currency: c}, nil
}

// ParseAmount reads an amount of c in major units: 1280, 1280.5, 1,280.00 or
// -3.20. Commas, when there are any, must stand between thousands.
func ParseAmount(s string, c Currency) (Amount, error) {
	if !c.Valid() {
		return 0, fmt.Errorf("%q: %w", string(c), ErrCurrency)
	}
	unsigned, negative := strings.CutPrefix(s, "-")
	whole, fraction, point := strings.Cut(unsigned, ".")
	digits, ok := ungroup(whole)
	if !ok || !isDigits(fraction) || point && fraction == "" {
		return 0, fmt.Errorf("%q: %w", s, ErrAmount)
	}
	exponent := c.Exponent()
	if len(fraction) > exponent {
		return 0, fmt.Errorf("%q: %w: %s has %d", s, ErrDecimals, c, exponent)
	}
	minor := strings.TrimLeft(digits+fraction+strings.Repeat("0", exponent-len(fraction)), "0")
	if len(minor) > len("999999999999") {
		return 0, fmt.Errorf("%q: %w", s, ErrRange)
	}
	var a Amount
	for _, digit := range []byte(minor) {
		a = a*10 + Amount(digit-'0')
	}
	if negative {
		a = -a
	}
	return a, nil
}

// ungroup takes the commas out of the digits of whole units.
func ungroup(s string) (digits string, ok bool) {
	groups := strings.Split(s, ",")
	for i, g := range groups {
		switch {
		case !isDigits(g), i == 0 && g == "":
			return "", false
		case i > 0 && len(g) != 3, i == 0 && len(groups) > 1 && len(g) > 3:
			return "", false
		}
	}
	return strings.Join(groups, ""), true
}

func isDigits(s string) bool { return strings.Trim(s, "0123456789") == "" }
