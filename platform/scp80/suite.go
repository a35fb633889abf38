package scp80

import (
	"fmt"
	"strings"
)

// Suite is the set of algorithms that an element works with. It is bound to the
// element when it is enrolled; nothing on the wire changes it. The zero Suite is none.
type Suite uint8

// The suites. A message of the applet has the number in its second octet.
const (
	Modern Suite = 1 // AES-256: CBC, CMAC
	Legacy Suite = 2 // 3DES with two keys: CBC, CBC-MAC
)

// String is the suite as the register and the command line write it.
func (s Suite) String() string {
	switch s {
	case Modern:
		return "modern"
	case Legacy:
		return "legacy"
	}
	return "none"
}

// ParseSuite reads a suite's name.
func ParseSuite(text string) (Suite, error) {
	for s := Modern; s <= Legacy; s++ {
		if strings.EqualFold(text, s.String()) {
			return s, nil
		}
	}
	return 0, fmt.Errorf("a suite is %s or %s", Modern, Legacy)
}

// MarshalText writes the suite's name.
func (s Suite) MarshalText() ([]byte, error) { return []byte(s.String()), nil }

// UnmarshalText reads a suite's name.
func (s *Suite) UnmarshalText(text []byte) (err error) {
	*s, err = ParseSuite(string(text))
	return err
}

// Valid tells whether it is one of the suites.
func (s Suite) Valid() bool { return s == Modern || s == Legacy }

// KeyLen is how many octets each of the suite's keys has.
func (s Suite) KeyLen() int {
	switch s {
	case Modern:
		return 32
	case Legacy:
		return 16
	}
	return 0
}

func (s Suite) algorithm() uint8 {
	if s == Legacy {
		return algorithm3DES2
	}
	return algorithmAES
}

// Key sets: four in a row - modern MO, modern MT, legacy MO, legacy MT - and three
// such rows, so that a version and the next two are told apart by the clear header.
const (
	setsInRow = 4
	rows      = 3
)

// Profile is what packets of the suite carry in one direction under a version of the
// packet keys. Versions count from 1; each has another key set than the two before it.
// A suite or a version that is none gives a profile that does not validate.
func (s Suite) Profile(d Direction, version uint8) Profile {
	if !s.Valid() || version == 0 || d != MO && d != MT {
		return Profile{}
	}
	set := uint8(d) + 2*uint8(s-Modern) + setsInRow*((version-1)%rows)
	keys := set<<4 | s.algorithm()
	return Profile{SPI: SPISecure, KIc: KIc(keys), KID: KID(keys), TAR: TARPayment, CC: 8}
}

// KeySetOf is the key set that a command packet's clear header names, without a key
// being used: to choose between two versions of the keys while both are in use.
// False when the packet is too short or names two.
func KeySetOf(packet []byte) (uint8, bool) {
	const atKIc, atKID = lenLength + 3, lenLength + 4
	if len(packet) < lenClear || packet[atKIc]>>4 != packet[atKID]>>4 {
		return 0, false
	}
	return packet[atKIc] >> 4, true
}
