package applet

import (
	"crypto/aes"
	"crypto/des"
	"errors"
	"fmt"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/platform/scp80"
)

var (
	// ErrMessage is a payload that is not a message of wire.md 6.
	ErrMessage = errors.New("not an applet message")
	// ErrSuite is a message of another suite than the element's, or of none.
	ErrSuite = errors.New("not of this suite")
	// ErrRange is a value that the field of a message cannot hold.
	ErrRange = errors.New("does not fit its field")
)

// layout is the second octet of a message: its suite in the high nibble, and in the
// low one the version of the layout, which is 0.
func layout(s scp80.Suite) byte { return byte(s) << 4 }

// usual is room for every message but modern keys.
const usual = 96

// Encode is [Append] for a message of this program's own making. It panics if a
// value does not fit, which parsing and the caps of package money rule out.
func Encode(s scp80.Suite, m Message) []byte {
	b, err := Append(make([]byte, 0, usual), s, m)
	if err != nil {
		panic("applet: " + err.Error())
	}
	return b
}

// Append appends a message in the form that it has in the suite to dst.
func Append(dst []byte, s scp80.Suite, m Message) ([]byte, error) {
	if !s.Valid() {
		return dst, fmt.Errorf("encode %s: %w", m.Type(), ErrSuite)
	}
	w := writer{b: dst, suite: s}
	ref := m.Reference()
	w.octets(byte(m.Type()), layout(s))
	w.octets(ref[:]...)
	m.append(&w)
	if w.wrong != "" {
		return dst, fmt.Errorf("encode %s: %s %w", m.Type(), w.wrong, ErrRange)
	}
	return w.b, nil
}

// Decode reads a message of the suite; one of another suite is [ErrSuite]. Its error
// says nothing of what the payload holds.
func Decode(s scp80.Suite, payload []byte) (Message, error) {
	r := reader{b: payload, suite: s}
	kind, second, ref := Type(r.octet()), r.octet(), BillRef(r.take(len(BillRef{})))
	if other := scp80.Suite(second >> 4); !s.Valid() || other.Valid() && other != s {
		return nil, fmt.Errorf("decode message: %w", ErrSuite)
	}
	m := read(&r, kind, ref)
	if m == nil || second != layout(s) || !r.done() {
		return nil, fmt.Errorf("decode message: %w", ErrMessage)
	}
	return m, nil
}

func read(r *reader, kind Type, ref BillRef) Message {
	switch kind {
	case TypeBill:
		return readBill(r, ref)
	case TypeOpen:
		return &Open{Ref: ref, Status: r.status(), Time: r.time(), Slots: r.octet(), Version: r.octet()}
	case TypePay:
		return readPay(r, ref)
	case TypeRefuse:
		return &Refuse{Ref: ref, Reason: RefuseReason(r.octet()), Time: r.time(), Text: r.text(MaxRemark)}
	case TypeResult:
		return readResult(r, ref)
	case TypeReceipt:
		return &Receipt{Ref: ref, Digest: [8]byte(r.take(8)), Time: r.time()}
	case TypeKeys:
		return readKeys(r, ref)
	case TypeKeyed:
		return readKeyed(r, ref)
	}
	return nil
}

func (m *Bill) append(w *writer) {
	w.money(m.Amount, m.Currency)
	w.time(m.Expires)
	w.merchant(m.Merchant)
	w.text(m.Name, MaxName)
	w.text(m.Subject, MaxSubject)
}

func readBill(r *reader, ref BillRef) *Bill {
	m := &Bill{Ref: ref}
	m.Amount, m.Currency = r.money()
	m.Expires, m.Merchant = r.time(), r.merchant()
	m.Name, m.Subject = r.text(MaxName), r.text(MaxSubject)
	return m
}

func (m *Open) append(w *writer) {
	if m.Status > Deferred {
		w.refuse("status")
	}
	w.octets(byte(m.Status))
	w.time(m.Time)
	w.octets(m.Slots, m.Version)
}

