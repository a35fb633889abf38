// Package scp80 makes, opens and reads secured packets: ETSI TS 102 225 command and
// response packets as 3GPP TS 31.115 carries them in short messages.
//
//	CPL(2) CHL(1) SPI(2) KIc(1) KID(1) TAR(3) | CNTR(5) PCNTR(1) CC(n) data padding
//	RPL(2) RHL(1) TAR(3) | CNTR(5) PCNTR(1) STATUS(1) CC(n) data padding
//
// What is right of the bar is ciphered. Platform and secure element both send
// command packets; keys differ by direction, and the key set number says which, and
// which version of them.
//
// There are two [Suite]s. Modern is AES: CBC with a zero IV, and a cryptographic
// checksum (CC) that is AES-CMAC cut to 8 octets. Legacy is 3DES: outer CBC, and a
// CC that is a CBC-MAC (ISO 9797-1 algorithm 1). An element has one of them for life.
//
// A [Profile] pins everything the clear header says, and a packet whose header is not
// exactly the profile's is refused before a key is used, so there is nothing to
// negotiate down. No profile is served that is below a CC of 8 octets, ciphering and
// a rising counter, unless its Interop field asks for it, to read other programs'
// packets. Redundancy checks and single DES are read by [ParseCommand] and served by
// no profile. Every refusal is the same error to a caller; [ReasonOf] tells it apart
// for counters.
//
// Counters are the caller's: the sender keeps one before it sends, the receiver
// compares with [CheckCounter] and keeps it together with the message's effect.
//
// Left out: digital signatures, algorithms known implicitly or proprietary, single DES
// and redundancy checks but for reading them, responses under a
// UDH with more in it than IEI 71, and the UDH and concatenation around a packet, which
// are gateway/tpdu's.
//
// This package imports the standard library only and does no I/O.
package scp80

// Direction is which way a packet goes; each way has its own key set.
type Direction uint8

// The directions, numbered as key derivation counts them.
const (
	MO Direction = 1 // from the handset to the platform: key set 1
	MT Direction = 2 // from the platform to the handset: key set 2
)

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
