package smpp

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// ErrNotReceipt says that a text is not a delivery receipt.
var ErrNotReceipt = errors.New("smpp: not a delivery receipt")

// Receipt is a delivery receipt's text, appendix B. Dates have minutes and no
// zone; here they are UTC.
type Receipt struct {
	ID         string // the message_id that submit_sm_resp gave
	Sub, Dlvrd int    // messages submitted and delivered, 0 to 999
	SubmitDate time.Time
	DoneDate   time.Time
	Stat       string // DELIVRD, EXPIRED, DELETED, UNDELIV, ACCEPTD, UNKNOWN, REJECTD
	Err        string // 3 characters of the network's own
	Text       string // the message's first 20 characters
}

const (
	receiptDate        = "0601021504"   // YYMMDDhhmm, appendix B
	receiptDateSeconds = "060102150405" // some SMSCs add seconds
	receiptText        = 20
)

// receiptKeys are a receipt's fields in their order, in lower case.
var receiptKeys = [...]string{"id:", "sub:", "dlvrd:", "submit date:", "done date:", "stat:", "err:", "text:"}

// String writes the receipt as appendix B does. A text over 20 octets is cut.
func (r Receipt) String() string { return string(r.Append(nil)) }

// Append writes what String returns onto dst.
func (r Receipt) Append(dst []byte) []byte {
	code := r.Err
	if code == "" {
		code = "000"
	}
	b := append(append(dst, "id:"...), r.ID...)
	b = appendCount(append(b, " sub:"...), r.Sub)
	b = appendCount(append(b, " dlvrd:"...), r.Dlvrd)
	b = appendReceiptDate(append(b, " submit date:"...), r.SubmitDate)
	b = appendReceiptDate(append(b, " done date:"...), r.DoneDate)
	b = append(append(b, " stat:"...), r.Stat...)
	b = append(append(b, " err:"...), code...)
	return append(append(b, " text:"...), r.Text[:min(len(r.Text), receiptText)]...)
}

// appendCount writes a count with at least three digits.
func appendCount(b []byte, n int) []byte {
	if 0 <= n && n < 1000 {
		return append(b, byte('0'+n/100), byte('0'+n/10%10), byte('0'+n%10))
	}
	return strconv.AppendInt(b, int64(n), 10)
}

func appendReceiptDate(b []byte, t time.Time) []byte {
	if t.IsZero() {
		return b
	}
	t = t.UTC()
	year, month, day := t.Date()
	hour, minute, _ := t.Clock()
	for _, n := range [...]int{year % 100, int(month), day, hour, minute} {
		b = append(b, byte('0'+n/10), byte('0'+n%10))
	}
	return b
}

// ParseReceipt reads a receipt's text. It takes keys in any case ("text:" and
// "Text:" both occur), fields left out after the id, and dates with or without seconds.
// The error is ErrNotReceipt, wrapped with the field at fault.
func ParseReceipt(s string) (Receipt, error) {
	var r Receipt
	values, ok := cutReceipt(s)
	if !ok || values[0] == "" {
		return r, ErrNotReceipt
	}
	var errs [4]error
	r.ID, r.Stat, r.Err, r.Text = values[0], values[5], values[6], values[7]
	r.Sub, errs[0] = parseReceiptCount(values[1])
	r.Dlvrd, errs[1] = parseReceiptCount(values[2])
	r.SubmitDate, errs[2] = parseReceiptDate(values[3])
	r.DoneDate, errs[3] = parseReceiptDate(values[4])
	for i, err := range errs {
		if err != nil {
			return Receipt{}, fmt.Errorf("%w: %s %w", ErrNotReceipt, receiptKeys[i+1], err)
		}
	}
	return r, nil
}

// cutReceipt finds each key after the one before it, and the values between them.
func cutReceipt(s string) (values [len(receiptKeys)]string, ok bool) {
	lower := asciiLower(s)
	if !strings.HasPrefix(lower, receiptKeys[0]) {
		return values, false
	}
	at, current := len(receiptKeys[0]), 0
	for next := 1; next < len(receiptKeys); next++ {
		i := strings.Index(lower[at:], " "+receiptKeys[next])
		if i < 0 {
			continue
		}
		values[current] = strings.TrimSpace(s[at : at+i])
		at, current = at+i+1+len(receiptKeys[next]), next
	}
	values[current] = s[at:]
	if current != len(receiptKeys)-1 {
		values[current] = strings.TrimSpace(s[at:])
	}
	return values, true
}

// asciiLower lowers A to Z alone, so that offsets stay those of s.
func asciiLower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

func parseReceiptCount(s string) (int, error) {
	if s == "" {
		return 0, nil
	}
	n, err := strconv.ParseUint(s, 10, 16)
	if err != nil || n > 999 {
		return 0, fmt.Errorf("count %q", s)
	}
	return int(n), nil
}

func parseReceiptDate(s string) (time.Time, error) {
	switch len(s) {
	case 0:
		return time.Time{}, nil
	case len(receiptDate):
		return time.Parse(receiptDate, s)
	case len(receiptDateSeconds):
		return time.Parse(receiptDateSeconds, s)
	}
	return time.Time{}, fmt.Errorf("date %q", s)
}
