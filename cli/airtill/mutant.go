//go:build mutant

package main

import (
	"fmt"
	"os"

	"github.com/airtill/airtill/fsm/fault"
)

func init() {
	if err := fault.Plant(os.Getenv("AIRTILL_MUTANT")); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
}
