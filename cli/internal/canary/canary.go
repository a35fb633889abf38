// Package canary looks for secrets where none may be: in logs, in a store's files, in
// packets, in what programs print.
//
// A secret is told once, in words or in octets. It is looked for as it is, and in every
// way in which a program could have written it without meaning to hide it: digits as
// BCD in both nibble orders and as integers, text as UTF-16 (UCS2 is a part of it) and
// as the packed septets of 3GPP TS 23.038 §6.1.2.1 at each of the eight bit offsets;
// and each of these as it is, in hexadecimal, and in base64 (RFC 4648 §4 and §5) at
// each of the three alignments. What is cut by an alignment is left out at its ends, so
// it does not matter what stands around the secret.
//
// Left out: compression, other radixes and alphabets, and secrets so short that they
// turn up by chance: [Search] refuses those.
package canary

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"net/url"
	"strconv"
	"strings"
)

// Search is what is looked for. Its zero value looks for nothing.
type Search struct {
	needles []needle
	begins  map[uint32][]int // needles by their first four octets
	maybe   []bool           // whether any begins with these two octets
}

// needle is one way in which a secret may be written.
type needle struct {
	what, how string
	octets    []byte
}

// Found is a secret that was found.
type Found struct {
	What string // the secret, by the name it was told under
	How  string // it was written
	At   int    // octet it begins at
}

// String names the secret and does not show it.
func (f Found) String() string { return fmt.Sprintf("%s as %s at %d", f.What, f.How, f.At) }

// Leasts of what is looked for: less turns up by chance.
const (
	leastText   = 6 // characters
	leastOctets = 4 // of any way of writing it
)

// Octets looks for a secret that is octets: a key.
func (s *Search) Octets(what string, secret []byte) { s.contained(what, "", secret) }

// Text looks for a secret that is text: a name, an API key.
func (s *Search) Text(what, secret string) {
	if len(secret) < leastText {
		panic(fmt.Sprintf("canary: %s is too short to look for", what))
	}
	s.contained(what, "text", []byte(secret))
	s.contained(what, "UTF-16BE", wide(secret, 1))
	s.contained(what, "UTF-16LE", wide(secret, 0))
	for offset := range 8 {
		s.contained(what, fmt.Sprintf("packed septets at bit %d", offset), septets(secret, offset))
	}
}

// Digits looks for a number: a PIN, a card number. A letter at its end is left out.
func (s *Search) Digits(what, secret string) {
	secret = strings.TrimRight(secret, "X")
	s.Text(what, secret)
	for skip := range 2 {
		bcd := packed(secret[skip:])
		s.contained(what, fmt.Sprintf("BCD from digit %d", skip+1), bcd)
		s.contained(what, fmt.Sprintf("BCD with its nibbles swapped, from digit %d", skip+1), swapped(bcd))
	}
	for _, gap := range []string{" ", "-"} {
		s.add(needle{what, "groups of four", []byte(grouped(secret, gap))})
	}
	if n, err := strconv.ParseUint(secret, 10, 64); err == nil {
		s.add(needle{what, "integer", binary.BigEndian.AppendUint64(nil, n)})
		s.add(needle{what, "integer, low octet first", binary.LittleEndian.AppendUint64(nil, n)})
	}
}

// contained looks for octets as they are, in hexadecimal and in base64.
func (s *Search) contained(what, how string, octets []byte) {
	s.add(needle{what, strings.TrimSpace(how + " as it is"), octets})
	text := hex.EncodeToString(octets)
	s.add(needle{what, strings.TrimSpace(how + " in hexadecimal"), []byte(text)})
	s.add(needle{what, strings.TrimSpace(how + " in HEXADECIMAL"), []byte(strings.ToUpper(text))})
	for before := range 3 {
		s.add(needle{what, fmt.Sprintf("%s in base64 after %d", how, before), in64(base64.RawStdEncoding, octets, before)})
		s.add(needle{what, fmt.Sprintf("%s in base64url after %d", how, before), in64(base64.RawURLEncoding, octets, before)})
	}
}

func (s *Search) add(n needle) {
	if len(n.octets) < leastOctets {
		panic(fmt.Sprintf("canary: %s as %s is too short to look for", n.what, n.how))
	}
	if s.begins == nil {
		s.begins, s.maybe = make(map[uint32][]int), make([]bool, 1<<16)
	}
	at := binary.BigEndian.Uint32(n.octets)
	for _, i := range s.begins[at] {
		if bytes.Equal(s.needles[i].octets, n.octets) {
			return
		}
	}
	s.begins[at] = append(s.begins[at], len(s.needles))
	s.maybe[at>>16] = true
	s.needles = append(s.needles, n)
}

// In is what is found in a content. Where the content has percent signs it is also
// read as a form or a URL.
func (s *Search) In(content []byte) []Found {
	found := s.in(content)
	if !bytes.ContainsRune(content, '%') {
		return found
	}
	for part := range bytes.SplitSeq(content, []byte("&")) {
		if text, err := url.QueryUnescape(string(part)); err == nil {
			found = append(found, s.in([]byte(text))...)
		}
	}
	return found
}

func (s *Search) in(content []byte) []Found {
	var found []Found
	if len(s.needles) == 0 {
		return nil
	}
	for i := range max(len(content)-leastOctets+1, 0) {
		if !s.maybe[binary.BigEndian.Uint16(content[i:])] {
			continue
		}
		for _, n := range s.begins[binary.BigEndian.Uint32(content[i:])] {
			if n := s.needles[n]; bytes.HasPrefix(content[i:], n.octets) {
				found = append(found, Found{What: n.what, How: n.how, At: i})
			}
		}
	}
	return found
}
