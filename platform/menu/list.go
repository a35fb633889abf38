package menu

import (
	"strconv"

	"github.com/airtill/airtill/gateway/tpdu"
)

// A list has pages, for few of its lines fit one text. On each the choices count from
// 1; 9 leads to the next page and 0 back.
const (
	wide, narrow = 14, 7 // characters of a name in a list, and in one of UCS2
	mostOnPage   = 8
	moreLine     = "9 More"
	backLine     = "0 Back"
	badChoice    = "Not in the list."
)

// list is what a holder picks from.
type list struct {
	header  string
	entries []string
	leads   bool // 0 on the first page leads somewhere too
}

// newList writes the entries of a list, each with a name that may be cut.
func newList[E any](header string, all []E, entry func(e E, width int) string) list {
	l := list{header: header}
	width := wide
	for _, e := range all {
		if tpdu.Choose(entry(e, wide)) == tpdu.UCS2 {
			width = narrow
		}
	}
	for _, e := range all {
		l.entries = append(l.entries, entry(e, width))
	}
	return l
}

// ends are where its pages end: each has as many entries as fit with all that a page may have.
func (l list) ends() []int {
	var ends []int
	for from := 0; from < len(l.entries); {
		to := from + 1
		for to < len(l.entries) && to-from < mostOnPage && onScreen(l.write(badChoice, from, to+1, true, true)) {
			to++
		}
		ends = append(ends, to)
		from = to
	}
	return ends
}

// page is the first and after the last entry of a page.
func (l list) page(n int) (from, to int, last bool) {
	ends := l.ends()
	if len(ends) == 0 {
		return 0, 0, true
	}
	n = min(max(n, 0), len(ends)-1)
	if n > 0 {
		from = ends[n-1]
	}
	return from, ends[n], n == len(ends)-1
}

func (l list) text(page int, note string) string {
	from, to, last := l.page(page)
	return l.write(note, from, to, !last, page > 0 || l.leads)
}

func (l list) write(note string, from, to int, more, back bool) string {
	text := lines(note, l.header)
	for i, entry := range l.entries[from:to] {
		text += "\n" + strconv.Itoa(i+1) + " " + entry
	}
	if more {
		text += "\n" + moreLine
	}
	if back {
		text += "\n" + backLine
	}
	return text
}

// pick is the entry that was chosen, or -1 with the page to show and what to say.
func (l list) pick(page int, input string) (at, next int, note string) {
	from, to, last := l.page(page)
	switch {
	case input == "9" && !last:
		return -1, page + 1, ""
	case input == "0" && page > 0:
		return -1, page - 1, ""
	case len(input) == 1 && input[0] >= '1' && int(input[0]-'0') <= to-from:
		return from + int(input[0]-'1'), page, ""
	}
	return -1, page, badChoice
}
