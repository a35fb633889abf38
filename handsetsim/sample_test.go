package handsetsim_test

import (
	"github.com/airtill/airtill/platform/applet"
	"github.com/airtill/airtill/platform/money"
)

func moneyAmount(n int) money.Amount { return money.Amount(n) }

func sampleBill() *applet.Bill {
	return &applet.Bill{Currency: "CNY", Merchant: "10000001", Name: "Sky Travel", Subject: "CA1405"}
}
