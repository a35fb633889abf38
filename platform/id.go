package platform

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"

	"github.com/airtill/airtill/platform/applet"
)

// BillID names a bill: "bill_" and a ULID. Its 16 octets are 6 of time, 2 of the
// partition that keeps the bill, and 8 random ones that are the bill reference on
// the wire to the phone. So an id says where its bill is, and sorts by age.
type BillID string

const billPrefix = "bill_"

// NewBillID makes an id for a bill kept in partition, at the time now.
func NewBillID(now time.Time, partition int, random io.Reader) (BillID, error) {
	var u ulid.ULID
	if err := u.SetTime(ulid.Timestamp(now)); err != nil {
		return "", fmt.Errorf("make bill id: %w", err)
	}
	if partition < 0 || partition > math.MaxUint16 {
		return "", fmt.Errorf("make bill id: no partition %d", partition)
	}
	binary.BigEndian.PutUint16(u[6:8], uint16(partition))
	if _, err := io.ReadFull(random, u[8:]); err != nil {
		return "", fmt.Errorf("make bill id: %w", err)
	}
	return BillID(billPrefix + u.String()), nil
}

// ParseBillID reads an id as a merchant sends it.
func ParseBillID(s string) (BillID, error) {
	text, ok := strings.CutPrefix(s, billPrefix)
	if !ok {
		return "", &Error{Code: CodeInvalid, Field: "id", Detail: "a bill id starts with " + billPrefix}
	}
	u, err := ulid.ParseStrict(text)
	if err != nil {
		return "", &Error{Code: CodeInvalid, Field: "id", Detail: "not a bill id: 26 letters and digits follow " + billPrefix}
	}
	return BillID(billPrefix + u.String()), nil
}

func (id BillID) octets() ulid.ULID {
	u, err := ulid.Parse(strings.TrimPrefix(string(id), billPrefix))
	if err != nil {
		return ulid.ULID{}
	}
	return u
}

// Partition is the number of the partition that keeps the bill.
func (id BillID) Partition() int {
	u := id.octets()
	return int(binary.BigEndian.Uint16(u[6:8]))
}

// Ref is the bill reference of 8 octets that phones know the bill by.
func (id BillID) Ref() applet.BillRef {
	u := id.octets()
	return applet.BillRef(u[8:16])
}

// Time is when the id was made, to the millisecond.
func (id BillID) Time() time.Time { return ulid.Time(id.octets().Time()).UTC() }

// Day is the UTC day the bill was made on, as finished bills are filed: 2026-11-23.
func (id BillID) Day() string { return id.Time().Format(time.DateOnly) }

// FirstBillID is before all ids that are made at t or later, and after all others.
func FirstBillID(t time.Time) BillID {
	var u ulid.ULID
	_ = u.SetTime(ulid.Timestamp(t)) // it is out of range in the year 10889
	return BillID(billPrefix + u.String())
}

// ValidDay says whether a text is a day as bills are filed.
func ValidDay(day string) bool {
	_, err := time.Parse(time.DateOnly, day)
	return err == nil
}

// MerchantID is a merchant's number: 8 digits, the first not zero.
type MerchantID string

// ParseMerchantID checks that s is 8 digits.
func ParseMerchantID(s string) (MerchantID, error) {
	if len(s) != 8 || s[0] == '0' || strings.Trim(s, "0123456789") != "" {
		return "", &Error{Code: CodeInvalid, Field: "merchant", Detail: "a merchant number has 8 digits and does not start with 0"}
	}
	return MerchantID(s), nil
}

// DefaultPayee is the account that a merchant's orders are paid to unless they name another.
func (id MerchantID) DefaultPayee() string { return "acct_" + string(id) }
