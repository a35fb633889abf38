package money

import (
	"errors"
	"fmt"
	"strconv"
)

// Currency is the three-letter code of a currency: CNY. The zero Currency is none.
// Use [ParseCurrency] for text from outside.
type Currency string

// CNY is the currency of the examples.
const CNY Currency = "CNY"

// ErrCurrency says that a code is not that of a currency known here.
var ErrCurrency = errors.New("not a known ISO 4217 currency")

// ParseCurrency reads a code of three capital letters.
func ParseCurrency(code string) (Currency, error) {
	if c := Currency(code); c.Valid() {
		return c, nil
	}
	return "", fmt.Errorf("%q: %w", code, ErrCurrency)
}

// CurrencyOf finds a currency by its number, as bills on the wire name it.
func CurrencyOf(numeric uint16) (Currency, error) {
	for at := 0; at < len(table); at += row {
		if number(at) == numeric {
			return Currency(table[at : at+codeLen]), nil
		}
	}
	return "", fmt.Errorf("%03d: %w", numeric, ErrCurrency)
}

// Currencies are all that are known here, in the order of their codes.
func Currencies() []Currency {
	all := make([]Currency, 0, len(table)/row)
	for at := 0; at < len(table); at += row {
		all = append(all, Currency(table[at:at+codeLen]))
	}
	return all
}

// String is the currency's code.
func (c Currency) String() string { return string(c) }

// Valid tells whether the currency is known here.
func (c Currency) Valid() bool { return c.find() >= 0 }

// Numeric is the currency's number, 0 when it is not known: 156 for CNY.
func (c Currency) Numeric() uint16 {
	at := c.find()
	if at < 0 {
		return 0
	}
	return number(at)
}

// Exponent is how many decimals the currency has. It is 0 for one not known, so
// that its amounts print as the minor units they are.
func (c Currency) Exponent() int {
	at := c.find()
	if at < 0 {
		return 0
	}
	return int(table[at+row-1] - '0')
}

// find is where the currency's row of the table starts, or -1.
func (c Currency) find() int {
	low, high := 0, len(table)/row
	for low < high {
		middle := (low + high) / 2
		switch code := Currency(table[middle*row:][:codeLen]); {
		case code == c:
			return middle * row
		case code < c:
			low = middle + 1
		default:
			high = middle
		}
	}
	return -1
}

func number(at int) uint16 {
	n, _ := strconv.ParseUint(table[at+codeLen:at+row-1], 10, 16) // the table is a constant, and tested
	return uint16(n)
}

// Width of a row of the table, and of the code at its start.
const (
	codeLen = 3
	row     = len("AED7842")
)

// table is ISO 4217 list one: code, number, exponent; in the order of the codes.
const table = "AED7842" + "AOA9732" + "ARS0322" + "AUD0362" + "AZN9442" +
	"BDT0502" + "BHD0483" + "BIF1080" + "BOB0682" + "BRL9862" + "BWP0722" +
	"CAD1242" + "CDF9762" + "CHF7562" + "CLP1520" + "CNY1562" + "COP1702" + "CRC1882" + "CZK2032" +
	"DJF2620" + "DKK2082" + "DOP2142" + "DZD0122" +
	"EGP8182" + "ETB2302" + "EUR9782" +
	"GBP8262" + "GEL9812" + "GHS9362" + "GMD2702" + "GNF3240" + "GTQ3202" +
	"HKD3442" + "HNL3402" + "HUF3482" +
	"IDR3602" + "ILS3762" + "INR3562" + "IQD3683" + "ISK3520" +
	"JOD4003" + "JPY3920" +
	"KES4042" + "KHR1162" + "KRW4100" + "KWD4143" + "KZT3982" +
	"LKR1442" + "LYD4343" +
	"MAD5042" + "MGA9692" + "MMK1042" + "MOP4462" + "MWK4542" + "MXN4842" + "MYR4582" + "MZN9432" +
	"NGN5662" + "NOK5782" + "NPR5242" + "NZD5542" +
	"OMR5123" +
	"PEN6042" + "PHP6082" + "PKR5862" + "PLN9852" + "PYG6000" +
	"QAR6342" +
	"RON9462" + "RUB6432" + "RWF6460" +
	"SAR6822" + "SEK7522" + "SGD7022" +
	"THB7642" + "TND7883" + "TRY9492" + "TWD9012" + "TZS8342" +
	"UAH9802" + "UGX8000" + "USD8402" + "UZS8602" +
	"VND7040" +
	"XAF9500" + "XOF9520" + "XPF9530" +
	"ZAR7102" + "ZMW9672"
