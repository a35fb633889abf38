package scp80

import (
	"fmt"
	"strings"
)

// SPI is the security parameter indicator of a command packet (TS 102 225 §5.1.1).
type SPI uint16

// SPISecure asks for a CC, ciphering and a rising counter, and for no response.
const SPISecure SPI = 0x1600

// Bits of the SPI.
const (
	spiCiphered         SPI = 0x0400 // b3 of the first octet
	spiResponseCiphered SPI = 0x0010 // b5 of the second
	spiInSubmit         SPI = 0x0020 // b6 of the second
	spiReserved         SPI = 0xE0C0 // b8-b6 of the first, b8b7 of the second
)

// Check is how a packet shows that it is whole (TS 102 225 §5.1.1, b2b1).
type Check uint8

// The checks.
const (
	CheckNone Check = iota
	CheckRC         // redundancy check: whole, but anybody's
	CheckCC         // cryptographic checksum
	CheckDS         // digital signature
)

// String is the check's name in the standard.
func (c Check) String() string {
	return [...]string{"no check", "RC", "CC", "DS"}[c&3]
}

// CounterMode is what a receiver does with a packet's counter (TS 102 225 §5.1.1, b5b4).
type CounterMode uint8

// The counter modes.
const (
	CounterNone      CounterMode = iota // the field is there and says nothing
	CounterUnchecked                    // counted, not checked
	CounterHigher                       // process only if higher
	CounterNext                         // process only if exactly one higher
)

// String is the mode in words.
func (m CounterMode) String() string {
	return [...]string{"no counter", "counter not checked", "counter higher", "counter one higher"}[m&3]
}

// ResponseMode is when a receiver answers with a response packet (TS 102 225 §5.1.1).
type ResponseMode uint8

// The response modes.
const (
	ResponseNever    ResponseMode = iota
	ResponseAlways                // proof of receipt for each packet
	ResponseOnError               // only when something went wrong
	responseReserved              // no such mode
)

// String is the mode in words.
func (m ResponseMode) String() string {
	return [...]string{"no response", "response always", "response on error", "response reserved"}[m&3]
}

// Check is what the command packet carries.
func (s SPI) Check() Check { return Check(s >> 8 & 3) }

// Ciphered tells whether the command packet is ciphered.
func (s SPI) Ciphered() bool { return s&spiCiphered != 0 }

// Counter is how the receiver takes the counter.
func (s SPI) Counter() CounterMode { return CounterMode(s >> 11 & 3) }

// Response is when the receiver answers.
func (s SPI) Response() ResponseMode { return ResponseMode(s & 3) }

// ResponseCheck is what a response packet carries.
func (s SPI) ResponseCheck() Check { return Check(s >> 2 & 3) }

// ResponseCiphered tells whether a response packet is ciphered.
func (s SPI) ResponseCiphered() bool { return s&spiResponseCiphered != 0 }

// ResponseInSubmit tells whether a response comes in an SMS-SUBMIT, else in the
// SMS-DELIVER-REPORT.
func (s SPI) ResponseInSubmit() bool { return s&spiInSubmit != 0 }

// secure is the minimum security of a payment: level 16 or 1E of wire.md 5.
func (s SPI) secure() bool {
	return s.Check() == CheckCC && s.Ciphered() && s.Counter() >= CounterHigher
}

// String says what the SPI asks for: "CC, ciphered, counter higher, no response".
func (s SPI) String() string {
	words := []string{s.Check().String(), ciphered(s.Ciphered()), s.Counter().String(), s.Response().String()}
	if s.Response() != ResponseNever {
		words = append(words, "response with "+s.ResponseCheck().String(), "response "+ciphered(s.ResponseCiphered()), "response "+carrier(s.ResponseInSubmit()))
	}
	if s&spiReserved != 0 {
		words = append(words, "reserved bits set")
	}
	return strings.Join(words, ", ")
}

func ciphered(yes bool) string {
	if yes {
		return "ciphered"
	}
	return "not ciphered"
}

func carrier(submit bool) string {
	if submit {
		return "in SMS-SUBMIT"
	}
	return "in SMS-DELIVER-REPORT"
}

// Explain names every bit of the two octets, from the lowest up, a line each.
func (s SPI) Explain() []string {
	return []string{
		fmt.Sprintf("octet 1 b2b1 %02b: %s", s>>8&3, s.Check()),
		fmt.Sprintf("octet 1 b3 %b: %s", s>>10&1, ciphered(s.Ciphered())),
		fmt.Sprintf("octet 1 b5b4 %02b: %s", s>>11&3, s.Counter()),
		fmt.Sprintf("octet 1 b8-b6 %03b: reserved", s>>13),
		fmt.Sprintf("octet 2 b2b1 %02b: %s", s&3, s.Response()),
		fmt.Sprintf("octet 2 b4b3 %02b: response with %s", s>>2&3, s.ResponseCheck()),
		fmt.Sprintf("octet 2 b5 %b: response %s", s>>4&1, ciphered(s.ResponseCiphered())),
		fmt.Sprintf("octet 2 b6 %b: response %s", s>>5&1, carrier(s.ResponseInSubmit())),
		fmt.Sprintf("octet 2 b8b7 %02b: reserved", s>>6&3),
	}
}
