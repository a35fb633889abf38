package page

import (
	"strings"

	"github.com/airtill/airtill/cli/internal/load"
)

// got is what a threshold got, in the threshold's unit.
func got(j load.Judged) string {
	switch threshold := strings.TrimSpace(j.Threshold); {
	case strings.HasSuffix(threshold, "/s"):
		return decimal(j.Got) + " /s"
	case strings.HasSuffix(threshold, "s"), strings.HasSuffix(threshold, "m"):
		return took(j.Got)
	case strings.HasSuffix(threshold, "%"):
		return percent(j.Got)
	}
	return decimal(j.Got)
}
