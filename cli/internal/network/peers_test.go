package network_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"
	"github.com/redis/go-redis/v9/maintnotifications"

	"github.com/airtill/airtill/cli/internal/network"
)

// inAndOut runs a test in memory, outside a bubble and inside one.
func inAndOut(t *testing.T, test func(t *testing.T, n network.Network)) {
	t.Helper()
	t.Run("plain", func(t *testing.T) { test(t, new(network.Memory)) })
	t.Run("bubble", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) { test(t, new(network.Memory)) })
	})
}

// startRedis serves a miniredis at redis:6379, without a socket.
func startRedis(t *testing.T, n network.Network) *miniredis.Miniredis {
	t.Helper()
	mini := miniredis.NewMiniRedis()
	first, err := mini.Dial() // it starts the server without a listener
	if err != nil {
		t.Fatal(err)
	}
	_ = first.Close()
	l, err := n.Listen(t.Context(), "redis:6379")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			mini.Server().ServeConn(c)
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		wg.Wait()
		mini.Close()
	})
	return mini
}

// newRedis makes a client. Its maintenance notifications are off: they look the
// address up in DNS, and package net's resolver does not work in several bubbles.
func newRedis(t *testing.T, n network.Network, address string) *redis.Client {
	t.Helper()
	client := redis.NewClient(&redis.Options{
		Addr:                     address,
		Dialer:                   func(ctx context.Context, _, address string) (net.Conn, error) { return n.Dial(ctx, address) },
		MaxRetries:               -1,
		ReadTimeout:              time.Minute,
		MaintNotificationsConfig: &maintnotifications.Config{Mode: maintnotifications.ModeDisabled},
	})
	t.Cleanup(func() { _ = client.Close() })
	return client
}

func TestRedisPipelines(t *testing.T) {
	inAndOut(t, func(t *testing.T, n network.Network) {
		startRedis(t, n)
		client := newRedis(t, n, "redis:6379")
		var wg sync.WaitGroup
		defer wg.Wait()
		for loop := range 4 { // as many partitions commit at once
			wg.Go(func() {
				for batch := range 10 {
					if err := commit(t.Context(), client, loop, batch); err != nil {
						t.Errorf("loop %d, batch %d: %v", loop, batch, err)
						return
					}
				}
			})
		}
	})
}

// commit writes 200 records of 500 octets in one MULTI, and reads them back in one
// pipeline: 100 KB each way.
func commit(ctx context.Context, client *redis.Client, loop, batch int) error {
	value := strings.Repeat("v", 500)
	key := func(i int) string { return fmt.Sprintf("{p%02d}:%d:%d", loop, batch, i) }
	_, err := client.TxPipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 200 {
			p.Set(ctx, key(i), value, 0)
		}
		p.XAdd(ctx, &redis.XAddArgs{Stream: fmt.Sprintf("{p%02d}", loop), Values: []string{"batch", "x"}})
		return nil
	})
	if err != nil {
		return fmt.Errorf("write: %w", err)
	}
	read, err := client.Pipelined(ctx, func(p redis.Pipeliner) error {
		for i := range 200 {
			p.Get(ctx, key(i))
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read: %w", err)
	}
	for i, cmd := range read {
		if got, err := cmd.(*redis.StringCmd).Result(); got != value || err != nil {
			return fmt.Errorf("record %d: %d octets, %w", i, len(got), err)
		}
	}
	return nil
}

// A pipeline larger than the buffer goes through while its answers fit: miniredis
// answers each command before it reads the next.
func TestRedisPipelineLargerThanTheBuffer(t *testing.T) {
	inAndOut(t, func(t *testing.T, _ network.Network) {
		n := &network.Memory{Buffer: 64 << 10}
		startRedis(t, n)
		client := newRedis(t, n, "redis:6379")
		_, err := client.Pipelined(t.Context(), func(p redis.Pipeliner) error {
			for i := range 2000 {
				p.Set(t.Context(), fmt.Sprint(i), strings.Repeat("v", 1000), 0)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if size, err := client.DBSize(t.Context()).Result(); size != 2000 || err != nil {
			t.Errorf("%d records, %v", size, err)
		}
	})
}

// In a bubble a key's hour passes at once, and so does a client's timeout.
func TestRedisInBubbleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := new(network.Memory)
		startRedis(t, n).ClockTTL(true)
		client := newRedis(t, n, "redis:6379")
		if err := client.Set(t.Context(), "key", "value", time.Hour).Err(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Hour + time.Second)
		if err := client.Get(t.Context(), "key").Err(); !errors.Is(err, redis.Nil) {
			t.Errorf("after an hour: %v", err)
		}
		silent, err := n.Listen(t.Context(), "silent:6379") // accepts by its backlog, and says nothing
		if err != nil {
			t.Fatal(err)
		}
		defer silent.Close()
		err = newRedis(t, n, "silent:6379").Ping(t.Context()).Err()
		if e, ok := errors.AsType[net.Error](err); !ok || !e.Timeout() {
			t.Errorf("a silent server: %v", err)
		}
	})
}

// startHTTP serves the handler at shop:80.
func startHTTP(t *testing.T, n network.Network, h http.Handler) (client *http.Client) {
	t.Helper()
	l, err := n.Listen(t.Context(), "shop:80")
	if err != nil {
		t.Fatal(err)
	}
	server := &http.Server{Handler: h, ReadTimeout: time.Minute, WriteTimeout: time.Minute, IdleTimeout: time.Minute}
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			t.Errorf("serve: %v", err)
		}
	})
	transport := &http.Transport{
		DialContext:     func(ctx context.Context, _, address string) (net.Conn, error) { return n.Dial(ctx, address) },
		IdleConnTimeout: 30 * time.Second,
	}
	t.Cleanup(func() {
		transport.CloseIdleConnections()
		if err := server.Shutdown(context.WithoutCancel(t.Context())); err != nil {
			t.Errorf("shutdown: %v", err)
		}
		wg.Wait()
	})
	return &http.Client{Transport: transport}
}

