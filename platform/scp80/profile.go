package scp80

import (
	"encoding/binary"
	"fmt"
)

// TAR is a toolkit application reference: the application a packet is for (TS 101 220 §6).
type TAR uint32

// TARPayment is Airtill's application, in the range of payment applications.
const TARPayment TAR = 0xB10001

// String is the reference in hexadecimal, as it is written everywhere.
func (t TAR) String() string { return fmt.Sprintf("%06X", uint32(t)) }

// Profile is what both sides have agreed on: the header that every packet carries.
type Profile struct {
	SPI SPI
	KIc KIc
	KID KID
	TAR TAR
	CC  int // length of the checksum, 4 or 8 octets; only the header length shows it

	// Interop allows what is below the minimum security of a payment: packets without
	// a CC or not ciphered, any counter mode, a CC of 4 octets, key set 0. It is for
	// reading other programs' packets; no profile of a [Suite] has it.
	Interop bool
}

// Validate refuses a profile that this package does not serve: without Interop all
// that is below a CC of 8 octets, ciphering and a counter that must rise. A redundancy
// check, a digital signature and single DES it refuses always.
func (p Profile) Validate() error {
	if err := p.validateHeader(); err != nil {
		return err
	}
	if p.Interop {
		return nil
	}
	switch {
	case !p.SPI.secure():
		return p.refuse("minimum is CC, ciphered, counter higher")
	case p.KIc.Set() == 0:
		return p.refuse("key set 0 is no version of a key")
	case p.KIc&0xF != KIc(p.KID&0xF):
		return p.refuse("KIc and KID must name the same algorithm")
	case p.CC != 8:
		return p.refuse("a CC has 8 octets")
	}
	return nil
}

// validateHeader checks what no profile may leave open.
func (p Profile) validateHeader() error {
	switch {
	case p.SPI&spiReserved != 0 || p.SPI.Response() == responseReserved:
		return p.refuse("reserved bits of the SPI are set")
	case p.KIc.Set() != p.KID.Set():
		return p.refuse("KIc and KID must name the same key set")
	case p.TAR > 0xFFFFFF:
		return p.refuse("TAR over 3 octets")
	case p.CC != 4 && p.CC != 8 && (p.CC != 0 || p.SPI.Check() == CheckCC):
		return p.refuse("a CC has 4 or 8 octets")
	}
	for _, c := range []Check{p.SPI.Check(), p.SPI.ResponseCheck()} {
		if c == CheckRC || c == CheckDS {
			return p.refuse("neither a redundancy check nor a digital signature is served")
		}
	}
	return p.validateAlgorithms()
}

func (p Profile) validateAlgorithms() error {
	if p.SPI.Ciphered() || p.SPI.ResponseCiphered() {
		if _, err := algorithmOf(uint8(p.KIc & 0xF)); err != nil {
			return fmt.Errorf("profile with KIc %02X: %w", uint8(p.KIc), err)
		}
	}
	if p.SPI.Check() == CheckCC || p.SPI.ResponseCheck() == CheckCC {
		if _, err := algorithmOf(uint8(p.KID & 0xF)); err != nil {
			return fmt.Errorf("profile with KID %02X: %w", uint8(p.KID), err)
		}
	}
	return nil
}

func (p Profile) refuse(why string) error {
	return fmt.Errorf("profile with SPI %04X, KIc %02X, KID %02X, TAR %s, CC %d: %s: %w",
		uint16(p.SPI), uint8(p.KIc), uint8(p.KID), p.TAR, p.CC, why, ErrUnsupported)
}

// PacketLen is how long the command packet around a payload of n octets is; 0 if the
// profile does not validate.
func (p Profile) PacketLen(n int) int {
	if p.Validate() != nil {
		return 0
	}
	f := p.command()
	return f.packetLen(n)
}

// Lengths of the fields (TS 102 225 §5.1, §5.2).
const (
	lenLength  = 2                             // CPL, RPL
	lenClear   = lenLength + 1 + 2 + 1 + 1 + 3 // CPL to TAR
	lenAnswer  = lenLength + 1 + 3             // RPL to TAR
	lenCNTR    = 5
	lenCounter = lenCNTR + 1 // CNTR PCNTR
	lenStatus  = 1
	maxPacket  = lenLength + 0xFFFF
)

// command is the shape of command packets, without keys.
func (p Profile) command() frame {
	f := frame{fixed: lenCounter}
	if p.SPI.Check() == CheckCC {
		f.cc = p.CC
	}
	if p.SPI.Ciphered() {
		f.size = p.blockSize()
	}
	f.header = binary.BigEndian.AppendUint16([]byte{byte(lenClear - lenLength - 1 + f.fixed + f.cc)}, uint16(p.SPI))
	f.header = append(f.header, byte(p.KIc), byte(p.KID))
	f.header = append(f.header, p.TAR.octets()...)
	return f
}

// udhResponse is in the CC input of a response packet, unlike that of a command
// (wire.md 1.4): the IEI 71 that it comes under.
var udhResponse = []byte{0x02, 0x71, 0x00}

// response is the shape of response packets, without keys.
func (p Profile) response() frame {
	f := frame{fixed: lenCounter + lenStatus, udh: udhResponse}
	if p.SPI.ResponseCheck() == CheckCC {
		f.cc = p.CC
	}
	if p.SPI.ResponseCiphered() {
		f.size = p.blockSize()
	}
	f.header = append([]byte{byte(lenAnswer - lenLength - 1 + f.fixed + f.cc)}, p.TAR.octets()...)
	return f
}

// blockSize is that of the ciphering algorithm; the profile has validated.
func (p Profile) blockSize() int {
	a, _ := algorithmOf(uint8(p.KIc & 0xF))
	return a.block
}

func (t TAR) octets() []byte { return []byte{byte(t >> 16), byte(t >> 8), byte(t)} }
