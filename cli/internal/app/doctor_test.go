package app

import (
	"bufio"
	"bytes"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"testing/fstest"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/redis/go-redis/v9"

	"github.com/airtill/airtill/cli/internal/network"
	"github.com/airtill/airtill/cli/internal/world"
	"github.com/airtill/airtill/fsm/enginetest"
	"github.com/airtill/airtill/fsm/redisstore"
)

// findings runs doctor and reads what it says to programs.
func (s *shell) findings(status int, line ...string) []finding {
	s.t.Helper()
	got := s.run(append([]string{"doctor", "--json"}, line...)...)
	if got.status != status {
		s.t.Errorf("doctor %q ends with %d: %s%s", line, got.status, got.stdout, got.stderr)
	}
	var all []finding
	for text := range strings.Lines(got.stdout) {
		var f finding
		decoder := json.NewDecoder(strings.NewReader(text))
		decoder.DisallowUnknownFields()
		if err := decoder.Decode(&f); err != nil {
			s.t.Fatalf("%s: %v", text, err)
		}
		if bad := f.Weight != redisstore.Fine; f.Check == "" || bad != (f.Cost != "") || bad != (f.Mend != "") {
			s.t.Errorf("a finding is not whole: %s", text)
		}
		all = append(all, f)
	}
	return all
}

// about is the finding of a check, or one of nothing.
func about(all []finding, check string) finding {
	i := slices.IndexFunc(all, func(f finding) bool { return f.Check == check })
	if i < 0 {
		return finding{}
	}
	return all[i]
}

func forKeeps(t *testing.T, more ...string) (address, url string) {
	address = enginetest.RedisServer(t, append([]string{"--appendfsync", "always", "--aof-load-truncated", "no", "--maxmemory", "100mb", "--auto-aof-rewrite-min-size", "256mb"}, more...)...)
	return address, "unix://" + address
}

// A server for keeps passes; each setting that is changed on it is named, with what it
// can cost and the command that mends it; only what can lose money ends with 1.
func TestDoctorOfRedis(t *testing.T) {
	address, url := forKeeps(t)
	s := newShell(t)
	if all := s.findings(0, "--redis", url); about(all, "store appendfsync").Found != "always" || about(all, "store clock").Weight != redisstore.Fine ||
		about(all, "store holds").Weight != redisstore.Note {
		t.Errorf("%+v", all)
	}
	client := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
	defer client.Close()
	for _, tt := range []struct {
		name, wrong, right string
		status             int
	}{
		{"appendonly", "no", "yes", 1}, {"appendfsync", "everysec", "always", 1}, {"aof-load-truncated", "yes", "no", 1},
		{"maxmemory-policy", "allkeys-lfu", "noeviction", 1}, {"no-appendfsync-on-rewrite", "yes", "no", 1},
		{"save", "60 1000", "", 0}, {"stop-writes-on-bgsave-error", "no", "yes", 0}, {"min-replicas-to-write", "2", "0", 0},
		{"maxmemory", "1024", "104857600", 0}, {"maxmemory", "0", "104857600", 0},
	} {
		if err := client.ConfigSet(t.Context(), tt.name, tt.wrong).Err(); err != nil {
			t.Fatal(err)
		}
		f := about(s.findings(tt.status, "--redis", url), "store "+tt.name)
		if danger := f.Weight == redisstore.Danger; danger != (tt.status == 1) || f.Weight == redisstore.Fine || f.At != address ||
			!strings.HasPrefix(f.Mend, "redis-cli -s "+address+" CONFIG SET "+tt.name+" ") {
			t.Errorf("%s %s: %+v", tt.name, tt.wrong, f)
		}
		if err := client.ConfigSet(t.Context(), tt.name, tt.right).Err(); err != nil {
			t.Fatal(err)
		}
	}
	s.check(s.run("doctor", "--redis", url), 0, "nothing is wrong")
	_, lax := forKeeps(t, "--appendfsync", "everysec")
	got := s.run("doctor", "--redis", lax)
	s.check(got, 1, "airtill doctor: what can lose money: 1, and warnings: 0", "mend says what to do; CONFIG REWRITE then keeps what CONFIG SET has set")
	if !strings.Contains(got.stdout, "up to two seconds of what was acknowledged are lost") || !strings.HasPrefix(got.stdout, "fine:\n") {
		t.Error(got.stdout)
	}
}

