package app

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/bill"
	"github.com/airtill/airtill/fsm/engine"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/handsetsim/persona"
	"github.com/airtill/airtill/platform"
	"github.com/airtill/airtill/platform/api"
	"github.com/airtill/airtill/platform/audit"
	"github.com/airtill/airtill/platform/billing"
)

// A whole network on a cluster of three masters. A replica that was cut off takes over
// from the shop's master; what went between the shop's partition and others meanwhile is
// lost in one of them. It is found and put right while the network goes on, and the books
// are right.
func TestClusterFailover(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	c := enginetest.NewCluster(t, 3)
	store, err := world.OpenStore(ctx, network.TCP{}, "", c.URLs()...)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := store.Close(); err != nil {
			t.Error(err)
		}
	}()
	w, err := world.New(ctx, world.Config{
		Network: network.TCP{}, Store: store, Seed: 1, ShopName: "Sky Travel",
		Pace:   persona.Pace{Read: 10 * time.Millisecond, Type: 10 * time.Millisecond},
		Timing: billing.Timing{SweepEvery: 20 * time.Millisecond},
	})
	if err != nil {
		t.Fatal(err)
	}
	err = w.Run(ctx, func(ctx context.Context) error {
		ready := filepath.Join(t.TempDir(), "airtill", "dev.json")
		if err := world.WriteReady(ready, w.Ready()); err != nil {
			return err
		}
		l := &live{t: t, ctx: ctx, environ: map[string]string{
			"XDG_STATE_HOME": filepath.Dir(filepath.Dir(ready)), "AIRTILL_PIN": livePIN, "AIRTILL_ID_NUMBER": liveID,
		}}
		l.failOver(c)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if n, err := world.EraseStore(t.Context(), c.URLs()...); n == 0 || err != nil {
		t.Errorf("erased %d keys, %v", n, err)
	}
	for _, node := range c.Nodes[1:] {
		if left, err := node.Try(t, "DBSIZE"); err == nil && left != int64(0) {
			t.Errorf("%s has %v keys left", node.Addr, left)
		}
	}
}

// fenceOf is the key by which a partition's master is found.
func fenceOf(home string) string {
	return "{" + engine.PartitionOf(home, engine.DefaultPartitions).String() + "}:fence"
}

func (l *live) failOver(c *enginetest.Cluster) {
	l.t.Helper()
	shop := c.Master(l.t, fenceOf("merchant:10000001"))
	phone := "8613800000020"
	for n := 20; c.Master(l.t, fenceOf("phone:"+phone)) == shop; n++ {
		phone = fmt.Sprintf("86138000000%02d", n)
	}
	l.run(0, "enrol", "--phone", phone, "--name", "Li Wei", "--persona", "pays", "--card", "alias=Blue,balance=500000,currency=CNY")
	pay := func(reference string) platform.BillID {
		b := object[api.Bill](l, 0, "bill", "create", "--amount", "2500", "--phone", phone, "--reference", reference, "--wait", "20s")
		if b.State != bill.Settled {
			l.t.Fatalf("the bill is %+v", b)
		}
		return b.ID
	}
	pay("kept")
	replica := c.Replicate(l.t, shop)
	c.CutReplica(l.t, replica, shop)
	lost := pay("lost")
	shop.Kill()
	replica.Do(l.t, "CLUSTER", "FAILOVER", "TAKEOVER")

	if _, stderr := l.run(1, "office", "reconcile", "--dry-run"); !strings.Contains(stderr, "nothing was changed") {
		l.t.Errorf("a dry run says %s", stderr)
	}
	r := object[api.Reconciliation](l, 0, "office", "reconcile")
	var kinds []string
	for _, f := range r.Findings {
		kinds = append(kinds, string(f.Kind))
	}
	if slices.Sort(kinds); !slices.Equal(kinds, []string{"claim_missing", "sweep_not_home"}) || r.Left > 0 {
		l.t.Errorf("found are %+v", r.Findings)
	}
	if _, stderr := l.run(0, "office", "reconcile"); stderr != "nothing is lost between partitions\n" {
		l.t.Errorf("once more it says %s", stderr)
	}
	if again := pay("lost"); again != lost {
		l.t.Errorf("a repeat of the order is %s, want %s", again, lost)
	}
	pay("after")
	if a := object[audit.Report](l, 0, "audit"); !a.OK() || a.Paid != 3 || a.LedgerSum() != 0 {
		l.t.Errorf("the audit says %+v", a)
	}
	if table, _ := l.run(0, "office", "merchants"); !strings.Contains(table, "CNY 75.00") {
		l.t.Errorf("the shop has not all of its money:\n%s", table)
	}
}
