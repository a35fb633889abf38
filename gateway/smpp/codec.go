package smpp

import (
	"bytes"
	"encoding/binary"
	"sync"
)

// field is a C-octet string of a PDU body: its longest content without the NUL,
// and the status that refuses it, §5.2.
type field struct {
	name   string
	most   int
	status Status
}

// The C-octet strings of this package's PDUs. A limit counts the NUL in the
// specification and leaves it out here.
var (
	fieldSystemID     = field{"system_id", 15, RINVSYSID}              // §5.2.1
	fieldPassword     = field{"password", 8, RINVPASWD}                // §5.2.2
	fieldSystemType   = field{"system_type", 12, RINVSYSTYP}           // §5.2.3
	fieldAddressRange = field{"address_range", 40, RINVPARLEN}         // §5.2.7
	fieldServiceType  = field{"service_type", 5, RINVSERTYP}           // §5.2.11
	fieldSource       = field{"source_addr", 20, RINVSRCADR}           // §5.2.8
	fieldDestination  = field{"destination_addr", 20, RINVDSTADR}      // §5.2.9
	fieldSchedule     = field{"schedule_delivery_time", 16, RINVSCHED} // §5.2.15
	fieldValidity     = field{"validity_period", 16, RINVEXPIRY}       // §5.2.16
	fieldMessageID    = field{"message_id", 64, RINVMSGID}             // §5.2.23
	fieldListName     = field{"dl_name", 20, RINVDLNAME}               // §5.2.27
	fieldFinalDate    = field{"final_date", 16, RINVPARLEN}            // §4.8.2

	// The addresses of data_sm and alert_notification are longer, §4.7.1, §4.12.1.
	fieldLongSource      = field{"source_addr", 64, RINVSRCADR}
	fieldLongDestination = field{"destination_addr", 64, RINVDSTADR}
	fieldESME            = field{"esme_addr", 64, RINVPARLEN} // §5.2.10
)

// Decode reads one frame, command_length included. What it returns shares no
// memory with the frame. The error is a *StatusError with the status to answer;
// the PDU then still has its sequence number and, unless the header itself is
// wrong, a body that says which command it was.
func Decode(frame []byte) (PDU, error) {
	if len(frame) < HeaderLen || int(binary.BigEndian.Uint32(frame)) != len(frame) {
		return PDU{Body: &Unknown{}}, &StatusError{RINVCMDLEN, "command_length"}
	}
	p := PDU{
		Status:   Status(binary.BigEndian.Uint32(frame[8:])),
		Sequence: binary.BigEndian.Uint32(frame[12:]),
		Body:     newBody(CommandID(binary.BigEndian.Uint32(frame[4:]))),
	}
	d := decoders.Get().(*decoder)
	d.rest = frame[HeaderLen:]
	p.Body.decodeBody(d, p.Status)
	err := d.err
	*d = decoder{}
	decoders.Put(d)
	return p, err
}

// A body is reached through an interface, so that what walks it escapes: one for each
// PDU would be half of what Append costs.
var (
	decoders = sync.Pool{New: func() any { return new(decoder) }}
	encoders = sync.Pool{New: func() any { return new(encoder) }}
)

// Append encodes a PDU onto dst. The error is a *StatusError naming the field
// that does not fit; dst is then returned as it was.
func Append(dst []byte, p PDU) ([]byte, error) {
	start := len(dst)
	b := binary.BigEndian.AppendUint32(dst, 0)
	b = binary.BigEndian.AppendUint32(b, uint32(p.Body.CommandID()))
	b = binary.BigEndian.AppendUint32(b, uint32(p.Status))
	b = binary.BigEndian.AppendUint32(b, p.Sequence)
	e := encoders.Get().(*encoder)
	e.b = b
	p.Body.appendBody(e, p.Status)
	b, err := e.b, e.err
	*e = encoder{}
	encoders.Put(e)
	if err != nil {
		return dst, err
	}
	binary.BigEndian.PutUint32(b[start:], uint32(len(b)-start))
	return b, nil
}

// encoder gathers a PDU; the first refused field ends it.
type encoder struct {
	b   []byte
	err error
}

func (e *encoder) fail(s Status, name string) {
	if e.err == nil {
		e.err = &StatusError{s, name}
	}
}

func (e *encoder) text(f *field, s string) {
	if len(s) > f.most {
		e.fail(f.status, f.name)
		return
	}
	for i := range len(s) {
		if s[i] == 0 {
			e.fail(f.status, f.name)
			return
		}
	}
	e.b = append(append(e.b, s...), 0)
}

