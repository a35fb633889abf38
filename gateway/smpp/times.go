package smpp

import (
	"errors"
	"fmt"
	"time"
)

// ErrTime says that a text is not a time of §7.1.1.
var ErrTime = errors.New("smpp: not a time")

// Time is a schedule_delivery_time or validity_period, §7.1.1: `YYMMDDhhmmsstnnp`.
// It is absolute (p is + or -, nn quarter hours from UTC) or relative to the
// SMSC's clock (p is R), in calendar years and months.
type Time struct {
	Absolute time.Time // set unless Relative
	Relative bool
	Years, Months, Days,
	Hours, Minutes, Seconds int
}

// ParseTime reads a time of 16 characters. Years are of this century.
func ParseTime(s string) (Time, error) {
	if len(s) != 16 {
		return Time{}, fmt.Errorf("%w: %q has %d characters", ErrTime, s, len(s))
	}
	var n [7]int // YY MM DD hh mm ss, and nn
	for i, at := range [7]int{0, 2, 4, 6, 8, 10, 13} {
		if n[i] = twoDigits(s[at], s[at+1]); n[i] < 0 {
			return Time{}, fmt.Errorf("%w: %q", ErrTime, s)
		}
	}
	tenths := twoDigits('0', s[12])
	switch p := s[15]; {
	case tenths < 0:
	case p == 'R' && tenths == 0 && n[6] == 0:
		return Time{Relative: true, Years: n[0], Months: n[1], Days: n[2], Hours: n[3], Minutes: n[4], Seconds: n[5]}, nil
	case (p == '+' || p == '-') && n[6] <= 48:
		return absolute(s, n, tenths)
	}
	return Time{}, fmt.Errorf("%w: %q", ErrTime, s)
}

func absolute(s string, n [7]int, tenths int) (Time, error) {
	offset := n[6] * 15 * 60
	if s[15] == '-' {
		offset = -offset
	}
	zone := time.UTC
	if offset != 0 {
		zone = time.FixedZone("", offset)
	}
	t := time.Date(2000+n[0], time.Month(n[1]), n[2], n[3], n[4], n[5], tenths*int(100*time.Millisecond), zone)
	if t.Month() != time.Month(n[1]) || t.Day() != n[2] || t.Hour() != n[3] || t.Minute() != n[4] || t.Second() != n[5] {
		return Time{}, fmt.Errorf("%w: %q is not on the calendar", ErrTime, s)
	}
	return Time{Absolute: t}, nil
}

func twoDigits(a, b byte) int {
	if a < '0' || a > '9' || b < '0' || b > '9' {
		return -1
	}
	return int(a-'0')*10 + int(b-'0')
}

// At is the instant the time means to an SMSC whose clock says now.
func (t Time) At(now time.Time) time.Time {
	if !t.Relative {
		return t.Absolute
	}
	return now.AddDate(t.Years, t.Months, t.Days).Add(
		time.Duration(t.Hours)*time.Hour + time.Duration(t.Minutes)*time.Minute + time.Duration(t.Seconds)*time.Second)
}

// String writes the 16 characters. An absolute time is cut to tenths of a
// second, and to UTC where its zone is not of whole quarter hours.
func (t Time) String() string {
	if t.Relative {
		return fmt.Sprintf("%02d%02d%02d%02d%02d%02d000R", t.Years, t.Months, t.Days, t.Hours, t.Minutes, t.Seconds)
	}
	at := t.Absolute
	_, offset := at.Zone()
	if offset%(15*60) != 0 || offset > 12*3600 || offset < -12*3600 {
		at, offset = at.UTC(), 0
	}
	sign := byte('+')
	if offset < 0 {
		sign, offset = '-', -offset
	}
	text := make([]byte, 0, 16)
	year, month, day := at.Date()
	hour, minute, second := at.Clock()
	for _, n := range [...]int{year % 100, int(month), day, hour, minute, second} {
		text = appendTwo(text, n)
	}
	text = append(text, '0'+byte(at.Nanosecond()/int(100*time.Millisecond)))
	return string(append(appendTwo(text, offset/(15*60)), sign))
}

// appendTwo appends a number of two digits.
func appendTwo(dst []byte, n int) []byte { return append(dst, '0'+byte(n/10), '0'+byte(n%10)) }

// After is the relative time of a duration, to whole seconds, at most 99 days.
func After(d time.Duration) Time {
	s := int(min(max(d, 0), 99*24*time.Hour) / time.Second)
	return Time{Relative: true, Days: s / 86400, Hours: s / 3600 % 24, Minutes: s / 60 % 60, Seconds: s % 60}
}