func post(ctx context.Context, client *http.Client, path string, body io.Reader) (status int, answer string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://shop"+path, body)
	if err != nil {
		return 0, "", err
	}
	resp, err := client.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	text, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(text), err
}

func TestHTTP(t *testing.T) {
	inAndOut(t, func(t *testing.T, n network.Network) {
		mux := http.NewServeMux()
		mux.HandleFunc("POST /echo", func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(w, r.Body)
		})
		mux.HandleFunc("POST /refuse", func(w http.ResponseWriter, _ *http.Request) {
			http.Error(w, "no", http.StatusForbidden) // without reading the body
		})
		client := startHTTP(t, n, mux)
		large := strings.Repeat("octets ", 200_000) // past every buffer, both ways at once
		var wg sync.WaitGroup
		for range 4 {
			wg.Go(func() {
				for _, body := range []string{"", "short", large} {
					status, answer, err := post(t.Context(), client, "/echo", strings.NewReader(body))
					if status != http.StatusOK || answer != body || err != nil {
						t.Errorf("echo of %d octets: %d, %d octets, %v", len(body), status, len(answer), err)
					}
				}
			})
		}
		wg.Wait()
		if status, _, err := post(t.Context(), client, "/refuse", strings.NewReader("short")); status != http.StatusForbidden || err != nil {
			t.Errorf("refusal: %d, %v", status, err)
		}
		if _, _, err := post(t.Context(), client, "/echo", strings.NewReader("after")); err != nil {
			t.Errorf("after a refusal: %v", err)
		}
	})
}

// In a bubble: a client's timeout ends the handler's context, keep-alive ends by
// time, and nobody waited for any of it.
func TestHTTPInBubbleTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		left := make(chan time.Duration, 1)
		mux := http.NewServeMux()
		mux.HandleFunc("POST /slow", func(_ http.ResponseWriter, r *http.Request) {
			start := time.Now()
			<-r.Context().Done()
			left <- time.Since(start)
		})
		mux.HandleFunc("POST /quick", func(http.ResponseWriter, *http.Request) {})
		client := startHTTP(t, new(network.Memory), mux)
		ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
		defer cancel()
		if _, _, err := post(ctx, client, "/slow", nil); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("slow: %v", err)
		}
		if d := <-left; d != 20*time.Second {
			t.Errorf("the handler learnt after %v", d)
		}
		for range 3 {
			if status, _, err := post(t.Context(), client, "/quick", nil); status != http.StatusOK || err != nil {
				t.Errorf("quick: %d, %v", status, err)
			}
			time.Sleep(10 * time.Minute) // both sides drop the idle connection
		}
	})
}
