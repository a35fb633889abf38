//go:build faults

package main

import (
	"fmt"
	"os"

	"github.com/airtill/airtill/fsm/fault"
)

func init() {
	if err := fault.Arm(os.Getenv("AIRTILL_FAULT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
