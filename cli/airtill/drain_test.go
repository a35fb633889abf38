package main

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"
)

// probe asks for readyz, and answers its status and reasons.
func (r *rooms) probe() (status int, reasons string) {
	r.t.Helper()
	res, err := http.Get(r.at.HTTP + "/readyz")
	if err != nil {
		return 0, err.Error()
	}
	defer res.Body.Close()
	var p struct{ Reasons []string }
	if err := json.NewDecoder(res.Body).Decode(&p); err != nil {
		r.t.Fatal(err)
	}
	return res.StatusCode, strings.Join(p.Reasons, "; ")
}

// A platform that is told to stop in the middle of orders says so first, finishes what it
// has begun, and ends well; after the next start every order is paid, once.
func TestDrainUnderLoad(t *testing.T) {
	t.Parallel()
	const payers, bills = 5, 40
	r := openRooms(t, "--data", t.TempDir(), "--lame-duck", "2s")
	for n := range payers {
		r.enrol(n)
	}
	if status, reasons := r.probe(); status != http.StatusOK {
		t.Fatalf("readyz: %d %s", status, reasons)
	}
	placed := make(chan bool, bills)
	middle := make(chan struct{})
	go func() {
		for n := range bills {
			if n == bills/4 {
				close(middle)
			}
			placed <- r.place("tea-longjing-100", phone(n%payers), phone((n+1)%payers)) // the shop asks again until somebody is there
		}
	}()
	<-middle
	if err := r.platform.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(patience); ; {
		status, reasons := r.probe()
		if status == http.StatusServiceUnavailable && strings.Contains(reasons, "draining: the platform is stopping") {
			break
		}
		if status == 0 || time.Now().After(deadline) {
			t.Fatalf("readyz does not say that the platform is stopping: %d %s", status, reasons)
		}
	}
	select {
	case <-r.platform.ended:
	case <-time.After(patience):
		t.Fatal("the platform does not stop")
	}
	if status := r.platform.cmd.ProcessState.ExitCode(); status != 0 || !strings.Contains(r.platform.said.String(), "stopped") {
		t.Errorf("it ended with %v", r.platform.cmd.ProcessState)
	}
	r.startPlatform(strings.TrimPrefix(r.at.HTTP, "http://"))
	for range bills {
		if !<-placed {
			t.Error("an order was not taken")
		}
	}
	orders := r.ended()
	r.checkBooks(r.checkOrders(orders, bills), 8800)
	r.checkMetrics(bills)
	if said := r.run(0, "callbacks", "list", "--office", "--state", "exhausted", "--json", "--platform", r.at.HTTP); said != "" {
		t.Errorf("exhausted: %s", said)
	}
	for _, room := range []*process{r.merchant, r.platform, r.handsets, r.gateway} {
		room.stop(syscall.SIGTERM)
	}
}

// checkMetrics reads the metrics of the platform, with its key only.
func (r *rooms) checkMetrics(bills int) {
	r.t.Helper()
	for key, want := range map[string]int{"": http.StatusUnauthorized, roomsOperatorKey: http.StatusOK} {
		q, err := http.NewRequestWithContext(r.t.Context(), http.MethodGet, r.at.HTTP+"/metrics", nil)
		if err != nil {
			r.t.Fatal(err)
		}
		q.Header.Set("Authorization", "Bearer "+key)
		res, err := http.DefaultClient.Do(q)
		if err != nil {
			r.t.Fatal(err)
		}
		text, err := io.ReadAll(res.Body)
		_ = res.Body.Close()
		if err != nil || res.StatusCode != want {
			r.t.Fatalf("metrics: %d, %v", res.StatusCode, err)
		}
		if want != http.StatusOK {
			continue
		}
		for _, line := range []string{"airtill_ready 1", "airtill_carrier_bound 1", `airtill_partition_serving{partition="p15"} 1`, "airtill_callbacks_exhausted 0", "airtill_tally_complete 1"} {
			if !strings.Contains(string(text), line+"\n") {
				r.t.Errorf("the metrics do not say %s:\n%s", line, text)
			}
		}
		if strings.Contains(string(text), phone(0)) {
			r.t.Error("the metrics name a phone")
		}
	}
}

// A second signal ends a platform at once that is still draining.
func TestSecondSignalEndsTheDrain(t *testing.T) {
	t.Parallel()
	r := openRooms(t, "--data", t.TempDir(), "--lame-duck", "1h", "--drain-timeout", "2h")
	for range 2 {
		if err := r.platform.cmd.Process.Signal(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		for deadline := time.Now().Add(patience); ; {
			if status, _ := r.probe(); status != http.StatusOK {
				break
			}
			if time.Now().After(deadline) {
				t.Fatal("nothing comes of the signal")
			}
		}
	}
	select {
	case <-r.platform.ended:
	case <-time.After(patience):
		t.Fatal("the second signal does not end it")
	}
	if status, ok := r.platform.cmd.ProcessState.Sys().(syscall.WaitStatus); !ok || !status.Signaled() {
		t.Errorf("it ended with %v", r.platform.cmd.ProcessState)
	}
}
