package ussd_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/airtill/airtill/gateway/smpp"
	"github.com/airtill/airtill/gateway/ussd"
)

// local is an Application of a function, which notes how its sessions end.
type local struct {
	answer func(ctx context.Context, t ussd.Turn) (ussd.Reply, error)
	ended  chan ussd.Summary
}

func (l *local) Name() string { return "local" }

func (l *local) Answer(ctx context.Context, t ussd.Turn) (ussd.Reply, error) { return l.answer(ctx, t) }

func (l *local) Ended(_ context.Context, s ussd.Summary) { l.ended <- s }

// withLocal adds *7#, which a function answers.
func withLocal(answer func(context.Context, ussd.Turn) (ussd.Reply, error)) (ussd.Config, *local) {
	c, l := config(), &local{answer, make(chan ussd.Summary, 1000)}
	c.Routes = append(c.Routes, ussd.Route{Code: "*7#", Application: l, Timeout: 5 * time.Second})
	return c, l
}

// echo says how often it was asked and what it was told, and has enough at "0".
func echo(_ context.Context, t ussd.Turn) (ussd.Reply, error) {
	text := fmt.Sprintf("%d %s %s", t.Number, t.State, strings.Join(t.Inputs, "*"))
	return ussd.Reply{Text: text, End: strings.HasSuffix(text, "0"), State: fmt.Sprint("s", t.Number)}, nil
}

func TestDialog(t *testing.T) {
	c, l := withLocal(echo)
	inBubble(t, c, func(t *testing.T, w *world) {
		d, err := w.Dial(t.Context(), "+"+phone, "*7*9#")
		if err != nil {
			t.Fatal(err)
		}
		got := []ussd.Screen{d.Screen()}
		for _, text := range []string{"1", "0"} {
			screen, err := d.Reply(t.Context(), text)
			if err != nil {
				t.Fatal(err)
			}
			got = append(got, screen)
		}
		want := []ussd.Screen{{Kind: ussd.Ask, Text: "1  9"}, {Kind: ussd.Ask, Text: "2 s1 9*1"}, {Kind: ussd.End, Text: "3 s2 9*1*0"}}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		if _, err := d.Reply(t.Context(), "1"); !errors.Is(err, ussd.ErrOrder) {
			t.Errorf("a reply to the last text: %v", err)
		}
		s := <-l.ended
		if s.Result != ussd.Completed || s.Number != 3 || s.Last.Text != "3 s2 9*1*0" || s.Phone != phone {
			t.Errorf("%+v", s)
		}
	})
}

// An ESME's application on a program's handset, with a notify on the way.
func TestDialogWithESME(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		screens := make(chan ussd.Screen, 3)
		go func() {
			d, err := w.Dial(t.Context(), phone, code)
			for text := "1"; err == nil; text = "" {
				screens <- d.Screen()
				if d.Screen().Kind == ussd.End {
					break
				}
				_, err = d.Reply(t.Context(), text)
			}
			close(screens)
		}()
		synctest.Wait()
		w.wantScript(`
			  shop: dial from 254700000001 to *120# id 1
			shop ask A
			  shop: answer from 254700000001 to *120# id 1 "1"
			shop notify B
			  shop: ack from 254700000001 to *120# id 1
			shop end C`)
		var got []string
		for s := range screens {
			got = append(got, s.Kind.String()+" "+s.Text)
		}
		if diff := cmp.Diff([]string{"ask A", "notify B", "end C"}, got); diff != "" {
			t.Error(diff)
		}
	})
}

func TestDialogEnds(t *testing.T) {
	slow := func(ctx context.Context, _ ussd.Turn) (ussd.Reply, error) {
		<-ctx.Done()
		return ussd.Reply{}, ctx.Err()
	}
	broken := func(context.Context, ussd.Turn) (ussd.Reply, error) { return ussd.Reply{}, errors.New("broken") }
	long := func(context.Context, ussd.Turn) (ussd.Reply, error) {
		return ussd.Reply{Text: strings.Repeat("x", 183)}, nil
	}
	late := func(context.Context, ussd.Turn) (ussd.Reply, error) {
		return ussd.Reply{}, fmt.Errorf("wrapped: %w", context.DeadlineExceeded)
	}
	for _, tt := range []struct {
		name   string
		answer func(context.Context, ussd.Turn) (ussd.Reply, error)
		result ussd.Result
		detail string
		took   time.Duration
	}{
		{"too late", slow, ussd.ApplicationTimeout, "", 5 * time.Second},
		{"late by itself", late, ussd.ApplicationTimeout, "wrapped: context deadline exceeded", 0},
		{"broken", broken, ussd.ApplicationError, "broken", 0},
		{"too long", long, ussd.ApplicationError, "smpp: short_message: invalid message length (ESME_RINVMSGLEN 0x01)", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c, l := withLocal(tt.answer)
			inBubble(t, c, func(t *testing.T, w *world) {
				began := time.Now()
				d, err := w.Dial(t.Context(), phone, "*7#")
				if err != nil || d.Screen().Kind != ussd.End {
					t.Fatalf("%+v, %v; want a last text", d, err)
				}
				if took := time.Since(began); took != tt.took {
					t.Errorf("took %v, want %v", took, tt.took)
				}
				if s := <-l.ended; s.Result != tt.result || s.Detail != tt.detail || s.Duration != tt.took {
					t.Errorf("%v %q after %v", s.Result, s.Detail, s.Duration)
				}
			})
		})
	}
}

