package main

import (
	"os"
	"strings"
	"syscall"
	"testing"
	"time"
)

// The process of the handsets is killed and started again, again and again: with
// --state its secure elements go on with their keys, cards and counters, and their
// holders pay as if nothing had been.
func TestElementsOutliveTheProcess(t *testing.T) {
	t.Parallel()
	r := openRooms(t, "--redis", startRedis(t).url)
	r.handsets.stop(syscall.SIGTERM)
	r.startKept()
	r.enrol(1)
	r.place("tea-longjing-100", phone(1), phone(1))
	r.untilPaid(1)
	for paid := 2; paid < 5; paid++ {
		r.handsets.kill()
		r.startKept()
		r.place("tea-longjing-100", phone(1), phone(1))
		r.untilBilled(phone(1))
		r.run(0, "phone", "pay", "--handsets", r.at.Handsets, phone(1)) // nothing has kept the PIN: it is typed
		r.untilPaid(paid)
	}
	shown := r.run(0, "phone", "show", "--json", "--handsets", r.at.Handsets, phone(1))
	if !strings.Contains(shown, `"suite":"modern","key_version":1`) || !strings.Contains(shown, `"dropped":0`) {
		t.Error(shown)
	}
	r.checkBooks(4, 8800)
}

// startKept starts the handsets with elements that are kept, where they were.
func (r *rooms) startKept() {
	r.t.Helper()
	_ = os.Remove(r.file("handsets.json"))
	r.handsets = r.start("handsets", "--smsc", r.at.SMPP, "--http", strings.TrimPrefix(r.at.Handsets, "http://"),
		"--state", r.file("elements"), "--ready-file", r.file("handsets.json"))
	r.at.Handsets = r.handsets.ready(r.file("handsets.json")).Handsets
}

// untilBilled waits until a phone has a bill that can be paid.
func (r *rooms) untilBilled(number string) {
	r.t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		bills := r.run(0, "phone", "bills", "--json", "--handsets", r.at.Handsets, number)
		if strings.Contains(bills, `"state":"shown"`) || strings.Contains(bills, `"state":"opened"`) {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("no bill on the phone: %s", bills)
		}
	}
}
