package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

// rooms is a network of four processes.
type rooms struct {
	*person
	dir   string
	store []string // flags that say where the platform keeps everything

	gateway, platform, handsets, merchant *process

	at ready // where each is
}

const roomsOperatorKey = "op_7f3a9c55e2d14b08"

// openRooms starts carrier, platform and handsets, has a merchant opened and its shop started.
func openRooms(t *testing.T, store ...string) *rooms {
	t.Helper()
	r := &rooms{
		person: newPerson(t, "AIRTILL_OPERATOR_KEY="+roomsOperatorKey, "AIRTILL_PIN=314159", "AIRTILL_ID_NUMBER=11010519900307123X"),
		dir:    t.TempDir(), store: store,
	}
	r.gateway = r.start("gateway", "--smpp", "127.0.0.1:0", "--ready-file", r.file("gateway.json"))
	r.at.SMPP = r.gateway.ready(r.file("gateway.json")).SMPP
	r.startPlatform("127.0.0.1:0")
	r.handsets = r.start("handsets", "--smsc", r.at.SMPP, "--http", "127.0.0.1:0", "--ready-file", r.file("handsets.json"))
	r.at.Handsets = r.handsets.ready(r.file("handsets.json")).Handsets
	r.run(0, "office", "add-merchant", "--platform", r.at.HTTP, "--id", "10000042", "--name", "Sky Travel",
		"--write-api-key", r.file("key"), "--write-webhook-secret", r.file("secret"))
	r.merchant = r.start("merchant", "--smsc", r.at.SMPP, "--platform", r.at.HTTP, "--http", "127.0.0.1:0",
		"--api-key-file", r.file("key"), "--webhook-secret-file", r.file("secret"), "--ready-file", r.file("merchant.json"))
	r.at.Shop = r.merchant.ready(r.file("merchant.json")).Shop
	return r
}

func (r *rooms) file(name string) string { return filepath.Join(r.dir, name) }

func (r *rooms) startPlatform(address string) {
	r.t.Helper()
	_ = os.Remove(r.file("platform.json")) // of one that was killed
	r.platform = r.start(append([]string{"platform", "--smsc", r.at.SMPP, "--http", address,
		"--vault", r.file("vault.json"), "--ready-file", r.file("platform.json")}, r.store...)...)
	up := r.platform.ready(r.file("platform.json"))
	r.at.HTTP, r.at.Redis = up.HTTP, up.Redis
}

// phone is the number of the nth phone.
func phone(n int) string { return fmt.Sprintf("86138000004%02d", n) }

func (r *rooms) enrol(n int) {
	r.t.Helper()
	r.run(0, "enrol", "--platform", r.at.HTTP, "--handsets", r.at.Handsets, "--phone", phone(n), "--name", "Li Wei",
		"--persona", "pays", "--card", "alias=Blue,balance=9000000")
}

// shopOrder is an order as the shop's face shows it.
type shopOrder struct {
	ID, Status, Reason, Bill string
	Notices                  []struct{ Progress, Text string }
}

// place orders at the shop, and says whether the order was taken.
func (r *rooms) place(item, payer, buyer string) bool {
	body := fmt.Sprintf(`{"item":%q,"phone":%q,"buyer_phone":%q}`, item, payer, buyer)
	res, err := http.Post(r.at.Shop+"/v1/orders", "application/json", strings.NewReader(body))
	if err != nil {
		r.t.Error(err)
		return false
	}
	defer res.Body.Close()
	return res.StatusCode == http.StatusCreated
}

// orders are all that the shop has.
func (r *rooms) orders() []shopOrder {
	r.t.Helper()
	res, err := http.Get(r.at.Shop + "/v1/orders?limit=200")
	if err != nil {
		r.t.Fatal(err)
	}
	defer res.Body.Close()
	var page struct{ Orders []shopOrder }
	if err := json.NewDecoder(res.Body).Decode(&page); err != nil {
		r.t.Fatal(err)
	}
	return page.Orders
}

// untilPaid waits until so many orders are paid, when the others are not yet.
func (r *rooms) untilPaid(n int) {
	r.t.Helper()
	tick := time.NewTicker(pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		paid := 0
		for _, o := range r.orders() {
			if o.Status == "paid" {
				paid++
			}
		}
		if paid >= n {
			r.t.Logf("%d orders are paid", paid)
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d orders are paid, want %d", paid, n)
		}
	}
}

// ended waits until no order is open any more, and every notice is with the carrier.
func (r *rooms) ended() []shopOrder {
	r.t.Helper()
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(2 * patience); ; <-tick.C {
		all, open := r.orders(), 0
		for _, o := range all {
			text, _ := json.Marshal(o.Notices)
			if o.Status == "placed" || o.Status == "billed" || bytes.Contains(text, []byte(`"queued"`)) {
				open++
			}
		}
		if open == 0 {
			return all
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("%d of %d orders have not ended: %+v", open, len(all), all)
		}
	}
}

// Four processes and a real Redis.
func TestRoomsAsProcesses(t *testing.T) {
	t.Parallel()
	redis := startRedis(t)
	openRooms(t, "--redis", redis.url).killPlatform()
	newPerson(t).run(0, "audit", "--redis", redis.url)
}