// Whoever drives a Dialog may leave it: the user gives up, and an Answer at work is
// told before the end is.
func TestDialogLeft(t *testing.T) {
	var gone time.Time
	c, l := withLocal(func(ctx context.Context, _ ussd.Turn) (ussd.Reply, error) {
		<-ctx.Done()
		gone = time.Now()
		return ussd.Reply{Text: "too late"}, nil
	})
	inBubble(t, c, func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		began := time.Now()
		if _, err := w.Dial(ctx, phone, "*7#"); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		s := <-l.ended
		if s.Result != ussd.UserAbort || gone.Sub(began) != 3*time.Second {
			t.Errorf("%v after %v", s.Result, gone.Sub(began))
		}
	})
}

// A real handset that dials takes the session away from a program.
func TestDialogCollides(t *testing.T) {
	c, _ := withLocal(echo)
	inBubble(t, c, func(t *testing.T, w *world) {
		d, err := w.Dial(t.Context(), phone, "*7#")
		if err != nil {
			t.Fatal(err)
		}
		w.line("phone dial *120#")
		_, err = d.Reply(t.Context(), "1")
		e, ok := errors.AsType[*ussd.SessionError](err)
		if !ok || e.Result != ussd.Collision {
			t.Errorf("%v, want a collision", err)
		}
		d.Abort() // of nothing
		if w.Open() != 1 {
			t.Errorf("%d open", w.Open())
		}
	})
}

func TestDialRefused(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		for _, tt := range []struct {
			msisdn, code string
			want         error
		}{{phone, "120", ussd.ErrCode}, {phone, "*999#", ussd.ErrNowhere}} {
			if _, err := w.Dial(t.Context(), tt.msisdn, tt.code); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", tt.code, err, tt.want)
			}
		}
		if _, err := w.Dial(t.Context(), "0700", code); err == nil || !strings.Contains(err.Error(), "phone number") {
			t.Errorf("%v", err)
		}
	})
}

// push pushes while a script plays what the handset does.
func push(t *testing.T, w *world, ask bool, script string) (answer string, err error) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		answer, err = w.Push(t.Context(), "*120#", phone, "Pay?", ask)
	}()
	synctest.Wait()
	w.wantScript(script)
	<-done
	return answer, err
}

func TestPush(t *testing.T) {
	for _, tt := range []struct {
		name   string
		ask    bool
		script string
		answer string
		result ussd.Result
	}{
		{"asked and answered", true, `
			  fleet: ask from *120# to 254700000001 id 1 "Pay?"
			phone answer yes
			  fleet: end from *120# to 254700000001 id 1`, "yes", ussd.Completed},
		{"notified", false, `
			  fleet: notify from *120# to 254700000001 id 1 "Pay?"
			phone ack`, "", ussd.Completed},
		{"the user gives up", true, `
			  fleet: ask from *120# to 254700000001 id 1 "Pay?"
			phone abort`, "", ussd.UserAbort},
		{"the user sleeps", true, `
			  fleet: ask from *120# to 254700000001 id 1 "Pay?"
			wait 60s
			  fleet: end from *120# to 254700000001 id 1 "You took too long. Please dial again."`, "", ussd.UserTimeout},
		{"the user dials", true, `
			  fleet: ask from *120# to 254700000001 id 1 "Pay?"
			phone dial *120*9#
			  bank: dial from 254700000001 to *120*9# id 2`, "", ussd.Collision},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, config(), func(t *testing.T, w *world) {
				answer, err := push(t, w, tt.ask, tt.script)
				if tt.result == ussd.Completed && err != nil || answer != tt.answer {
					t.Errorf("%q, %v; want %q", answer, err, tt.answer)
				}
				if e, ok := errors.AsType[*ussd.SessionError](err); tt.result != ussd.Completed && (!ok || e.Result != tt.result) {
					t.Errorf("%v, want %v", err, tt.result)
				}
			})
		})
	}
}

func TestPushRefused(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		if _, err := w.Push(t.Context(), code, "4930123456", "x", true); !errors.Is(err, ussd.ErrNoHandset) {
			t.Errorf("nobody's number: %v", err)
		}
		if _, err := w.Push(t.Context(), code, phone, strings.Repeat("x", 183), true); !errors.Is(err, &smpp.StatusError{Status: smpp.RINVMSGLEN}) {
			t.Errorf("too long: %v", err)
		}
		w.line("phone dial *120#")
		if _, err := w.Push(t.Context(), code, phone, "x", true); !errors.Is(err, ussd.ErrBusy) {
			t.Errorf("a session is open: %v", err)
		}
	})
}

// A text is withdrawn when whoever pushed it waits no longer.
func TestPushWithdrawn(t *testing.T) {
	inBubble(t, config(), func(t *testing.T, w *world) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := w.Push(ctx, code, phone, "Pay?", true); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("%v", err)
		}
		synctest.Wait()
		want := []string{`  fleet: ask from *120# to 254700000001 id 1 "Pay?"`, `  fleet: end from *120# to 254700000001 id 1`}
		if diff := cmp.Diff(want, w.log); diff != "" {
			t.Error(diff)
		}
	})
}
