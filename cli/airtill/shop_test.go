package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

// buy orders tea at a shop, and waits until the order is what it is to become.
func buy(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: buy URL PHONE STATUS")
	}
	body := fmt.Sprintf(`{"item":"tea-longjing-100","phone":%q}`, args[1])
	placed, err := shopSays(http.Post(args[0]+"/v1/orders", "application/json", strings.NewReader(body)))
	ts.Check(err)
	tick := time.NewTicker(5 * pause)
	defer tick.Stop()
	for deadline := time.Now().Add(patience); placed.Status != args[2]; <-tick.C {
		if time.Now().After(deadline) {
			ts.Fatalf("the order is %s (%s), want %s", placed.Status, placed.Reason, args[2])
		}
		placed, err = shopSays(http.Get(args[0] + "/v1/orders/" + placed.ID))
		ts.Check(err)
	}
}

// shopSays reads an order as the shop answers it.
func shopSays(res *http.Response, err error) (shopOrder, error) {
	var o shopOrder
	if err != nil {
		return o, err
	}
	defer res.Body.Close()
	if res.StatusCode/100 != 2 {
		return o, fmt.Errorf("the shop answers %s", res.Status)
	}
	return o, json.NewDecoder(res.Body).Decode(&o)
}