// The same, and the platform keeps everything itself: nothing that was acknowledged is
// lost, and its file loads into a redis-server.
func TestRoomsKeptInFile(t *testing.T) {
	t.Parallel()
	redis, dir := startRedis(t), t.TempDir()
	r := openRooms(t, "--data", dir)
	r.run(6, "platform", "--data", dir, "--http", "127.0.0.1:0", "--vault", r.file("vault.json"))
	if said, want := r.said.String(), fmt.Sprintf("in use by process %d:", r.platform.cmd.Process.Pid); !strings.Contains(said, want) {
		t.Errorf("a second platform in the directory does not say %q:\n%s", want, said)
	}
	r.killPlatform()
	redis.load(t, filepath.Join(dir, "appendonly.aof"))
	r.run(0, "audit", "--redis", redis.url)
}

// The same on a redis-server of the platform's own, which ends with it.
func TestRoomsOnChild(t *testing.T) {
	t.Parallel()
	startRedis(t)                           // it is installed
	dir, err := os.MkdirTemp("", "airtill") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	r := openRooms(t, "--redis", "child", "--data", dir)
	r.killPlatform()
	r.run(1, "platform", "--data", dir, "--http", "127.0.0.1:0", "--vault", r.file("vault.json"))
	if said := r.said.String(); !strings.Contains(said, "--redis child") {
		t.Errorf("the embedded store does not say whose the directory is:\n%s", said)
	}
}

// killPlatform kills the platform in the middle of many bills, and starts it again.
// Every bill ends, nobody pays twice, and the books are right. At the end all stop.
func (r *rooms) killPlatform() {
	const payers, bills, killedAt, amount = 10, 50, 20, 8800
	t := r.t
	for n := range payers {
		r.enrol(n)
	}
	placed := make(chan bool, bills)
	for n := range bills {
		order := func() { placed <- r.place("tea-longjing-100", phone(n%payers), phone((n+1)%payers)) }
		if n != killedAt {
			order()
			continue
		}
		r.platform.kill()
		go order() // the shop asks again until somebody is there
		r.startPlatform(strings.TrimPrefix(r.at.HTTP, "http://"))
	}
	for range bills {
		if !<-placed {
			t.Error("an order was not taken")
		}
	}
	r.untilPaid(bills / 5)
	r.platform.kill() // once more, with payments on their way
	r.startPlatform(strings.TrimPrefix(r.at.HTTP, "http://"))
	orders := r.ended()
	paid := r.checkOrders(orders, bills)
	r.checkInboxes(orders, payers)
	r.checkBooks(paid, amount)
	for _, room := range []*process{r.merchant, r.platform, r.handsets, r.gateway} {
		room.stop(syscall.SIGTERM)
	}
}

// checkOrders holds every order against the bills, and answers how many were paid.
func (r *rooms) checkOrders(all []shopOrder, bills int) int {
	r.t.Helper()
	for _, o := range all {
		if o.Status != "paid" {
			r.t.Errorf("order %s is %s (%s)", o.ID, o.Status, o.Reason)
		}
	}
	if len(all) != bills {
		r.t.Errorf("the shop has %d orders, want %d", len(all), bills)
	}
	listed := r.run(0, "bill", "list", "--json", "--limit", "200", "--platform", r.at.HTTP, "--api-key-file", r.file("key"))
	if n := strings.Count(listed, `"state":"settled"`); n != len(all) || strings.Count(listed, "\n") != n {
		r.t.Errorf("%d orders, of the bills %d are settled:\n%s", len(all), n, listed)
	}
	return len(all)
}

// checkInboxes waits until buyer and payer of every order have been told of it (S9).
func (r *rooms) checkInboxes(all []shopOrder, phones int) {
	r.t.Helper()
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); ; <-tick.C {
		var texts strings.Builder
		for n := range phones {
			texts.WriteString(r.run(0, "phone", "inbox", "--handsets", r.at.Handsets, phone(n)))
		}
		untold := slices.DeleteFunc(slices.Clone(all), func(o shopOrder) bool { return strings.Count(texts.String(), o.ID) >= 2 })
		if len(untold) == 0 {
			return
		}
		if time.Now().After(deadline) {
			r.t.Fatalf("not told to buyer and payer: %+v\n%s", untold, &texts)
		}
	}
}

func (r *rooms) checkBooks(paid int, amount int64) {
	r.t.Helper()
	var books struct {
		Bills, Paid int
		Twice       int `json:"duplicate_debits"`
		Sums        map[string]int64
		Clearing    map[string]int64
		Differences []string
	}
	if err := json.Unmarshal([]byte(r.run(0, "audit", "--json", "--redis", r.at.Redis)), &books); err != nil {
		r.t.Fatal(err)
	}
	if books.Paid != paid || books.Bills != paid || books.Twice != 0 || books.Sums["CNY"] != 0 || books.Clearing["CNY"] != 0 || len(books.Differences) > 0 {
		r.t.Errorf("%d paid; the books say %+v", paid, books)
	}
	var m struct{ Balances map[string]int64 }
	if err := json.Unmarshal([]byte(r.run(0, "office", "merchants", "--json", "--platform", r.at.HTTP)), &m); err != nil {
		r.t.Fatal(err)
	}
	if got, want := m.Balances["CNY"], int64(paid)*amount; got != want {
		r.t.Errorf("the merchant has %d, want %d", got, want)
	}
}
