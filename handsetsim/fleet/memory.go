package fleet

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/airtill/airtill/gateway"
	"github.com/airtill/airtill/handsetsim"
	"github.com/airtill/airtill/handsetsim/se"
	"github.com/airtill/airtill/platform/applet"
)

// resume makes the phones whose elements the memory keeps.
func (f *Fleet) resume() error {
	if f.config.Memory == nil {
		return nil
	}
	all := f.config.Memory.Elements()
	failed := make([]error, len(all))
	inParallel(len(all), func(i int) { failed[i] = f.resumeOne(all[i]) })
	for _, err := range failed {
		if err != nil {
			return err // one will do: of a damaged memory there may be as many as phones
		}
	}
	return nil
}

// resumeOne makes the phone that an element is in.
func (f *Fleet) resumeOne(id applet.ElementID) error {
	slot, err := f.config.Memory.Slot(id)
	if err != nil {
		return err
	}
	note, err := slot.Note()
	if err != nil {
		return err
	}
	var phone NewPhone
	if err := json.Unmarshal(note, &phone); err != nil {
		return fmt.Errorf("read whose element %s is: %w", id, err)
	}
	if _, err := f.makeWith(phone, func(*se.Element) {}); err != nil {
		return fmt.Errorf("go on with element %s: %w", id, err)
	}
	return nil
}

// note keeps whose element it is, for the next run. A phone without one is not kept.
func (f *Fleet) note(p NewPhone) error {
	if f.config.Memory == nil || p.Form == formNone {
		return nil
	}
	id, err := elementID(p.MSISDN)
	if err != nil {
		return err
	}
	slot, err := f.config.Memory.Slot(id)
	if err != nil {
		return err
	}
	note, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("note whose element %s is: %w", id, err)
	}
	return slot.SetNote(note)
}

// position is where the counters of all that the elements have done until now stand
// in the memory's line.
func (f *Fleet) position() uint64 {
	if f.config.Memory == nil {
		return 0
	}
	return f.config.Memory.Position()
}

// sync waits until what stands in line up to a position cannot be lost.
func (f *Fleet) sync(position uint64) error {
	if f.config.Memory == nil {
		return nil
	}
	return f.config.Memory.Sync(position)
}

// Clone copies a phone's element, as a thief with a laboratory would, to try whether
// the platform notices. The phone keeps the copy of last.
func (f *Fleet) Clone(n gateway.MSISDN) error {
	return f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		if h.element == nil {
			return handsetsim.ErrNoElement
		}
		copied := h.element.Snapshot()
		h.copied = &copied
		return nil
	})
}

// Restore has the phone go on with the copy of its element, whose counters are those
// of then. The memory keeps the element as it was before.
func (f *Fleet) Restore(n gateway.MSISDN) error {
	return f.touch(n, func(h *handset, _ time.Time, _ *handsetsim.Effects) error {
		switch {
		case h.element == nil:
			return handsetsim.ErrNoElement
		case h.copied == nil:
			return conflict("msisdn", "nobody has copied this phone's element; clone it first")
		}
		h.element.Restore(*h.copied)
		return nil
	})
}
