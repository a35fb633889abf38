package main

import (
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/airtill/airtill/fsm/engine"
)

// partition is a line of airtill office partitions --json.
type partition struct {
	Partition, Owner, Address string
	Epoch                     int
	Here, Live                bool
}

// partitions asks the platform at an address who serves what.
func (p *person) partitions(at string) (all []partition) {
	p.t.Helper()
	out := p.run(0, "office", "partitions", "--json", "--platform", at)
	d := json.NewDecoder(strings.NewReader(out))
	for d.More() {
		var one partition
		if err := d.Decode(&one); err != nil {
			p.t.Fatalf("%v in %s", err, out)
		}
		all = append(all, one)
	}
	return all
}

// here counts the partitions that are served by the platform that was asked.
func here(all []partition) (n int) {
	for _, p := range all {
		if p.Here {
			n++
		}
	}
	return n
}

// untilHere waits until the platform at an address serves so many partitions.
func (p *person) untilHere(at string, want int) time.Duration {
	p.t.Helper()
	began := time.Now()
	tick := time.NewTicker(2 * pause)
	defer tick.Stop()
	for ; here(p.partitions(at)) != want; <-tick.C {
		if time.Since(began) > patience {
			p.t.Fatalf("the platform at %s does not come to %d partitions: %+v", at, want, p.partitions(at))
		}
	}
	return time.Since(began)
}

// join starts another platform on the rooms' store.
func (r *rooms) join(name string) (*process, string) {
	r.t.Helper()
	p := r.start(append([]string{"platform", "--smsc", r.at.SMPP, "--http", "127.0.0.1:0",
		"--vault", r.file("vault.json"), "--ready-file", r.file(name)}, r.store...)...)
	return p, p.ready(r.file(name)).HTTP
}

// order places orders at the shop, whose platform is the first, and as a merchant's own
// system at the platform at an address.
func (r *rooms) order(placed chan<- bool, from, to int, at string) {
	r.t.Helper()
	for n := from; n < to; n++ {
		go func() { placed <- r.place("tea-longjing-100", phone(n%sharedPayers), phone((n+1)%sharedPayers)) }()
		r.insist("bill", "create", "--platform", at, "--api-key-file", r.file("key"), "--phone", phone((n+3)%sharedPayers),
			"--amount", "8800", "--reference", "direct-"+strconv.Itoa(n))
	}
}

// insist runs a command again until its outcome is not unknown any more.
func (r *rooms) insist(args ...string) {
	r.t.Helper()
	for began := time.Now(); ; {
		out, err := r.command(args).CombinedOutput()
		switch {
		case err == nil:
			return
		case !strings.Contains(string(out), "outcome unknown") || time.Since(began) > patience:
			r.t.Fatalf("airtill %s: %v\n%s", strings.Join(args, " "), err, out)
		}
		r.t.Logf("unknown after %s: %s", time.Since(began), args)
	}
}

// untilGone waits until no partition is another's at an address.
func (r *rooms) untilGone(address string) time.Duration {
	r.t.Helper()
	began := time.Now()
	tick := time.NewTicker(2 * pause)
	defer tick.Stop()
	for ; ; <-tick.C {
		all := r.partitions(r.at.HTTP)
		left := slices.ContainsFunc(all, func(p partition) bool { return p.Address == strings.TrimPrefix(address, "http://") || !p.Live })
		switch {
		case !left:
			return time.Since(began)
		case time.Since(began) > patience:
			r.t.Fatalf("partitions stay at %s: %+v", address, all)
		}
	}
}

const sharedPayers = 10

// TestPlatformsShareRedis runs three platforms on a real Redis, under load. One is
// stopped (SIGSTOP) past its lease and goes on, one is killed, one ends in order: every
// bill ends, whichever platform it was ordered at, nobody pays twice and the books are
// right.
func TestPlatformsShareRedis(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := openRooms(t, "--redis", redis.url)
	if got := here(r.partitions(r.at.HTTP)); got != 16 {
		t.Errorf("alone it serves %d partitions", got)
	}
	r.run(1, append([]string{"platform", "--smsc", r.at.SMPP, "--http", "127.0.0.1:0", "--vault", r.file("other.json")}, r.store...)...)
	if said := r.said.String(); !strings.Contains(said, "another vault's") || !strings.Contains(said, "--vault FILE") {
		t.Errorf("a platform with another vault does not say so:\n%s", said)
	}
	second, at2 := r.join("second.json")
	r.untilHere(r.at.HTTP, 8)
	r.untilHere(at2, 8)
	third, at3 := r.join("third.json")
	for n := range sharedPayers {
		r.enrol(n)
	}
	placed := make(chan bool, 60)
	r.order(placed, 0, 10, at3)
	for _, at := range []string{r.at.HTTP, at2, at3} {
		r.isReady(at)
	}
	r.signal(second, syscall.SIGSTOP)
	r.order(placed, 10, 20, at3)
	t.Logf("%s after it was stopped, its partitions are others'", r.untilGone(at2))
	r.order(placed, 20, 30, r.at.HTTP)
	r.signal(second, syscall.SIGCONT)
	r.order(placed, 30, 40, at2)
	third.kill()
	r.order(placed, 40, 50, at2)
	t.Logf("its partitions were others' %s after orders to the rest", r.untilGone(at3))
	r.order(placed, 50, 55, at2)
	second.stop(syscall.SIGTERM)
	r.order(placed, 55, 60, r.at.HTTP)
	for range cap(placed) {
		if !<-placed {
			t.Error("an order was not taken")
		}
	}
	r.untilHere(r.at.HTTP, 16)
	orders := r.ended()
	r.checkInboxes(orders, sharedPayers)
	if all := r.untilSettled(2 * cap(placed)); all != 2*cap(placed) || len(orders) != cap(placed) {
		t.Errorf("%d bills are settled, and the shop has %d orders", all, len(orders))
	}
	r.checkBooks(2*cap(placed), 8800)
	for _, room := range []*process{r.merchant, r.platform, r.handsets, r.gateway} {
		room.stop(syscall.SIGTERM)
	}
	r.run(0, "audit", "--redis", redis.url)
}

