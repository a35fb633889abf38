package scp80

import (
	"bytes"
	"crypto/cipher"
	"crypto/subtle"
	"encoding/binary"
	"fmt"
)

// frame is what command and response packets have in common: a length, a clear
// header, then fixed fields, CC, data and padding, ciphered or not.
type frame struct {
	header []byte // what stands in clear after the length
	udh    []byte // what the CC covers in front of the packet
	fixed  int    // octets before the CC: CNTR PCNTR, in a response STATUS too
	cc     int    // octets of the CC; 0 for none
	size   int    // block size of the cipher; 0: not ciphered
	block  cipher.Block
	mac    mac
}

// ready makes the keys that the frame needs ready: a KIc to cipher, a KID for a CC.
func (f *frame) ready(p Profile, k Keys) error {
	if f.size > 0 {
		a, err := algorithmOf(uint8(p.KIc & 0xF))
		if err != nil {
			return err
		}
		if f.block, err = a.cipher(k.KIc.octets()); err != nil {
			return fmt.Errorf("ready KIc: %w", err)
		}
	}
	if f.cc > 0 {
		a, err := algorithmOf(uint8(p.KID & 0xF))
		if err != nil {
			return err
		}
		block, err := a.cipher(k.KID.octets())
		if err != nil {
			return fmt.Errorf("ready KID: %w", err)
		}
		f.mac = a.mac(block)
	}
	return nil
}

func (f *frame) clear() int { return lenLength + len(f.header) }

func (f *frame) packetLen(n int) int {
	block := max(f.size, 1)
	return f.clear() + (f.fixed+f.cc+n+block-1)/block*block
}

// seal makes the packet of a payload. The fixed fields are the caller's, but for PCNTR.
func (f *frame) seal(fixed, payload []byte) ([]byte, error) {
	total := f.packetLen(len(payload))
	if total > maxPacket {
		return nil, fmt.Errorf("secure %d octets: %w", len(payload), ErrTooLong)
	}
	packet := make([]byte, total, total+maxBlock) // room for a checksum behind it
	binary.BigEndian.PutUint16(packet, uint16(total-lenLength))
	copy(packet[lenLength:], f.header)
	clear, body := packet[:f.clear()], packet[f.clear():]
	fields, cc, data := f.split(body)
	copy(fields, fixed)
	fields[lenCNTR] = byte(len(data) - len(payload))
	copy(data, payload)
	if f.cc > 0 {
		copy(cc, f.checksum(packet, clear, fields, data))
	}
	if f.size > 0 {
		cipher.NewCBCEncrypter(f.block, zeroIV[:f.size]).CryptBlocks(body, body)
	}
	return packet[:total:total], nil
}

// open takes fixed fields and data out of a packet: header, lengths, decipher, CC,
// padding. After deciphering it does the same work whatever it finds (wire.md 5).
func (f *frame) open(packet []byte) (fixed, data []byte, err error) {
	if reason := f.look(packet); reason != ReasonNone {
		return nil, nil, refusal{reason}
	}
	clear, body := packet[:f.clear()], make([]byte, 0, len(packet)+maxBlock)
	body = append(body, packet[f.clear():]...)
	if f.size > 0 {
		cipher.NewCBCDecrypter(f.block, zeroIV[:f.size]).CryptBlocks(body, body)
	}
	fixed, cc, data := f.split(body)
	padding := int(fixed[lenCNTR])
	authentic := f.cc == 0 || subtle.ConstantTimeCompare(cc, f.checksum(body, clear, fixed, data)) == 1
	whole := padded(data, padding, max(f.size, 1))
	switch {
	case !authentic:
		return nil, nil, refusal{ReasonChecksum}
	case !whole:
		return nil, nil, refusal{ReasonPadding}
	}
	n := len(data) - padding
	return fixed, data[:n:n], nil
}

// look compares lengths and clear header with the frame's, without a key.
func (f *frame) look(packet []byte) Reason {
	switch {
	case !counted(packet, f.clear()+f.fixed+f.cc) || f.size > 0 && (len(packet)-f.clear())%f.size != 0:
		return ReasonLength
	case !bytes.Equal(packet[lenLength:f.clear()], f.header):
		return ReasonHeader
	}
	return ReasonNone
}

// counted tells whether a packet has at least n octets and its length field counts them.
func counted(packet []byte, n int) bool {
	return len(packet) >= n && int(binary.BigEndian.Uint16(packet)) == len(packet)-lenLength
}

func (f *frame) split(body []byte) (fixed, cc, data []byte) {
	return body[:f.fixed], body[f.fixed : f.fixed+f.cc], body[f.fixed+f.cc:]
}

// checksum is the CC over all but itself, padding included (TS 102 225 §5.1.5). It is
// made in the room behind a buffer.
func (f *frame) checksum(buffer, clear, fixed, data []byte) []byte {
	return f.mac.Append(buffer, f.udh, clear, fixed, data)[len(buffer):][:f.cc]
}

// zeroIV is the initial value of all ciphering: the counter in the first block is what
// makes two packets differ (TS 102 225 §5.1.2).
var zeroIV [maxBlock]byte

// padded tells whether the last n octets of data are zero and n is less than a block.
// It looks at as many octets whatever n is.
func padded(data []byte, n, block int) bool {
	var sum byte
	for i := range min(block-1, len(data)) {
		within := subtle.ConstantTimeLessOrEq(i+1, n)
		sum |= data[len(data)-1-i] & byte(-within)
	}
	fits := subtle.ConstantTimeLessOrEq(n, block-1) & subtle.ConstantTimeLessOrEq(n, len(data))
	return fits&subtle.ConstantTimeByteEq(sum, 0) == 1
}
