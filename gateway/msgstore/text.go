package msgstore

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/gateway/smpp"
)

// ErrText says that a text is not a record's.
var ErrText = errors.New("msgstore: not a record")

// version begins a record's text.
const version = "1"

// The words for kinds.
const (
	wordMessage = "message"
	wordReceipt = "receipt"
)

// Append writes the record's text without its key: a line of words, and the PDU as a
// frame of SMPP. The words are the version, kind, state, id and account, and then
// name=value for what is not zero; times are Unix milliseconds.
//
//	1 message ENROUTE 5f0c1d2e00000001 platform n=17 at=1764288032000 until=1764374432000 tries=1 try=1764288033000/0x00000064/absent
//
// The error is a *smpp.StatusError for a PDU that cannot be encoded; dst is then
// returned as it was.
func (r *Record) Append(dst []byte) ([]byte, error) {
	b := append(dst, version...)
	b = append(append(b, ' '), r.kindWord()...)
	b = append(append(b, ' '), r.State.String()...)
	b = appendWord(append(b, ' '), string(r.ID))
	b = appendWord(append(b, ' '), r.Account)
	b = r.appendFields(b)
	b = append(b, '\n')
	b, err := smpp.Append(b, smpp.PDU{Body: r.PDU})
	if err != nil {
		return dst, err
	}
	return b, nil
}

func (r *Record) kindWord() string {
	if r.Kind == Receipt {
		return wordReceipt
	}
	return wordMessage
}

func (r *Record) appendFields(b []byte) []byte {
	b = appendNumber(b, "n", r.Order)
	b = appendTime(b, "at", r.Accepted)
	b = appendTime(b, "notbefore", r.NotBefore)
	b = appendTime(b, "until", r.Expires)
	b = appendTime(b, "done", r.Done)
	b = appendTime(b, "next", r.Next)
	b = appendNumber(b, "tries", uint64(max(0, r.Tries)))
	if r.OldPeer {
		b = appendNumber(b, "old", 1)
	}
	for _, a := range r.Attempts {
		b = append(b, " try="...)
		b = strconv.AppendInt(b, milli(a.At), 10)
		b = appendStatus(append(b, "/0x"...), a.Status)
		b = appendWord(append(b, '/'), a.Cause)
	}
	return b
}

// appendStatus writes eight hexadecimal digits.
func appendStatus(b []byte, s smpp.Status) []byte {
	for shift := 28; shift >= 0; shift -= 4 {
		b = append(b, "0123456789abcdef"[s>>shift&15])
	}
	return b
}

// appendWord writes a text bare where that is unmistakable, else quoted.
func appendWord(b []byte, s string) []byte {
	bare := s != "" && s[0] != '"'
	for i := 0; i < len(s) && bare; i++ {
		bare = s[i] > ' ' && s[i] < 0x7f
	}
	if bare {
		return append(b, s...)
	}
	return strconv.AppendQuoteToASCII(b, s)
}

func appendNumber(b []byte, name string, n uint64) []byte {
	if n == 0 {
		return b
	}
	b = append(append(append(b, ' '), name...), '=')
	return strconv.AppendUint(b, n, 10)
}

func appendTime(b []byte, name string, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	b = append(append(append(b, ' '), name...), '=')
	return strconv.AppendInt(b, milli(t), 10)
}

func milli(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixMilli()
}

// instant reads a time; 0 is none.
func instant(milli int64) time.Time {
	if milli == 0 {
		return time.Time{}
	}
	return time.UnixMilli(milli).UTC()
}

// Decode reads a record's text. The record shares no memory with it. The error says
// ErrText, and which part is wrong.
func Decode(key, text string) (Record, error) {
	line, frame, ok := strings.Cut(text, "\n")
	if !ok {
		return Record{}, fmt.Errorf("%w: %q has no line", ErrText, key)
	}
	r := Record{Key: key}
	if err := r.parseLine(strings.Clone(line)); err != nil {
		return Record{}, fmt.Errorf("%w: %q: %w", ErrText, key, err)
	}
	p, err := smpp.Decode([]byte(frame))
	if err != nil {
		return Record{}, fmt.Errorf("%w: %q: its PDU: %w", ErrText, key, err)
	}
	r.PDU = p.Body
	return r, nil
}

var errLine = errors.New("the words are not version, kind, state, id and account")

func (r *Record) parseLine(line string) (err error) {
	var head [5]string
	for i := range head {
		if head[i], line, err = cutWord(line, ' '); err != nil {
			return err
		}
	}
	switch head[1] {
	case wordMessage:
	case wordReceipt:
		r.Kind = Receipt
	default:
		return errLine
	}
	if head[0] != version {
		return fmt.Errorf("version %q, this program reads %s", head[0], version)
	}
	if r.State, err = gateway.ParseMessageState(head[2]); err != nil {
		return err
	}
	r.ID, r.Account = gateway.MessageID(head[3]), head[4]
	for line != "" {
		if line, err = r.parseField(line); err != nil {
			return err
		}
	}
	return nil
}

// cutWord takes the first word of a line, quoted or bare, and what follows it up to
// the next.
func cutWord(line string, end byte) (word, rest string, err error) {
	if !strings.HasPrefix(line, `"`) {
		word, rest, _ = strings.Cut(line, string(end))
		if word == "" {
			return "", "", errLine
		}
		return word, rest, nil
	}
	quoted, err := strconv.QuotedPrefix(line)
	if err != nil {
		return "", "", err
	}
	if word, err = strconv.Unquote(quoted); err != nil {
		return "", "", err
	}
	rest = line[len(quoted):]
	if rest != "" && rest[0] != end {
		return "", "", errLine
	}
	return word, strings.TrimPrefix(rest, string(end)), nil
}

// parseField reads one name=value.
func (r *Record) parseField(line string) (rest string, err error) {
	name, rest, ok := strings.Cut(line, "=")
	if !ok {
		return "", fmt.Errorf("%q is not name=value", line)
	}
	if name == "try" {
		return r.parseTry(rest)
	}
	value, rest, _ := strings.Cut(rest, " ")
	n, err := strconv.ParseInt(value, 10, 64)
	if name == "n" {
		r.Order, err = strconv.ParseUint(value, 10, 64)
	}
	if err != nil {
		return "", fmt.Errorf("%s: %w", name, err)
	}
	switch name {
	case "n":
	case "at":
		r.Accepted = instant(n)
	case "notbefore":
		r.NotBefore = instant(n)
	case "until":
		r.Expires = instant(n)
	case "done":
		r.Done = instant(n)
	case "next":
		r.Next = instant(n)
	case "tries":
		r.Tries = int(n)
	case "old":
		r.OldPeer = n != 0
	default:
		return "", fmt.Errorf("%q is no field of a record", name)
	}
	return rest, nil
}

// parseTry reads time/status/cause.
func (r *Record) parseTry(line string) (rest string, err error) {
	at, line, _ := strings.Cut(line, "/")
	answer, line, _ := strings.Cut(line, "/")
	n, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return "", fmt.Errorf("try: %w", err)
	}
	status, err := strconv.ParseUint(answer, 0, 32)
	if err != nil {
		return "", fmt.Errorf("try: %w", err)
	}
	cause, rest, err := cutWord(line, ' ')
	if err != nil {
		return "", fmt.Errorf("try: %w", err)
	}
	r.Attempts = append(r.Attempts, Attempt{instant(n), smpp.Status(status), cause})
	return rest, nil
}
