package platform_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/platform"
)

var random = bytes.Repeat([]byte{0xA1, 0xB2, 0xC3, 0xD4, 0xE5, 0xF6, 0x07, 0x18}, 4)

// An id says when its bill was made, which partition keeps it, and how phones know it.
func TestBillID(t *testing.T) {
	at := time.Date(2026, 11, 23, 23, 59, 59, 999_600_000, time.UTC)
	for _, partition := range []int{0, 1, 15, 256, 65535} {
		id, err := platform.NewBillID(at, partition, bytes.NewReader(random))
		if err != nil {
			t.Fatal(err)
		}
		if len(id) != 31 || !strings.HasPrefix(string(id), "bill_") {
			t.Errorf("%s", id)
		}
		if id.Partition() != partition || id.Ref().String() != "a1b2c3d4e5f60718" {
			t.Errorf("%s: partition %d, reference %s", id, id.Partition(), id.Ref())
		}
		if !id.Time().Equal(at.Truncate(time.Millisecond)) || id.Day() != "2026-11-23" {
			t.Errorf("%s: made at %s, on %s", id, id.Time(), id.Day())
		}
		if parsed, err := platform.ParseBillID(string(id)); err != nil || parsed != id {
			t.Errorf("%s is read as %s, %v", id, parsed, err)
		}
	}
}

func TestBillIDThatCannotBe(t *testing.T) {
	now := time.Now()
	for name, err := range map[string]error{
		"partition -1":    second(platform.NewBillID(now, -1, bytes.NewReader(random))),
		"partition 65536": second(platform.NewBillID(now, 65536, bytes.NewReader(random))),
		"no randomness":   second(platform.NewBillID(now, 0, strings.NewReader("short"))),
		"year 12000":      second(platform.NewBillID(time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), 0, bytes.NewReader(random))),
	} {
		if err == nil {
			t.Errorf("%s makes an id", name)
		}
	}
	if _, err := platform.NewBillID(now, 0, strings.NewReader("short")); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Error(err)
	}
}

func second[V any](_ V, err error) error { return err }

// Ids sort by age, which is how lists are paged.
func TestBillIDsSortByAge(t *testing.T) {
	var ids []string
	start := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)
	for n := range 50 {
		id, err := platform.NewBillID(start.Add(time.Duration(n*n)*time.Millisecond), (n*7919)%65536, bytes.NewReader(random))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, string(id))
	}
	if !slices.IsSorted(ids) {
		t.Errorf("%q", ids)
	}
}

func TestParseBillID(t *testing.T) {
	const good = "bill_01JDXK3Z7M0003ZZZZZZZZZZZZ"
	if id, err := platform.ParseBillID(strings.ToLower(good)); err != nil || id != good {
		t.Errorf("in lower case: %s, %v", id, err) // ULID specification: case does not matter
	}
	for _, wrong := range []string{
		"", "bill_", "bill", good[5:], good[:30], good + "Z", "BILL_" + good[5:], "bill_81JDXK3Z7M0003ZZZZZZZZZZZZ",
		"bill_01JDXK3Z7M0003ZZZZZZZZZZZU", "bill_01JDXK3Z7M0003ZZZZZZZZZZZ ", "bill_01JDXK3Z7M0003ZZZZZZZZZZZ\x00", "bill_01JDXK3Z7M0003ZZZZZZZZZ订",
	} {
		id, err := platform.ParseBillID(wrong)
		refusal, ok := errors.AsType[*platform.Error](err)
		if !ok || id != "" || refusal.Code != platform.CodeInvalid || refusal.Field != "id" {
			t.Errorf("%q is read as %q, %v", wrong, id, err)
		}
	}
}

// Whatever is read as an id is written the same way ever after, and its parts can be taken.
func FuzzParseBillID(f *testing.F) {
	for _, seed := range []string{"bill_01JDXK3Z7M0003ZZZZZZZZZZZZ", "bill_00000000000000000000000000", "bill_7zzzzzzzzzzzzzzzzzzzzzzzzz", "bill_"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, s string) {
		id, err := platform.ParseBillID(s)
		if err != nil {
			return
		}
		again, err := platform.ParseBillID(string(id))
		if err != nil || again != id || !strings.EqualFold(string(id), s) {
			t.Errorf("%q is read as %s, then %s, %v", s, id, again, err)
		}
		if p := id.Partition(); p < 0 || p > 65535 || len(id.Day()) < len("2026-11-23") {
			t.Errorf("%s: partition %d, day %s", id, p, id.Day())
		}
	})
}

func TestParseMerchantID(t *testing.T) {
	id, err := platform.ParseMerchantID("10000001")
	if err != nil || id.DefaultPayee() != "acct_10000001" {
		t.Error(id, err)
	}
	for _, wrong := range []string{"", "0000001", "01000000", "1000000", "100000011", "1000000a", "1000000 ", "+1000000", "١٢٣٤"} {
		id, err := platform.ParseMerchantID(wrong)
		if refusal, ok := errors.AsType[*platform.Error](err); !ok || id != "" || refusal.Field != "merchant" {
			t.Errorf("%q is read as %q, %v", wrong, id, err)
		}
	}
}

func TestErrorText(t *testing.T) {
	for want, e := range map[string]*platform.Error{
		"not-found: no such bill":            {Code: platform.CodeNotFound, Detail: "no such bill"},
		"invalid: amount: 1 to 999999999999": {Code: platform.CodeInvalid, Field: "amount", Detail: "1 to 999999999999"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
