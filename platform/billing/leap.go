package billing

import (
	"encoding/json"
	"fmt"

	"github.com/airtill/airtill/platform/scp80"
)

// counterLeap is more packets than any phone is sent between a backup and its restoring,
// and goes into the counter's range a million times.
const counterLeap = 1 << 20

// Leap is a phone's counters, as the hash counters keeps them, moved ahead for a store that
// was restored: since the copy was made the phone may have had packets whose counters the
// copy does not know, and an element takes none twice.
func Leap(kept string) (string, error) {
	fields := make(map[string]json.RawMessage) // others stay as they are
	var c counters
	if err := json.Unmarshal([]byte(kept), &fields); err != nil {
		return "", fmt.Errorf("read a phone's counters: %w", err)
	}
	if err := json.Unmarshal([]byte(kept), &c); err != nil {
		return "", fmt.Errorf("read a phone's counters: %w", err)
	}
	fields["out"] = json.RawMessage(fmt.Sprint(min(c.Out+counterLeap, scp80.MaxCounter)))
	return encode(fields), nil
}