// The gateway's messages are no money: the same settings are a warning there.
func TestDoctorOfMessages(t *testing.T) {
	_, url := forKeeps(t)
	_, lax := forKeeps(t, "--appendonly", "no")
	s := newShell(t)
	if f := about(s.findings(0, "--redis", url, "--messages-redis", lax), "messages appendonly"); f.Weight != redisstore.Warning {
		t.Errorf("%+v", f)
	}
	s.ready(world.Ready{Redis: url, Messages: lax})
	if f := about(s.findings(0), "messages appendonly"); f.Weight != redisstore.Warning {
		t.Errorf("by the ready file: %+v", f)
	}
	s.ready(world.Ready{Redis: lax, Messages: lax})
	if all := s.findings(1); about(all, "messages appendonly").Check != "" || about(all, "store appendonly").Weight != redisstore.Danger {
		t.Errorf("one for both: %+v", all)
	}
}

func TestDoctorOfOthers(t *testing.T) {
	s := newShell(t)
	if f := about(s.findings(0), "store"); f.Weight != redisstore.Note {
		t.Errorf("without a network: %+v", f)
	}
	server := miniredis.RunT(t)
	address := server.Addr()
	if f := about(s.findings(0, "--redis", "redis://"+address), "store"); f.Weight != redisstore.Warning {
		t.Errorf("a server that does not tell: %+v", f)
	}
	server.RequireAuth("right")
	got := s.run("doctor", "--redis", "redis://:hush@"+address)
	if strings.Contains(got.stdout+got.stderr, "hush") {
		t.Errorf("%+v", got)
	}
	server.Close()
	if f := about(s.findings(1, "--redis", "redis://"+address), "store"); f.Found != "nobody answers" {
		t.Errorf("a server that is gone: %+v", f)
	}
	s.check(s.run("doctor", "--redis", "nonsense"), 2, "airtill doctor: the store's address is no URL like redis://127.0.0.1:6379/0; say one: --redis URL", "see: airtill doctor --help")
	if got := s.run("doctor", "--network", s.path("none")); got.status != StatusUnreachable || !strings.Contains(got.stderr, "no running network found") {
		t.Errorf("%+v", got)
	}
}

func TestDoctorOfFiles(t *testing.T) {
	s := newShell(t)
	s.ready(world.Ready{})
	dir := s.path(".local/state/airtill")
	vault := filepath.Join(dir, "vault.json")
	if err := os.WriteFile(vault, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name             string
		dir, vault       os.FileMode
		status           int
		ofDir, ofVault   redisstore.Weight
		mendDir, mendKey string
	}{
		{"as made", 0o700, 0o600, 0, redisstore.Fine, redisstore.Fine, "", ""},
		{"names to be seen", 0o755, 0o600, 0, redisstore.Warning, redisstore.Fine, "chmod 700 " + dir, ""},
		{"keys to be read", 0o755, 0o644, 1, redisstore.Warning, redisstore.Danger, "chmod 700 " + dir, "chmod 600 " + vault},
		{"keys behind a door", 0o700, 0o644, 0, redisstore.Fine, redisstore.Warning, "", "chmod 600 " + vault},
		{"files to be put", 0o777, 0o600, 1, redisstore.Danger, redisstore.Fine, "chmod 700 " + dir, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := os.Chmod(dir, tt.dir); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(vault, tt.vault); err != nil {
				t.Fatal(err)
			}
			all := s.findings(tt.status)
			if f := about(all, "state directory"); f.Weight != tt.ofDir || f.Mend != tt.mendDir {
				t.Errorf("%+v", f)
			}
			if f := about(all, "vault"); f.Weight != tt.ofVault || !strings.HasPrefix(f.Mend, tt.mendKey) {
				t.Errorf("%+v", f)
			}
			if f := about(all, "file"); filepath.Base(f.At) != "dev.json" || f.Weight != redisstore.Fine {
				t.Errorf("%+v", f)
			}
		})
	}
	if all := s.findings(1, "--vault", s.path("gone")); !slices.ContainsFunc(all, func(f finding) bool { return f.At == s.path("gone") && f.Weight == redisstore.Danger }) {
		t.Errorf("%+v", all)
	}
}