// time is a text of length 0 or exactly 16, §7.1.1.
func (e *encoder) time(f *field, s string) {
	if len(s) != 0 && len(s) != f.most {
		e.fail(f.status, f.name)
		return
	}
	e.text(f, s)
}

func (e *encoder) address(f *field, a *Address) {
	e.b = append(e.b, a.TON, a.NPI)
	e.text(f, a.Digits)
}

// content writes sm_length, short_message and the optional parameters.
func (e *encoder) content(sm []byte, ts TLVs) {
	if len(sm) > MaxShortMessage {
		e.fail(RINVMSGLEN, "sm_length")
		return
	}
	e.b = append(append(e.b, uint8(len(sm))), sm...)
	ts.append(e)
}

// decoder walks a body; the first fault ends it, and everything after reads as zero.
type decoder struct {
	rest []byte
	err  error
}

func (d *decoder) fail(s Status, name string) {
	if d.err == nil {
		d.err = &StatusError{s, name}
	}
	d.rest = nil
}

func (d *decoder) uint8() uint8 {
	if len(d.rest) == 0 {
		d.fail(RINVCMDLEN, "command_length")
		return 0
	}
	v := d.rest[0]
	d.rest = d.rest[1:]
	return v
}

// octets takes so many octets, at most 4; they are zero if the body ends before.
func (d *decoder) octets(n int) []byte {
	if len(d.rest) < n {
		d.fail(RINVCMDLEN, "command_length")
		return make([]byte, 4)
	}
	b := d.rest[:n]
	d.rest = d.rest[n:]
	return b
}

func (d *decoder) uint32() uint32 {
	if len(d.rest) < 4 {
		d.fail(RINVCMDLEN, "command_length")
		return 0
	}
	v := binary.BigEndian.Uint32(d.rest)
	d.rest = d.rest[4:]
	return v
}

// text reads a C-octet string. One that runs past its limit has its field's own
// status; one that the PDU ends in the middle of makes command_length wrong.
func (d *decoder) text(f *field) string {
	if len(d.rest) > 0 && d.rest[0] == 0 {
		d.rest = d.rest[1:]
		return ""
	}
	window := d.rest[:min(len(d.rest), f.most+1)]
	end := bytes.IndexByte(window, 0)
	if end < 0 {
		if len(d.rest) > f.most {
			d.fail(f.status, f.name)
		} else {
			d.fail(RINVCMDLEN, f.name)
		}
		return ""
	}
	s := string(window[:end])
	d.rest = d.rest[end+1:]
	return s
}

func (d *decoder) time(f *field) string {
	s := d.text(f)
	if len(s) != 0 && len(s) != f.most {
		d.fail(f.status, f.name)
		return ""
	}
	return s
}

func (d *decoder) address(f *field) Address {
	a := Address{TON: d.uint8(), NPI: d.uint8()}
	a.Digits = d.text(f)
	return a
}

// content reads sm_length, short_message and the optional parameters with one
// copy for all of them. A sm_length of 255 has its own status, §5.2.21.
func (d *decoder) content() (sm []byte, ts TLVs) {
	l := int(d.uint8())
	switch {
	case d.err != nil:
		return nil, nil
	case l > MaxShortMessage:
		d.fail(RINVMSGLEN, "sm_length")
		return nil, nil
	case l > len(d.rest):
		d.fail(RINVCMDLEN, "short_message")
		return nil, nil
	case len(d.rest) == 0:
		return nil, nil
	}
	own := make([]byte, len(d.rest))
	copy(own, d.rest)
	if l > 0 {
		sm = own[:l:l]
	}
	ts, err := decodeTLVs(own[l:])
	if err != nil {
		d.fail(err.Status, err.Field)
	}
	d.rest = nil
	return sm, ts
}

// tlvs reads what is left as optional parameters, copied.
func (d *decoder) tlvs() TLVs {
	if d.err != nil || len(d.rest) == 0 {
		return nil
	}
	ts, err := decodeTLVs(bytes.Clone(d.rest))
	if err != nil {
		d.fail(err.Status, err.Field)
		return nil
	}
	d.rest = nil
	return ts
}

// end refuses octets after the last field.
func (d *decoder) end() {
	if d.err == nil && len(d.rest) > 0 {
		d.fail(RINVCMDLEN, "command_length")
	}
}
