// Package spelling finds what a misspelt word was meant to be. Pure.
package spelling

import "strings"

// Nearest is the candidate that a word was most likely meant to be, or "". Capitals count
// for nothing, and an underscore is a hyphen.
func Nearest(word string, candidates []string) string {
	plain := strings.NewReplacer("_", "-")
	word = plain.Replace(strings.ToLower(word))
	best, least := "", len(word)/3+2
	for _, c := range candidates {
		if d := distance(word, plain.Replace(strings.ToLower(c))); d < least {
			best, least = c, d
		}
	}
	return best
}

// distance counts the insertions, deletions and substitutions between a and b.
func distance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := diagonal
			if a[i] != b[j] {
				cost = 1 + min(diagonal, row[j], row[j+1])
			}
			diagonal, row[j+1] = row[j+1], cost
		}
	}
	return row[len(b)]
}
