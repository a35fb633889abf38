package peers

import (
	"encoding/hex"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
)

// Trace is what the dissector made of a recording.
type Trace struct {
	PDUs      []PDU
	Malformed []string // the dissector's words for each packet it could not read
	Unread    int      // octets of TCP payload that were not read as PDUs
	Raw       []byte   // the recording itself, to look for what must not be there
}

// PDU is one SMPP PDU as the dissector read it.
type PDU struct {
	Length      uint32 // command_length
	Command     uint32 // command_id
	Status      uint32 // command_status
	Sequence    uint32
	Title       string // "Short Message Peer to Peer, Command: Submit_sm, Seq: 2, Len: 56"
	Source      string
	Destination string
	UserData    []byte // short_message or message_payload, user data header included
}

// Commands counts the PDUs by command_id.
func (tr Trace) Commands() map[uint32]int {
	counts := make(map[uint32]int)
	for _, p := range tr.PDUs {
		counts[p.Command]++
	}
	return counts
}

// octets is the sum of the PDUs' lengths.
func (tr Trace) octets() int {
	sum := 0
	for _, p := range tr.PDUs {
		sum += int(p.Length)
	}
	return sum
}

// parsePDML reads tshark's XML: a packet holds a proto for each PDU in it, and a
// proto "_ws.malformed" when a dissector gave up.
func parsePDML(r io.Reader) (Trace, error) {
	var tr Trace
	dec := xml.NewDecoder(r)
	dec.Strict = false // field values may hold anything
	depth := 0         // of proto elements: malformed ones hold another
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return tr, nil
		} else if err != nil {
			return tr, fmt.Errorf("read pdml: %w", err)
		}
		switch e := token.(type) {
		case xml.StartElement:
			if e.Name.Local == "proto" {
				depth++
			}
			if err := tr.element(e, depth); err != nil {
				return tr, err
			}
		case xml.EndElement:
			if e.Name.Local == "proto" {
				depth--
			}
		}
	}
}

func (tr *Trace) element(e xml.StartElement, depth int) error {
	name := attr(e, "name")
	if e.Name.Local == "proto" {
		switch {
		case name == "smpp":
			tr.PDUs = append(tr.PDUs, PDU{Title: attr(e, "showname")})
		case strings.HasPrefix(name, "_ws.malformed") && depth == 1:
			tr.Malformed = append(tr.Malformed, attr(e, "showname"))
		}
		return nil
	}
	if len(tr.PDUs) == 0 || !strings.HasPrefix(name, "smpp.") {
		return nil
	}
	if err := tr.PDUs[len(tr.PDUs)-1].field(name, attr(e, "show"), attr(e, "value")); err != nil {
		return fmt.Errorf("read pdml: %s: %w", name, err)
	}
	return nil
}

func (p *PDU) field(name, show, value string) (err error) {
	switch name {
	case "smpp.command_length":
		p.Length, err = number(show)
	case "smpp.command_id":
		p.Command, err = number(show)
	case "smpp.command_status":
		p.Status, err = number(show)
	case "smpp.sequence_number":
		p.Sequence, err = number(show)
	case "smpp.source_addr":
		p.Source = show
	case "smpp.destination_addr":
		p.Destination = show
	case "smpp.message", "smpp.message_payload":
		p.UserData, err = hex.DecodeString(value)
	}
	return err
}

func number(s string) (uint32, error) {
	n, err := strconv.ParseUint(s, 0, 32)
	return uint32(n), err
}

func attr(e xml.StartElement, name string) string {
	for _, a := range e.Attr {
		if a.Name.Local == name {
			return a.Value
		}
	}
	return ""
}