// --fix asks, and then sets rights and nothing else.
func TestDoctorFixes(t *testing.T) {
	s := newShell(t)
	s.ready(world.Ready{})
	dir := s.path(".local/state/airtill")
	vault := filepath.Join(dir, "vault.json")
	if err := os.WriteFile(vault, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for path, rights := range map[string]os.FileMode{dir: 0o777, vault: 0o644} {
		if err := os.Chmod(path, rights); err != nil {
			t.Fatal(err)
		}
	}
	s.check(s.run("doctor", "--fix"), StatusUsage, "airtill doctor: make 2 files and directories their owner's alone? say --yes", "see: airtill doctor --help")
	if f := about(s.findings(1), "vault"); f.Weight != redisstore.Danger {
		t.Errorf("nobody said yes: %+v", f)
	}
	s.check(s.run("doctor", "--fix", "--yes"), StatusDone, "done: chmod 700 "+dir,
		"done: chmod 600 "+vault+"; if others are on this machine, change the keys too", "nothing is wrong")
	s.check(s.run("doctor", "--fix", "--yes"), StatusDone, "there are no rights to set", "nothing is wrong")
}

// Who has a port is told from the kernel's tables.
func TestListener(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	if _, err := os.Stat("/proc/net/tcp"); err == nil {
		want := "(process " + strconv.Itoa(os.Getpid()) + ")"
		if got := listener(os.DirFS("/proc"), ln.Addr().String()); !strings.HasSuffix(got, want) {
			t.Errorf("%q listens, want %s", got, want)
		}
	}
	const head = "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n"
	proc := fstest.MapFS{
		"net/tcp": {Data: []byte(head +
			"   0: 0100007F:1F90 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     0        0 41 1\n" +
			"   1: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 42 1\n" +
			"   2: 00000000:0AD7 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 43 1\n")},
		"7/fd/3": {Data: []byte("socket:[41]"), Mode: os.ModeSymlink}, "7/comm": {Data: []byte("curl\n")},
		"8/fd/5": {Data: []byte("socket:[42]"), Mode: os.ModeSymlink}, "8/comm": {Data: []byte("airtill\n")},
		"9/fd/4": {Data: []byte("socket:[43]"), Mode: os.ModeSymlink}, "9/comm": {Data: []byte("nc\n")},
	}
	for address, want := range map[string]string{
		"127.0.0.1:8080": "airtill (process 8)", "127.0.0.1:2775": "nc (process 9)", "127.0.0.1:8081": "", "[::1]:8080": "", "nonsense": "",
	} {
		if got := listener(proc, address); got != want {
			t.Errorf("at %s listens %q, want %q", address, got, want)
		}
	}
	if got := listener(fstest.MapFS{}, "127.0.0.1:8080"); got != "" {
		t.Errorf("without /proc %q", got)
	}
	for by, weight := range map[string]redisstore.Weight{"airtill (process 8)": redisstore.Fine, "nc (process 9)": redisstore.Note, "": redisstore.Note} {
		f := finding{Weight: redisstore.Fine}
		if f.taken(by); f.Weight != weight || !strings.HasPrefix(f.Found, "taken by ") {
			t.Errorf("by %q: %+v", by, f)
		}
	}
}

func TestClock(t *testing.T) {
	made := time.Date(2026, 11, 25, 8, 0, 0, 0, time.UTC)
	for now, weight := range map[time.Time]redisstore.Weight{
		made: redisstore.Fine, made.Add(time.Hour): redisstore.Fine, made.Add(-time.Second): redisstore.Warning,
	} {
		if all := clock(now, made); len(all) != 1 || all[0].Weight != weight {
			t.Errorf("at %s: %+v", now, all)
		}
	}
}

// A platform does not start on a server that can lose money, and leaves it as it was.
func TestPlatformRefusesUnsafeRedis(t *testing.T) {
	for _, settings := range [][]string{
		{"--appendonly", "no"}, {"--appendfsync", "everysec"}, {"--aof-load-truncated", "yes"}, {"--maxmemory-policy", "allkeys-lru"},
	} {
		t.Run(settings[0], func(t *testing.T) {
			address, url := forKeeps(t, settings...)
			s := newShell(t)
			got := s.run("platform", "--redis", url)
			want := "airtill platform: this Redis can lose money: " + strings.TrimPrefix(settings[0], "--") + " " + settings[1] + " (should be "
			if got.status != 1 || !strings.Contains(got.stderr, want) ||
				!strings.HasSuffix(got.stderr, "\nairtill doctor --redis URL says how to mend it; --allow-unsafe-redis starts all the same\n") {
				t.Errorf("%+v", got)
			}
			client := redis.NewClient(&redis.Options{Addr: address, Protocol: 2})
			defer client.Close()
			if n, err := client.DBSize(t.Context()).Result(); err != nil || n != 0 {
				t.Errorf("it holds %d keys now; %v", n, err)
			}
			var stderr bytes.Buffer
			c := &call{env: Env{Stderr: &stderr}}
			if err := refuseUnsafe(t.Context(), c, url, true); err != nil {
				t.Errorf("allowed: %v", err)
			}
		})
	}
	_, url := forKeeps(t)
	if err := refuseUnsafe(t.Context(), &call{}, url, false); err != nil {
		t.Errorf("one for keeps: %v", err)
	}
}

// Doctor says whether a machine has room for so many handsets.
func TestDoctorOfRoom(t *testing.T) {
	for _, f := range (&doctorConfig{handsets: 1}).room() {
		if f.Weight != redisstore.Fine {
			t.Errorf("one handset: %+v", f)
		}
	}
	for _, f := range (&doctorConfig{handsets: 1 << 40}).room() {
		if f.Weight != redisstore.Warning || f.Mend == "" {
			t.Errorf("more than there can be: %+v", f)
		}
	}
	if n, found := available(bufio.NewScanner(strings.NewReader("MemTotal: 8 kB\nMemAvailable:    4 kB\n"))); n != 4096 || !found {
		t.Errorf("%d %v", n, found)
	}
	if _, found := available(bufio.NewScanner(strings.NewReader("MemTotal: 8 kB\nMemAvailable: x\n"))); found {
		t.Error("what is no number is found")
	}
}

// Doctor tries where callbacks would go, under the platform's own rule.
func TestDoctorOfCallbacks(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	s := newShell(t)
	f := about(s.findings(0, "--callback-url", "http://"+ln.Addr().String()+"/x"), "callback")
	if f.Weight != redisstore.Warning || !strings.Contains(f.Mend, "--allow-callbacks") || f.At != ln.Addr().String() {
		t.Errorf("%+v", f)
	}
	s.check(s.run("doctor", "--callback-url", "shop"), 2, "airtill doctor: --callback-url is no URL like http://127.0.0.1:8080", "see: airtill doctor --help")
	f = finding{Weight: redisstore.Fine}
	f.dialled(syscall.ECONNREFUSED)
	if f.Weight != redisstore.Warning || !strings.Contains(f.Mend, "start the merchant's server") {
		t.Errorf("%+v", f)
	}
}

// Doctor says which configuration and which context are in force.
func TestDoctorOfConfiguration(t *testing.T) {
	s := newShell(t)
	s.environ["XDG_CONFIG_HOME"] = s.home
	if all := s.findings(0); about(all, "configuration").Found != "not there" || about(all, "context").Found != "none in use" {
		t.Errorf("%+v", all)
	}
	s.write("airtill/config.yaml", "log-level: info\n")
	s.write("airtill/contexts/in-use", "gone\n")
	all := s.findings(1, "--redis", "redis://127.0.0.1:1", "--config", s.path("airtill/config.yaml"))
	if about(all, "configuration").Found != "right" || about(all, "context").Weight != redisstore.Warning {
		t.Errorf("%+v", all)
	}
	if got := s.run("doctor", "--redis", "redis://127.0.0.1:1", "--config", s.path("none")); got.status != StatusConfig {
		t.Errorf("%+v", got)
	}
}

// An embedded store has no settings, and nothing is wrong with that.
func TestDoctorOfAnEmbeddedStore(t *testing.T) {
	for _, dir := range []string{"", t.TempDir()} {
		store, err := world.OpenKept(t.Context(), network.TCP{}, "127.0.0.1:0", dir, func(err error) { t.Error(err) })
		if err != nil {
			t.Fatal(err)
		}
		s := newShell(t)
		if f := about(s.findings(0, "--redis", store.URL), "store"); f.Weight != redisstore.Fine || !strings.Contains(f.Found, "embedded") {
			t.Errorf("kept in %q: %+v", dir, f)
		}
		if err := store.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// For people what is wrong comes last, with what to do, in lines that fit.
func TestFindingsForPeople(t *testing.T) {
	got := findingText([]finding{
		{Check: "store appendonly", At: "10.0.0.5:6379", Found: "no", Wanted: "yes", Weight: redisstore.Danger, Cost: "a restart loses all that was acknowledged", Mend: "CONFIG SET appendonly yes"},
		{Check: "clock", Found: "the time", Wanted: "the time", Weight: redisstore.Fine},
		{Check: "port of the shop", At: "127.0.0.1:8082", Found: "taken", Weight: redisstore.Note, Cost: "it moves", Mend: "stop it"},
		{Check: "vault", Found: "-rw-------", At: "/v.json", Weight: redisstore.Fine},
	}, 40)
	want := `fine:
  clock  the time
  vault  -rw-------  /v.json

note:
  port of the shop, 127.0.0.1:8082
    found     taken
    can cost  it moves
    mend      stop it

danger:
  store appendonly, 10.0.0.5:6379
    found     no
    wanted    yes
    can cost  a restart loses all that
              was acknowledged
    mend      CONFIG SET appendonly yes
`
	if got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
