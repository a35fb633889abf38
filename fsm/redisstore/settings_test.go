package redisstore_test

import (
	"testing"

	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

// What each setting can cost is told for the server that really runs.
func TestSettings(t *testing.T) {
	tests := []struct {
		name  string
		given []string
		wrong []string
	}{
		{"for keeps", []string{"--appendfsync", "always", "--aof-load-truncated", "no"}, nil},
		{"everysec", []string{"--appendfsync", "everysec", "--aof-load-truncated", "yes"}, []string{"appendfsync", "aof-load-truncated"}},
		{"a cache", []string{"--appendonly", "no", "--maxmemory-policy", "allkeys-lru"}, []string{"appendonly", "appendfsync", "aof-load-truncated", "maxmemory-policy"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			address := enginetest.RedisServer(t, tt.given...)
			store, err := redisstore.Open(t.Context(), redisstore.Options{Redis: &redis.UniversalOptions{Addrs: []string{address}}})
			if err != nil {
				t.Fatal(err)
			}
			defer store.Close()
			settings, err := store.Settings(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			var wrong []string
			for _, s := range settings {
				if !s.OK() {
					wrong = append(wrong, s.Name)
				}
			}
			if len(wrong) != len(tt.wrong) {
				t.Fatalf("wrong are %v, want %v", wrong, tt.wrong)
			}
			for i := range wrong {
				if wrong[i] != tt.wrong[i] {
					t.Errorf("wrong are %v, want %v", wrong, tt.wrong)
				}
			}
		})
	}
}