// Lengths of a PAY's digits in octets.
const (
	lenPhone  = 8
	lenNumber = 9 // of the identity
)

func (m *Pay) append(w *writer) {
	w.money(m.Amount, m.Currency)
	w.time(m.Time)
	w.digits("phone", string(m.Phone), lenPhone)
	m.Identity.append(w)
	w.octets(m.Blob[:]...)
	w.pin(m.PINCounter, m.PINBlock)
	if m.Payee == "" && m.Transaction == 0 {
		return
	}
	w.merchant(m.Payee)
	w.uint(uint64(m.Transaction), 8)
}

// pin writes the counter of a PIN key and the block under it: 4 and 16 octets, in the
// legacy suite 3 and 8.
func (w *writer) pin(counter uint32, block PINBlock) {
	n := blockLen(w.suite)
	if w.suite == scp80.Legacy {
		if counter >= 1<<counterBitsTDES {
			w.refuse("PIN counter")
		}
		if [aes.BlockSize - des.BlockSize]byte(block[n:]) != [aes.BlockSize - des.BlockSize]byte{} {
			w.refuse("PIN block")
		}
	}
	w.uint(uint64(counter), counterLen(w.suite))
	w.octets(block[:n]...)
}

func (r *reader) pin() (counter uint32, block PINBlock) {
	counter = uint32(r.uint(counterLen(r.suite)))
	if r.suite == scp80.Legacy && counter >= 1<<counterBitsTDES {
		r.bad = true
	}
	copy(block[:], r.take(blockLen(r.suite)))
	return counter, block
}

func counterLen(s scp80.Suite) int {
	if s == scp80.Legacy {
		return 3
	}
	return 4
}

func readPay(r *reader, ref BillRef) *Pay {
	m := &Pay{Ref: ref}
	m.Amount, m.Currency = r.money()
	m.Time, m.Phone = r.time(), gateway.MSISDN(r.digits(lenPhone))
	m.Identity = readIdentity(r)
	m.Blob = CardBlob(r.take(len(m.Blob)))
	m.PINCounter, m.PINBlock = r.pin()
	if r.done() {
		return m
	}
	m.Payee, m.Transaction = r.merchant(), TransactionNumber(r.uint(8))
	return m
}

func (m *Refuse) append(w *writer) {
	w.octets(byte(m.Reason))
	w.time(m.Time)
	w.text(m.Text, MaxRemark)
}

// Lengths of a RESULT's fields in octets.
const (
	lenCode     = 2
	lenApproval = 6
	lenPayment  = 6
	lenTail     = 2
)

func (m *Result) append(w *writer) {
	if len(m.Code) != lenCode {
		w.refuse("response code")
	}
	w.symbols("response code", string(m.Code), lenCode)
	w.symbols("approval", m.Approval, lenApproval)
	w.number("number", m.Number, lenPayment)
	w.money(m.Amount, m.Currency)
	if m.CardTail != "" && len(m.CardTail) != 2*lenTail {
		w.refuse("card tail")
	}
	w.digits("card tail", m.CardTail, lenTail)
	w.time(m.Time)
	if m.TriesLeft < 0 || m.TriesLeft > 0xFF {
		w.refuse("tries left")
	}
	w.octets(byte(m.TriesLeft))
	w.text(m.Text, MaxText)
}

func readResult(r *reader, ref BillRef) *Result {
	m := &Result{Ref: ref}
	m.Code, m.Approval = ResponseCode(r.symbols(lenCode)), r.symbols(lenApproval)
	m.Number = r.number(lenPayment)
	m.Amount, m.Currency = r.money()
	m.CardTail, m.Time = r.digits(lenTail), r.time()
	m.TriesLeft, m.Text = int(r.octet()), r.text(MaxText)
	if len(m.Code) != lenCode || m.CardTail != "" && len(m.CardTail) != 2*lenTail {
		r.bad = true
	}
	return m
}

func (m *Receipt) append(w *writer) {
	w.octets(m.Digest[:]...)
	w.time(m.Time)
}
