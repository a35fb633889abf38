// Package scp80 makes and opens secured packets: ETSI TS 102 225 command packets
// as 3GPP TS 31.115 carries them in short messages.
//
//	CPL(2) CHL(1) SPI(2) KIc(1) KID(1) TAR(3) | CNTR(5) PCNTR(1) CC(n) data padding
//
// What is right of the bar is ciphered. Platform and secure element both send
// command packets; keys differ by direction, and the key set number says which.
//
// The suite built here is AES: CBC with a zero IV, and a cryptographic checksum
// (CC) that is AES-CMAC cut to its first octets. A [Profile] pins everything the
// clear header says, and a packet whose header is not exactly the profile's is
// refused before a key is used, so there is nothing to negotiate down. Every
// refusal is the same error to a caller; [ReasonOf] tells it apart for counters.
//
// Counters are the caller's: the sender keeps one before it sends, the receiver
// compares with [CheckCounter] and keeps it together with the message's effect.
//
// Left out: 3DES and DES (refused, see algorithm.go, where 3DES finds its place),
// packets that are not ciphered or have a redundancy check or no check, response
// packets and proof of receipt (receipts are messages of their own), and the UDH
// and concatenation around a packet, which are gateway/tpdu's.
//
// This package imports the standard library only and does no I/O.
package scp80

import "fmt"

// TAR is a toolkit application reference: the application a packet is for (TS 101 220 §6).
type TAR uint32

// TARPayment is Airtill's application, in the range of payment applications.
const TARPayment TAR = 0xB10001

// SPI is the security parameter indicator of a command packet (TS 102 225 §5.1.1).
type SPI uint16

// SPISecure asks for a CC, ciphering and a rising counter, and for no proof of receipt.
const SPISecure SPI = 0x1600

// Fields of the SPI's first octet.
const (
	spiCheck    SPI = 0x0300 // b2b1: the kind of check
	spiCC       SPI = 0x0200 // 10: cryptographic checksum
	spiCiphered SPI = 0x0400 // b3
	spiReserved SPI = 0xE0C0 // b8-b6 of the first octet, b8b7 of the second
)

func (s SPI) secure() bool {
	return s&spiCheck == spiCC && s&spiCiphered != 0 && s&spiReserved == 0
}

// Direction is which way a packet goes; each way has its own key set.
type Direction uint8

// The directions, numbered as key derivation counts them.
const (
	MO Direction = 1 // from the handset to the platform: key set 1
	MT Direction = 2 // from the platform to the handset: key set 2
)

// Profile is what both sides have agreed on: the header that every packet carries.
type Profile struct {
	SPI SPI
	KIc uint8 // key set (high nibble) and ciphering algorithm (TS 102 225 §5.1.2)
	KID uint8 // key set (high nibble) and CC algorithm (TS 102 225 §5.1.3)
	TAR TAR
	CC  int // length of the checksum, 4 or 8 octets; only the header length shows it
}

// Validate refuses a profile that this package cannot serve.
func (p Profile) Validate() error {
	switch {
	case !p.SPI.secure():
		return fmt.Errorf("profile with SPI %04X: not ciphered under a cryptographic checksum: %w", uint16(p.SPI), ErrUnsupported)
	case p.KIc>>4 != p.KID>>4 || p.KIc>>4 == 0:
		return fmt.Errorf("profile with KIc %02X, KID %02X: must name the same key set: %w", p.KIc, p.KID, ErrUnsupported)
	case p.TAR > 0xFFFFFF:
		return fmt.Errorf("profile with TAR %X: over 3 octets: %w", uint32(p.TAR), ErrUnsupported)
	case p.CC != 4 && p.CC != 8:
		return fmt.Errorf("profile with a checksum of %d octets: 4 or 8: %w", p.CC, ErrUnsupported)
	}
	_, err := algorithmOf(p)
	return err
}

// Lengths of the fields of a command packet (TS 102 225 §5.1).
const (
	lenCPL     = 2
	lenClear   = lenCPL + 1 + 2 + 1 + 1 + 3 // CPL to TAR
	lenCNTR    = 5
	lenCounter = lenCNTR + 1 // CNTR PCNTR
	maxPacket  = lenCPL + 0xFFFF
)

// header is the clear part of every packet of the profile, CHL to TAR.
func (p Profile) header() [lenClear - lenCPL]byte {
	return [...]byte{
		byte(lenClear - lenCPL - 1 + lenCounter + p.CC),
		byte(p.SPI >> 8), byte(p.SPI), p.KIc, p.KID,
		byte(p.TAR >> 16), byte(p.TAR >> 8), byte(p.TAR),
	}
}

// PacketLen is how long the packet around a payload of n octets is. The profile must be valid.
func (p Profile) PacketLen(n int) int {
	a, err := algorithmOf(p)
	if err != nil {
		return 0
	}
	return lenClear + roundUp(lenCounter+p.CC+n, a.block)
}

func roundUp(n, block int) int { return (n + block - 1) / block * block }

// Keys are what one direction is secured with.
type Keys struct {
	KIc CipherKey
	KID MACKey
}

// Wrap secures a payload under the counter cntr. Who sends more than one packet
// keeps a [Channel] instead.
func Wrap(p Profile, k Keys, cntr uint64, payload []byte) ([]byte, error) {
	c, err := NewChannel(p, k)
	if err != nil {
		return nil, err
	}
	return c.Wrap(cntr, payload)
}

// Open takes counter and payload out of a packet. Who opens more than one packet
// keeps a [Channel] instead.
func Open(p Profile, k Keys, packet []byte) (cntr uint64, payload []byte, err error) {
	c, err := NewChannel(p, k)
	if err != nil {
		return 0, nil, err
	}
	return c.Open(packet)
}
