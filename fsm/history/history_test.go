package history_test

import (
	"strings"
	"testing"

	"github.com/airtill/airtill/fsm/history"
)

// told is a question and its answer, one after the other; without an answer it goes on.
type told struct {
	ask    history.Ask
	answer history.Answer
}

func TestJudge(t *testing.T) {
	order, other := history.Order{Content: "a"}, history.Order{Content: "b"}
	made := history.Made{Bill: "bill_1"}
	paid, refused := history.End{State: "paid"}, history.End{State: "refused"}
	seen := func(state string) history.Seen { return history.Seen{State: state} }
	for _, test := range []struct {
		name string
		told []told
		good bool
	}{
		{"an order and its bill", []told{{order, made}, {history.Status{}, seen(history.Open)}}, true},
		{"a repeat is the same bill", []told{{order, made}, {order, made}}, true},
		{"one order, two bills", []told{{order, made}, {order, history.Made{Bill: "bill_2"}}}, false},
		{"an unknown order that was done", []told{{order, nil}, {order, made}, {order, made}}, true},
		{"an unknown order and two bills", []told{{order, nil}, {order, made}, {order, history.Made{Bill: "bill_2"}}}, false},
		{"another order under the reference", []told{{order, made}, {other, history.Refused{}}}, true},
		{"another order made a bill too", []told{{order, made}, {other, made}}, false},
		{"refused for nothing", []told{{order, history.Refused{}}}, false},
		{"an acknowledged bill is lost", []told{{order, made}, {history.Status{}, seen("")}}, false},
		{"paid and cancelled", []told{{order, made}, {paid, history.Done{}}, {history.Cancel{}, history.Done{}}}, false},
		{"paid, so not cancelled", []told{{order, made}, {paid, history.Done{}}, {history.Cancel{}, history.Refused{}}}, true},
		{"cancelled twice is once", []told{{order, made}, {history.Cancel{}, history.Done{}}, {history.Cancel{}, history.Done{}}}, true},
		{"cancelled, then open again", []told{{order, made}, {history.Cancel{}, history.Done{}}, {history.Status{}, seen(history.Open)}}, false},
		{"a cancel of unknown outcome that was done", []told{{order, made}, {history.Cancel{}, nil}, {history.Status{}, seen(history.Cancelled)}}, true},
		{"a cancel of unknown outcome that was not", []told{{order, made}, {history.Cancel{}, nil}, {paid, history.Done{}}}, true},
		{"a cancel of unknown outcome that came and went", []told{
			{order, made}, {history.Cancel{}, nil}, {history.Status{}, seen(history.Cancelled)}, {history.Status{}, seen(history.Open)},
		}, false},
		{"two ends, of which one came", []told{
			{order, made}, {paid, nil}, {refused, nil}, {history.Status{}, seen(history.Open)}, {history.Status{}, seen("refused")}, {history.Status{}, seen("refused")},
		}, true},
		{"two ends, one after the other", []told{
			{order, made}, {paid, nil}, {refused, nil}, {history.Status{}, seen("paid")}, {history.Status{}, seen("refused")},
		}, false},
		{"an end that nobody brought about", []told{{order, made}, {history.Status{}, seen("paid")}}, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			var l history.Log
			l.Ask("beside", order).Answer(made)
			for _, one := range test.told {
				if call := l.Ask("order", one.ask); one.answer != nil {
					call.Answer(one.answer)
				}
			}
			found := l.Judge()
			if good := len(found) == 0; good != test.good {
				t.Errorf("judged %t, want %t: %v", good, test.good, found)
			}
			for _, v := range found {
				if v.Key != "order" || !strings.Contains(v.String(), "history.Order") {
					t.Errorf("the violation says %q", v)
				}
			}
		})
	}
}

// What runs beside each other may be answered as if it had come in any order.
func TestBeside(t *testing.T) {
	var l history.Log
	l.Ask("order", history.Order{}).Answer(history.Made{Bill: "1"})
	cancel, look := l.Ask("order", history.Cancel{}), l.Ask("order", history.Status{})
	cancel.Answer(history.Done{})
	look.Answer(history.Seen{State: history.Open})
	if found := l.Judge(); len(found) > 0 {
		t.Error(found)
	}
	l.Ask("order", history.Status{}).Answer(history.Seen{State: history.Open})
	if found := l.Judge(); len(found) != 1 {
		t.Errorf("a look after the cancel saw an open bill, and %v was found", found)
	}
}

// A question that was surely not done is as if it had not been asked.
func TestNever(t *testing.T) {
	var l history.Log
	l.Ask("order", history.Order{}).Answer(history.Made{Bill: "1"})
	c := l.Ask("order", history.End{State: "paid"})
	l.Ask("order", history.Status{}).Answer(history.Seen{State: "paid"})
	if found := l.Judge(); len(found) > 0 {
		t.Error(found)
	}
	c.Never()
	if found := l.Judge(); len(found) != 1 {
		t.Errorf("%v was found", found)
	}
}
