package billing

import (
	"encoding/json"
	"testing"

	"github.com/airtill/airtill/platform/scp80"
)

func TestLeap(t *testing.T) {
	c := counters{Out: 7, In: 9, PIN: 3, Wrong: map[int]int{1: 2}, Version: 1, Taken: 4}
	text, err := Leap(encode(c))
	var got counters
	if err == nil {
		err = json.Unmarshal([]byte(text), &got)
	}
	c.Out += counterLeap
	if err != nil || encode(got) != encode(c) {
		t.Errorf("%+v, %v", got, err)
	}
	text, err = Leap(`{"out":1099511627775,"of_later":{"x":1}}`)
	if err != nil || text != `{"of_later":{"x":1},"out":1099511627775}` {
		t.Errorf("%s, %v, not %d at most", text, err, uint64(scp80.MaxCounter))
	}
	for _, wrong := range []string{"", "7", `{"out":-1}`, `{"out":"x"}`} {
		if text, err := Leap(wrong); err == nil {
			t.Errorf("%q leaps to %s", wrong, text)
		}
	}
}
