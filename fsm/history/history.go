// Package history judges what clients saw of bills: whether there is an order of all
// that was asked, each at one moment between question and answer, in which a machine
// without faults gives the very same answers (linearizability). A question without an
// answer may have been done at any moment after it, or never.
//
// Clients write their questions into a [Log] and judge it at the end:
//
//	call := log.Ask("order-17", history.Order{Content: "sha256..."})
//	...
//	call.Answer(history.Made{Bill: "bill_01..."}) // or nothing, when there is none
//	...
//	for _, v := range log.Judge() { fmt.Println(v) }
package history

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/anishathalye/porcupine"
)

// Log is what clients asked, and what they were answered. Its zero value is empty. It is
// safe for concurrent use.
type Log struct {
	mu    sync.Mutex
	begun time.Time
	calls []*Call
}

// Call is one question.
type Call struct {
	log    *Log
	key    string
	ask    Ask
	answer Answer // nil: none came
	from   int64
	to     int64
}

// Ask writes down that something is asked of an order now. It goes on until it is answered.
func (l *Log) Ask(key string, a Ask) *Call {
	l.mu.Lock()
	defer l.mu.Unlock()
	c := &Call{log: l, key: key, ask: a, from: l.now(), to: math.MaxInt64}
	l.calls = append(l.calls, c)
	return c
}

// Answer writes down what the answer was, now. It is called once, or never.
func (c *Call) Answer(a Answer) {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.answer, c.to = a, c.log.now()
}

// Never takes a question out of the log that was surely not done.
func (c *Call) Never() {
	c.log.mu.Lock()
	defer c.log.mu.Unlock()
	c.log.calls = slices.DeleteFunc(c.log.calls, func(other *Call) bool { return other == c })
}

// now is the time since the log was begun, by a clock that does not go back.
func (l *Log) now() int64 {
	if l.begun.IsZero() {
		l.begun = time.Now()
	}
	return int64(time.Since(l.begun))
}

// Len is how many questions were asked.
func (l *Log) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.calls)
}

// Violation is an order whose history no machine without faults can have.
type Violation struct {
	Key   string
	Story []string // its questions and answers, by the time of the question
}

func (v Violation) String() string {
	return fmt.Sprintf("the history of %s is not linearizable: %s", v.Key, strings.Join(v.Story, "; "))
}

// Patience is how long one order's history is searched. One that takes longer is a
// violation that says so: a check that gives up in silence is none.
const Patience = 20 * time.Second

// Judge answers the orders whose histories cannot be.
func (l *Log) Judge() []Violation {
	l.mu.Lock()
	defer l.mu.Unlock()
	byKey := make(map[string][]*Call)
	var keys []string
	for _, c := range l.calls {
		if byKey[c.key] == nil {
			keys = append(keys, c.key)
		}
		byKey[c.key] = append(byKey[c.key], c)
	}
	var found []Violation
	for _, key := range keys {
		if v, wrong := judge(key, byKey[key]); wrong {
			found = append(found, v)
		}
	}
	return found
}

func judge(key string, calls []*Call) (Violation, bool) {
	history := make([]porcupine.Operation, 0, len(calls))
	for i, c := range calls {
		history = append(history, porcupine.Operation{ClientId: i, Input: c.ask, Output: c.answer, Call: c.from, Return: c.to})
	}
	switch porcupine.CheckOperationsTimeout(model(), history, Patience) {
	case porcupine.Ok:
		return Violation{}, false
	case porcupine.Unknown:
		return Violation{Key: key, Story: []string{fmt.Sprintf("not decided within %s", Patience)}}, true
	}
	return Violation{Key: key, Story: tell(calls)}, true
}

func tell(calls []*Call) []string {
	var story []string
	for _, c := range calls {
		answer, until := "no answer", ""
		if c.answer != nil {
			answer, until = fmt.Sprintf("%T%+v", c.answer, c.answer), "-"+time.Duration(c.to).String()
		}
		story = append(story, fmt.Sprintf("%s%s %T%+v: %s", time.Duration(c.from), until, c.ask, c.ask, answer))
	}
	return story
}
