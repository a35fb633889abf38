package api

import (
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/signature"
)

// The fields that every legacy message has besides its own.
const (
	fieldMerchant = "merchant"
	fieldService  = "service"     // what is asked: POST /v1/bills; in a callback, callback
	fieldSerial   = "serial"      // of this message, never used again
	fieldAnswerTo = "answer_to"   // of an answer: the serial of what it answers
	fieldStatus   = "http_status" // of an answer
	fieldTime     = "time"        // UTC, yyyyMMddHHmmss
	fieldKey      = "key"         // the id of the key that signed
	fieldSignType = "sign_type"
	signType      = "RSA-MD5"
	legacyTime    = "20060102150405"
	maxSerial     = 128

	serviceCallback = "callback"
)

// envelope is what is said of a legacy message, and signed with it.
type envelope struct {
	merchant platform.MerchantID
	service  string
	serial   string
	answerTo string
	status   int // of an answer; 0: it is none
}

// newSerial is one that was not used before.
func newSerial() string { return rand.Text() }

// seal adds what an envelope says to a message, and signs it.
func (e envelope) seal(f signature.Fields, key signature.SigningKey) error {
	f[fieldMerchant], f[fieldService], f[fieldSerial] = string(e.merchant), e.service, e.serial
	f[fieldTime] = time.Now().UTC().Format(legacyTime)
	f[fieldKey], f[fieldSignType] = key.ID(), signType
	if e.answerTo != "" {
		f[fieldAnswerTo], f[fieldStatus] = e.answerTo, strconv.Itoa(e.status)
	}
	return f.Sign(key)
}

// legacyRefusal is why a legacy message is not taken, by the field that is to blame.
type legacyRefusal struct {
	field, detail string
	err           error
}

func (r *legacyRefusal) Error() string { return r.field + ": " + r.detail }
func (r *legacyRefusal) Unwrap() error { return r.err }

// check judges a message against the envelope that it should have; a serial that is
// not said may be any. The signature is judged last, with the key that the message names.
func (e envelope) check(f signature.Fields, key func(id string) (signature.VerificationKey, error)) error {
	at, err := time.Parse(legacyTime, f[fieldTime])
	off := time.Since(at)
	status := ""
	if e.answerTo != "" {
		status = strconv.Itoa(e.status)
	}
	switch {
	case f[signature.FieldSign] == "":
		return &legacyRefusal{signature.FieldSign, "the message is not signed", signature.ErrUnsigned}
	case f[fieldSignType] != signType:
		return &legacyRefusal{fieldSignType, "must be " + signType, signature.ErrAlgorithm}
	case f[fieldMerchant] != string(e.merchant):
		return &legacyRefusal{fieldMerchant, "names another merchant", signature.ErrSignature}
	case f[fieldService] != e.service:
		return &legacyRefusal{fieldService, "must be " + e.service, signature.ErrSignature}
	case f[fieldAnswerTo] != e.answerTo || f[fieldStatus] != status:
		return &legacyRefusal{fieldAnswerTo, "answers another request", signature.ErrSignature}
	case f[fieldSerial] == "" || len(f[fieldSerial]) > maxSerial:
		return &legacyRefusal{fieldSerial, fmt.Sprintf("must have 1 to %d characters, new in each message", maxSerial), signature.ErrMalformed}
	case err != nil || off.Abs() > signature.Tolerance:
		return &legacyRefusal{fieldTime, "must be UTC as yyyyMMddHHmmss, within 5 minutes of now, " + time.Now().UTC().Format(legacyTime), signature.ErrTimestamp}
	}
	k, err := key(f[fieldKey])
	if errors.Is(err, signature.ErrKey) {
		return &legacyRefusal{fieldKey, "no such key; it is the id of one that was added and not retired", err}
	}
	if err != nil {
		return err
	}
	if err := f.Verify(k); err != nil {
		return &legacyRefusal{signature.FieldSign, "the signature is not good: the fields have changed since, or another key has signed them", err}
	}
	return nil
}

// rest are the fields of the message itself.
func rest(f signature.Fields) signature.Fields {
	own := make(signature.Fields, len(f))
	for name, value := range f {
		if !slices.Contains(envelopeFields(), name) {
			own[name] = value
		}
	}
	return own
}

func envelopeFields() []string {
	return []string{
		fieldMerchant, fieldService, fieldSerial, fieldAnswerTo, fieldStatus,
		fieldTime, fieldKey, fieldSignType, signature.FieldSign,
	}
}

// typed writes fields as the JSON object that they stand for: those named hold JSON,
// if they do, and all others are strings.
func typed(f signature.Fields, raw ...string) ([]byte, error) {
	values := make(map[string]any, len(f))
	for name, value := range f {
		if slices.Contains(raw, name) && json.Valid([]byte(value)) {
			values[name] = json.RawMessage(value)
			continue
		}
		values[name] = value
	}
	return json.Marshal(values)
}

// rawFields are those of requests, answers and problems that are not strings.
func rawFields() []string {
	return []string{
		"amount", "goods", "attempts", "bills", "events", "status", "refund", "refunds", "refunded", "accounts", "complete", "lines", "differences",
	}
}

// readFields reads a message by its media type: a form, or JSON.
func readFields(contentType string, body []byte) (signature.Fields, error) {
	media, _, _ := strings.Cut(contentType, ";")
	if strings.TrimSpace(media) == contentForm {
		return signature.ParseForm(string(body))
	}
	return signature.ParseObject(body)
}

func readForm(body io.Reader) (signature.Fields, error) {
	text, err := io.ReadAll(io.LimitReader(body, MaxBody))
	if err != nil {
		return nil, err
	}
	return signature.ParseForm(string(text))
}
