package page

import (
	"encoding/json"
	"math"
	"strconv"
)

// The kinds of charts.
const (
	lines  = "lines"
	stack  = "stack"
	heat   = "heat"
	ladder = "ladder" // lines over percentiles
)

// chart is what is drawn, column by column, and what is told of it to those who do not see it.
type chart struct {
	ID     string   `json:"id"`
	Title  string   `json:"title"`
	Says   string   `json:"-"` // in a sentence or two
	Kind   string   `json:"kind"`
	X      string   `json:"x"` // what goes from left to right
	Unit   string   `json:"unit"`
	Log    bool     `json:"log,omitempty"` // on a log axis, unless the reader wants another
	Wide   bool     `json:"wide,omitempty"`
	Warmup number   `json:"warmup,omitempty"` // the end of the warm-up
	At     []number `json:"at"`
	Series []series `json:"series"`
	Edges  []number `json:"edges,omitempty"` // of a heat map: where a series begins, and the last ends
}

// series is one line, one layer of a stack, or one row of a heat map.
type series struct {
	Name   string   `json:"name"`
	Values []number `json:"values"`
	Dash   bool     `json:"dash,omitempty"` // what was wanted, or the run compared with
}

// number is a value of a chart to three decimals; one that is not known is NaN, and null.
type number float64

var unknown = number(math.NaN())

// MarshalJSON writes no more digits than are drawn.
func (n number) MarshalJSON() ([]byte, error) {
	v := float64(n)
	if math.IsNaN(v) || math.IsInf(v, 0) {
		return []byte("null"), nil
	}
	return strconv.AppendFloat(nil, math.Round(v*1000)/1000, 'f', -1, 64), nil
}

// UnmarshalJSON reads what MarshalJSON wrote.
func (n *number) UnmarshalJSON(text []byte) error {
	if string(text) == "null" {
		*n = unknown
		return nil
	}
	return json.Unmarshal(text, (*float64)(n))
}

// known is v, or unknown when it is 0: a latency of nothing.
func known(v float64) number {
	if v == 0 {
		return unknown
	}
	return number(v)
}

// column makes the values of a series, one of each interval.
func column[T any](of []T, value func(T) number) []number {
	values := make([]number, len(of))
	for i, v := range of {
		values[i] = value(v)
	}
	return values
}

// highest is the highest of the values, and where it is; unknown ones are passed over. Of no
// values it is 0.
func highest(values, at []number) (value, where float64) {
	for i, v := range values {
		if !math.IsNaN(float64(v)) && float64(v) > value {
			value, where = float64(v), float64(at[i])
		}
	}
	return value, where
}