// untilSettled waits until so many bills are settled, and answers how many are.
func (r *rooms) untilSettled(want int) (settled int) {
	r.t.Helper()
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		listed := r.run(0, "bill", "list", "--json", "--limit", "200", "--platform", r.at.HTTP, "--api-key-file", r.file("key"))
		if settled = strings.Count(listed, `"state":"settled"`); settled >= want || time.Now().After(deadline) {
			return settled
		}
	}
}

// TestPlatformsShareDialogues runs two platforms under bills that are paid over USSD: the
// carrier brings the turns of a session to either, and they meet where the phone's
// partition is. When that platform dies the holder is told that the session is over, and
// finds the bill again at the other.
func TestPlatformsShareDialogues(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	r := openRooms(t, "--redis", redis.url, "--ussd-cap", "CNY=200000")
	second, at2 := r.join("second.json")
	r.untilHere(r.at.HTTP, 8)
	r.untilHere(at2, 8)
	enrol := func(n int, persona string) {
		t.Helper()
		r.run(0, "enrol", "--platform", r.at.HTTP, "--handsets", r.at.Handsets, "--phone", phone(n), "--name", "Li Wei",
			"--form", "none", "--persona", persona, "--card", "alias=Blue,balance=9000000")
	}
	for n := range 5 {
		enrol(n, "pays")
	}
	for n := range 10 {
		out := r.run(0, "bill", "create", "--platform", []string{r.at.HTTP, at2}[n%2], "--api-key-file", r.file("key"),
			"--phone", phone(n%5), "--amount", "8800", "--wait", "20s")
		if !strings.Contains(out, "settled") {
			t.Errorf("bill %d:\n%s", n, out)
		}
	}
	for n := range 5 {
		if texts := r.run(0, "phone", "inbox", "--handsets", r.at.Handsets, phone(n)); strings.Contains(texts, "Dial") {
			t.Errorf("a session has not come through:\n%s", texts)
		}
	}
	away := 5
	for !r.partitions(at2)[engine.PartitionOf("phone:"+phone(away), 16)].Here {
		away++
	}
	enrol(away, "manual")
	number := phone(away)
	r.run(0, "bill", "create", "--platform", r.at.HTTP, "--api-key-file", r.file("key"), "--phone", number, "--amount", "8800", "--reference", "cut-off")
	r.untilSays("1 Pay", "phone", "screen", "--handsets", r.at.Handsets, number)
	second.kill()
	r.untilHere(r.at.HTTP, 16)
	for _, turn := range []struct {
		command []string
		says    string
	}{
		{[]string{"reply", "1"}, "not available"}, // the session has gone with its platform
		{[]string{"dial", "*120#"}, "1 Sky Travel CNY 88.00"},
		{[]string{"reply", "1"}, "1 Pay"},
		{[]string{"reply", "2"}, "Refused."},
	} {
		args := []string{"phone", turn.command[0], "--handsets", r.at.Handsets, number, turn.command[1]}
		if got := r.run(0, args...); !strings.Contains(got, turn.says) {
			t.Errorf("%s says %q, want %q", strings.Join(turn.command, " "), got, turn.says)
		}
	}
	for _, room := range []*process{r.merchant, r.platform, r.handsets, r.gateway} {
		room.stop(syscall.SIGTERM)
	}
	r.run(0, "audit", "--redis", redis.url)
}

// untilSays waits until a command says something.
func (r *rooms) untilSays(want string, args ...string) {
	r.t.Helper()
	tick := time.NewTicker(2 * pause)
	defer tick.Stop()
	for began := time.Now(); ; <-tick.C {
		out, _ := r.command(args).CombinedOutput()
		if strings.Contains(string(out), want) {
			return
		}
		if time.Since(began) > patience {
			r.t.Fatalf("airtill %s does not say %q:\n%s", strings.Join(args, " "), want, out)
		}
	}
}

func (r *rooms) signal(p *process, s syscall.Signal) {
	r.t.Helper()
	if err := p.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

// isReady has a platform say that it is ready.
func (r *rooms) isReady(at string) {
	r.t.Helper()
	res, err := http.Get(at + "/readyz")
	if err != nil {
		r.t.Error(err)
		return
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		r.t.Errorf("%s answers %s", at, res.Status)
	}
}
